"""A process that counts a model's tokens and holds none of its weights: `localrouter.engine --count`, kept for a moment, since clients ask in
bursts. One at a time: a vocabulary is some hundred megabytes when it is read.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from localrouter.config.paths import SAFE
from localrouter.core.errors import LocalUnavailable
from localrouter.daemon.children import Child

TIMEOUT_S = 20.0
"""A vocabulary is read in a moment."""
KEPT_S = 20.0
"""How long it waits for the next text to count."""


class Counter:
    """Use it from one event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._of: tuple[Path, int] | None = None
        self._child: Child | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ends: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    async def count(self, path: Path, ask: dict[str, Any], ctx: int) -> dict[str, Any]:
        """What an engine with a context of `ctx` tokens would say of how long a chat's prompt is (engine/worker.py, `count`). Raises LaneFault."""
        async with self._lock:
            if self._closed:
                raise LocalUnavailable("The local engine is being stopped.", "Ask again in a moment.")
            if self._timer is not None:
                self._timer.cancel()
            if self._child is None or self._of != (path, ctx):
                await self._end()
                argv = [sys.executable, *SAFE, "-m", "localrouter.engine", "--model", str(path), "--ctx", str(ctx), "--count"]
                self._child, self._of = Child("counter", argv, ready_timeout=TIMEOUT_S, heartbeat=0), (path, ctx)
            try:
                return await self._child.call({**ask, "op": "count"}, timeout=TIMEOUT_S)
            finally:
                self._timer = asyncio.get_running_loop().call_later(KEPT_S, self._rest)

    async def stop(self) -> None:
        """End it; nothing is counted after that."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._end()
        await asyncio.gather(*self._ends)

    def _rest(self) -> None:
        task = asyncio.create_task(self._rested())
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)

    async def _rested(self) -> None:
        timer = self._timer
        async with self._lock:
            if self._timer is timer:  # nobody asked meanwhile
                await self._end()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.stop()
