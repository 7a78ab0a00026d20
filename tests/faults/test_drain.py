"""Stopping: what runs is finished and settled, what comes is refused with a time to come back; too many at once likewise."""

from __future__ import annotations

import http.client
import json
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from conftest import BUSY_S, Daemon, ask, call, start, stop, until, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal
from localrouter.daemon.serve import DRAIN_S


def holds(home: Path) -> list[tuple[object, ...]]:
    db = sqlite3.connect(home / "state" / "localrouter.db")
    try:
        return db.execute("SELECT settled, outcome, cost, micro FROM holds").fetchall()
    finally:
        db.close()


def test_sigterm_lets_running_answers_finish(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    process = start(tmp_path)
    try:
        daemon = wait(tmp_path, process, host)
        got: list[tuple[int, object]] = []
        thread = threading.Thread(
            target=lambda: got.append(
                ask(daemon, "a long answer please, with jane@roe.org in it", "rehearsal/rehearsal-slow", stream=True)
            )
        )
        before = len(host.record())
        thread.start()
        until(lambda: len(host.record()) > before, "the host was not called")
        process.send_signal(signal.SIGTERM)
        late = []  # what comes before the signal has arrived is answered
        until(lambda: late.append(ask(daemon, "one more")) or late[-1][0] != 200, "it still answers")
        status, tree = late[-1]
        assert status == 503 and tree["error"]["code"] == "busy"
        assert not got, "the running answer was waited for"
        thread.join(BUSY_S)
        assert got and got[0][0] == 200 and str(got[0][1]).rstrip().endswith("[DONE]") and "jane@roe.org" in str(got[0][1])
        assert process.wait(BUSY_S) == 0
    finally:
        stop(process)
    rows = holds(tmp_path)
    assert len(rows) == len(late) and all(row[0] is not None and row[1] == "done" for row in rows)
    assert not (tmp_path / "state" / "runtime.json").exists() and not (tmp_path / "state" / "control.sock").exists()


def test_what_does_not_finish_in_time_is_settled_all_the_same(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    process = start(tmp_path)
    try:
        daemon = wait(tmp_path, process, host)
        before = len(host.record())
        got: list[tuple[int, Any]] = []
        thread = threading.Thread(target=lambda: got.append(ask(daemon, "hello", "rehearsal/rehearsal-silent")))
        thread.start()
        until(lambda: len(host.record()) > before, "the host was not called")
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.wait(BUSY_S) == 0
        assert time.monotonic() - began < 5 * DRAIN_S
        thread.join(BUSY_S)
        assert got[0][0] == 503 and got[0][1]["error"]["code"] == "stopping"
    finally:
        stop(process)
    rows = holds(tmp_path)
    assert len(rows) == 1 and rows[0][0] is not None and 0 < int(str(rows[0][2])) <= int(str(rows[0][3]))


def test_the_sixty_fifth_is_told_to_come_back(daemon: Daemon) -> None:
    connections = []
    body = json.dumps({"model": "rehearsal/rehearsal-silent", "messages": [{"role": "user", "content": "hello"}]})
    head = {"authorization": f"Bearer {daemon.client}", "content-type": "application/json"}
    before = len(daemon.host.record())
    try:
        for _ in range(64):
            connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
            connection.request("POST", "/v1/chat/completions", body, head)
            connections.append(connection)
        until(lambda: len(daemon.host.record()) - before == 64, "64 calls of the host")
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
        connection.request("POST", "/v1/chat/completions", body, head)
        answer = connection.getresponse()
        assert answer.status == 503 and answer.getheader("retry-after") == "1" and answer.getheader("x-should-retry") == "true"
        assert json.loads(answer.read())["error"]["code"] == "busy"
        connection.close()
        assert call(daemon, "/control/status")[1]["in_flight"] == 64
    finally:
        for connection in connections:
            connection.close()
    until(lambda: call(daemon, "/control/status")[1]["in_flight"] == 0, "they did not end")
    assert ask(daemon, "hello")[0] == 200
