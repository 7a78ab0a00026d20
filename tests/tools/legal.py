"""What a client may rely on in each dialect's stream, checked event by event, and the answer that the events add up to.

Sources: OpenAI API reference ("Streaming" of chat completions and of Responses), Anthropic API reference ("Streaming Messages"), and what
real clients were seen to break on (notes on clients, sections 7.1 to 7.3).
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Got:
    """An answer as its client has it. `calls`: (id, name, arguments as text). `finish` in neutral words. `turn`: the answer as the items or
    the message that this dialect sends back in the next request."""

    text: str = ""
    thought: str = ""
    mark: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    finish: str = ""
    prompt: int = 0
    cached: int = 0
    output: int = 0
    model: str = ""
    id: str = ""
    turn: Any = None
    events: list[str] = field(default_factory=list)
    error: Any = None


def events_of(raw: bytes) -> list[dict[str, Any]]:
    """The JSON events of an SSE body; `[DONE]` is {"done": True}. Each `event:` line must name the type of its data."""
    assert raw.endswith(b"\n\n"), "the last event is complete"
    out: list[dict[str, Any]] = []
    for block in raw.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line for line in block.split(b"\n") if line and not line.startswith(b":")]
        if not lines:
            continue
        data = b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))
        tree = {"done": True} if data == b"[DONE]" else json.loads(data)
        named = [line[6:].strip().decode() for line in lines if line.startswith(b"event:")]
        if named:
            assert named == [tree["type"]], "the event line and the type are the same"
        out.append(tree)
    return out


def chat(events: list[dict[str, Any]], *, usage: bool, done: bool = True) -> Got:
    """A chat completion's chunks. `usage`: the client asked for it. `done`: [DONE] is among the events."""
    got = Got()
    if done:
        assert events[-1] == {"done": True} and events.count({"done": True}) == 1, "one [DONE], at the end"
        events = events[:-1]
    if "error" in events[-1]:
        got.error = events.pop()["error"]
    calls: dict[int, list[str]] = {}
    role = finished = reported = False
    for chunk in events:
        assert chunk["object"] == "chat.completion.chunk" and chunk["id"] and isinstance(chunk["choices"], list)
        assert (chunk["id"], chunk["created"]) == (events[0]["id"], events[0]["created"]), "one id and one time"
        assert not reported, "nothing after the usage"
        got.model = chunk["model"]
        if chunk.get("usage"):
            assert usage and chunk["choices"] == [], "usage comes when asked for, and never with content"
            got.prompt, got.output = chunk["usage"]["prompt_tokens"], chunk["usage"]["completion_tokens"]
            got.cached = (chunk["usage"].get("prompt_tokens_details") or {}).get("cached_tokens") or 0
            reported = True
            continue
        for choice in chunk["choices"]:
            delta = choice["delta"]
            assert not finished, "nothing after the finish"
            assert role or delta.get("role") == "assistant", "the first chunk has the role"
            assert not (role and delta.get("role")), "and no other"
            role = True
            got.text += delta.get("content") or ""
            got.text += delta.get("refusal") or ""
            got.thought += delta.get("reasoning_content") or ""
            pieces = delta.get("tool_calls") or []
            assert len(pieces) <= 1, "at most one tool call an event"
            for piece in pieces:
                part = piece.get("function") or piece.get("custom") or {}
                words = part.get("arguments") or part.get("input") or ""
                if piece["index"] not in calls:
                    assert piece["id"] and part["name"] and piece["index"] == len(calls)
                    calls[piece["index"]] = [piece["id"], part["name"], words]
                else:
                    assert not piece.get("id") and not part.get("name"), "id and name come with the first piece only"
                    calls[piece["index"]][2] += words
            if choice["finish_reason"] is not None:
                finished, got.finish = True, choice["finish_reason"]
    assert finished or got.error, "an answer has an end"
    assert reported or not usage or got.error, "the usage that was asked for"
    got.calls = [(a, b, c) for a, b, c in calls.values()]
    got.turn = chat_turn(got)
    return got


def chat_turn(got: Got) -> dict[str, Any]:
    """The message that goes back in the next request."""
    message: dict[str, Any] = {"role": "assistant", "content": got.text or None}
    if got.thought:
        message["reasoning_content"] = got.thought
    if got.calls:
        message["tool_calls"] = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in got.calls]
    return message


_STOPS = {"end_turn": "stop", "tool_use": "tool_calls", "max_tokens": "length"}
_DELTAS = {"text": ("text_delta",), "thinking": ("thinking_delta", "signature_delta"), "tool_use": ("input_json_delta",)}


def messages(events: list[dict[str, Any]]) -> Got:
    """A Messages stream: start, blocks one after the other, delta, stop."""
    got = Got()
    events = [e for e in events if e["type"] != "ping"]
    if events[-1]["type"] == "error":
        got.error = events.pop()
        assert set(got.error["error"]) >= {"type", "message"}
        if not events:
            return got
    assert events[0]["type"] == "message_start"
    start = events[0]["message"]
    assert start["role"] == "assistant" and start["content"] == [] and start["stop_reason"] is None and start["id"]
    got.model, usage = start["model"], dict(start["usage"])
    assert usage["input_tokens"] >= 0
    content: list[dict[str, Any]] = []
    raw: dict[int, str] = {}
    opened, over = False, False
    for event in events[1:]:
        kind = event["type"]
        assert not over, "nothing after message_stop"
        if kind == "content_block_start":
            assert not opened and event["index"] == len(content), "one block at a time, numbered from 0"
            content.append(dict(event["content_block"]))
            opened, raw[event["index"]] = True, ""
        elif kind == "content_block_delta":
            assert opened and event["index"] == len(content) - 1
            block, delta = content[-1], event["delta"]
            assert delta["type"] in _DELTAS[block["type"]], (block["type"], delta["type"])
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            elif delta["type"] == "thinking_delta":
                block["thinking"] += delta["thinking"]
            elif delta["type"] == "signature_delta":
                block["signature"] = delta["signature"]
            else:
                raw[event["index"]] += delta["partial_json"]
        elif kind == "content_block_stop":
            assert opened and event["index"] == len(content) - 1
            opened = False
        elif kind == "message_delta":
            assert not opened and not got.finish
            got.finish = _STOPS.get(event["delta"]["stop_reason"], event["delta"]["stop_reason"])
            usage |= {k: v for k, v in event["usage"].items() if v is not None}
        elif kind == "message_stop":
            assert got.finish, "message_delta comes first"
            over = True
        else:
            raise AssertionError(f"no event of Messages: {kind}")
    assert over or got.error, "a stream has an end"
    if got.error:
        content = content[:-1] if opened else content
    for i, block in enumerate(content):
        if block["type"] == "tool_use":
            assert block["input"] == {} and re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]) and block["name"]
            block["input"] = json.loads(raw[i] or "{}")
            assert isinstance(block["input"], dict)
    whole = {"content": content, "usage": usage, "stop_reason": got.finish, "model": got.model}
    return message_got(whole, got, raw)


def message_got(tree: dict[str, Any], got: Got, raw: dict[int, str] | None = None) -> Got:
    """A Messages answer that is not streamed."""
    got.finish = _STOPS.get(tree["stop_reason"], tree["stop_reason"])
    got.model = tree["model"]
    usage = tree["usage"]
    got.cached = usage.get("cache_read_input_tokens") or 0
    got.prompt = usage["input_tokens"] + got.cached + (usage.get("cache_creation_input_tokens") or 0)
    got.output = usage["output_tokens"]
    for i, block in enumerate(tree["content"]):
        if block["type"] == "text":
            got.text += block["text"]
        elif block["type"] == "thinking":
            got.thought += block["thinking"]
            got.mark = block["signature"]
        elif block["type"] == "redacted_thinking":
            got.mark = block["data"]
        elif block["type"] == "tool_use":
            words = (raw or {}).get(i) or json.dumps(block["input"], ensure_ascii=False)
            got.calls.append((block["id"], block["name"], words))
    got.turn = {"role": "assistant", "content": tree["content"]}
    return got


_PREFIX = {"message": "msg_", "reasoning": "rs_", "function_call": "fc_", "custom_tool_call": "ctc_"}
_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


def responses(events: list[dict[str, Any]]) -> Got:
    """A Responses stream: numbered from 0, each item added, filled and done, the whole in the last event."""
    got = Got(events=[e["type"] for e in events])
    numbers = [e["sequence_number"] for e in events]
    # A gap is a delta of which all was held back: it went out with the next one.
    assert numbers[0] == 0 and all(a < b for a, b in itertools.pairwise(numbers)), "numbered from 0, always upwards"
    assert events[0]["type"] == "response.created" and events[0]["response"]["status"] == "in_progress"
    assert not [e for e in events[:-1] if e["type"] in (*_TERMINAL, "error")], "the terminal event is the last"
    last = events[-1]
    done: dict[int, dict[str, Any]] = {}
    grown: dict[tuple[Any, ...], str] = {}
    opened: dict[int, dict[str, Any]] = {}
    for event in events[1:-1]:
        kind = event["type"].removeprefix("response.")
        if kind == "in_progress":
            continue
        index = event["output_index"]
        if kind == "output_item.added":
            item = event["item"]
            assert index == len(done) + len(opened), "items come in order"
            assert item["id"].startswith(_PREFIX.get(item["type"], "")), item["id"]
            if item["type"] == "message":
                assert item["content"] == [] and item["role"] == "assistant"
            opened[index] = item
        elif kind == "output_item.done":
            begun = opened.pop(index)
            assert begun["id"] == event["item"]["id"] and begun["type"] == event["item"]["type"]
            _complete(event["item"], index, grown)
            done[index] = event["item"]
        else:
            assert event["item_id"] == opened[index]["id"], "an event names the item that is open"
            part = event.get("content_index", event.get("summary_index", 0))
            if kind.endswith(".delta"):
                name = (index, kind.removesuffix(".delta"), part)
                grown[name] = grown.get(name, "") + event["delta"]
            elif kind.endswith("_part.added"):
                assert not (event["part"].get("text") or event["part"].get("refusal"))
            elif kind.endswith(".done") and not kind.endswith("part.done"):
                words = next(event[k] for k in ("text", "arguments", "input", "refusal") if k in event)
                assert grown.get((index, kind.removesuffix(".done"), part), "") == words, "done repeats what the deltas said"
    if last["type"] == "error":
        got.error = last
        return got
    tree = last["response"]
    assert tree["id"] == events[0]["response"]["id"] and last["type"] == f"response.{tree['status']}"
    if last["type"] == "response.failed":
        got.error = tree["error"]
        assert got.error["code"] and got.error["message"]
        return got
    assert not opened, "each item is done"
    assert tree["output"] == [done[i] for i in sorted(done)], "the whole is what was streamed, in its order"
    return response_got(tree, got)


def _complete(item: dict[str, Any], index: int, grown: dict[tuple[Any, ...], str]) -> None:
    def same(kind: str, part: int, words: str) -> None:
        assert grown.get((index, kind, part), "") == words, (kind, grown.get((index, kind, part)), words)

    if item["type"] == "message":
        for i, part in enumerate(item["content"]):
            same(part["type"] if part["type"] == "refusal" else "output_text", i, part.get("text", part.get("refusal")))
    elif item["type"] == "reasoning":
        for i, part in enumerate(item.get("summary") or ()):
            same("reasoning_summary_text", i, part["text"])
        for i, part in enumerate(item.get("content") or ()):
            same("reasoning_text", i, part["text"])
    elif item["type"] == "function_call":
        same("function_call_arguments", 0, item["arguments"])
    elif item["type"] == "custom_tool_call":
        same("custom_tool_call_input", 0, item["input"])


def response_got(tree: dict[str, Any], got: Got) -> Got:
    """A Responses answer that is not streamed."""
    got.model, got.id = tree["model"], tree["id"]
    refused = ""
    for item in tree["output"]:
        if item["type"] == "message":
            got.text += "".join(p["text"] for p in item["content"] if p["type"] == "output_text")
            refused += "".join(p["refusal"] for p in item["content"] if p["type"] == "refusal")
        elif item["type"] == "reasoning":
            got.thought += "".join(p["text"] for p in [*(item.get("summary") or ()), *(item.get("content") or ())])
            got.mark = item.get("encrypted_content") or ""
        elif item["type"] == "function_call":
            got.calls.append((item["call_id"], item["name"], item["arguments"]))
        elif item["type"] == "custom_tool_call":
            got.calls.append((item["call_id"], item["name"], item["input"]))
    got.text = got.text or refused
    reason = (tree.get("incomplete_details") or {}).get("reason")
    got.finish = {"max_output_tokens": "length"}.get(reason, reason) or ("tool_calls" if got.calls else "stop")
    usage = tree["usage"]
    got.prompt, got.output = usage["input_tokens"], usage["output_tokens"]
    got.cached = usage["input_tokens_details"]["cached_tokens"]
    got.turn = tree["output"]
    return got
