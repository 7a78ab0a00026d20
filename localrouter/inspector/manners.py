"""How the working thread behaves while its work is only for the record: on one thread, behind others, and away when somebody waits."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from localrouter.scrub import detectors


@contextlib.contextmanager
def behind_others(waits: Callable[[], bool]) -> Iterator[None]:
    """The block is work for the record. `waits` says whether somebody waits. Use it from the working thread alone."""
    _schedule(hurried=False)
    detectors.polite(waits)
    try:
        yield
    finally:
        detectors.polite(None)
        _schedule(hurried=True)


@contextlib.contextmanager
def at_once(waits: Callable[[], bool]) -> Iterator[None]:
    """Inside of `behind_others`: the block is what somebody waits for."""
    detectors.polite(None)
    _schedule(hurried=True)
    try:
        yield
    finally:
        _schedule(hurried=False)
        detectors.polite(waits)


def _schedule(*, hurried: bool) -> None:
    """SCHED_BATCH on Linux (sched(7)), of the calling thread only: it takes no processor from one that wakes up. It can be taken back at any time,
    which niceness cannot without rights; and SCHED_IDLE could be left holding Python's lock while a client waits for it."""
    policy = getattr(os, "SCHED_OTHER" if hurried else "SCHED_BATCH", None)
    if policy is not None:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, policy, os.sched_param(0))
