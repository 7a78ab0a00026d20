"""A client that leaves: the call to the host is cancelled and settled once, every time."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from typing import Any

import pytest
from conftest import BUSY_S, Daemon, MakeDaemon, idle, until


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


def holds(daemon: Daemon) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(f"file:{daemon.home}/state/localrouter.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT request, micro, cost, settled, outcome FROM holds").fetchall()
    finally:
        db.close()


def test_fifty_of_fifty(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(day_usd="1000")
    before = len(daemon.host.record())
    for i in range(50):
        if i % 2:
            leave(daemon, "slow", 40 + 13 * i, stream=True)
        else:
            leave(daemon, "silent", i, stream=i % 4 == 0)
    idle(daemon)
    until(lambda: all(c["hung_up"] for c in daemon.host.record()[before:]), "not every call to the host was cancelled")
    calls, rows = daemon.host.record()[before:], holds(daemon)
    assert len(calls) == len(rows) == 50, (len(calls), len(rows))
    assert len({r[0] for r in rows}) == 50 and all(r[3] is not None for r in rows), "each settled once"
    assert {r[4] for r in rows} == {"client_gone"}
    assert all(0 < r[2] <= r[1] for r in rows), "what may have been billed is charged, at most the ceiling"


@pytest.mark.parametrize("model", ["drop", "cut", "error-mid"])
def test_a_broken_host_is_settled_once_too(make_daemon: MakeDaemon, model: str) -> None:
    from conftest import ask

    daemon = make_daemon(day_usd="1000")
    ask(daemon, "hello", f"rehearsal/rehearsal-{model}", stream=True)
    idle(daemon)
    rows = holds(daemon)
    assert len(rows) == 1 and rows[0][3] is not None and rows[0][4] == "error" and 0 < rows[0][2] <= rows[0][1]
