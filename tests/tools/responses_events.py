"""Responses streams and answers as a host would send them, from their output items; and the daemon's own restoring of them."""

from __future__ import annotations

import json
from typing import Any

import orjson

from localrouter.core.chat import Chunk
from localrouter.core.money import Usage
from localrouter.daemon.origins import Origins
from localrouter.daemon.restoring import Restorer
from localrouter.dialects import openai_responses as dialect
from localrouter.providers import openai_responses as wire
from localrouter.scrub.tokens import Entry, TokenTable
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler

USAGE = {
    "input_tokens": 120,
    "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 4},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 150,
}
COUNTED = Usage(input=16, output=30, cache_read=100, cache_write=4, reasoning=12)
TOKEN = "PERSON_8ABCDE"
NAME = 'Jane "J" Roe'


def message(text: str, n: int = 0, **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {"id": f"msg_{n}", "type": "message", "status": "completed", "role": "assistant", "content": [part], **more}


def refusal(text: str, n: int = 0) -> dict[str, Any]:
    return {**message("", n), "content": [{"type": "refusal", "refusal": text}]}


def thought(*texts: str, mark: str = "", own: str = "", n: int = 0) -> dict[str, Any]:
    item: dict[str, Any] = {"id": f"rs_{n}", "type": "reasoning", "summary": [{"type": "summary_text", "text": t} for t in texts]}
    if own:
        item["content"] = [{"type": "reasoning_text", "text": own}]
    return {**item, "encrypted_content": mark} if mark else item


def call(name: str, arguments: str, n: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": f"fc_{n}", "type": "function_call", "status": "completed", "arguments": arguments, "call_id": f"call_{n}", "name": name, **more,
    }  # fmt: skip


def custom(name: str, said: str, n: int = 0) -> dict[str, Any]:
    return {
        "id": f"ctc_{n}",
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": f"call_{n}",
        "input": said,
        "name": name,
    }


def response(output: list[Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_host", "object": "response", "created_at": 7, "status": status, "error": None, "incomplete_details": None,
        "instructions": None, "metadata": {}, "model": "m-2026", "output": output, "parallel_tool_calls": True, "temperature": 1.0,
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": USAGE if status != "in_progress" else None, "x_more": [1, {"a": None}], **more,
    }  # fmt: skip


def frame(tree: dict[str, Any]) -> bytes:
    return b"event: " + str(tree["type"]).encode() + b"\ndata: " + json.dumps(tree, ensure_ascii=False).encode() + b"\n\n"


def cut(text: str, size: int = 3) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def trees(
    output: list[Any], status: str = "completed", *, size: int = 3, deltas: bool = True, **more: Any
) -> list[dict[str, Any]]:
    """The events of a stream. `size`: characters of a delta. Without `deltas` texts come only in the events that repeat them."""
    out: list[dict[str, Any]] = []

    def event(kind: str, **tree: Any) -> None:
        out.append({"type": f"response.{kind}", "sequence_number": len(out), **tree})

    def grow(kind: str, field: str, text: str, at: dict[str, Any], **extra: Any) -> None:
        for piece in cut(text, size) if deltas else ():
            event(f"{kind}.delta", **at, delta=piece, **extra)
        event(f"{kind}.done", **at, **{field: text}, **extra)

    begun = response([], "in_progress", **more)
    event("created", response=begun)
    event("in_progress", response=begun)
    for i, item in enumerate(output):
        at = {"item_id": item["id"], "output_index": i}
        kind = item["type"]
        if kind == "message":
            event("output_item.added", output_index=i, item={**item, "status": "in_progress", "content": []})
            for j, part in enumerate(item["content"]):
                here = {**at, "content_index": j}
                field = "text" if part["type"] == "output_text" else "refusal"
                event("content_part.added", **here, part={**part, field: ""})
                grow(
                    "output_text" if field == "text" else "refusal",
                    field,
                    part[field],
                    here,
                    **({"logprobs": []} if field == "text" else {}),
                )
                event("content_part.done", **here, part=part)
        elif kind == "reasoning":
            event("output_item.added", output_index=i, item={"id": item["id"], "type": kind, "summary": []})
            for j, part in enumerate(item["summary"]):
                here = {**at, "summary_index": j}
                event("reasoning_summary_part.added", **here, part={**part, "text": ""})
                grow("reasoning_summary_text", "text", part["text"], here)
                event("reasoning_summary_part.done", **here, part=part)
            for j, part in enumerate(item.get("content") or ()):
                grow("reasoning_text", "text", part["text"], {**at, "content_index": j})
        elif kind in ("function_call", "custom_tool_call"):
            field, name = (
                ("arguments", "function_call_arguments") if kind == "function_call" else ("input", "custom_tool_call_input")
            )
            event("output_item.added", output_index=i, item={**item, "status": "in_progress", field: ""})
            grow(name, field, item[field], at)
        else:
            event("output_item.added", output_index=i, item={**item, "status": "in_progress"})
            for j, command in enumerate(item.get("action", {}).get("commands") or ()):
                event("shell_call_command.added", output_index=i, command_index=j, command="")
                grow("shell_call_command", "command", command, {"output_index": i, "command_index": j})
        event("output_item.done", output_index=i, item=item)
    event(status, response=response(output, status, **more))
    return out


def stream(output: list[Any], status: str = "completed", **more: Any) -> bytes:
    return b"".join(frame(t) for t in trees(output, status, **more))


def ask(**tree: Any) -> Any:
    return dialect.read(orjson.dumps({"input": "x", "stream": True, **tree}), {})


def restorer(*, veiled: bool = True, crosses: bool = False, outgoing: str = "") -> Restorer:
    table = TokenTable([Entry(TOKEN, NAME, "PERSON", "mask")])
    unveiler = Unveiler(table, outgoing, tool_class) if veiled else None
    return Restorer(unveiler, Origins(b"s" * 32), host="h", wire=wire.NAME, crosses=crosses)


def chunks(data: bytes, size: int = 0, *, streamed: bool = True) -> list[Chunk]:
    """What the Reader makes of it, cut every `size` bytes (0: at once)."""
    reader = wire.Reader(streamed)
    parts = [data[i : i + size] for i in range(0, len(data), size)] if size else [data]
    return [*(c for part in parts for c in reader.feed(part)), *reader.end()]


def through(data: bytes, *, size: int = 0, veiled: bool = True, streamed: bool = True, **tree: Any) -> tuple[bytes, Any]:
    """(what the client gets, the Writer) of a host's answer on the raw plane."""
    writer = dialect.Writer(ask(**{"stream": streamed, **tree}), "lr-1-ab")
    way = restorer(veiled=veiled)
    return b"".join(writer.write(*way.restore(chunk)) for chunk in chunks(data, size, streamed=streamed)), writer


def events_of(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream, each checked: its name is its type."""
    out = []
    for block in data.decode().split("\n\n"):
        if not block:
            continue
        name, line = block.split("\n")
        tree = json.loads(line.removeprefix("data: "))
        assert name == f"event: {tree['type']}"
        out.append(tree)
    return out
