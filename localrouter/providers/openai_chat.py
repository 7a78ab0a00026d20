"""The OpenAI chat-completions wire, spoken by OpenAI and by most other hosts.

Source: OpenAI API reference, "The chat completion object" and "The chat completion chunk object". Usage conventions: there
`prompt_tokens` includes the cached ones and `completion_tokens` includes reasoning; ours split them (core/money.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from localrouter.core.ask import Path
from localrouter.core.chat import Channel, Chunk, Finish, Piece
from localrouter.core.errors import HostBroken, HostFault
from localrouter.core.money import Usage
from localrouter.core.sse import ServerEvent
from localrouter.providers import Upstream, _overflow
from localrouter.providers._chat_body import body as body
from localrouter.providers._chat_body import notes as notes
from localrouter.providers._openai_wire import BUSY, code_and_text, encoded, limited, too_long
from localrouter.providers._openai_wire import auth as auth
from localrouter.providers._openai_wire import fault as fault
from localrouter.providers._reading import Reading

NAME = "openai_chat"


def prepare(tree: dict[str, Any], stream: bool, head: Mapping[str, str]) -> Upstream:
    """The client's own headers do not travel: they may hold its token."""
    accept = "text/event-stream" if stream else "application/json"
    return Upstream("/chat/completions", {"content-type": "application/json", "accept": accept}, encoded(tree))


def _usage(tree: Any) -> Usage | None:
    if not isinstance(tree, dict):
        return None

    def count(node: Any, key: str) -> int:
        value = node.get(key) if isinstance(node, dict) else None
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

    prompt, output = count(tree, "prompt_tokens"), count(tree, "completion_tokens")
    if "prompt_tokens" not in tree and "completion_tokens" not in tree:
        return None
    details = tree.get("prompt_tokens_details")
    cached = min(prompt, count(details, "cached_tokens") or count(tree, "prompt_cache_hit_tokens"))
    written = min(prompt - cached, count(details, "cache_write_tokens"))
    reasoning = count(tree.get("completion_tokens_details"), "reasoning_tokens")
    sources = tree.get("num_sources_used")  # xAI, "Live Search": billed by the source
    tools = {"web_search": sources} if isinstance(sources, int) and not isinstance(sources, bool) and sources >= 0 else {}
    return Usage(
        input=prompt - cached - written,
        output=output,
        cache_read=cached,
        cache_write=written,
        reasoning=reasoning,
        tools=tools,
    )


def _error(tree: dict[str, Any]) -> HostFault | None:
    error = tree.get("error")
    if not error:
        return None
    code, text = code_and_text(error)
    if code in BUSY:
        return limited(begun=True)
    if _overflow.overflows(400, code, text):
        return too_long("the host", text)
    return HostBroken("The host reported an error inside its answer.", "Ask again.")


_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_TEXTS = (("content", "text"), ("reasoning_content", "reasoning"), ("reasoning", "reasoning"), ("refusal", "refusal"))


class _Calls:
    """Numbers of tool calls in one choice. Hosts leave the index out, or give each of several calls the index 0: what has an id and a
    name of its own is a call of its own, and what has neither goes on with the last."""

    def __init__(self) -> None:
        self._by_index: dict[int, tuple[int, str]] = {}
        self._count = 0
        self._last = 0

    def number(self, index: Any, call_id: str | None, name: str | None, *, apart: bool) -> int:
        """`apart`: it stands beside others in one list, so without an index it is a call of its own when it has a name."""
        known = isinstance(index, int) and not isinstance(index, bool)
        at = index if known else self._last
        old = self._by_index.get(at)
        if old is None or (call_id and name and old[1] and call_id != old[1]) or (not known and apart and name):
            at = index if known and old is None else max(self._by_index, default=-1) + 1
            number = self._count
            self._count += 1
            self._by_index[index if known else at] = (number, call_id or "")
            self._last = index if known else at
            return number
        if call_id and not old[1]:
            self._by_index[at] = (old[0], call_id)
        self._last = at
        return old[0]


class Reader(Reading):
    """The answer's bytes to chunks. A stream is complete only with `[DONE]`; a body only when it is one JSON object."""

    def __init__(self, stream: bool) -> None:
        super().__init__(stream)
        self._calls: dict[int, _Calls] = {}

    def _plain(self, event: ServerEvent) -> Chunk | None:
        return Chunk(raw=event.raw, terminal=True) if event.data.strip() == b"[DONE]" else super()._plain(event)

    def _event(self, tree: dict[str, Any], event: ServerEvent) -> Chunk:
        error = _error(tree)
        pieces, finish = self._pieces(tree.get("choices"), "delta")
        return Chunk(pieces, event.raw, tree, _usage(tree.get("usage")), finish, error=error)

    def _whole(self, tree: Any, body: bytes) -> Chunk:
        if not isinstance(tree, dict) or not isinstance(tree.get("choices"), list):
            fault_ = _error(tree) if isinstance(tree, dict) else None
            return Chunk(error=fault_ or HostBroken("The host's answer has no choices.", "Ask again."))
        pieces, finish = self._pieces(tree["choices"], "message")
        return Chunk(pieces, body, tree, _usage(tree.get("usage")), finish, terminal=True, error=_error(tree))

    def _pieces(self, choices: Any, field: str) -> tuple[tuple[Piece, ...], dict[int, Finish]]:
        pieces: list[Piece] = []
        finish: dict[int, Finish] = {}
        for at, choice in enumerate(choices if isinstance(choices, list) else ()):
            if not isinstance(choice, dict):
                continue
            index = choice.get("index", 0)
            index = index if isinstance(index, int) else 0
            if isinstance(choice.get("finish_reason"), str):
                finish[index] = _FINISH.get(choice["finish_reason"], "stop")
            delta = choice.get(field)
            if isinstance(delta, dict):
                pieces += _texts(delta, index, ("choices", at, field))
                pieces += self._tools(delta, index, ("choices", at, field))
        return tuple(pieces), finish

    def _tools(self, delta: dict[str, Any], index: int, path: Path) -> list[Piece]:
        pieces: list[Piece] = []
        numbers = self._calls.setdefault(index, _Calls())
        calls = delta.get("tool_calls")
        for j, call in enumerate(calls if isinstance(calls, list) else ()):
            if not isinstance(call, dict):
                continue
            kind = "custom" if isinstance(call.get("custom"), dict) else "function"
            inner = call.get(kind)
            call_id = call.get("id") if isinstance(call.get("id"), str) else None
            name = inner.get("name") if isinstance(inner, dict) and isinstance(inner.get("name"), str) else None
            number = numbers.number(call.get("index"), call_id, name, apart=j > 0)
            if mark := _call_mark(call):
                pieces.append(Piece(Channel(index, "reasoning", 2 + number), "", (*path, "tool_calls", j), opaque=mark))
            if isinstance(inner, dict):
                key = "input" if kind == "custom" else "arguments"
                said = inner.get(key)
                if isinstance(said, str) or name is not None:
                    pieces.append(
                        Piece(
                            Channel(index, "tool", number),
                            said if isinstance(said, str) else "",
                            (*path, "tool_calls", j, kind, key),
                            name or None,
                            call_id,
                            kind == "custom",
                        )
                    )
        old = delta.get("function_call")
        if isinstance(old, dict) and (isinstance(old.get("arguments"), str) or isinstance(old.get("name"), str)):
            said, name = old.get("arguments"), old.get("name")
            text = said if isinstance(said, str) else ""
            tool = name if isinstance(name, str) and name else None
            pieces.append(Piece(Channel(index, "tool"), text, (*path, "function_call", "arguments"), tool))
        return pieces


def _texts(delta: dict[str, Any], index: int, path: Path) -> list[Piece]:
    pieces: list[Piece] = []
    for key, kind in _TEXTS:
        text = delta.get(key)
        if isinstance(text, str):
            # vLLM and others say the same thought in both fields.
            mirror = key == "reasoning" and isinstance(delta.get("reasoning_content"), str)
            pieces.append(Piece(Channel(index, kind, int(mirror)), text, (*path, key), mirror=mirror))  # type: ignore[arg-type]
    citations = delta.get("annotations")
    for j, item in enumerate(citations if isinstance(citations, list) else ()):
        if isinstance(item, dict):
            said = orjson.dumps(item).decode()
            pieces.append(Piece(Channel(index, "text"), said, (*path, "annotations", j), whole=True, tree=True, cites=True))
    details = delta.get("reasoning_details")
    for j, item in enumerate(details if isinstance(details, list) else ()):
        if mark := _mark(item):
            pieces.append(Piece(Channel(index, "reasoning"), "", (*path, "reasoning_details", j), opaque=mark))
    return pieces


def _mark(item: Any) -> str:
    """OpenRouter's `reasoning_details`: encrypted data, or the signature of a text."""
    for kind in ("data", "signature"):
        found = item.get(kind) if isinstance(item, dict) else None
        if isinstance(found, str) and found:
            return f"{kind}:{found}"
    return ""


def _call_mark(call: dict[str, Any]) -> str:
    """Google's signature of a tool call ("Thought signatures", OpenAI compatibility)."""
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    found = google.get("thought_signature") if isinstance(google, dict) else None
    return f"call:{found}" if isinstance(found, str) and found else ""
