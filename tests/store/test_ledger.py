"""The ledger: exact under concurrency, across crashes, and in the user's own calendar."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from localrouter.core.errors import StoreFault
from localrouter.core.money import Usage
from localrouter.store import Store
from localrouter.store.ledger import Denied, Hold

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def opened(
    tmp_path: Path, day: int | None = 1_000_000, month: int | None = 20_000_000, *, at: float = 1_760_000_000.0, tz: str = "UTC"
) -> tuple[Store, Clock]:
    clock = Clock(at)
    return Store.open(tmp_path, key=b"k" * 32, budgets=(day, month), now=clock, tz=tz), clock


async def reserve(store: Store, micro: int, user: str = "default") -> Hold | Denied:
    return await store.ledger.reserve("r", user=user, project="", host="h", model="h/m", session="s", micro=micro)


async def test_reserve_then_settle(tmp_path: Path) -> None:
    store, _ = opened(tmp_path)
    hold = await reserve(store, 300_000)
    assert isinstance(hold, Hold)
    day, month = await store.ledger.budgets("default")
    assert (day.held, day.spent, day.remaining) == (300_000, 0, 700_000) and month.held == 300_000
    await store.ledger.settle(hold.id, 120_000, Usage(input=10, output=5), estimated=False, outcome="done", sent_bytes=40)
    day, _ = await store.ledger.budgets("default")
    assert (day.held, day.spent, day.remaining) == (0, 120_000, 880_000)
    assert await store.ledger.spent_today() == 120_000
    with pytest.raises(ValueError, match="not open"):
        await store.ledger.settle(hold.id, 1, Usage(), estimated=False, outcome="done", sent_bytes=0)
    store.close()


async def test_a_denial_says_why_and_when(tmp_path: Path) -> None:
    store, _ = opened(tmp_path, at=datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp(), tz="Europe/Berlin")
    assert isinstance(await reserve(store, 900_000), Hold)
    denied = await reserve(store, 200_000)
    assert isinstance(denied, Denied)
    assert denied.scope == "daily" and denied.remaining == 100_000
    assert "$1.0000" in denied.text and "2026-03-29 at 00:00 CET" in denied.text and "running calls" in denied.text
    store.close()


async def test_concurrent_reservations_never_exceed_the_budget(tmp_path: Path) -> None:
    store, _ = opened(tmp_path, day=1_000_000)
    draw = random.Random(7)
    amounts = [draw.randrange(1_000, 60_000) for _ in range(400)]
    got = await asyncio.gather(*(reserve(store, a) for a in amounts))
    held = sum(g.micro for g in got if isinstance(g, Hold))
    assert 940_000 < held <= 1_000_000
    assert any(isinstance(g, Denied) for g in got)
    store.close()


async def test_an_overrun_is_charged_counted_and_denies_what_follows(tmp_path: Path) -> None:
    store, _ = opened(tmp_path)
    hold = await reserve(store, 900_000)
    assert isinstance(hold, Hold)
    await store.ledger.settle(hold.id, 1_500_000, Usage(output=9), estimated=False, outcome="done", sent_bytes=1)
    day, _ = await store.ledger.budgets("default")
    assert day.spent == 1_500_000 and day.remaining == -500_000
    assert isinstance(await reserve(store, 1), Denied)
    assert isinstance(await reserve(store, 1, user="another"), Hold), "budgets are per user"
    store.close()


async def test_the_day_turns_in_the_users_own_zone(tmp_path: Path) -> None:
    zone = ZoneInfo("America/New_York")
    store, clock = opened(tmp_path, at=datetime(2026, 11, 1, 23, 30, tzinfo=zone).timestamp(), tz="America/New_York")
    hold = await reserve(store, 900_000)
    assert isinstance(hold, Hold)
    await store.ledger.settle(hold.id, 900_000, Usage(), estimated=False, outcome="done", sent_bytes=1)
    assert isinstance(await reserve(store, 200_000), Denied)
    clock.at = datetime(2026, 11, 2, 0, 1, tzinfo=zone).timestamp()
    assert isinstance(await reserve(store, 200_000), Hold), "a day with a change of summer time still ends at midnight"
    store.close()


async def test_an_open_hold_of_yesterday_counts_until_it_is_settled(tmp_path: Path) -> None:
    store, clock = opened(tmp_path)
    assert isinstance(await reserve(store, 900_000), Hold)
    clock.at += 86_400
    assert isinstance(await reserve(store, 200_000), Denied)
    store.close()


async def test_no_limit(tmp_path: Path) -> None:
    store, _ = opened(tmp_path, day=None, month=None)
    assert isinstance(await reserve(store, 10**12), Hold)
    assert (await store.ledger.budgets("default"))[0].remaining is None
    store.close()


async def test_the_sweep_charges_orphans_at_their_ceiling_once(tmp_path: Path) -> None:
    store, _ = opened(tmp_path)
    await reserve(store, 250_000)
    await reserve(store, 50_000)
    store.close()
    store, _ = opened(tmp_path)
    assert store.swept == 2
    assert (await store.ledger.budgets("default"))[0].spent == 300_000
    store.close()
    store, _ = opened(tmp_path)
    assert store.swept == 0
    store.close()


_KILLED = """
import asyncio, sys, time
from pathlib import Path
from localrouter.core.money import Usage
from localrouter.store import Store

async def main():
    store = Store.open(Path(sys.argv[1]), key=b"k" * 32, budgets=(None, None), now=time.time)
    async def one(i):
        hold = await store.ledger.reserve(f"r{i}", user="u", project="", host="h", model="m", session="s", micro=1000)
        print("held", hold.id, flush=True)
        await asyncio.sleep(0.001 * (i % 7))
        await store.ledger.settle(hold.id, i, Usage(), estimated=False, outcome="done", sent_bytes=1)
        print("settled", hold.id, i, flush=True)
    i = 0
    while True:
        await asyncio.gather(*(one(i + k) for k in range(16)))
        i += 16
asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    for round_ in range(5):
        process = subprocess.Popen([sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(60 + 40 * round_)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        whole = [line.split() for line in lines if line.strip()]
        settled = {w[1]: int(w[2]) for w in whole if w[0] == "settled" and len(w) == 3}
        held = {w[1] for w in whole if w[0] == "held" and len(w) == 2 and len(w[1]) == 24}
        store, _ = opened(tmp_path, None, None)
        rows = await store._writer.run(lambda db: db.execute("SELECT id, cost, outcome, settled FROM holds").fetchall())
        store.close()
        known = {r[0]: r for r in rows}
        assert settled and all(known[i][1] == cost and known[i][2] == "done" for i, cost in settled.items())
        assert held <= set(known) and all(r[3] is not None for r in rows), "nothing is open after the sweep"


@pytest.mark.parametrize("damage", ["text", "cut"])
async def test_a_damaged_database_is_said_and_kept(tmp_path: Path, damage: str) -> None:
    store, _ = opened(tmp_path)
    await reserve(store, 1)
    store.close()
    file = tmp_path / "localrouter.db"
    data = file.read_bytes()
    file.write_bytes(b"this is not a database " * 200 if damage == "text" else data[:100] + b"\xff" * (len(data) - 100))
    before = file.read_bytes()
    with pytest.raises(StoreFault, match="damaged"):
        opened(tmp_path)
    assert file.read_bytes()[:4096] == before[:4096]


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    store, _ = opened(tmp_path)
    store._writer.submit(lambda db: db.execute("INSERT INTO migrations VALUES ('m999_future')")).result()
    store.close()
    with pytest.raises(StoreFault, match="newer localrouter"):
        opened(tmp_path)


async def test_files_are_private(tmp_path: Path) -> None:
    store, _ = opened(tmp_path)
    assert (tmp_path / "localrouter.db").stat().st_mode & 0o077 == 0
    store.close()


@pytest.mark.parametrize("seed", range(12))
async def test_remembered_totals_equal_the_database(tmp_path: Path, seed: int) -> None:
    """Random calls, days, failures and restarts: what the ledger remembers is what a fresh look at the file says."""
    draw = random.Random(seed)
    store, clock = opened(tmp_path, day=3_000_000, month=8_000_000)
    open_: list[str] = []
    for _ in range(120):
        step = draw.random()
        user = draw.choice(("a", "b"))
        if step < 0.45:
            got = await reserve(store, draw.randrange(400_000), user)
            if isinstance(got, Hold):
                open_.append(got.id)
        elif step < 0.75 and open_:
            hold = open_.pop(draw.randrange(len(open_)))
            await store.ledger.settle(
                hold,
                draw.randrange(500_000),
                Usage(input=draw.randrange(100)),
                estimated=draw.random() < 0.3,
                outcome="done",
                sent_bytes=80,
            )
        elif step < 0.85:
            clock.at += draw.choice((60, 86_400, 30 * 86_400, -3_600))
        elif step < 0.92:

            def broken(db: object) -> None:
                raise sqlite3.OperationalError("disk I/O error")

            pending = asyncio.gather(reserve(store, 1_000, user), store._writer.run(broken), return_exceptions=True)
            results = await pending
            open_ += [r.id for r in results if isinstance(r, Hold)]
        elif step < 0.95:
            store.close()
            open_.clear()
            at = clock.at
            store, clock = opened(tmp_path, day=3_000_000, month=8_000_000, at=at)
        for who in ("a", "b"):
            remembered = await store.ledger.budgets(who)
            store.ledger._totals.forget()
            assert remembered == await store.ledger.budgets(who)
            if draw.random() < 0.5:
                store.ledger._totals.forget()
        remembered_density = await store.ledger.density("s")
        store.ledger._totals.forget()
        assert remembered_density == await store.ledger.density("s")
    store.close()


@pytest.mark.parametrize("late", [False, True])
async def test_a_cancelled_caller_leaves_no_hold_behind_and_harms_nobody(tmp_path: Path, late: bool) -> None:
    """`late`: the writer has taken the jobs before their callers' cancellation reaches them."""
    store, _ = opened(tmp_path)
    gate = threading.Event()
    blocking = store._writer.submit(lambda db: gate.wait(10))
    tasks = [asyncio.create_task(reserve(store, 1_000)) for _ in range(6)]
    await asyncio.sleep(0.05)
    for task in tasks[::2]:
        task.cancel()
    gate.set()
    if late:
        time.sleep(0.2)  # the loop stands still, the writer does not
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert blocking.result() is True
    kept = [r for r in results if isinstance(r, Hold)]
    assert len(kept) == 3
    # A hold whose caller went away is released by a job of its own, which comes after it.
    async with asyncio.timeout(60):
        while (await store.ledger.budgets("default"))[0].held != 3_000:
            await asyncio.sleep(0.01)
    store.close()
