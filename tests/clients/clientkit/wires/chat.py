"""OpenAI chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clientkit.wires import Asked, Reply, flat, pieces, tokens

NAME = "openai_chat"


def asked(tree: dict[str, Any]) -> Asked:
    messages = tree.get("messages", [])
    kinds = {t[t["type"]]["name"]: t["type"] for t in tree.get("tools") or () if t.get("type") in ("function", "custom")}
    return Asked(
        model=tree.get("model", ""),
        stream=bool(tree.get("stream")),
        tools=kinds,
        texts=tuple(flat(m.get("content")) for m in messages),
        results=tuple(flat(m.get("content")) for m in messages if m.get("role") == "tool"),
        json_form=(tree.get("response_format") or {}).get("type", "text") != "text",
        usage=bool((tree.get("stream_options") or {}).get("include_usage")),
    )


def _usage(asked: Asked, reply: Reply) -> dict[str, Any]:
    read, said = tokens(asked, reply)
    return {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}


def _call(asked: Asked, index: int, name: str, text: str) -> dict[str, Any]:
    number = len(asked.results) + index
    if asked.tools.get(name) == "custom":
        return {"id": f"call_{number}", "type": "custom", "custom": {"name": name, "input": text}}
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": text}}


def whole(asked: Asked, reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.calls:
        message["tool_calls"] = [_call(asked, i, c.name, c.text) for i, c in enumerate(reply.calls)]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if reply.calls else "stop", "logprobs": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked.model}
    return {**head, "choices": [choice], "usage": _usage(asked, reply)}


def events(asked: Asked, reply: Reply) -> Iterator[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": asked.model}

    def frame(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return (
            b"data: "
            + json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()
            + b"\n\n"
        )

    yield frame({"role": "assistant", "content": ""})
    for piece in pieces(reply.text):
        yield frame({"content": piece})
    for i, call in enumerate(reply.calls):
        entry = _call(asked, i, call.name, "")
        yield frame({"tool_calls": [{"index": i, **entry}]})
        field = "input" if entry["type"] == "custom" else "arguments"
        for piece in pieces(call.text):
            yield frame({"tool_calls": [{"index": i, entry["type"]: {field: piece}}]})
    yield frame({}, "tool_calls" if reply.calls else "stop")
    if asked.usage:
        yield b"data: " + json.dumps({**head, "choices": [], "usage": _usage(asked, reply)}).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def content(event: bytes) -> bool:
    return (b'"content": "' in event and b'"role"' not in event) or b'"tool_calls": [' in event


def terminal(event: bytes) -> bool:
    return b"[DONE]" in event or b'"finish_reason": "' in event


def error_event() -> bytes:
    return (
        b"data: "
        + json.dumps({"error": {"message": "simulated overload", "type": "server_error", "code": None}}).encode()
        + b"\n\n"
    )


def fault(status: int) -> dict[str, Any]:
    kind = {429: "rate_limit_exceeded", 529: "overloaded"}.get(status, "server_error")
    return {"error": {"message": f"simulated {status}", "type": kind, "code": kind if status == 429 else None, "param": None}}


def overflow() -> dict[str, Any]:
    text = "This model's maximum context length is 32768 tokens. However, your messages resulted in 215000 tokens."
    return {"error": {"message": text, "type": "invalid_request_error", "code": "context_length_exceeded", "param": "messages"}}
