"""A Responses host's answer as chunks. Source: OpenAI API reference, "The response object", "Streaming events".

A stream is complete only with `response.completed` or `response.incomplete`; `response.failed` and `error` are errors.

A balancer that asks its host a second time passes two beginnings on. The events that only announce an answer wait for the first that says
something, and a second `response.created` until then takes their place: what is read is one answer, with one id and one run of numbers. Behind
that, one of another id is a second answer, which goes on with no words of the first: a fault of the host.
"""

from __future__ import annotations

from typing import Any

from localrouter.core.chat import Channel, Chunk
from localrouter.core.errors import HostBroken, HostFault, HostRejected
from localrouter.core.sse import ServerEvent
from localrouter.providers import _overflow
from localrouter.providers._openai_wire import BUSY, code_and_text, limited, too_long
from localrouter.providers._reading import Reading
from localrouter.providers._responses_pieces import Pieces, finish_of, pieces_of, usage_of
from localrouter.providers._responses_uses import uses_of

_ANNOUNCE = frozenset(
    {"response.created", "response.queued", "response.in_progress", "response.output_item.added", "response.content_part.added"}
)
_ANNOUNCED = 64
"""Announcements and signs of life that wait."""
_OURS = frozenset({"server_error", "internal_error", "vector_store_timeout", "processing_error", "timeout"})


def _failure(error: Any) -> HostFault:
    """An error inside an answer. A code that is not the host's own trouble says that the request is at fault."""
    code, text = code_and_text(error)
    if code in BUSY:
        return limited(begun=True)
    if _overflow.overflows(400, code, text):
        return too_long("the host", text)
    if not code or code in _OURS:
        return HostBroken("The host reported an error inside its answer.", "Ask again.")
    rejected = HostRejected(f"The host gave up its answer ({code}): {text}", "Change the request.", code=code)
    rejected.money_at_risk = True  # it had begun
    return rejected


class Reader(Reading):
    """The answer's bytes to chunks. See providers/__init__.py."""

    def __init__(self, stream: bool) -> None:
        super().__init__(stream)
        self._pieces = Pieces()
        self._begun = False
        self._id: Any = None
        self._waiting: list[Chunk] = []
        self._told = False  # more than announcements

    def _passed(self, chunk: Chunk) -> list[Chunk]:
        if self._told:
            return [chunk]
        kind = chunk.tree.get("type") if chunk.tree is not None else None
        if kind == "response.created":
            self._waiting.clear()
        announces = (kind in _ANNOUNCE and not chunk.content) or (chunk.pings and bool(self._waiting))
        if announces and len(self._waiting) < _ANNOUNCED:
            self._waiting.append(chunk)
            return []
        return [chunk] if chunk.pings and not self._waiting else [*self._all(), chunk]

    def end(self) -> list[Chunk]:
        return [*self._all(), *super().end()]

    def _all(self) -> list[Chunk]:
        """What waited."""
        waiting, self._waiting, self._told = self._waiting, [], True
        return waiting

    def _created(self, raw: bytes, tree: dict[str, Any], name: Any) -> Chunk:
        again, same, self._id = self._id is not None, name == self._id, name
        if not again or not self._told:
            self._pieces, self._begun = Pieces(), False
            return Chunk(raw=raw, tree=tree)
        if same:
            return Chunk(pings=True)
        return Chunk(error=HostBroken("The host began a second answer in the middle of the first.", "Ask again."))

    def _plain(self, event: ServerEvent) -> Chunk | None:
        # The end as other APIs say it is none here.
        return Chunk(raw=event.raw, pings=True) if event.data.strip() == b"[DONE]" else super()._plain(event)

    def _event(self, tree: dict[str, Any], event: ServerEvent) -> Chunk:
        raw, kind = event.raw, tree.get("type")
        kind = kind if isinstance(kind, str) else event.event.decode("utf-8", "replace")
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
        if kind == "response.created":
            return self._created(raw, tree, response.get("id", ""))
        if kind == "response.in_progress":
            again, self._begun = self._begun, True
            return Chunk(raw=raw, tree=tree, pings=again)
        pieces, ends = self._pieces.of(kind, tree)
        item = tree.get("item")
        # Only a finished search says that it was one. What had begun when a stream is cut is the one more that core/tally.py adds.
        uses = tuple(uses_of([item])) if kind == "response.output_item.done" and item else ()
        return Chunk(tuple(pieces), raw, tree, ends=tuple(ends), pings=kind == "keepalive", uses=uses)

    def _whole(self, tree: Any, body: bytes) -> Chunk:
        if not isinstance(tree, dict):
            return Chunk(error=HostBroken("The host's answer is not an object.", "Ask again."))
        if tree.get("status") == "failed" or (tree.get("error") and not tree.get("output")):
            return Chunk(usage=usage_of(tree), error=_failure(tree.get("error")))
        if not isinstance(tree.get("output"), list) or tree.get("status") in ("queued", "in_progress", "cancelled"):
            # One that was cancelled may say what it used until then.
            return Chunk(usage=usage_of(tree), error=HostBroken("The host's answer has no output.", "Ask again."))
        pieces = [
            piece
            for index, item in enumerate(tree["output"])
            if isinstance(item, dict)
            for piece in pieces_of(item, index, ("output", index), whole=False)
        ]
        ends: dict[Channel, None] = dict.fromkeys(p.channel for p in pieces)
        return Chunk(tuple(pieces), body, tree, usage_of(tree), {0: finish_of(tree)}, terminal=True, ends=tuple(ends))
