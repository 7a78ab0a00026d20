"""What a piece of work costs, so that two sizes of it can be compared on any machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def least(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of this process's processor time, the least of several runs: what disturbs only adds. The collector waits meanwhile: what it
    has to look at is all that other tests left behind."""
    best = float("inf")
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(times):
            start = time.process_time()
            work()
            best = min(best, time.process_time() - start)
    finally:
        if collects:
            gc.enable()
    return best
