"""Chat completions as a client reads them: the host's own events with restored texts, or events written from pieces.

Source: OpenAI API reference, "The chat completion object" and "The chat completion chunk object". What real clients need of a stream
(notes on clients, 7.1): the role in the first chunk, one tool entry a chunk, a call's id and name once, usage in a chunk of its own
right before `[DONE]` and only when asked for. `reasoning_content` and `reasoning_details` are the field names of DeepSeek and OpenRouter,
which most clients read and send back. The reference has no word for a streamed custom tool; what OpenAI sends is `type: "custom"` with the
name in its first piece and `custom: {input}` alone in the others (openai-node's tests of ChatCompletionStream, openai/openai-openapi issue 576).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from localrouter.core.ask import Ask, Path, replace
from localrouter.core.chat import Channel, Chunk, Finish, Piece
from localrouter.core.errors import RouterError
from localrouter.core.money import Usage
from localrouter.dialects._fields import dumps

_FIELD = {"text": "content", "reasoning": "reasoning_content", "refusal": "refusal"}
_FINISH: dict[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "stop_sequence": "stop",
}


def error_body(error: RouterError) -> bytes:
    """`{"error": {message, type, param, code}}`, as the SDKs read it."""
    body = {"message": error.text, "type": error.type, "param": error.param, "code": error.code}
    return orjson.dumps({"error": body})


def usage_tree(usage: Usage) -> dict[str, Any]:
    """The `usage` object: the prompt with its cached tokens, the completion with its reasoning."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


@dataclass(slots=True)
class _Call:
    """A tool call under way. `shown`: its id and name are out. Arguments of a custom tool wait for their end."""

    number: int
    id: str = ""
    name: str = ""
    custom: bool = False
    wrapped: bool = False
    shown: bool = False
    over: bool = False
    waiting: str = ""
    said: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Choice:
    """What was said of one choice."""

    role: bool = False
    texts: dict[str, list[str]] = field(default_factory=dict)
    last: dict[str, Channel] = field(default_factory=dict)
    calls: dict[Channel, _Call] = field(default_factory=dict)
    details: list[dict[str, Any]] = field(default_factory=list)
    citations: list[dict[str, Any]] = field(default_factory=list)
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    finish: Finish | None = None
    finished: bool = False


class Writer:
    """Chunks to bytes for one client. See dialects/__init__.py."""

    def __init__(self, ask: Ask, request_id: str) -> None:
        self._stream = ask.needs.stream
        options = ask.tree.get("stream_options")
        self._wants_usage = isinstance(options, dict) and options.get("include_usage") is True
        self._custom = _custom_names(ask.tree)
        self._old = bool(ask.tree.get("functions")) and not ask.tree.get("tools")
        self._id = f"chatcmpl-{request_id}"
        self._model = ask.model
        self._created = int(time.time())
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None
        self._raw = False
        self._over = False
        self.media = "text/event-stream" if self._stream else "application/json"

    def write(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes:
        """`texts` are the restored texts of `chunk.pieces`; `extra` what was held back and belongs before this chunk."""
        if self._over:
            return b""
        self._over = chunk.terminal
        if chunk.tree is None and not chunk.raw and not self._raw:
            return self._said(chunk, texts, extra)
        self._raw = True
        return self._again(chunk, texts, extra) if self._stream else self._whole_again(chunk, texts)

    def error(self, error: RouterError) -> bytes:
        """Mid-stream: the SDKs raise on a data line with `error`, and the stream ends there."""
        if self._over:
            return b""
        self._over = True
        return b"data: " + error_body(error) + b"\n\n" if self._stream else error_body(error)

    def keep_alive(self) -> bytes:
        """A comment: accepted by every chat client that was tried."""
        return b": keep-alive\n\n" if self._stream and not self._over else b""

    # --- the host's own form ---------------------------------------------------------------------

    def _again(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes:
        before = b"".join(self._held(channel, text, chunk.tree) for channel, text in extra if text)
        if chunk.tree is None:  # [DONE], or a sign of life
            return before + chunk.raw
        if not self._wants_usage and chunk.usage is not None and chunk.tree.get("choices") == []:
            return before  # we asked for it, the client did not
        changed = _changed(chunk, texts)
        if not changed:
            return before + chunk.raw
        if not any(texts) and not chunk.finish and not _carries(chunk):
            return before  # all of it is held back
        return before + b"data: " + dumps(replace(chunk.tree, changed)) + b"\n\n"

    def _held(self, channel: Channel, text: str, like: dict[str, Any] | None) -> bytes:
        if channel.kind == "tool":
            delta: dict[str, Any] = {"tool_calls": [{"index": channel.index, "function": {"arguments": text}}]}
        else:
            delta = {_FIELD[channel.kind]: text}
        return self._frame({"index": channel.choice, "delta": delta, "finish_reason": None}, like)

    def _whole_again(self, chunk: Chunk, texts: list[str]) -> bytes:
        if chunk.tree is None:
            return chunk.raw
        changed = _changed(chunk, texts)
        return dumps(replace(chunk.tree, changed)) if changed else chunk.raw

    # --- from pieces -----------------------------------------------------------------------------

    def _said(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes:
        out: list[bytes] = []
        for channel, text in extra:
            out += self._piece(Piece(channel, text), text)
        for piece, text in zip(chunk.pieces, texts, strict=True):
            out += self._piece(piece, text)
        for channel in chunk.ends:
            out += self._end(channel)
        self._usage = chunk.usage or self._usage
        for index, finish in chunk.finish.items():
            out += self._finish(index, finish)
        if chunk.terminal:
            for index in sorted(self._choices) or [0]:
                out += self._finish(index, "stop")
            if not self._stream:
                return self._body()
            if self._wants_usage and self._usage is not None:
                out.append(self._frame(None, None, self._usage))
            out.append(b"data: [DONE]\n\n")
        return b"".join(out) if self._stream else b""

    def _piece(self, piece: Piece, text: str) -> list[bytes]:
        choice = self._choices.setdefault(piece.channel.choice, _Choice())
        if piece.cites:
            entry = _citation(orjson.loads(text))
            if entry is None:
                return []
            choice.citations.append(entry)
            return self._delta(piece.channel.choice, {"annotations": [entry]})
        if piece.opaque:
            if not text:
                return []
            detail = {"type": "reasoning.encrypted", "data": text, "format": "localrouter-v1", "index": len(choice.details)}
            choice.details.append(detail)
            return self._delta(piece.channel.choice, {"reasoning_details": [detail]})
        if piece.channel.kind == "tool":
            return self._tool(choice, piece, text)
        choice.logprobs += piece.logprobs
        if not text and not piece.logprobs:
            return []
        kind = piece.channel.kind
        if kind == "reasoning" and choice.last.get(kind, piece.channel) != piece.channel:
            text = "\n\n" + text  # parts of a summary are paragraphs
        choice.last[kind] = piece.channel
        choice.texts.setdefault(kind, []).append(text)
        return self._delta(piece.channel.choice, {_FIELD[kind]: text}, piece.logprobs)

    def _tool(self, choice: _Choice, piece: Piece, text: str) -> list[bytes]:
        call = choice.calls.get(piece.channel)
        if call is None:
            call = choice.calls[piece.channel] = _Call(len(choice.calls))
        if piece.tool and not call.name:
            call.name = piece.tool
            call.custom = piece.custom or piece.tool in self._custom
            call.wrapped = call.custom and not piece.custom
        call.id = call.id or piece.call_id or ""
        call.waiting += text
        if not call.name or call.wrapped:
            return []  # arguments may come before the name; a wrapped input is unwrapped when it is whole
        return self._call(piece.channel.choice, call)

    def _call(self, index: int, call: _Call) -> list[bytes]:
        text, call.waiting = call.waiting, ""
        if call.shown and not text:
            return []
        call.said.append(text)
        part = {"input" if call.custom else "arguments": text}
        if self._old:
            delta: dict[str, Any] = {"function_call": part if call.shown else {"name": call.name, **part}}
        else:
            kind = "custom" if call.custom else "function"
            call.id = call.id or f"call_{self._id.removeprefix('chatcmpl-')}_{index}_{call.number}"
            entry: dict[str, Any] = {"index": call.number}
            if not call.shown:
                entry |= {"id": call.id, "type": kind}
                part = {"name": call.name, **part}
            delta = {"tool_calls": [{**entry, kind: part}]}
        call.shown = True
        return self._delta(index, delta)

    def _end(self, channel: Channel) -> list[bytes]:
        """A call is over: what waited for its end."""
        choice = self._choices.get(channel.choice)
        call = choice.calls.get(channel) if choice is not None else None
        if call is None or call.over or not call.name:
            return []
        call.over = True
        if call.wrapped:
            call.waiting = _unwrapped(call.waiting)
        elif not call.custom and not "".join([*call.said, call.waiting]).strip():
            call.waiting = "{}"  # a tool without parameters: clients parse its arguments
        return self._call(channel.choice, call)

    def _finish(self, index: int, finish: Finish) -> list[bytes]:
        choice = self._choices.setdefault(index, _Choice())
        if choice.finished:
            return []
        choice.finished = True
        out = [frame for channel in choice.calls for frame in self._end(channel)]
        choice.finish = "tool_calls" if finish in ("stop", "stop_sequence", "pause") and choice.calls else finish
        if not choice.role:
            out += self._delta(index, {})
        out.append(self._frame({"index": index, "delta": {}, "finish_reason": self._reason(choice)}, None))
        return out

    def _reason(self, choice: _Choice) -> str:
        if choice.finish == "refusal" and choice.texts.get("refusal"):
            return "stop"  # OpenAI's own way: the refusal stands in its field
        if choice.finish == "tool_calls" and self._old:
            return "function_call"
        return _FINISH[choice.finish or "stop"]

    def _delta(self, index: int, delta: dict[str, Any], logprobs: tuple[dict[str, Any], ...] = ()) -> list[bytes]:
        if not self._stream:
            return []
        choice = self._choices[index]
        out: list[bytes] = []
        if not choice.role:
            choice.role = True
            out.append(self._frame({"index": index, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}, None))
        if delta:
            entry = {"index": index, "delta": delta, "finish_reason": None}
            if logprobs:
                entry["logprobs"] = {"content": list(logprobs), "refusal": None}
            out.append(self._frame(entry, None))
        return out

    def _frame(self, choice: dict[str, Any] | None, like: dict[str, Any] | None, usage: Usage | None = None) -> bytes:
        head = like or {}
        tree: dict[str, Any] = {
            "id": head.get("id", self._id),
            "object": "chat.completion.chunk",
            "created": head.get("created", self._created),
            "model": head.get("model", self._model),
            "choices": [] if choice is None else [choice],
        }
        if usage is not None:
            tree["usage"] = usage_tree(usage)
        return b"data: " + orjson.dumps(tree) + b"\n\n"

    def _body(self) -> bytes:
        choices: list[dict[str, Any]] = []
        for index, choice in sorted(self._choices.items()):
            texts = {kind: "".join(parts) for kind, parts in choice.texts.items()}
            message: dict[str, Any] = {"role": "assistant", "content": texts.get("text"), "refusal": texts.get("refusal")}
            if "reasoning" in texts:
                message["reasoning_content"] = texts["reasoning"]
            if choice.citations:
                message["annotations"] = choice.citations
            if choice.details:
                message["reasoning_details"] = choice.details
            calls = [c for c in choice.calls.values() if c.name]
            if calls and self._old:
                message["function_call"] = {"name": calls[0].name, "arguments": "".join(calls[0].said)}
            elif calls:
                message["tool_calls"] = [_entry(c) for c in calls]
            noted = {"content": choice.logprobs, "refusal": None} if choice.logprobs else None
            choices.append({"index": index, "message": message, "logprobs": noted, "finish_reason": self._reason(choice)})
        tree = {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": choices,
            "usage": usage_tree(self._usage or Usage()),
        }
        return orjson.dumps(tree)


def _changed(chunk: Chunk, texts: list[str]) -> list[tuple[Path, Any]]:
    """What is put back into the host's tree, and where; of a citation it is a value."""
    pairs = zip(chunk.pieces, texts, strict=True)
    return [(p.path, orjson.loads(t) if p.tree else t) for p, t in pairs if t != p.text]


def _citation(tree: Any) -> dict[str, Any] | None:
    """An entry of `annotations`: chat completions know citations of addresses, in an object of their own."""
    if not isinstance(tree, dict) or tree.get("type") != "url_citation":
        return None
    inner = tree.get("url_citation")
    inner = inner if isinstance(inner, dict) else {key: value for key, value in tree.items() if key != "type"}
    return {"type": "url_citation", "url_citation": inner}


def _entry(call: _Call) -> dict[str, Any]:
    said = "".join(call.said)
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": said}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": said}}


def _carries(chunk: Chunk) -> bool:
    """Whether a chunk says more than its (now empty) texts: a role, a tool's name, usage, log-probs, a signature."""
    assert chunk.tree is not None
    if chunk.usage is not None or any(p.tool or p.opaque for p in chunk.pieces):
        return True
    for choice in chunk.tree.get("choices") or ():
        delta = choice.get("delta") or {}
        if delta.get("role") or choice.get("logprobs") or choice.get("finish_reason"):
            return True
    return False


def _custom_names(tree: dict[str, Any]) -> frozenset[str]:
    found = [t.get("custom") for t in tree.get("tools") or () if isinstance(t, dict) and t.get("type") == "custom"]
    return frozenset(str(c.get("name")) for c in found if isinstance(c, dict))


def _unwrapped(arguments: str) -> str:
    """The bare text of a custom tool that crossed as a function with one `input` string (providers/_chat_body.py)."""
    try:
        tree = json.loads(arguments)
    except ValueError:
        return arguments
    found = tree.get("input") if isinstance(tree, dict) else None
    return found if isinstance(found, str) else arguments
