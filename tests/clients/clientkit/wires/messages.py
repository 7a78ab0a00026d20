"""Anthropic Messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clientkit.wires import Asked, Reply, flat, pieces, tokens

NAME = "anthropic_messages"


def asked(tree: dict[str, Any]) -> Asked:
    blocks = [
        b for m in tree.get("messages", ()) for b in (m["content"] if isinstance(m.get("content"), list) else [m.get("content")])
    ]
    results = tuple(flat(b.get("content")) for b in blocks if isinstance(b, dict) and b.get("type") == "tool_result")
    texts = tuple(flat(b.get("text") or b.get("content")) if isinstance(b, dict) else flat(b) for b in blocks)
    return Asked(
        model=tree.get("model", ""),
        stream=bool(tree.get("stream")),
        tools={t["name"]: "function" for t in tree.get("tools") or () if "name" in t},
        texts=(flat(tree.get("system")), *texts),
        results=results,
        json_form="format" in (tree.get("output_config") or {}),
    )


def _blocks(asked: Asked, reply: Reply) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
    for i, call in enumerate(reply.calls):
        arguments = call.arguments if isinstance(call.arguments, dict) else {"input": call.arguments}
        made.append({"type": "tool_use", "id": f"toolu_{len(asked.results) + i}", "name": call.name, "input": arguments})
    return made


def whole(asked: Asked, reply: Reply) -> dict[str, Any]:
    read, said = tokens(asked, reply)
    return {
        "id": f"msg_{len(asked.results)}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": _blocks(asked, reply),
        "stop_reason": "tool_use" if reply.calls else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": read, "output_tokens": said, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
    }


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def events(asked: Asked, reply: Reply) -> Iterator[bytes]:
    message = whole(asked, reply)
    usage = message["usage"] | {"output_tokens": 1}
    yield _event("message_start", message=message | {"content": [], "stop_reason": None, "usage": usage})
    yield _event("ping")
    for i, block in enumerate(message["content"]):
        if block["type"] == "text":
            yield _event("content_block_start", index=i, content_block=block | {"text": ""})
            deltas = [{"type": "text_delta", "text": p} for p in pieces(block["text"])]
        else:
            yield _event("content_block_start", index=i, content_block=block | {"input": {}})
            text = json.dumps(block["input"], ensure_ascii=False)
            deltas = [{"type": "input_json_delta", "partial_json": p} for p in pieces(text)]
        for delta in deltas:
            yield _event("content_block_delta", index=i, delta=delta)
        yield _event("content_block_stop", index=i)
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=ended, usage={"output_tokens": message["usage"]["output_tokens"]})
    yield _event("message_stop")


def content(event: bytes) -> bool:
    return event.startswith(b"event: content_block_delta")


def terminal(event: bytes) -> bool:
    return event.startswith((b"event: message_delta", b"event: message_stop"))


def error_event() -> bytes:
    return _event("error", error={"type": "overloaded_error", "message": "simulated overload"})


def fault(status: int) -> dict[str, Any]:
    kind = {429: "rate_limit_error", 529: "overloaded_error"}.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": f"simulated {status}"}, "request_id": "req_1"}


def overflow() -> dict[str, Any]:
    text = "prompt is too long: 215000 tokens > 32768 maximum"
    return {"type": "error", "error": {"type": "invalid_request_error", "message": text}, "request_id": "req_1"}
