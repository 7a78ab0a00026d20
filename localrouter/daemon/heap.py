"""What the daemon's memory is kept in: a laptop gives it 90 MB (DESIGN section 10), and no pause that a stream could show."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""glibc's malloc.h."""
_LARGE = 128 * 1024
"""glibc's own first value. Left alone it grows with the largest body that was ever freed, and bodies then leave holes in the heap."""

QUIET_S = 2.0
"""Seconds without a note, before what the last requests left behind is collected: some milliseconds, which then no stream is likely to see."""


def keep_small() -> None:
    """Bodies of requests go back to the system when they are freed, and threads share one heap. Called before the first thread; on other
    systems than glibc's nothing happens (mallopt(3))."""
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_ARENA_MAX, 1)
    mallopt(_MMAP_THRESHOLD, _LARGE)
    mallopt(_TRIM_THRESHOLD, _LARGE)


def quiet_collector() -> None:
    """What the daemon is made of stays for good: looking through its hundred thousand objects again and again stops every stream for a tenth of
    a second. Frozen, it is not looked at any more (docs.python.org/3/library/gc.html#gc.freeze). What is left is small, and looked at every few
    requests: each leaves some hundred objects in cycles, and a hundred kilobytes hang on them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 5, 5)


class Tidying:
    """When nothing was noted for a while, what the requests left in cycles is collected and goes back to the system: a daemon at rest does not
    allocate, and the collector would never run. Use it from one event loop."""

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        self._quiet_s = quiet_s
        self._due: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """Something was noted."""
        if self._due is not None:
            self._due.cancel()
        self._due = asyncio.get_running_loop().call_later(self._quiet_s, self._tidy)

    def _tidy(self) -> None:
        self._due = None
        gc.collect()
        if platform.libc_ver()[0] == "glibc":
            ctypes.CDLL(None).malloc_trim(0)
