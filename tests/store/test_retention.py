"""Traces, decisions and texts go by age and by size, in small steps; budgets, the chain and what is younger stay as they are."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import orjson
import pytest

from localrouter.core.money import Usage
from localrouter.store import FILE, Keep, Store
from localrouter.store.decisions import Kept
from localrouter.store.ledger import Hold
from localrouter.store.makers import Maker
from localrouter.store.retention import LEAST

pytestmark = pytest.mark.anyio

DAY = 86_400.0
BEGUN = 1_760_000_000.0
PLENTY = 1 << 40


class Clock:
    def __init__(self) -> None:
        self.now = BEGUN

    def __call__(self) -> float:
        return self.now


def opened(folder: Path, clock: Clock) -> Store:
    return Store.open(folder, key=b"k" * 32, budgets=(10_000_000, 50_000_000), now=clock, tz="UTC")


async def asked(store: Store, clock: Clock, i: int, *, days: int | None = None, words: str = "", place: str = "p") -> str:
    id_ = f"lr-{i:011x}-abcdef{i:04x}"
    trace: dict[str, Any] = {
        "id": id_, "started": clock(), "who": "default", "session": "s", "lane": "hosted", "route": "r", "reason": "x", "model": "m",
        "status": 200, "cost_micro": 7, "ms": 1.5, "findings": {"EMAIL": 1}, "explain": f"number{i}", "left_machine": [f"walrus{i} {words}"],
        "answer": f"quokka{i}",
    }  # fmt: skip
    row = Kept(id_, clock(), "default", "s", "r@1", "c", place, orjson.dumps({"place": place}), b"{}")
    await store.traces.put(trace, (row, orjson.dumps({"keys": [place]})), keep_days=days)
    return id_


def rows(folder: Path, sql: str) -> list[Any]:
    with sqlite3.connect(folder / FILE) as db:
        found = db.execute(sql).fetchall()
    db.close()
    return found


async def test_what_is_old_goes_and_the_chain_and_the_budgets_stay(tmp_path: Path) -> None:
    clock = Clock()
    store = opened(tmp_path, clock)
    ids = []
    for day in range(10):
        clock.now = BEGUN + day * DAY
        hold = await store.ledger.reserve(f"q{day}", user="default", project="", host="h", model="m", session="s", micro=100)
        assert isinstance(hold, Hold)
        await store.ledger.settle(hold.id, 70, Usage(input=3), estimated=False, outcome="done", sent_bytes=10)
        ids.append(await asked(store, clock, day, place=f"place{day}"))
    store.makers.put(Maker(b"m", b"t", "h", ids[0]))
    store.makers.flush()
    before = await store.ledger.budgets("default")
    density = await store.ledger.density("s")

    done = await store.retention.prune(Keep(4, PLENTY))

    assert done.dropped == 5 and done.emptied == 0, "those of days 0 to 4; that of day 5 is 4 days old to the second"
    assert [r["id"] for r in await store.traces.recent()] == ids[:4:-1]
    assert await store.traces.get(ids[4]) is None and await store.traces.recent(q="walrus4") == []
    assert [r["id"] for r in await store.traces.recent(q="quokka5")] == [ids[5]]
    assert await store.decisions.of(ids[4]) is None and await store.decisions.of(ids[5]) is not None
    assert await store.makers.of(ids[0]) == []
    assert await store.traces.verify() == (True, 5, "")
    assert await store.ledger.budgets("default") == before and await store.ledger.density("s") == density
    assert (await store.retention.prune(Keep(4, PLENTY))).dropped == 0, "a second run finds nothing"
    store.close()
    assert rows(tmp_path, "SELECT count(*), sum(cost) FROM holds") == [(10, 700)], "the ledger is whole"
    assert rows(tmp_path, "SELECT count(*) FROM artifacts WHERE kind = 'place'") == [(5,)]
    for file in tmp_path.iterdir():
        assert b"walrus4" not in file.read_bytes() and b"quokka4" not in file.read_bytes(), file

    store = opened(tmp_path, clock)  # the totals are counted anew from the rows
    assert await store.ledger.budgets("default") == before
    after = await asked(store, clock, 99)
    assert await store.traces.verify() == (True, 6, "") and await store.traces.forget(after)
    assert await store.traces.verify() == (True, 6, "")
    store.close()


async def test_a_route_may_keep_less(tmp_path: Path) -> None:
    clock = Clock()
    store = opened(tmp_path, clock)
    ids = [await asked(store, clock, i, days=2 if i == 1 else None) for i in range(4)]
    clock.now += 2 * DAY - 1
    assert (await store.retention.prune(Keep(30, PLENTY))).emptied == 0
    clock.now += 2
    done = await store.retention.prune(Keep(30, PLENTY))
    assert (done.emptied, done.dropped) == (1, 0)
    assert await store.traces.get(ids[1]) == {"id": ids[1], "forgotten": clock.now}
    assert await store.decisions.of(ids[1]) is None and await store.traces.recent(q="walrus1") == []
    assert await store.traces.get(ids[0]) is not None and await store.traces.verify() == (True, 4, "")
    clock.now += 40 * DAY
    done = await store.retention.prune(Keep(30, PLENTY))
    assert (done.emptied, done.dropped) == (0, 4), "three rows, and the text of the newest, whose place the next one continues"
    assert await store.traces.get(ids[3]) == {"id": ids[3], "forgotten": clock.now}
    await asked(store, clock, 5)
    assert await store.traces.verify() == (True, 2, "")
    store.close()


async def test_the_oldest_go_when_there_is_too_much(tmp_path: Path) -> None:
    clock = Clock()
    store = opened(tmp_path, clock)
    words = " ".join(f"word{i}" for i in range(2000))
    ids = []
    for i in range(0, LEAST + 150, 25):
        clock.now += 1
        ids += await asyncio.gather(*(asked(store, clock, i + k, words=words) for k in range(25)))
    store.close()
    full = (tmp_path / FILE).stat().st_size
    store = opened(tmp_path, clock)
    done = await store.retention.prune(Keep(30, full * 2 // 3))
    left = [r["id"] for r in await store.traces.recent(1000)]
    assert left == ids[: done.dropped - 1 : -1] and LEAST <= len(left) < len(ids) - 30, "the newest stay"
    assert await store.traces.verify() == (True, len(left), "")
    store.close()
    assert (tmp_path / FILE).stat().st_size <= full * 2 // 3, "and the file has shrunk"
    store = opened(tmp_path, clock)
    done = await store.retention.prune(Keep(30, 1))
    assert len(await store.traces.recent(1000)) == LEAST, "however little room there is"
    store.close()


async def test_who_cuts_the_beginning_off_is_found_out(tmp_path: Path) -> None:
    clock = Clock()
    store = opened(tmp_path, clock)
    for i in range(6):
        clock.now += DAY
        await asked(store, clock, i)
    await store.retention.prune(Keep(4, PLENTY))
    assert (await store.traces.verify())[0]
    store.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        seq, link = db.execute("SELECT seq, link FROM traces ORDER BY seq LIMIT 1").fetchone()
        db.execute("DELETE FROM traces WHERE seq = ?", (seq,))
    db.close()
    store = opened(tmp_path, clock)
    whole, _, bad = await store.traces.verify()
    assert not whole and bad.startswith("lr-")
    store.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE chain_anchor SET seq = ?, link = ?", (seq, link))
    db.close()
    store = opened(tmp_path, clock)
    assert await store.traces.verify() == (False, 0, "the beginning"), "an anchor without the key is none"
    store.close()


async def test_a_reservation_waits_for_one_step_at_most(tmp_path: Path) -> None:
    clock = Clock()
    store = opened(tmp_path, clock)
    words = " ".join(f"w{i}" for i in range(300))
    for i in range(0, 1200, 100):
        await asyncio.gather(*(asked(store, clock, i + k, words=words) for k in range(100)))
    clock.now += 60 * DAY
    pruning = asyncio.create_task(store.retention.prune(Keep(30, PLENTY)))
    reserved = 0
    while not pruning.done():
        hold = await store.ledger.reserve(f"q{reserved}", user="u", project="", host="h", model="m", session="s", micro=1)
        assert isinstance(hold, Hold)
        reserved += 1
        await asyncio.sleep(0.001)
    done = await pruning
    assert done.dropped == 1200 and done.steps > 1200 / 64 and reserved >= done.steps / 2, "they take turns"
    assert len(await store.traces.recent(10)) == 1
    store.close()


async def test_an_older_database_gets_what_it_lacks(tmp_path: Path) -> None:
    clock = Clock()
    store = opened(tmp_path, clock)
    ids = [await asked(store, clock, i) for i in range(3)]
    store.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("DROP INDEX traces_expires")
        db.execute("ALTER TABLE traces DROP COLUMN expires")
        db.execute("DROP TABLE chain_anchor")
        db.execute("DROP INDEX idx_makers_request")
        db.execute("DROP INDEX idx_decisions_place")
        db.execute("DELETE FROM migrations WHERE name = 'm006_retention'")
    db.close()
    store = opened(tmp_path, clock)
    assert await store.traces.verify() == (True, 3, "")
    clock.now += 31 * DAY
    assert (await store.retention.prune(Keep(30, PLENTY))).dropped == 3 and await store.traces.get(ids[0]) is None
    store.close()


async def test_a_run_that_is_cut_is_gone_on_with(tmp_path: Path) -> None:
    clock = Clock()
    store = opened(tmp_path, clock)
    for i in range(0, 400, 100):
        await asyncio.gather(*(asked(store, clock, i + k) for k in range(100)))
    clock.now += 60 * DAY
    pruning = asyncio.create_task(store.retention.prune(Keep(30, PLENTY)))
    while len(await store.traces.recent(1000)) == 400:
        await asyncio.sleep(0)
    pruning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pruning
    store.close()
    store = opened(tmp_path, clock)
    whole, left, _ = await store.traces.verify()
    assert whole and left < 400
    await store.retention.prune(Keep(30, PLENTY))
    assert await store.traces.verify() == (True, 1, "")
    store.close()
