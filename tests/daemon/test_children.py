"""A child under supervision: real processes, real deaths."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from localrouter.daemon.children import GRACE, MISSES, Child, ChildDied, ChildRefused, ChildSlow

pytestmark = pytest.mark.anyio

MAIN = """
import os, sys, threading, time
from localrouter.core.frames import Decoder, encode
lock = threading.Lock()
cancelled = []
def send(m):
    with lock:
        data = encode(m)
        while data:
            data = data[os.write(1, data):]
def flood(i):
    n = 0
    while i not in cancelled:
        n += 1
        send({"id": i, "n": n})
        time.sleep(0.005)
mode = sys.argv[1] if len(sys.argv) > 1 else ""
if mode == "fatal":
    send({"fatal": "It will not do."}); sys.exit(3)
if mode == "noise":
    os.write(1, b"Segmentation fault" * 10); time.sleep(60)
if mode == "sleep":
    time.sleep(60)
sys.stderr.write("hello from the child\\n" + "x" * 100000 + "\\n"); sys.stderr.flush()
send({"ready": True, "pid": os.getpid()})
d = Decoder()
while True:
    data = os.read(0, 65536)
    if not data:
        break
    for m in d.feed(data):
        op, i = m["op"], m.get("id")
        if op == "ping": send({"id": i})
        elif op == "echo": send({"id": i, "text": m["text"]})
        elif op == "count":
            for k in range(m["to"]): send({"id": i, "k": k})
            send({"id": i, "end": True})
        elif op == "flood": threading.Thread(target=flood, args=(i,), daemon=True).start()
        elif op == "cancel": cancelled.append(i)
        elif op == "cancelled": send({"id": i, "ids": list(cancelled)})
        elif op == "die": os._exit(7)
        elif op == "hang": pass
        elif op == "freeze": time.sleep(60)
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def main(tmp_path: Path) -> Path:
    path = tmp_path / "main.py"
    path.write_text(MAIN)
    return path


def child(main: Path, *args: str, **kw: Any) -> Child:
    return Child("test", [sys.executable, str(main), *args], env={"PYTHONPATH": os.getcwd()}, **kw)


async def test_call_stream_tell_and_stop(main: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    tasks = len(asyncio.all_tasks())
    c = child(main)
    ready = await c.start()
    assert ready["pid"] == c.pid and c.alive
    big = "é" * 1_000_000
    assert (await c.call({"op": "echo", "text": big}, timeout=60))["text"] == big
    many = await asyncio.gather(*(c.call({"op": "echo", "text": str(i)}, timeout=60) for i in range(50)))
    assert [m["text"] for m in many] == [str(i) for i in range(50)]
    got = [m async for m in c.stream({"op": "count", "to": 3})]
    assert [m.get("k") for m in got] == [0, 1, 2, None]
    await c.tell({"op": "hang"})
    await c.stop()
    assert not c.alive and c.pid is None and c.deaths == 0
    with pytest.raises(ChildDied):
        await c.call({"op": "echo", "text": ""}, timeout=1)
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # the loop's child watcher may keep one
    assert len(asyncio.all_tasks()) == tasks


async def test_closing_a_stream_cancels_the_work(main: Path) -> None:
    c = child(main)
    async with aclosing(c.stream({"op": "flood"})) as replies:
        async for m in replies:
            if m["n"] == 3:
                break
    assert len((await c.call({"op": "cancelled"}, timeout=60))["ids"]) == 1
    await c.stop()


async def test_death_reaches_each_waiting_caller_and_the_next_call_restarts(main: Path) -> None:
    c = child(main)
    await c.start()
    first = c.pid
    hangs = [asyncio.create_task(c.call({"op": "hang"}, timeout=30)) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    for error in await asyncio.gather(*hangs, return_exceptions=True):
        assert isinstance(error, ChildDied) and error.retryable
    assert (await c.call({"op": "echo", "text": "again"}, timeout=60))["text"] == "again"
    assert c.pid != first and c.deaths == 1
    await c.stop()


async def test_restart_budget(main: Path) -> None:
    c = child(main, restarts=1)
    for _ in range(2):
        with pytest.raises(ChildDied):
            await c.call({"op": "die"}, timeout=60)
    with pytest.raises(ChildDied, match="left down"):
        await c.call({"op": "echo", "text": ""}, timeout=60)
    assert c.pid is None and c.deaths == 2, "it was not started once more"
    await c.stop()


async def test_missed_heartbeats_kill(main: Path) -> None:
    beat = 0.5
    c = child(main, heartbeat=beat)
    await c.start()
    await asyncio.sleep((MISSES + 1) * beat)
    assert c.alive  # pings are answered
    began = time.monotonic()
    with pytest.raises(ChildDied):
        await c.call({"op": "freeze"}, timeout=60)
    assert time.monotonic() - began < 5 * (MISSES + 1) * beat
    assert (await c.call({"op": "echo", "text": "up"}, timeout=60))["text"] == "up"
    await c.stop()


async def test_slow_fatal_noise_and_missing_program(main: Path) -> None:
    c = child(main)
    with pytest.raises(ChildSlow):
        await c.call({"op": "hang"}, timeout=1)
    await c.stop()
    c = child(main, "fatal")
    with pytest.raises(ChildRefused, match="It will not do"):
        await c.start()
    await c.stop()
    c = child(main, "noise")
    with pytest.raises(ChildDied):
        await c.start()
    await c.stop()
    c = child(main, "sleep", ready_timeout=0.3)
    with pytest.raises(ChildDied, match="not ready"):
        await c.start()
    await c.stop()
    c = Child("none", ["/does/not/exist"])
    with pytest.raises(ChildDied):
        await c.start()
    await c.stop()


async def test_stop_while_starting_does_not_wait(main: Path) -> None:
    c = child(main, "sleep")
    start = asyncio.create_task(c.start())
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await c.stop()
    assert time.monotonic() - began < 5 * GRACE, "not the minutes that it may take to start"
    with pytest.raises(ChildDied):
        await start


async def test_the_environment_holds_no_key(main: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "-".join(["sk", "test", "0" * 20])
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GITHUB_TOKEN", "MY_OWN_SECRET"):
        monkeypatch.setenv(name, value)
    c = child(main)
    await c.start()
    environ = Path(f"/proc/{c.pid}/environ").read_bytes()
    assert value.encode() not in environ and b"PATH=" in environ
    await c.stop()
