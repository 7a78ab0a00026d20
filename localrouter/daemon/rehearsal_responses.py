"""The rehearsal host's Responses: what it reads, what it refuses, and how it says an answer. It keeps nothing: `store` is taken and
ignored, a `previous_response_id` is never found.

Source: OpenAI API reference, "Create a model response" and "Streaming events"; guide "Reasoning models" (encrypted content).
"""

from __future__ import annotations

from typing import Any

import orjson

from localrouter.daemon.rehearsal_responses_check import check
from localrouter.daemon.rehearsal_seen import Offered, Reply, Seen, call_id, cut, flat, rounds_of, tokens_of
from localrouter.daemon.rehearsal_strict import Cache, Maker, Refused

__all__ = ["OVERFLOW", "broken", "check", "events", "read", "refusal", "usage", "whole"]

_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")


def items_of(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """The input as items; a message without a type is one."""
    given = tree.get("input") or []
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return [{"type": "message", **i} if "role" in i else i for i in given]


def _offered(tools: Any) -> list[Offered]:
    out: list[Offered] = []
    for tool in tools or ():
        kind = tool.get("type")
        if kind == "namespace":
            out += _offered(tool.get("tools"))
        elif kind in ("function", "custom"):
            out.append(Offered(tool["name"], tool.get("parameters") or {}, custom=kind == "custom"))
    return out


def read(tree: dict[str, Any], headers: dict[str, str]) -> Seen:
    """Raises AttributeError, TypeError, KeyError or IndexError for what is no Responses request."""
    items = items_of(tree)
    texts = [tree.get("instructions") or ""]
    results: list[str] = []
    users: list[str] = []
    groups: list[list[str]] = []
    for item in items:
        kind = item.get("type")
        if kind == "message":
            words = flat(item.get("content"))
            texts.append(words)
            if item["role"] == "user":
                users.append(words)
        elif kind in _OUTPUTS:
            results.append(flat(item.get("output")))
            texts.append(results[-1])
        elif kind in _CALLS:
            texts.append(str(item.get("arguments") or item.get("input") or ""))
            if groups and items[items.index(item) - 1].get("type") in _CALLS:
                groups[-1].append(item["call_id"])
            else:
                groups.append([item["call_id"]])
    choice = tree.get("tool_choice")
    tools = tuple(_offered(tree.get("tools")))
    form = (tree.get("text") or {}).get("format") or {}
    reasoning = tree.get("reasoning") or {}
    kept = tuple(t for t in texts if t)
    return Seen(
        wire="responses",
        tree=tree,
        headers=headers,
        model=str(tree.get("model", "")),
        texts=kept,
        last_user=users[-1] if users else "",
        last=flat(items[-1].get("content") or items[-1].get("output")) if items else "",
        results=tuple(results),
        fresh=bool(items) and items[-1].get("type") in _OUTPUTS,
        tools=tools,
        forced=choice.get("name", "") if isinstance(choice, dict) else tools[0].name if choice == "required" and tools else "",
        barred=choice == "none",
        single=tree.get("parallel_tool_calls") is False,
        schema={} if form.get("type") == "json_object" else form.get("schema") if form.get("type") == "json_schema" else None,
        rounds=rounds_of(groups),
        thinks=bool(reasoning) and reasoning.get("effort") != "none",
        limit=int(tree.get("max_output_tokens") or 0),
        stream=tree.get("stream") is True,
        tokens=tokens_of(kept),
    )


def usage(seen: Seen, reply: Reply, size: int, cache: Cache) -> dict[str, Any]:
    """As chat completions, in the words of Responses."""
    head = [seen.tree.get("instructions"), seen.tree.get("tools")]
    read_, _, _ = cache.lookup([orjson.dumps(i) for i in (*head, *items_of(seen.tree))])
    cached = min(read_, size) // 4 // 128 * 128
    said = len(reply.text) + len(reply.thought) + sum(len(c.arguments) for c in reply.calls)
    counts = {"input_tokens": max(1, size // 4), "output_tokens": max(1, said // 4)}
    return {
        "input_tokens": counts["input_tokens"],
        "input_tokens_details": {"cached_tokens": cached if cached >= 1024 else 0},
        "output_tokens": counts["output_tokens"],
        "output_tokens_details": {"reasoning_tokens": len(reply.thought) // 4},
        "total_tokens": sum(counts.values()),
    }


def _response(seen: Seen, number: int, status: str, output: list[Any], **more: Any) -> dict[str, Any]:
    tree = seen.tree
    return {
        "id": f"resp_rehearsal{number:06d}",
        "object": "response",
        "created_at": 1,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": tree.get("instructions"),
        "max_output_tokens": tree.get("max_output_tokens"),
        "model": seen.model,
        "output": output,
        "parallel_tool_calls": tree.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": tree.get("reasoning") or {"effort": None, "summary": None},
        "store": tree.get("store", True),
        "temperature": tree.get("temperature", 1.0),
        "text": tree.get("text") or {"format": {"type": "text"}},
        "tool_choice": tree.get("tool_choice", "auto"),
        "tools": tree.get("tools") or [],
        "top_p": tree.get("top_p", 1.0),
        "truncation": tree.get("truncation", "disabled"),
        "usage": None,
        "user": tree.get("user"),
        "metadata": tree.get("metadata") or {},
        **more,
    }


def _output(seen: Seen, reply: Reply, number: int, maker: Maker, done: str) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    mark = f"rehearsal{number:06d}"
    if reply.thought:
        summary = (seen.tree.get("reasoning") or {}).get("summary")
        item = {
            "type": "reasoning",
            "id": f"rs_{mark}",
            "summary": [{"type": "summary_text", "text": reply.thought}] if summary else [],
        }
        if "reasoning.encrypted_content" in (seen.tree.get("include") or ()):
            item["encrypted_content"] = maker.seal(reply.thought)
        out.append(item)
    if reply.text or not reply.calls:
        part: dict[str, Any] = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        if reply.refusal:
            part = {"type": "refusal", "refusal": reply.text}
        out.append({"type": "message", "id": f"msg_{mark}", "status": done, "role": "assistant", "content": [part]})
    for i, call in enumerate(reply.calls):
        if call.custom:
            out.append(
                {
                    "type": "custom_tool_call",
                    "id": f"ctc_{mark}{i}",
                    "call_id": call_id(seen, i, call),
                    "name": call.name,
                    "input": call.arguments,
                }
            )
        else:
            item = {"type": "function_call", "id": f"fc_{mark}{i}", "status": "completed", "call_id": call_id(seen, i, call)}
            out.append({**item, "name": call.name, "arguments": call.arguments})
    return out


def _end(reply: Reply) -> tuple[str, dict[str, Any]]:
    if reply.finish in ("length", "content_filter"):
        reason = "max_output_tokens" if reply.finish == "length" else "content_filter"
        return "incomplete", {"incomplete_details": {"reason": reason}}
    return "completed", {}


def whole(seen: Seen, reply: Reply, counts: dict[str, Any], number: int, maker: Maker) -> dict[str, Any]:
    """The answer of a request that is not streamed."""
    status, why = _end(reply)
    return _response(seen, number, status, _output(seen, reply, number, maker, status), usage=counts, **why)


def events(
    seen: Seen, reply: Reply, counts: dict[str, Any], number: int, maker: Maker, pieces: list[str] | None = None
) -> list[tuple[bytes, bool]]:
    """The stream: (bytes of an event, whether it says something). `pieces`: the text, already cut."""
    out: list[tuple[bytes, bool]] = []

    def event(kind: str, **tree: Any) -> None:
        body = {"type": f"response.{kind}", "sequence_number": len(out), **tree}
        out.append(
            (
                f"event: response.{kind}\ndata: ".encode() + orjson.dumps(body) + b"\n\n",
                bool(tree.get("delta")) and "reasoning" not in kind,
            )
        )

    status, why = _end(reply)
    event("created", response=_response(seen, number, "in_progress", []))
    event("in_progress", response=_response(seen, number, "in_progress", []))
    items = _output(seen, reply, number, maker, status)
    for index, item in enumerate(items):
        at: dict[str, Any] = {"item_id": item["id"], "output_index": index}
        kind = item["type"]
        if kind == "reasoning":
            event("output_item.added", output_index=index, item={**item, "summary": []})
            for i, part in enumerate(item["summary"]):
                event("reasoning_summary_part.added", **at, summary_index=i, part={"type": "summary_text", "text": ""})
                for piece in cut(part["text"], 5):
                    event("reasoning_summary_text.delta", **at, summary_index=i, delta=piece)
                event("reasoning_summary_text.done", **at, summary_index=i, text=part["text"])
                event("reasoning_summary_part.done", **at, summary_index=i, part=part)
        elif kind == "message":
            event("output_item.added", output_index=index, item={**item, "status": "in_progress", "content": []})
            _message_events(event, at, item["content"][0], pieces)
        else:
            name = "custom_tool_call_input" if kind == "custom_tool_call" else "function_call_arguments"
            field = "input" if kind == "custom_tool_call" else "arguments"
            begun = {**item, field: ""} | ({"status": "in_progress"} if "status" in item else {})
            event("output_item.added", output_index=index, item=begun)
            for piece in cut(item[field], 7 + index):
                event(f"{name}.delta", **at, delta=piece)
            event(f"{name}.done", **at, **{field: item[field]})
        event("output_item.done", output_index=index, item=item)
    event(status, response=_response(seen, number, status, items, usage=counts, **why))
    return out


def _message_events(event: Any, at: dict[str, Any], part: dict[str, Any], pieces: list[str] | None) -> None:
    if part["type"] == "refusal":
        event("content_part.added", **at, content_index=0, part={"type": "refusal", "refusal": ""})
        for piece in cut(part["refusal"], 3):
            event("refusal.delta", **at, content_index=0, delta=piece)
        event("refusal.done", **at, content_index=0, refusal=part["refusal"])
    else:
        event("content_part.added", **at, content_index=0, part={**part, "text": ""})
        for piece in cut(part["text"], len(part["text"])) if pieces is None else pieces:
            event("output_text.delta", **at, content_index=0, delta=piece, logprobs=[])
        event("output_text.done", **at, content_index=0, text=part["text"], logprobs=[])
    event("content_part.done", **at, content_index=0, part=part)


def refusal(refused: Refused) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    kind = refused.kind or {401: "authentication_error", 429: "rate_limit_error"}.get(
        refused.status, "server_error" if refused.status >= 500 else "invalid_request_error"
    )
    return {"error": {"message": str(refused), "type": kind, "param": refused.param, "code": refused.code}}


def broken(seen: Seen, number: int, how: str) -> bytes:
    """An error in the middle of the stream: `response.failed`, or (`error-event`) the bare `error` event. `context-mid`: an overflow."""
    code, text = "server_error", "simulated overload"
    if how == "context-mid":
        code, text = str(OVERFLOW.code), str(OVERFLOW)
    if how == "error-event":
        tree: dict[str, Any] = {"type": "error", "sequence_number": 99, "code": code, "message": text, "param": None}
    else:
        failed = _response(seen, number, "failed", [], error={"code": code, "message": text})
        tree = {"type": "response.failed", "sequence_number": 99, "response": failed}
    return f"event: {tree['type']}\ndata: ".encode() + orjson.dumps(tree) + b"\n\n"


OVERFLOW = Refused(
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    code="context_length_exceeded",
    param="input",
)
