"""A Responses host's answer as chunks. Source: OpenAI API reference, "The response object", "Streaming events".

A stream is complete only with `response.completed` or `response.incomplete`; `response.failed` and `error` are errors.
"""

from __future__ import annotations

from typing import Any

from localrouter.core.chat import Channel, Chunk
from localrouter.core.errors import HostBroken, HostFault, HostRejected
from localrouter.core.sse import ServerEvent
from localrouter.providers import _overflow
from localrouter.providers._openai_wire import code_and_text, limited, too_long
from localrouter.providers._reading import Reading
from localrouter.providers._responses_pieces import Pieces, finish_of, pieces_of, usage_of
from localrouter.providers._responses_uses import uses_of

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


class Reader(Reading):
    """The answer's bytes to chunks. See providers/__init__.py."""

    def __init__(self, stream: bool) -> None:
        super().__init__(stream)
        self._pieces = Pieces()
        self._begun = False

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
