"""The events of a Messages stream folded into the message that they tell, as a client's SDK does: for an answer that is not streamed."""

from __future__ import annotations

from typing import Any

import orjson

Event = dict[str, Any]


def fold(message: Event | None, event: Event) -> Event | None:
    """The message with one more event in it."""
    match event["type"]:
        case "message_start":
            return dict(event["message"])
        case "content_block_start":
            assert message is not None
            message["content"].append(dict(event["content_block"]) | {"_json": ""})
        case "content_block_delta":
            assert message is not None
            _grow(message["content"][event["index"]], event["delta"])
        case "content_block_stop":
            assert message is not None
            block = message["content"][event["index"]]
            said = block.pop("_json")
            if block["type"] == "tool_use" and said:
                block["input"] = _object(said)
        case "message_delta":
            assert message is not None
            message |= event["delta"]
            message["usage"] |= event["usage"]
    return message


def _grow(block: Event, delta: Event) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case _:
            block["_json"] += delta["partial_json"]


def _object(text: str) -> Event:
    """Arguments that are no JSON object become an empty one: the tool's own check says what is missing, and the model reads it."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
