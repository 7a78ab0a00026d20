"""The rehearsal host's Messages: what it reads, what it refuses, and how it says an answer.

Source: Anthropic API reference, "Create a Message" and "Streaming Messages"; guides "Tool use", "Extended thinking", "Prompt caching" and
"Errors". Turns of one role in a row are joined by the API itself, so they are not refused; what stands between a `tool_use` and its
result is.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from localrouter.daemon.rehearsal_messages_check import check
from localrouter.daemon.rehearsal_seen import Offered, Reply, Seen, call_id, cut, flat, rounds_of, tokens_of
from localrouter.daemon.rehearsal_strict import Cache, Maker, Refused

__all__ = ["OVERFLOW", "broken", "check", "events", "read", "refusal", "usage", "whole"]

_FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "stop_sequence": "stop_sequence",
}


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def read(tree: dict[str, Any], headers: dict[str, str]) -> Seen:
    """Raises AttributeError, TypeError, KeyError or IndexError for what is no Messages request."""
    texts = [flat(tree.get("system"))]
    results: list[str] = []
    users: list[str] = []
    calls: list[list[str]] = []
    fresh = False
    for message in tree["messages"]:
        blocks = _blocks(message["content"])
        words = flat(blocks)
        found = [flat(b.get("content")) for b in blocks if b["type"] == "tool_result"]
        made = [b["id"] for b in blocks if b["type"] == "tool_use"]
        results += found
        texts += [words, *found, *(json.dumps(b["input"], ensure_ascii=False) for b in blocks if b["type"] == "tool_use")]
        if made:
            calls.append(made)
        if message["role"] == "user":
            fresh = bool(found)
            if not found:
                users.append(words)
    choice = tree.get("tool_choice") or {}
    tools = tuple(Offered(t["name"], t.get("input_schema") or {}) for t in tree.get("tools") or () if "input_schema" in t)
    form = (tree.get("output_config") or {}).get("format") or {}
    thinking = (tree.get("thinking") or {}).get("type")
    kept = tuple(t for t in texts if t)
    return Seen(
        wire="messages",
        tree=tree,
        headers=headers,
        model=str(tree.get("model", "")),
        texts=kept,
        last_user=users[-1] if users else "",
        last=flat(_blocks(tree["messages"][-1]["content"])) if tree["messages"] else "",
        results=tuple(results),
        fresh=fresh,
        tools=tools,
        forced=choice.get("name", "") or (tools[0].name if choice.get("type") == "any" and tools else ""),
        barred=choice.get("type") == "none",
        single=choice.get("disable_parallel_tool_use") is True,
        schema=form.get("schema") if form.get("type") == "json_schema" else None,
        rounds=rounds_of(calls),
        thinks=thinking in ("enabled", "adaptive"),
        limit=tree["max_tokens"] if isinstance(tree.get("max_tokens"), int) else 0,
        stream=tree.get("stream") is True,
        tokens=tokens_of(kept),
    )


def usage(seen: Seen, reply: Reply, size: int, cache: Cache) -> dict[str, Any]:
    """Input excludes what was read from or written to the cache. A prefix is kept where a `cache_control` stands."""
    blocks: list[bytes] = []
    marks: set[int] = set()
    hour = 0
    groups = [seen.tree.get("tools") or [], _blocks(seen.tree.get("system"))]
    groups += [_blocks(m["content"]) for m in seen.tree["messages"]]
    for block in (b for group in groups for b in group):
        kept = {k: v for k, v in block.items() if k != "cache_control"}
        blocks.append(orjson.dumps(kept))
        if block.get("cache_control"):
            marks.add(len(blocks) - 1)
            hour = len(blocks) if block["cache_control"].get("ttl") == "1h" else hour
    if seen.tree.get("cache_control") and blocks:
        marks.add(len(blocks) - 1)
    read_, wrote, total = cache.lookup(blocks, marks)
    long = wrote if hour else 0
    said = len(reply.text) + len(reply.thought) + sum(len(c.arguments) for c in reply.calls)
    return {
        "input_tokens": max(1, (total - read_ - wrote) // 4 + 3),
        "cache_creation_input_tokens": wrote // 4,
        "cache_read_input_tokens": read_ // 4,
        "cache_creation": {"ephemeral_5m_input_tokens": (wrote - long) // 4, "ephemeral_1h_input_tokens": long // 4},
        "output_tokens": max(1, said // 4),
        "service_tier": "standard",
    }


def _content(seen: Seen, reply: Reply, maker: Maker) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    if reply.thought and reply.redacted:
        out.append({"type": "redacted_thinking", "data": maker.seal(reply.thought)})
    elif reply.thought:
        shown = "" if (seen.tree.get("thinking") or {}).get("display") == "omitted" else reply.thought
        out.append({"type": "thinking", "thinking": shown, "signature": maker.seal(reply.thought)})
    if reply.text:
        out.append({"type": "text", "text": reply.text})
    for i, call in enumerate(reply.calls):
        made = json.loads(call.arguments or "{}")
        out.append({"type": "tool_use", "id": call_id(seen, i, call), "name": call.name, "input": made})
    return out


def _stop(seen: Seen, reply: Reply) -> dict[str, Any]:
    word = _FINISH[reply.finish or ("tool_calls" if reply.calls else "stop")]
    met = (seen.tree.get("stop_sequences") or [None])[0] if word == "stop_sequence" else None
    return {"stop_reason": word, "stop_sequence": met}


def _head(seen: Seen, number: int) -> dict[str, Any]:
    return {"id": f"msg_rehearsal{number:06d}", "type": "message", "role": "assistant", "model": seen.model}


def whole(seen: Seen, reply: Reply, counts: dict[str, Any], number: int, maker: Maker) -> dict[str, Any]:
    """The answer of a request that is not streamed."""
    return {**_head(seen, number), "content": _content(seen, reply, maker), **_stop(seen, reply), "usage": counts}


def events(
    seen: Seen, reply: Reply, counts: dict[str, Any], number: int, maker: Maker, pieces: list[str] | None = None
) -> list[tuple[bytes, bool]]:
    """The stream: (bytes of an event, whether it says something). `pieces`: the text, already cut."""
    out: list[tuple[bytes, bool]] = []

    def event(tree: dict[str, Any]) -> None:
        delta = tree.get("delta", {})
        says = bool(delta.get("text") or delta.get("partial_json"))
        out.append((f"event: {tree['type']}\ndata: ".encode() + orjson.dumps(tree) + b"\n\n", says))

    start = {**counts, "output_tokens": 1}
    opening = {**_head(seen, number), "content": [], "stop_reason": None, "stop_sequence": None, "usage": start}
    event({"type": "message_start", "message": opening})
    for index, block in enumerate(_content(seen, reply, maker)):
        kind = block["type"]
        deltas: list[dict[str, Any]] = []
        empty: dict[str, Any] = block
        if kind == "thinking":
            empty = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": p} for p in cut(block["thinking"], 5)]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        elif kind == "text":
            empty = {"type": "text", "text": ""}
            parts = cut(block["text"], len(block["text"])) if pieces is None else pieces
            deltas = [{"type": "text_delta", "text": p} for p in parts]
        elif kind == "tool_use":
            empty = {**block, "input": {}}
            call = reply.calls[int(block["id"].rpartition("n")[2])] if re.search(r"_r\d+n\d+$", block["id"]) else None
            words = next((c.arguments for c in reply.calls if c.id == block["id"]), call.arguments if call else "{}")
            deltas = [{"type": "input_json_delta", "partial_json": p} for p in ("", *cut(words, 7 + index))]
        event({"type": "content_block_start", "index": index, "content_block": empty})
        if index == 0:
            event({"type": "ping"})
        for delta in deltas:
            event({"type": "content_block_delta", "index": index, "delta": delta})
        event({"type": "content_block_stop", "index": index})
    event({"type": "message_delta", "delta": _stop(seen, reply), "usage": {"output_tokens": counts["output_tokens"]}})
    event({"type": "message_stop"})
    return out


_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def refusal(refused: Refused) -> dict[str, Any]:
    """An error in Anthropic's shape."""
    kind = refused.kind or _KINDS.get(refused.status, "api_error" if refused.status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": str(refused)}, "request_id": "req_rehearsal"}


def broken(seen: Seen, number: int, how: str) -> bytes:
    """An error in the middle of the stream."""
    tree = {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "simulated overload"},
        "request_id": "req_rehearsal",
    }
    return b"event: error\ndata: " + orjson.dumps(tree) + b"\n\n"


OVERFLOW = Refused("prompt is too long: 215000 tokens > 200000 maximum")
