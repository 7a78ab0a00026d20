"""The engine's process is killed at random moments under load, through the daemon: the daemon lives, each request gets an answer or an
error that says what happened, and the next request works."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import tiny_chat
from conftest import Daemon, ask, call, start, stop, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal

SERVE = (
    "import sys, localrouter.daemon.children as c; c.WINDOW = 0.0; "  # the budget of restarts is not what is tried here
    "from localrouter.daemon.serve import main; sys.exit(main())"
)


@pytest.fixture
def daemon(tmp_path: Path, host: Rehearsal) -> Iterator[Daemon]:
    model = tiny_chat.build("trained", tmp_path / "trained.gguf")
    home = tmp_path / "home"
    write_home(home, host, extra=f'[local]\nmodel = "{model}"\nctx = 2048')
    process = start(home, program=SERVE)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


def engine(daemon: Daemon) -> psutil.Process | None:
    for child in psutil.Process(daemon.pid).children():
        try:
            if "localrouter.engine" in child.cmdline():
                return child
        except psutil.Error:
            continue
    return None


def kills(daemon: Daemon, count: int, seed: int) -> Counter[str]:
    """Four clients ask without end while the engine is killed `count` times. Returns what they got."""
    draw = random.Random(seed)
    got: Counter[str] = Counter()
    wrong: list[Any] = []
    over = threading.Event()

    def client(number: int) -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            try:
                status, body = ask(daemon, f"song {(number + turn) % 12}", "local:chat", max_tokens=200, temperature=0)
            except Exception as exc:
                wrong.append(repr(exc))
                return
            error = body.get("error", {}) if isinstance(body, dict) else {}
            if status == 200:
                got[
                    "answered here"
                    if "trained" in str(body.get("model")) or "local" in str(body.get("model"))
                    else "answered by the next"
                ] += 1
            elif error.get("code") and error.get("code") != "internal" and error.get("message"):
                got[str(error["code"])] += 1
            else:
                wrong.append((status, body))

    clients = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for thread in clients:
        thread.start()
    victims: set[int] = set()
    end = time.monotonic() + 30 + 8 * count
    while len(victims) < count and time.monotonic() < end and not wrong:
        time.sleep(draw.uniform(0.0, 0.8))
        victim = engine(daemon)
        if victim is not None and victim.pid not in victims:
            victims.add(victim.pid)
            victim.kill()
    over.set()
    for thread in clients:
        thread.join(120)
    assert not wrong, wrong[:3]
    assert len(victims) == count
    assert psutil.pid_exists(daemon.pid)
    status, body = ask(daemon, "song 3", "local:chat", max_tokens=10, temperature=0)
    assert status == 200, "the next request works, here or at the route's next model"
    end = time.monotonic() + 60
    while (text := body["choices"][0]["message"]["content"]) != "".join(tiny_chat.song(3)[:10]):
        assert time.monotonic() < end, (
            text,
            call(daemon, "/control/traces")[1]["traces"][:1],
            call(daemon, "/control/status")[1]["cooling"],
        )
        time.sleep(0.2)
        status, body = ask(daemon, "song 3", "local:chat", max_tokens=10, temperature=0)
    return got


def test_ten_kills(daemon: Daemon) -> None:
    assert sum(kills(daemon, 10, 1).values()) > 0


@pytest.mark.long
def test_two_hundred_kills(daemon: Daemon) -> None:
    print(kills(daemon, 200, 2))
