"""A client that leaves: the call to the host is cancelled and settled once, every time."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import BUSY_S, Daemon, ask, idle, start, stop, until, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal


def leave(daemon: Daemon, model: str, after: int, *, stream: bool) -> str:
    """Send a request, read until `after` bytes of the answer's body have come, and go. Returns the request's id (or "")."""
    body = json.dumps(
        {
            "model": f"rehearsal/rehearsal-{model}",
            "messages": [{"role": "user", "content": f"hello {after} jane@roe.org"}],
            "stream": stream,
        }
    ).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{daemon.port}\r\nauthorization: Bearer {daemon.client}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    before = len(daemon.host.record())
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=BUSY_S) as sock:
        sock.sendall(head.encode() + body)
        got = b""
        if model == "slow":
            while len(got.partition(b"\r\n\r\n")[2]) < after:
                part = sock.recv(256)
                if not part:
                    break
                got += part
        else:
            until(lambda: len(daemon.host.record()) > before, "the host was not called")
            time.sleep(after / 1000)
    for line in got.split(b"\r\n"):
        if line.lower().startswith(b"x-localrouter-id:"):
            return line.split(b":", 1)[1].strip().decode()
    return ""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, host: Rehearsal) -> Iterator[Daemon]:
    """One for this file: each test looks at what came since it began."""
    home = tmp_path_factory.mktemp("home")
    write_home(home, host, day_usd="1000")
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


def holds(daemon: Daemon) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(f"file:{daemon.home}/state/localrouter.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT request, micro, cost, settled, outcome FROM holds ORDER BY rowid").fetchall()
    finally:
        db.close()


def test_fifty_of_fifty(own: Daemon) -> None:
    daemon, before, since = own, len(own.host.record()), len(holds(own))
    for i in range(50):
        if i % 2:
            leave(daemon, "slow", 40 + 13 * i, stream=True)
        else:
            leave(daemon, "silent", i, stream=i % 4 == 0)
    idle(daemon)
    until(lambda: all(c["hung_up"] for c in daemon.host.record()[before:]), "not every call to the host was cancelled")
    calls, rows = daemon.host.record()[before:], holds(daemon)[since:]
    assert len(calls) == len(rows) == 50, (len(calls), len(rows))
    assert len({r[0] for r in rows}) == 50 and all(r[3] is not None for r in rows), "each settled once"
    assert {r[4] for r in rows} == {"client_gone"}
    assert all(0 < r[2] <= r[1] for r in rows), "what may have been billed is charged, at most the ceiling"


@pytest.mark.parametrize("model", ["drop", "cut", "error-mid"])
def test_a_broken_host_is_settled_once_too(own: Daemon, model: str) -> None:
    since = len(holds(own))
    ask(own, "hello", f"rehearsal/rehearsal-{model}", stream=True)
    idle(own)
    rows = holds(own)[since:]
    assert len(rows) == 1 and rows[0][3] is not None and rows[0][4] == "error" and 0 < rows[0][2] <= rows[0][1]
