"""The calls of one request to models, one at a time: prepared, begun, heard, hung up.

What a host is asked is made (shaped, veiled, written for its wire, the key looked up) while the call's reservation is on its way to the disk:
neither needs the other. Nothing of it is sent before `begin`, which the relay commands after the reservation is there (law 2).
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from localrouter.core import events as e
from localrouter.core.ask import Ask
from localrouter.core.catalogue import Host
from localrouter.core.chat import Chunk
from localrouter.core.errors import HostRateLimited, HostRejected, RouterError
from localrouter.core.plan import Attempt
from localrouter.core.recipe import Recipe
from localrouter.daemon import contracts, planes
from localrouter.daemon.assessing import Rows
from localrouter.daemon.contracts import Held
from localrouter.daemon.host_call import host_chunks, pumped
from localrouter.daemon.limits import passed_on
from localrouter.daemon.local_params import in_background
from localrouter.daemon.noting import Story
from localrouter.daemon.planes import Outbound
from localrouter.daemon.restoring import Restorer
from localrouter.daemon.services import Services
from localrouter.daemon.shaping import Shaped, shaped
from localrouter.daemon.veiling import veiled_for
from localrouter.dialects import Dialect
from localrouter.providers import Upstream
from localrouter.scrub.unveil import Unveiler

INBOX = 256
"""Chunks that a model may be ahead of its client."""
LAST_BYTES_S = 0.25
"""How long the end of a host's body is waited for after its terminal event."""
COOL_S = 60.0
"""The longest pause that a host's Retry-After gives a model."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A request to a host, ready to be sent: `sent` has the key in its headers."""

    host: Host
    shape: Shaped
    out: Outbound
    unveiler: Unveiler | None
    sent: Upstream


class Calling:
    """See the module. `inbox` is what a model says, and how it ended; `restorer` gives the client its own values back. `limits`: what the
    host says of its rates; `sent_bytes`: of the body that was sent last."""

    def __init__(self, services: Services, recipe: Recipe, dialect: Dialect, ask: Ask, story: Story) -> None:
        self.s, self.recipe, self.dialect, self.ask, self.story = services, recipe, dialect, ask, story
        self.inbox: asyncio.Queue[e.Event] = asyncio.Queue(maxsize=INBOX)
        self.restorer: Restorer | None = None
        self.limits: list[tuple[bytes, bytes]] = []
        self.sent_bytes = 0
        self._pump: asyncio.Task[None] | None = None
        self._coming: asyncio.Task[_Prepared] | None = None
        self._before = (story.minter, story.veiled)

    def prepare(self, attempt: Attempt, findings: Rows) -> None:
        """Begin to make what the attempt's host is asked. What goes wrong with it is raised by `begin`."""
        self._before = (self.story.minter, self.story.veiled)
        self._coming = asyncio.create_task(self._prepared(attempt, findings, None))

    async def forget(self) -> None:
        """What was prepared is not sent, and the story does not say that it was."""
        coming, self._coming = self._coming, None
        if coming is None:
            return
        coming.cancel()
        await asyncio.wait({coming})
        if not coming.cancelled():
            coming.exception()  # it is nobody's any more
        self.story.minter, self.story.veiled = self._before

    async def begin(self, attempt: Attempt, findings: Rows, again: tuple[Held, str] | None) -> None:
        """Call. Returns when the answer has begun. `again`: the answer that was judged last and what was wrong with it, which the model is told.
        Raises RouterError."""
        self.story.begin(attempt)
        self.s.retries.called()
        self.limits = []
        self.inbox = asyncio.Queue(maxsize=INBOX)
        if attempt.model is None:
            await self._begin_here(attempt, findings, again)
            return
        if again is not None:
            await self.forget()
        coming, self._coming = self._coming, None
        ready = await (coming if coming is not None else self._prepared(attempt, findings, again))
        await self._begin_there(attempt, ready)

    # --- what is asked ---------------------------------------------------------------------------

    async def _shaped(self, attempt: Attempt, findings: Rows, again: tuple[Held, str] | None) -> Shaped:
        route = self.story.plan.route if self.story.plan is not None else ""
        shape = await shaped(
            self.s.inspection, self.dialect, self.ask, findings, self.story.signals, self.recipe, route,
            leaves=attempt.model is not None,
        )  # fmt: skip
        if again is None:
            return shape
        held, complaint = again
        ask = contracts.again(shape.ask, self.dialect, held.said, complaint)
        return Shaped(ask, await self.s.inspection.inspect(ask.leaves), shape.made)

    async def _prepared(self, attempt: Attempt, findings: Rows, again: tuple[Held, str] | None) -> _Prepared:
        assert attempt.model is not None
        shape = await self._shaped(attempt, findings, again)
        host = self.s.catalogue.hosts[attempt.model.host]
        tree, unveiler, named = veiled_for(self.s, self.recipe, self.story, host.name, shape.ask, shape.findings)
        tokens = frozenset(entry.token for entry in self.story.veiled.table) if self.story.veiled else frozenset()
        out = await planes.outbound(self.s, self.recipe, self.dialect, shape.ask, attempt, tree, host, tokens, named)
        key = await self.s.keys.find(host)
        headers = {**out.upstream.headers, **(out.wire.auth(key) if key is not None else {})}
        return _Prepared(host, shape, out, unveiler, dataclasses.replace(out.upstream, headers=headers))

    async def _begin_here(self, attempt: Attempt, findings: Rows, again: tuple[Held, str] | None) -> None:
        shape = await self._shaped(attempt, findings, again)
        messages, params, notes = planes.local(self.s, self.dialect, shape.ask, attempt)
        params, led = contracts.guided(params, self.story.plan, self.recipe)
        self.own_words()
        self.story.called("local", True, (*notes, *led), shape.made)
        told, last = self.story.answered_here, in_background(self.ask)
        await self.s.local.ready(messages, params, attempt.id, background=last)
        self._heard(self.s.local.stream(messages, params, attempt.id, background=last, told=told))

    async def _begin_there(self, attempt: Attempt, ready: _Prepared) -> None:
        host, out = ready.host, ready.out
        self.restorer = Restorer(
            ready.unveiler,
            self.s.origins,
            host=host.name,
            wire=out.wire.NAME,
            crosses=out.crosses,
            names=out.names,
            veiled=out.veiled,
            request=self.story.id,
        )
        self.story.called(out.wire.NAME, out.crosses, out.notes, (*ready.shape.made, *out.edits))
        self.sent_bytes = len(ready.sent.body)
        self.story.sent = ready.sent.body if self.ask.hosted else b""
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def heads(said: Mapping[str, str]) -> None:
            self.limits = passed_on(said, out.wire.NAME, self.dialect.WIRE)

        self._heard(host_chunks(self.s.egress, out.wire, host, ready.sent, self.ask.needs.stream, begun, heads))
        try:
            await asyncio.shield(begun)
        except RouterError as exc:
            if isinstance(exc, HostRateLimited) and exc.retry_after:
                self.s.cool(attempt.id, min(exc.retry_after, COOL_S))
            if isinstance(exc, HostRejected) and exc.blames == "host":
                self.s.shun(host.name, exc.status)
            raise
        self.s.welcome(host.name)

    # --- what is said ----------------------------------------------------------------------------

    def own_words(self) -> None:
        """What follows is not veiled: the local engine's answer, or the route's own text."""
        self.restorer = Restorer(None, self.s.origins, host="", wire="", crosses=True)

    def _heard(self, chunks: AsyncIterator[Chunk]) -> None:
        self._pump = asyncio.create_task(pumped(chunks, self.inbox, self.story.id))

    async def read_out(self) -> None:
        """The host's last bytes after its terminal event: read to the end, the connection goes back to the pool."""
        if self._pump is not None:
            await asyncio.wait({self._pump}, timeout=LAST_BYTES_S)

    async def hang_up(self) -> None:
        """Cancel what is left of the call."""
        await self.forget()
        pump, self._pump = self._pump, None
        if pump is not None and not pump.done():
            pump.cancel()
        if pump is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await pump
