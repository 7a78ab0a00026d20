"""OpenAI Responses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clientkit.wires import Asked, Reply, flat, pieces, tokens

NAME = "openai_responses"
RESULTS = ("function_call_output", "custom_tool_call_output")


def asked(tree: dict[str, Any]) -> Asked:
    given = tree.get("input", "")
    items = given if isinstance(given, list) else [{"role": "user", "content": given}]
    return Asked(
        model=tree.get("model", ""),
        stream=bool(tree.get("stream")),
        tools={t["name"]: t["type"] for t in tree.get("tools") or () if "name" in t},
        texts=(flat(tree.get("instructions")), *(flat(i.get("content") or i.get("output")) for i in items)),
        results=tuple(flat(i.get("output")) for i in items if i.get("type") in RESULTS),
        json_form=((tree.get("text") or {}).get("format") or {}).get("type", "text") != "text",
    )


def _items(asked: Asked, reply: Reply) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    turn = len(asked.results)
    if reply.text:
        part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        made.append({"type": "message", "id": f"msg_{turn}", "status": "completed", "role": "assistant", "content": [part]})
    for i, call in enumerate(reply.calls):
        head = {"status": "completed", "call_id": f"call_{turn + i}", "name": call.name}
        if asked.tools.get(call.name) == "custom":
            made.append({"type": "custom_tool_call", "id": f"ctc_{turn + i}", **head, "input": call.text})
        else:
            made.append({"type": "function_call", "id": f"fc_{turn + i}", **head, "arguments": call.text})
    return made


def whole(asked: Asked, reply: Reply) -> dict[str, Any]:
    read, said = tokens(asked, reply)
    usage = {"input_tokens": read, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": said}
    usage |= {"output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": read + said}
    return _response(asked, "completed", _items(asked, reply), usage)


def _response(asked: Asked, status: str, output: list[Any], usage: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": f"resp_{len(asked.results)}",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage,
    }


def events(asked: Asked, reply: Reply) -> Iterator[bytes]:
    number = -1

    def event(kind: str, **fields: Any) -> bytes:
        nonlocal number
        number += 1
        return f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': number, **fields})}\n\n".encode()

    done = whole(asked, reply)
    begun = _response(asked, "in_progress", [], None)
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for i, item in enumerate(done["output"]):
        where = {"item_id": item["id"], "output_index": i}
        open_ = {"status": "in_progress"}
        if item["type"] == "message":
            part = item["content"][0]
            at = {**where, "content_index": 0}
            yield event("response.output_item.added", output_index=i, item=item | open_ | {"content": []})
            yield event("response.content_part.added", **at, part=part | {"text": ""})
            for piece in pieces(part["text"]):
                yield event("response.output_text.delta", **at, delta=piece, logprobs=[])
            yield event("response.output_text.done", **at, text=part["text"], logprobs=[])
            yield event("response.content_part.done", **at, part=part)
        else:
            custom = item["type"] == "custom_tool_call"
            field, name = ("input", "custom_tool_call_input") if custom else ("arguments", "function_call_arguments")
            yield event("response.output_item.added", output_index=i, item=item | open_ | {field: ""})
            for piece in pieces(item[field]):
                yield event(f"response.{name}.delta", **where, delta=piece)
            yield event(f"response.{name}.done", **where, **{field: item[field]})
        yield event("response.output_item.done", output_index=i, item=item)
    yield event("response.completed", response=done)


def content(event: bytes) -> bool:
    return b".delta\n" in event.split(b"data:")[0]


def terminal(event: bytes) -> bool:
    return event.startswith(b"event: response.completed")


def error_event() -> bytes:
    error = {"code": "server_error", "message": "simulated overload"}
    tree = {
        "type": "response.failed",
        "sequence_number": 99,
        "response": {"id": "resp_1", "object": "response", "status": "failed"},
    }
    tree["response"] |= {"created_at": 1, "model": "scripted", "output": [], "error": error, "usage": None}  # type: ignore[operator]
    return f"event: response.failed\ndata: {json.dumps(tree)}\n\n".encode()


def fault(status: int) -> dict[str, Any]:
    kind = {429: "rate_limit_exceeded", 529: "overloaded"}.get(status, "server_error")
    return {"error": {"message": f"simulated {status}", "type": kind, "code": kind, "param": None}}


def overflow() -> dict[str, Any]:
    text = "Your input exceeds the context window of this model: 215000 tokens, the maximum is 32768."
    return {"error": {"message": text, "type": "invalid_request_error", "code": "context_length_exceeded", "param": "input"}}
