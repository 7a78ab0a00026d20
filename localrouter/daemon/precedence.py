"""Precedence: who goes next where only a few may be at work. Those who keep a client waiting go before those who do not, and of the rooms one is
never given to the latter, so that a waiting client has at most one of them before it. Clients that ask one request after the other leave short
gaps, and who goes in there stands before the next of them: so a gap has to last a while first. A client that
is served without a room leaves no gap either: what keeps nobody waiting would take its processor. Use it from one event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator


class Precedence:
    """`rooms`: how many are at work at once, 2 at least. `rest_s`: for so long no client must have waited before one goes that keeps nobody
    waiting; but one of them goes every `patience_s`, that they come to an end."""

    def __init__(self, rooms: int, *, rest_s: float = 0.0, patience_s: float = 1.0) -> None:
        self._free = max(2, rooms)
        self._rest_s, self._patience_s = rest_s, patience_s
        self._before = 0
        """Of those at work, how many keep a client waiting."""
        self._serving = 0
        """Clients that are being served without a room."""
        self._rested_at = self._went_at = 0.0
        self._look: asyncio.Handle | None = None
        self._look_at = 0.0
        """When it is. uvloop counts in milliseconds: what is due within half of one is called at once, by a handle that knows no time."""
        self._behind = 0
        """Of those at work, how many keep nobody waiting."""
        self._waiting: dict[bool, deque[asyncio.Future[None]]] = {False: deque(), True: deque()}

    @contextlib.asynccontextmanager
    async def take(self, *, background: bool = False) -> AsyncIterator[None]:
        """A room, as long as the block lasts."""
        await self._enter(background)
        try:
            yield
        finally:
            self._leave(background)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """A client is being served, as long as the block lasts; it needs no room."""
        self._serving += 1
        try:
            yield
        finally:
            self._serving -= 1
            self._rested_at = asyncio.get_running_loop().time() + self._rest_s
            self._next()

    @property
    def behind(self) -> int:
        """How many wait who keep nobody waiting."""
        return sum(not place.done() for place in self._waiting[True])

    async def _enter(self, background: bool) -> None:
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        if background and not self.behind:
            self._went_at = loop.time()  # its patience begins now
        self._waiting[background].append(place)
        self._next()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it got its room and was cancelled before it knew
                self._leave(background)
            raise

    def _leave(self, background: bool) -> None:
        self._free += 1
        self._behind -= background
        self._before -= not background
        if not background:
            self._rested_at = asyncio.get_running_loop().time() + self._rest_s
        self._next()

    def _next(self) -> None:
        while self._free:
            background = not any(not place.done() for place in self._waiting[False])
            if background and self._behind:
                return
            line = self._waiting[background]
            while line and line[0].done():
                line.popleft()
            if not line or (background and self._too_soon()):
                return
            line.popleft().set_result(None)
            self._free -= 1
            self._behind += background
            self._before += not background

    def _too_soon(self) -> bool:
        """Whether the next gap may be a client's; if so, it is looked at again."""
        if not self._rest_s:
            return False
        loop = asyncio.get_running_loop()
        now, at = loop.time(), self._went_at + self._patience_s
        if not (self._before or self._serving):
            at = min(at, self._rested_at)
        if now >= at:
            self._went_at = now
            return False
        if self._look is None or self._look_at > at:
            if self._look is not None:
                self._look.cancel()
            self._look, self._look_at = loop.call_at(at, self._looked), at
        return True

    def _looked(self) -> None:
        self._look = None
        self._next()
