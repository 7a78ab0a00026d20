"""A disk that is full, and a clock that jumps: hosted calls stop rather than go unrecorded; what runs here goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import ask, call, stop, wait, write_home
from tiny_gguf import build

from localrouter.core.money import Usage
from localrouter.daemon.rehearsal import Rehearsal
from localrouter.store import Store
from localrouter.store.ledger import Denied, Hold


def test_a_full_disk_stops_hosted_calls_and_nothing_else(tmp_path: Path, host: Rehearsal) -> None:
    """RLIMIT_FSIZE stands for the disk: no file of the daemon may grow past 400 KB."""
    model = tmp_path / "tiny.gguf"
    build(model)
    home = tmp_path / "home"
    write_home(home, host, day_usd="1000", extra=f'[local]\nmodel = "{model}"\nctx = 1024')
    env = {
        **os.environ,
        "LOCALROUTER_HOME": str(home),
        "LOCALROUTER_REHEARSAL_KEY": "k",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    # Set in the daemon's process: its children inherit it, and write nothing.
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000)); from localrouter.daemon.serve import main; sys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            daemon = wait(home, process, host)
            statuses = []
            for i in range(100):
                before = len(host.record())
                status, tree = ask(daemon, f"call {i} " + "x" * 12_000, "rehearsal/rehearsal-1", max_tokens=20)
                statuses.append((status, len(host.record()) - before))
                if statuses[-1] == (503, 0):
                    break
                # The disk may be full only when the call is settled: it was made, and stands in the ledger as reserved.
                assert statuses[-1] in ((200, 1), (503, 1))
            assert statuses[0] == (200, 1)
            assert statuses[-1] == (503, 0), "what cannot be recorded is not sent"
            assert tree["error"]["code"] == "store_unavailable" and "database" in tree["error"]["message"]
            status, tree = ask(daemon, "hello", "local:chat", max_tokens=3)
            assert status == 200 and tree["model"] == "local:chat", f"the local lane goes on: {tree}"
            assert call(daemon, "/control/status")[0] == 200
        finally:
            stop(process)
    # The disk has room again: everything that was sent is in the ledger, nothing is open.
    store = Store.open(home / "state", key=b"k" * 32, budgets=(None, None), now=lambda: 0.0)
    rows = store._writer.submit(lambda db: db.execute("SELECT settled, cost FROM holds").fetchall()).result()
    store.close()
    assert len(rows) >= sum(sent for _, sent in statuses) and all(r[0] is not None for r in rows)


@pytest.mark.anyio
@pytest.mark.parametrize("jump", [-86_400, -3_600, 3_600, 86_400, 40 * 86_400])
async def test_a_clock_that_jumps_never_gives_money_back(tmp_path: Path, jump: int) -> None:
    clock = [datetime(2026, 5, 20, 12, tzinfo=UTC).timestamp()]
    store = Store.open(tmp_path, key=b"k" * 32, budgets=(1_000_000, None), now=lambda: clock[0], tz="UTC")

    async def reserve(micro: int) -> Hold | Denied:
        return await store.ledger.reserve("r", user="u", project="", host="h", model="m", session="s", micro=micro)

    first, running = await reserve(600_000), await reserve(300_000)
    assert isinstance(first, Hold) and isinstance(running, Hold)
    await store.ledger.settle(first.id, 600_000, Usage(), estimated=False, outcome="done")
    clock[0] += jump
    got = await reserve(800_000)
    assert isinstance(got, Denied), "a running call counts against every day"
    await store.ledger.settle(running.id, 300_000, Usage(), estimated=False, outcome="done")
    clock[0] -= jump
    day = (await store.ledger.budgets("u"))[0]
    assert day.spent == 900_000 and isinstance(await reserve(200_000), Denied)
    store.close()
