"""The OpenAI chat-completions wire, spoken by OpenAI and by most other hosts.

Source: OpenAI API reference, "The chat completion object" and "The chat completion chunk object". Usage conventions: there
`prompt_tokens` includes the cached ones and `completion_tokens` includes reasoning; ours split them (core/money.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.errors import HostBroken, HostFault, HostRateLimited, HostRejected, HostTruncated
from localrouter.core.money import Usage
from localrouter.core.secret import Secret
from localrouter.core.sse import Decoder, EventTooLarge
from localrouter.providers import Upstream

NAME = "openai_chat"

_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


def prepare(tree: dict[str, Any], stream: bool, head: Mapping[str, str]) -> Upstream:
    """The body as bytes. The client's own headers do not travel: they may hold its token."""
    try:
        body = orjson.dumps(tree)
    except TypeError:  # an integer beyond 64 bits: the standard library keeps it
        import json

        body = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
    accept = "text/event-stream" if stream else "application/json"
    return Upstream("/chat/completions", {"content-type": "application/json", "accept": accept}, body)


def auth(key: Secret) -> dict[str, str]:
    """RFC 6750."""
    return {"authorization": f"Bearer {key.reveal()}"}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86_400 else None


def fault(host: str, status: int, headers: Mapping[str, str], body: bytes) -> HostFault:
    """A status that is not 200 as a typed error. Only a short code and, for 4xx, the host's sentence are passed on."""
    detail, code = "", None
    try:
        tree = orjson.loads(body[:65_536])
        error = tree.get("error") if isinstance(tree, dict) else None
        if isinstance(error, dict):
            detail = str(error.get("message") or "")[:500]
            found = error.get("code")
            code = found if isinstance(found, str) and _CODE.fullmatch(found) else None
        elif isinstance(error, str):
            detail = error[:500]
    except orjson.JSONDecodeError:
        pass
    if status in (429, 529):
        wait = _retry_after(headers)
        when = f" It asks for {wait:.0f} seconds." if wait is not None else ""
        return HostRateLimited(
            f"{host} is limiting requests.{when}", "Wait, or add another model to the route.", retry_after=wait
        )
    if status in (401, 403):
        return HostRejected(
            f"{host} refused the key ({status}).", f"Check it with `localrouter keys test {host}`.", status=status
        )
    if 300 <= status < 400:
        error_ = HostBroken(f"{host} answered with a redirect ({status}), which is not followed.", "Check the host's origin.")
    elif 400 <= status < 500:
        return HostRejected(f"{host} rejected the request ({status}): {detail}", status=status, code=code)
    else:
        error_ = HostBroken(f"{host} failed ({status}).", "Ask again, or add another model to the route.")
    error_.money_at_risk = False  # a status line that is an error is not billed
    return error_


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
    return Usage(input=prompt - cached - written, output=output, cache_read=cached, cache_write=written, reasoning=reasoning)


def _error(tree: dict[str, Any]) -> HostFault | None:
    error = tree.get("error")
    if not error:
        return None
    code = error.get("code") if isinstance(error, dict) else None
    if code in (429, 529, "rate_limit_exceeded"):
        return HostRateLimited("The host is limiting requests.", "Wait, or add another model to the route.")
    return HostBroken("The host reported an error inside its answer.", "Ask again.")


_TEXTS = (("content", "text"), ("reasoning_content", "reasoning"), ("reasoning", "reasoning"), ("refusal", "refusal"))


def _pieces(choices: Any, field: str) -> tuple[tuple[Piece, ...], dict[int, str]]:
    pieces: list[Piece] = []
    finish: dict[int, str] = {}
    for at, choice in enumerate(choices if isinstance(choices, list) else ()):
        if not isinstance(choice, dict):
            continue
        index = choice.get("index", 0)
        index = index if isinstance(index, int) else 0
        if isinstance(choice.get("finish_reason"), str):
            finish[index] = choice["finish_reason"]
        delta = choice.get(field)
        if not isinstance(delta, dict):
            continue
        for key, kind in _TEXTS:
            text = delta.get(key)
            if isinstance(text, str):
                pieces.append(Piece(Channel(index, kind), text, ("choices", at, field, key)))  # type: ignore[arg-type]
        calls = delta.get("tool_calls")
        for j, call in enumerate(calls if isinstance(calls, list) else ()):
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict):
                continue
            number = call.get("index", j)
            name = function.get("name")
            arguments = function.get("arguments")
            if not isinstance(arguments, str) and not isinstance(name, str):
                continue
            pieces.append(
                Piece(
                    Channel(index, "tool", number if isinstance(number, int) else j),
                    arguments if isinstance(arguments, str) else "",
                    ("choices", at, field, "tool_calls", j, "function", "arguments"),
                    name if isinstance(name, str) and name else None,
                    call.get("id") if isinstance(call.get("id"), str) else None,
                )
            )
    return tuple(pieces), finish


class Reader:
    """The answer's bytes to chunks. A stream is complete only with `[DONE]`; a body only when it is one JSON object."""

    def __init__(self, stream: bool) -> None:
        self._stream = stream
        self._sse = Decoder()
        self._body = bytearray()

    def feed(self, data: bytes) -> list[Chunk]:
        if not self._stream:
            self._body += data
            return []
        try:
            events = self._sse.feed(data)
        except EventTooLarge:
            return [Chunk(error=HostBroken("The host sent an event that is too large.", "Ask again."))]
        out: list[Chunk] = []
        for event in events:
            if event.data.strip() == b"[DONE]":
                out.append(Chunk(raw=event.raw, terminal=True))
                continue
            if not event.data:
                continue
            try:
                tree = orjson.loads(event.data)
            except orjson.JSONDecodeError:
                out.append(Chunk(error=HostBroken("The host sent an event that is not JSON.", "Ask again.")))
                continue
            if not isinstance(tree, dict):
                out.append(Chunk(error=HostBroken("The host sent an event that is not an object.", "Ask again.")))
                continue
            error = _error(tree)
            pieces, finish = _pieces(tree.get("choices"), "delta")
            out.append(Chunk(pieces, event.raw, tree, _usage(tree.get("usage")), finish, error=error))
        return out

    def end(self) -> list[Chunk]:
        if self._stream:
            return []
        try:
            tree = orjson.loads(bytes(self._body))
        except orjson.JSONDecodeError:
            return [Chunk(error=HostTruncated("The host's answer is not complete JSON.", "Ask again."))]
        if not isinstance(tree, dict) or not isinstance(tree.get("choices"), list):
            fault_ = _error(tree) if isinstance(tree, dict) else None
            return [Chunk(error=fault_ or HostBroken("The host's answer has no choices.", "Ask again."))]
        pieces, finish = _pieces(tree["choices"], "message")
        return [Chunk(pieces, bytes(self._body), tree, _usage(tree.get("usage")), finish, terminal=True, error=_error(tree))]
