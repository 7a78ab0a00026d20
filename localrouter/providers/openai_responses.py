"""The OpenAI Responses wire. Source: OpenAI API reference, "Create a model response", "The response object", "Streaming events".

A stream is complete only with `response.completed` or `response.incomplete`; `response.failed` and `error` are errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from localrouter.core.chat import Channel, Chunk
from localrouter.core.errors import HostBroken, HostFault, HostRateLimited, HostRejected, HostTruncated
from localrouter.core.secret import Secret
from localrouter.core.sse import Decoder, EventTooLarge
from localrouter.providers import Upstream, _overflow
from localrouter.providers._responses_body import body as body
from localrouter.providers._responses_body import notes as notes
from localrouter.providers._responses_pieces import Pieces, finish_of, pieces_of, usage_of

NAME = "openai_responses"

_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_BETA = re.compile(r"[A-Za-z0-9_=.,; \-]{1,200}")


def prepare(tree: dict[str, Any], stream: bool, head: Mapping[str, str]) -> Upstream:
    """The body as bytes. Of the client's own headers only `OpenAI-Beta` travels; others may hold its token."""
    try:
        data = orjson.dumps(tree)
    except TypeError:  # an integer beyond 64 bits: the standard library keeps it
        data = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"content-type": "application/json", "accept": "text/event-stream" if stream else "application/json"}
    beta = head.get("openai-beta", "")
    if _BETA.fullmatch(beta):
        headers["openai-beta"] = beta
    return Upstream("/responses", headers, data)


def auth(key: Secret) -> dict[str, str]:
    """RFC 6750."""
    return {"authorization": f"Bearer {key.reveal()}"}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86_400 else None


def _said(error: Any) -> tuple[str, str]:
    """(code, sentence) of an error object; "" for what it does not say."""
    if isinstance(error, str):
        return "", error[:500]
    if not isinstance(error, dict):
        return "", ""
    code, text = error.get("code"), error.get("message")
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    return code, text[:500] if isinstance(text, str) else ""


def fault(host: str, status: int, headers: Mapping[str, str], body: bytes) -> HostFault:
    """A status that is not 200 as a typed error. Only a short code and, for 4xx, the host's sentence are passed on."""
    try:
        tree = orjson.loads(body[:65_536])
    except orjson.JSONDecodeError:
        tree = None
    code, detail = _said(tree.get("error", tree) if isinstance(tree, dict) else None)
    if status in (429, 529) and code != "insufficient_quota":
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
        error = HostBroken(f"{host} answered with a redirect ({status}), which is not followed.", "Check the host's origin.")
    elif 400 <= status < 500:
        if _overflow.overflows(status, code, detail):
            return HostRejected(_overflow.sentence(host, detail), "Shorten the conversation.", status=400, code=_overflow.CODE)
        return HostRejected(f"{host} rejected the request ({status}): {detail}", status=status, code=code or None)
    else:
        error = HostBroken(f"{host} failed ({status}).", "Ask again, or add another model to the route.")
    error.money_at_risk = False  # a status line that is an error is not billed
    return error


_BUSY = frozenset({"rate_limit_exceeded", "server_is_overloaded", "slow_down", "429", "529"})
_OURS = frozenset({"server_error", "internal_error", "vector_store_timeout", "processing_error", "timeout"})


def _failure(error: Any) -> HostFault:
    """An error inside an answer. A code that is not the host's own trouble says that the request is at fault."""
    code, text = _said(error)
    if code in _BUSY:
        return HostRateLimited("The host is limiting requests.", "Wait, or add another model to the route.")
    if _overflow.overflows(400, code, text):
        return HostRejected(_overflow.sentence("the host", text), "Shorten the conversation.", code=_overflow.CODE)
    if not code or code in _OURS:
        return HostBroken("The host reported an error inside its answer.", "Ask again.")
    rejected = HostRejected(f"The host gave up its answer ({code}): {text}", "Change the request.", code=code)
    rejected.money_at_risk = True  # it had begun
    return rejected


class Reader:
    """The answer's bytes to chunks. See providers/__init__.py."""

    def __init__(self, stream: bool) -> None:
        self._stream = stream
        self._sse = Decoder(comments=True)
        self._body = bytearray()
        self._pieces = Pieces()
        self._begun = False

    def feed(self, data: bytes) -> list[Chunk]:
        if not self._stream:
            self._body += data
            return []
        try:
            events = self._sse.feed(data)
        except EventTooLarge:
            return [Chunk(error=HostBroken("The host sent an event that is too large.", "Ask again."))]
        return [self._event(event.raw, event.data, event.event) for event in events]

    def _event(self, raw: bytes, data: bytes, name: bytes) -> Chunk:
        if not data or data.strip() == b"[DONE]":  # a comment; or the end as other APIs say it, which is none here
            return Chunk(raw=raw, pings=True)
        try:
            tree = orjson.loads(data)
        except orjson.JSONDecodeError:
            return Chunk(error=HostBroken("The host sent an event that is not JSON.", "Ask again."))
        if not isinstance(tree, dict):
            return Chunk(error=HostBroken("The host sent an event that is not an object.", "Ask again."))
        kind = tree.get("type")
        kind = kind if isinstance(kind, str) else name.decode("utf-8", "replace")
        response = tree.get("response")
        response = response if isinstance(response, dict) else {}
        if kind == "error" or (not kind and tree.get("error")):
            return Chunk(error=_failure(tree.get("error") or tree))
        if kind == "response.failed":
            return Chunk(usage=usage_of(response), error=_failure(response.get("error")))
        if kind in ("response.completed", "response.incomplete"):
            if kind == "response.incomplete":
                response = {**response, "status": "incomplete"}
            return Chunk(
                tuple(self._pieces.output(response)),
                raw,
                tree,
                usage_of(response),
                {0: finish_of(response)},
                terminal=True,
            )
        if kind == "response.in_progress":
            again, self._begun = self._begun, True
            return Chunk(raw=raw, tree=tree, pings=again)
        pieces, ends = self._pieces.of(kind, tree)
        return Chunk(tuple(pieces), raw, tree, ends=tuple(ends), pings=kind == "keepalive")

    def end(self) -> list[Chunk]:
        if self._stream:
            return []
        try:
            tree = orjson.loads(bytes(self._body))
        except orjson.JSONDecodeError:
            return [Chunk(error=HostTruncated("The host's answer is not complete JSON.", "Ask again."))]
        if not isinstance(tree, dict):
            return [Chunk(error=HostBroken("The host's answer is not an object.", "Ask again."))]
        if tree.get("status") == "failed" or (tree.get("error") and not tree.get("output")):
            return [Chunk(usage=usage_of(tree), error=_failure(tree.get("error")))]
        if not isinstance(tree.get("output"), list) or tree.get("status") in ("queued", "in_progress", "cancelled"):
            return [Chunk(error=HostBroken("The host's answer has no output.", "Ask again."))]
        pieces = [
            piece
            for index, item in enumerate(tree["output"])
            if isinstance(item, dict)
            for piece in pieces_of(item, index, ("output", index), whole=False)
        ]
        ends: dict[Channel, None] = dict.fromkeys(p.channel for p in pieces)
        return [
            Chunk(tuple(pieces), bytes(self._body), tree, usage_of(tree), {0: finish_of(tree)}, terminal=True, ends=tuple(ends))
        ]
