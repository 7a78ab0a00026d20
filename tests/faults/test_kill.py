"""kill -9 under load: what a client saw end is settled exactly, all else at its ceiling, and the records are whole."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from conftest import BUSY_S, Daemon, call, start, stop, until, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal


def load(daemon: Daemon, seen: dict[str, float], over: threading.Event, seed: int) -> None:
    """One client: streams until the daemon dies; notes the ids whose terminal event it read."""
    draw = random.Random(seed)
    while not over.is_set():
        body = json.dumps({"model": "rehearsal/rehearsal-1", "stream": True, "stream_options": {"include_usage": True},
                           "messages": [{"role": "user", "content": "tell me about jane@roe.org " + "x" * draw.randrange(400)}]})  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
        try:
            connection.request(
                "POST",
                "/v1/chat/completions",
                body,
                {"authorization": f"Bearer {daemon.client}", "content-type": "application/json"},
            )
            answer = connection.getresponse()
            id_ = answer.getheader("x-localrouter-id", "")
            usage = None
            for line in answer:
                if line.startswith(b"data: {"):
                    usage = json.loads(line[6:]).get("usage") or usage
                if line.startswith(b"data: [DONE]") and usage:
                    # price_in 0.25 and price_out 2.00 dollars per million tokens, rounded up to a micro-dollar
                    seen[id_] = -(-(usage["prompt_tokens"] * 25 + usage["completion_tokens"] * 200) // 100)
        except (OSError, http.client.HTTPException, ValueError):
            return
        finally:
            connection.close()


def killed_once(home: Path, host: Rehearsal, seed: int) -> tuple[int, int]:
    """(requests whose end was seen, requests found open and charged at their ceiling)."""
    process = start(home)
    daemon = wait(home, process, host)
    assert (
        call(daemon, "/v1/chat/completions", {"messages": [{"role": "user", "content": "warm"}]}, token=daemon.client)[0] == 200
    )
    seen: dict[str, float] = {}
    over = threading.Event()
    threads = [threading.Thread(target=load, args=(daemon, seen, over, seed * 100 + i)) for i in range(6)]
    for thread in threads:
        thread.start()
    until(lambda: seen, "the load did nothing")
    time.sleep(random.Random(seed).random() * 0.5)
    os.kill(process.pid, signal.SIGKILL)
    over.set()
    for thread in threads:
        thread.join(BUSY_S)
    process.wait()
    process = start(home)
    try:
        daemon = wait(home, process, host)
        assert call(daemon, "/control/verify")[1]["ok"] is True
        assert all(b["held"] == 0 for b in call(daemon, "/control/budget")[1]["budgets"])
    finally:
        stop(process)
    db = sqlite3.connect(home / "state" / "localrouter.db")
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    rows = {r[0]: r for r in db.execute("SELECT request, micro, cost, settled, outcome, estimated FROM holds").fetchall()}
    db.close()
    for id_, micro in seen.items():
        assert rows[id_][4] == "done" and rows[id_][2] == micro, (rows[id_], micro)
    assert all(r[3] is not None for r in rows.values())
    orphans = [r for r in rows.values() if r[4] == "orphan"]
    assert all(r[2] == r[1] for r in orphans)
    return len(seen), len(orphans)


def run(tmp_path: Path, host: Rehearsal, rounds: int) -> tuple[int, int]:
    home = tmp_path / "home"
    write_home(home, host, day_usd="1000")
    ends = orphans = 0
    for seed in range(rounds):
        a, b = killed_once(home, host, seed)
        ends, orphans = ends + a, b
    return ends, orphans


def test_three_kills(tmp_path: Path, host: Rehearsal) -> None:
    ends, _ = run(tmp_path, host, 3)
    assert ends > 0


@pytest.mark.long
def test_two_hundred_kills(tmp_path: Path, host: Rehearsal) -> None:
    ends, orphans = run(tmp_path, host, 200)
    print(f"200 kills (seeds 0 to 199): {ends} ends seen and settled exactly, {orphans} orphans charged at their ceiling")
    assert ends > 1000 and orphans > 0
