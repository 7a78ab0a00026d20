"""A Responses host's answer as chunks. Source: OpenAI API reference, "The response object", "Streaming events".

A stream is complete only with `response.completed` or `response.incomplete`; `response.failed` and `error` are errors.
"""

from __future__ import annotations

from typing import Any

import orjson

from localrouter.core.chat import Channel, Chunk
from localrouter.core.errors import HostBroken, HostFault, HostRejected, HostTruncated
from localrouter.core.sse import Decoder, EventTooLarge
from localrouter.providers import _overflow
from localrouter.providers._openai_wire import code_and_text, limited, too_long
from localrouter.providers._responses_pieces import Pieces, finish_of, pieces_of, usage_of

_BUSY = frozenset({"rate_limit_exceeded", "server_is_overloaded", "slow_down", "429", "529"})
_OURS = frozenset({"server_error", "internal_error", "vector_store_timeout", "processing_error", "timeout"})


def _failure(error: Any) -> HostFault:
    """An error inside an answer. A code that is not the host's own trouble says that the request is at fault."""
    code, text = code_and_text(error)
    if code in _BUSY:
        return limited()
    if _overflow.overflows(400, code, text):
        return too_long("the host", text)
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
