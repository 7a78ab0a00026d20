"""Precedence: who goes next where only a few may be at work. Those who keep a client waiting go before those who do not, and of the rooms one is
never given to the latter, so that a waiting client has at most one of them before it. Use it from one event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class Precedence:
    """`rooms`: how many are at work at once, 2 at least."""

    def __init__(self, rooms: int) -> None:
        self._free = max(2, rooms)
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

    @property
    def behind(self) -> int:
        """How many wait who keep nobody waiting."""
        return sum(not place.done() for place in self._waiting[True])

    async def _enter(self, background: bool) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
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
        self._next()

    def _next(self) -> None:
        while self._free:
            background = not any(not place.done() for place in self._waiting[False])
            if background and self._behind:
                return
            line = self._waiting[background]
            while line and line[0].done():
                line.popleft()
            if not line:
                return
            line.popleft().set_result(None)
            self._free -= 1
            self._behind += background
