"""What the daemon's memory is kept in: a laptop gives it 90 MB (DESIGN section 10), and no pause that a stream could show."""

from __future__ import annotations

import ctypes
import gc
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""glibc's malloc.h."""
_LARGE = 128 * 1024
"""glibc's own first value. Left alone it grows with the largest body that was ever freed, and bodies then leave holes in the heap."""


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
    a second. Frozen, it is not looked at any more (docs.python.org/3/library/gc.html#gc.freeze); the young are looked at less often, a request
    leaves some hundred of them in cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
