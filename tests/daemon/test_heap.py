"""Memory: what a large body took goes back to the system, and the collector does not look at what stays for good."""

from __future__ import annotations

import asyncio
import gc
import platform
import subprocess
import sys
import weakref

import pytest

from localrouter.daemon import heap

pytestmark = pytest.mark.anyio

GROWTH = """
import threading
from localrouter.daemon import heap
{keep}
def rss():
    return int(next(line for line in open("/proc/self/status") if line.startswith("RssAnon")).split()[1])
def bodies(pinned):
    for size in range(200, 2400, 100):
        body = bytearray(size * 1000)
        pinned.append(bytes(bytearray(600)))  # what outlives the body and lies behind it
        del body
before, pinned = rss(), []
for _ in range(4):
    threads = [threading.Thread(target=bodies, args=(pinned,)) for _ in range(6)]
    for t in threads: t.start()
    for t in threads: t.join()
print(rss() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's heap")
def test_large_bodies_leave_no_holes() -> None:
    kept = subprocess.run(
        [sys.executable, "-c", GROWTH.format(keep="heap.keep_small()")], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(kept.stdout) < 2_000, f"{kept.stdout} KiB stayed"


def test_the_collector_leaves_alone_what_stays() -> None:
    say = "import gc; from localrouter.daemon import heap; heap.quiet_collector(); print(gc.get_freeze_count(), *gc.get_threshold())"
    done = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, timeout=60, check=True)
    frozen, *thresholds = map(int, done.stdout.split())
    assert frozen > 1_000
    assert thresholds[0] > 700


async def test_what_requests_left_in_cycles_goes_when_nothing_is_noted() -> None:
    class Left:
        def __init__(self) -> None:
            self.me = self

    left = weakref.ref(Left())
    gc.disable()
    try:
        tidying = heap.Tidying(0.05)
        tidying.soon()
        tidying.soon()
        assert left() is not None
        async with asyncio.timeout(10):
            while left() is not None:
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
