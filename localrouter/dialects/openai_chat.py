"""OpenAI chat completions, as clients speak it. Source: OpenAI API reference, "Create chat completion" and its stream.

Law: the raw tree travels. Known part types are read; an unknown one is refused by name, since nobody can say it was read.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import orjson

from localrouter.core.ask import Ask, Leaf, Needs, Path, Where, replace
from localrouter.core.chat import Channel, Chunk
from localrouter.core.decide import Attempt
from localrouter.core.errors import BadRequest, RouterError, Unsupported
from localrouter.core.money import Usage
from localrouter.dialects import _edits
from localrouter.dialects._fields import dumps, integer, read_object
from localrouter.dialects._leaves import walk

NAME = "openai_chat"
WIRE = "openai_chat"
ROUTES = (("POST", "/v1/chat/completions"), ("POST", "/chat/completions"))

_ROLES: dict[str, Where] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool_result",
    "function": "tool_result",
}
_SETTINGS = frozenset(
    {
        "model", "stream", "temperature", "top_p", "n", "max_tokens", "max_completion_tokens", "seed", "logprobs",
        "top_logprobs", "presence_penalty", "frequency_penalty", "parallel_tool_calls", "reasoning_effort", "service_tier",
        "stream_options", "modalities", "logit_bias", "store", "verbosity", "top_k", "min_p", "prompt_cache_retention",
    }
)  # fmt: skip
"""Protocol fields: numbers, booleans and closed sets. All else at the top level is text."""

_SCHEMAS = 32
_seen_schemas: dict[bytes, tuple[Leaf, ...]] = {}

_ENUM_KEYS = frozenset({"role", "type", "id", "tool_call_id", "index", "strict", "detail"})


def _protocol(path: Path) -> bool:
    # Inside a message only the frame's own keys are protocol; the same word inside arguments or metadata is text.
    if not path:
        return True
    if path[0] == "messages":
        return path[-1] in _ENUM_KEYS and (len(path) == 3 or (len(path) == 5 and path[2] in ("content", "tool_calls")))
    if path[0] == "tools":
        return (len(path) == 3 and path[-1] == "type") or (
            len(path) > 4 and path[3] == "parameters" and path[-1] in ("type", "format", "$schema")
        )
    if path[0] in ("tool_choice", "response_format"):
        return path[-1] in ("type", "$schema")
    return False


def _unread(tree: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for i, message in enumerate(tree["messages"]):
        content = message.get("content")
        if content is not None and not isinstance(content, (str, list)):
            raise BadRequest(
                f"messages[{i}].content must be a string, a list of parts or null.", "Correct it.", param=f"messages[{i}].content"
            )
        for j, part in enumerate(content if isinstance(content, list) else ()):
            kind = part.get("type") if isinstance(part, dict) else None
            if kind in ("text", "refusal", "input_text", "output_text"):
                continue
            if kind in ("image_url", "input_audio", "file", "audio", "video_url"):
                found.append(str(kind))
                continue
            raise Unsupported(
                f"messages[{i}].content[{j}] has the part type {kind!r}, which localrouter does not know and so cannot read.",
                "Send it as text, or leave it out.",
                param=f"messages[{i}].content[{j}]",
            )
        if message.get("audio") is not None:
            found.append("audio")
    for key in ("web_search_options", "file_ids", "previous_response_id"):
        if tree.get(key) is not None:
            found.append(key)
    return found


def _leaves(tree: dict[str, Any]) -> tuple[Leaf, ...]:
    out: list[Leaf] = []
    for key, value in tree.items():
        if key == "messages":
            for i, message in enumerate(value):
                where = _ROLES.get(message.get("role", ""), "user")
                for name, part in message.items():
                    path: Path = ("messages", i, name)
                    if name == "tool_calls":
                        walk(part, path, "tool_arguments", out, protocol=_protocol, free_keys=False, context="arguments")
                    elif name == "content" and isinstance(part, list):
                        for j, block in enumerate(part):
                            if block.get("type") in ("image_url", "input_audio", "file", "audio", "video_url"):
                                continue  # unread: named in Ask.unread, and the data_class gate decides
                            walk(block, (*path, j), where, out, protocol=_protocol, free_keys=False, context="content")
                    elif name != "audio":
                        walk(part, path, where, out, protocol=_protocol, free_keys=False, context=name)
        elif key in _SETTINGS:
            continue
        elif key in ("tools", "functions"):
            out.extend(_schema_leaves(key, value))
        else:
            where = "tool_schema" if key in ("response_format", "tool_choice") else "metadata"
            walk(value, (key,), where, out, protocol=_protocol, free_keys=False, context=key)
            if key in ("metadata", "response_format"):
                _keys(value, (key,), out)
    return tuple(out)


def _schema_leaves(key: str, value: Any) -> tuple[Leaf, ...]:
    """The leaves of the tools. An agent sends the same sixty kilobytes of them with each turn, so the walk is remembered by their hash."""
    digest = hashlib.blake2b(key.encode() + dumps(value), digest_size=16).digest()
    found = _seen_schemas.get(digest)
    if found is None:
        out: list[Leaf] = []
        walk(value, (key,), "tool_schema", out, protocol=_protocol, free_keys=False, context=key)
        _keys(value, (key,), out)
        found = tuple(out)
        while len(_seen_schemas) >= _SCHEMAS:
            _seen_schemas.pop(next(iter(_seen_schemas)))
        _seen_schemas[digest] = found
    return found


def _keys(tree: Any, path: Path, out: list[Leaf]) -> None:
    """Free-form keys: those of metadata and of a schema's `properties`; the schema's own words are protocol."""
    if isinstance(tree, list):
        for i, item in enumerate(tree):
            _keys(item, (*path, i), out)
    elif isinstance(tree, dict):
        free = path[-1] in ("metadata", "properties", "$defs", "definitions", "patternProperties")
        for key, item in tree.items():
            if free and key:
                out.append(Leaf((*path, key), key, "key", str(path[-1])))
            _keys(item, (*path, key), out)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(p["text"] for p in content if isinstance(p, dict) and isinstance(p.get("text"), str))
    return ""


def read(body: bytes, headers: Mapping[str, str]) -> Ask:
    """Bytes to an Ask. Raises BadRequest and Unsupported, each naming the field."""
    tree = read_object(body)
    messages = tree.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("'messages' must be a list with at least one message.", "Add one.", param="messages")
    for i, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise BadRequest(f"messages[{i}] must be an object with a 'role'.", "Correct it.", param=f"messages[{i}]")
    model = tree.get("model", "localrouter/auto")
    if not isinstance(model, str):
        raise BadRequest("'model' must be a string.", "Use 'localrouter/auto' to let the recipe choose.", param="model")
    stream = tree.get("stream", False)
    if stream is not None and not isinstance(stream, bool):
        raise BadRequest("'stream' must be true or false.", "Correct it.", param="stream")
    unread = tuple(_unread(tree))
    limit = integer(tree, "max_completion_tokens", 1, 10_000_000)
    if limit is None:
        limit = integer(tree, "max_tokens", 1, 10_000_000)
    for key in ("tools", "functions"):
        if tree.get(key) is not None and not isinstance(tree[key], list):
            raise BadRequest(f"'{key}' must be a list.", "Correct it.", param=key)
    form = tree.get("response_format")
    users = [_text(m.get("content")) for m in messages if m["role"] == "user"]
    first = "\x00".join([_text(m.get("content")) for m in messages if m["role"] in ("system", "developer")][:1] + users[:1])
    session = next(
        (headers[h] for h in ("x-localrouter-session", "x-session-id", "session-id", "thread-id") if headers.get(h)), ""
    )
    if not session and isinstance(tree.get("prompt_cache_key"), str):
        session = tree["prompt_cache_key"]
    context_ids: tuple[str, ...] = ()
    if headers.get("x-localrouter-context"):
        try:
            ids = orjson.loads(headers["x-localrouter-context"])
        except orjson.JSONDecodeError:
            ids = None
        if not isinstance(ids, list) or not all(isinstance(i, str) and len(i) <= 200 for i in ids):
            raise BadRequest("The header x-localrouter-context must be a JSON list of strings.", "Correct it.")
        context_ids = tuple(ids[:200])
    return Ask(
        dialect=NAME,
        tree=tree,
        leaves=_leaves(tree),
        model=model,
        needs=Needs(
            tools=bool(tree.get("tools") or tree.get("functions")),
            json_schema=isinstance(form, dict) and form.get("type") == "json_schema",
            vision=any(u in ("image_url", "video_url") for u in unread),
            audio=any(u in ("input_audio", "audio") for u in unread),
            stream=bool(stream),
        ),
        max_output=limit,
        n=integer(tree, "n", 1, 128) or 1,
        size=len(body),
        last_user=users[-1] if users else "",
        # Hashed also when the client names it: it is recorded, and may be anything.
        session=hashlib.blake2b((session or first).encode(), digest_size=12).hexdigest(),
        unread=unread,
        context_ids=context_ids,
    )


def outgoing(tree: dict[str, Any], ask: Ask, attempt: Attempt) -> dict[str, Any]:
    """The raw plane: the veiled tree with the listed edits."""
    return _edits.ask_usage(_edits.bound_output(_edits.name_model(tree, attempt), attempt), ask)


_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "seed", "stop", "response_format", "tools", "tool_choice")


def messages(tree: dict[str, Any], ask: Ask, attempt: Attempt) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """For the local engine: its messages (text parts joined) and its parameters."""
    out: list[dict[str, Any]] = []
    for message in tree["messages"]:
        item = {k: v for k, v in message.items() if k in ("role", "content", "tool_calls", "tool_call_id", "name")}
        item["content"] = _text(message.get("content"))
        if item["role"] == "developer":
            item["role"] = "system"
        out.append(item)
    params = {k: tree[k] for k in _SAMPLING if tree.get(k) is not None}
    params["max_tokens"] = attempt.max_output
    return out, params


def error_body(error: RouterError) -> bytes:
    """`{"error": {message, type, param, code}}`, as the SDKs read it."""
    body = {"message": error.text, "type": error.type, "param": error.param, "code": error.code}
    return orjson.dumps({"error": body})


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


_FIELD = {"text": "content", "reasoning": "reasoning_content", "refusal": "refusal"}


class Writer:
    """Chunks to bytes. A chunk with a raw form is re-emitted as it came unless a text of it was restored."""

    def __init__(self, ask: Ask, request_id: str) -> None:
        self._stream = ask.needs.stream
        options = ask.tree.get("stream_options")
        self._wants_usage = isinstance(options, dict) and options.get("include_usage") is True
        self._id = f"chatcmpl-{request_id}"
        self._model = ask.model
        self._created = int(time.time())
        self._roles: set[int] = set()
        self._whole: dict[Channel, list[str]] = {}
        self._tools: dict[Channel, tuple[str, str]] = {}
        self._finish: dict[int, str] = {}
        self._usage: Usage | None = None
        self.media = "text/event-stream" if self._stream else "application/json"

    def write(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes:
        """`texts` are the restored texts of `chunk.pieces`; `extra` what was held back and belongs before this chunk."""
        if not self._stream:
            return self._write_whole(chunk, texts, extra)
        before = b"".join(self._delta(channel, text, chunk.tree) for channel, text in extra if text)
        if chunk.tree is None:
            if chunk.raw:  # the host's own [DONE]
                return before + chunk.raw
            return before + self._neutral(chunk, texts)
        if not self._wants_usage and chunk.usage is not None and chunk.tree.get("choices") == []:
            return before
        if all(t == p.text for t, p in zip(texts, chunk.pieces, strict=True)):
            return before + chunk.raw
        if not any(texts) and not chunk.finish and not any(p.tool for p in chunk.pieces) and not self._carries(chunk):
            return before
        tree = replace(chunk.tree, [(p.path, t) for p, t in zip(chunk.pieces, texts, strict=True) if t != p.text])
        return before + b"data: " + dumps(tree) + b"\n\n"

    @staticmethod
    def _carries(chunk: Chunk) -> bool:
        """Whether a chunk says more than its (now empty) texts: a role, usage, log-probs."""
        assert chunk.tree is not None
        for choice in chunk.tree.get("choices") or ():
            delta = choice.get("delta") or {}
            if delta.get("role") or choice.get("logprobs") or choice.get("finish_reason"):
                return True
        return chunk.usage is not None

    def _delta(self, channel: Channel, text: str, like: dict[str, Any] | None) -> bytes:
        delta: dict[str, Any] = (
            {"tool_calls": [{"index": channel.index, "function": {"arguments": text}}]}
            if channel.kind == "tool"
            else {_FIELD[channel.kind]: text}
        )
        return self._frame({"index": channel.choice, "delta": delta, "finish_reason": None}, like)

    def _frame(self, choice: dict[str, Any] | None, like: dict[str, Any] | None, usage: Usage | None = None) -> bytes:
        head = like or {"id": self._id, "created": self._created, "model": self._model}
        tree: dict[str, Any] = {
            "id": head.get("id", self._id),
            "object": "chat.completion.chunk",
            "created": head.get("created", self._created),
            "model": head.get("model", self._model),
            "choices": [] if choice is None else [choice],
        }
        if usage is not None:
            tree["usage"] = _usage(usage)
        return b"data: " + orjson.dumps(tree) + b"\n\n"

    def _neutral(self, chunk: Chunk, texts: list[str]) -> bytes:
        out: list[bytes] = []
        for piece, text in zip(chunk.pieces, texts, strict=True):
            channel = piece.channel
            if channel.choice not in self._roles:
                self._roles.add(channel.choice)
                out.append(
                    self._frame(
                        {"index": channel.choice, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}, None
                    )
                )
            if channel.kind == "tool":
                call: dict[str, Any] = {"index": channel.index, "function": {"arguments": text}}
                if piece.tool is not None:
                    call |= {"id": piece.call_id, "type": "function"}
                    call["function"]["name"] = piece.tool
                out.append(self._frame({"index": channel.choice, "delta": {"tool_calls": [call]}, "finish_reason": None}, None))
            elif text:
                out.append(self._delta(channel, text, None))
        for index, reason in chunk.finish.items():
            out.append(self._frame({"index": index, "delta": {}, "finish_reason": reason}, None))
        self._usage = chunk.usage or self._usage
        if chunk.terminal:
            if self._wants_usage and self._usage is not None:
                out.append(self._frame(None, None, self._usage))
            out.append(b"data: [DONE]\n\n")
        return b"".join(out)

    def _write_whole(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes:
        if chunk.tree is not None:
            if all(t == p.text for t, p in zip(texts, chunk.pieces, strict=True)):
                return chunk.raw
            return dumps(replace(chunk.tree, [(p.path, t) for p, t in zip(chunk.pieces, texts, strict=True)]))
        for channel, text in extra:
            self._whole.setdefault(channel, []).append(text)
        for piece, text in zip(chunk.pieces, texts, strict=True):
            self._whole.setdefault(piece.channel, []).append(text)
            if piece.tool is not None:
                self._tools[piece.channel] = (piece.tool, piece.call_id or "")
        self._finish |= chunk.finish
        self._usage = chunk.usage or self._usage
        if not chunk.terminal:
            return b""
        choices: list[dict[str, Any]] = []
        for index in sorted({c.choice for c in self._whole} | set(self._finish) or {0}):
            message: dict[str, Any] = {"role": "assistant", "content": None}
            calls: list[dict[str, Any]] = []
            for channel in sorted(c for c in self._whole if c.choice == index):
                text = "".join(self._whole[channel])
                if channel.kind == "tool":
                    name, call_id = self._tools.get(channel, ("", ""))
                    calls.append({"id": call_id, "type": "function", "function": {"name": name, "arguments": text}})
                else:
                    message[_FIELD[channel.kind]] = text
            if calls:
                message["tool_calls"] = calls
            choices.append(
                {"index": index, "message": message, "logprobs": None, "finish_reason": self._finish.get(index, "stop")}
            )
        tree = {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": choices,
            "usage": _usage(self._usage or Usage()),
        }
        return orjson.dumps(tree)

    def error(self, error: RouterError) -> bytes:
        """Mid-stream: the SDKs raise on a data line with `error`, and the stream ends there."""
        return b"data: " + error_body(error) + b"\n\n" if self._stream else error_body(error)

    def keep_alive(self) -> bytes:
        """A comment: accepted by every chat client that was tried."""
        return b": keep-alive\n\n"
