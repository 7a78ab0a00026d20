"""Retention: traces, their decisions and their texts go by age and by size, oldest first; the ledger is never touched.

What goes and how:

- A trace older than `days` goes as a whole, from the beginning of the chain. The link of the last one that went is kept as an anchor, signed
  with the chain's key, so that `verify` still passes, and fails when somebody else cut the beginning off. The newest trace keeps its place.
- A trace whose route keeps less (`[route.logging] keep_days`) loses its text and decision when that is over, as by `forget`; its place in the
  chain goes with its age.
- Over `max_bytes` of pages in use (all tables counted) the oldest traces go until a tenth is free again, but for the newest LEAST.
- With a trace goes its decision and what is remembered of the blocks that its answer signed, and a decision's place that no other names.

The ledger's rows are what budgets are counted from. They stay for good: a call is some 300 bytes.

Each step is one job of the writer's thread and works some milliseconds, so that a reservation never waits for more; between two steps the thread
is free nine tenths of the time. Deleted rows are overwritten (`secure_delete`); the words of a text leave the search index when its
segments are merged, in steps as well (sqlite.org/fts5.html, "The 'merge' Command"), and the write-ahead log is emptied at the end.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from localrouter.store import chain
from localrouter.store.writer import Writer

DAY_S = 86_400.0
STEP_S = 0.004
"""Of one step in the writer's thread: it ends with the row in hand, which is a few more where its text is long."""
BUSY = 0.1
"""Of the writer's time while something is pruned."""
SPARE = 0.1
"""Of the bytes is freed when there are too many, so that not every run has to."""
LEAST = 100
"""Traces that are not pruned for their size."""
_MERGE = 16
"""Leaf pages of the index that one merge writes: a millisecond or two."""
_VACUUM = 64
"""Pages that one step gives back to the file system."""


@dataclass(frozen=True, slots=True)
class Keep:
    """`[logging]` of config.toml. `max_bytes`: of the database."""

    days: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a run did. `dropped`: traces that went; `emptied`: those that lost their text; `longest_s`: of one step in the writer's thread."""

    dropped: int = 0
    emptied: int = 0
    steps: int = 0
    longest_s: float = 0.0


_Step = Callable[[sqlite3.Connection], tuple[int, bool]]
"""-> (how many rows, whether more is to be done)."""


class _Run:
    """The steps of one run, each a job of its own."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.steps, self.longest_s = 0, 0.0

    async def through(self, step: _Step) -> int:
        """To its end; how many rows."""
        count, more = 0, True
        while more:
            rows, more, spent = await self._writer.run(lambda db: _timed(step, db))
            count, self.steps, self.longest_s = count + rows, self.steps + 1, max(self.longest_s, spent)
            if more:
                await asyncio.sleep(max(0.001, spent * (1 - BUSY) / BUSY))
        return count


def _timed(step: _Step, db: sqlite3.Connection) -> tuple[int, bool, float]:
    begun = time.monotonic()
    return *step(db), time.monotonic() - begun


class Retention:
    """See the module. `now` in epoch seconds."""

    def __init__(self, writer: Writer, key: bytes, now: Callable[[], float]) -> None:
        """`key`: of the chain (store/chain.py)."""
        self._writer, self._key, self._now = writer, key, now

    async def prune(self, keep: Keep) -> Pruned:
        """One run, to its end. Raises StoreFault; what a run did not reach is done by the next."""
        now, run = self._now(), _Run(self._writer)
        emptied = await run.through(lambda db: self._expired(db, now))
        dropped = await run.through(lambda db: self._old(db, now - keep.days * DAY_S))
        if await self._writer.run(_used) > keep.max_bytes:
            dropped += await run.through(lambda db: self._oldest(db, int(keep.max_bytes * (1 - SPARE))))
        if emptied or dropped:
            await run.through(_places)
            await run.through(_Merge())
            await run.through(_returned)
            await self._writer.run(lambda db: self._writer.truncate())
        return Pruned(dropped, emptied, run.steps, run.longest_s)

    def _expired(self, db: sqlite3.Connection, now: float) -> tuple[int, bool]:
        """Texts that their route keeps no longer."""
        sql = "SELECT seq, id FROM traces WHERE expires <= ? AND body IS NOT NULL ORDER BY expires LIMIT 64"
        return _each(db.execute(sql, (now,)).fetchall(), 64, lambda row: chain.empty(db, row[0], row[1], now))

    def _old(self, db: sqlite3.Connection, before: float) -> tuple[int, bool]:
        """From the beginning of the chain to the first that is not old enough."""
        return self._cut(db, lambda started: started < before, least=1)

    def _oldest(self, db: sqlite3.Connection, goal: int) -> tuple[int, bool]:
        return self._cut(db, lambda started: _used(db) > goal, least=LEAST)

    def _cut(self, db: sqlite3.Connection, goes: Callable[[float], bool], *, least: int) -> tuple[int, bool]:
        stays = db.execute("SELECT seq FROM traces ORDER BY seq DESC LIMIT 1 OFFSET ?", (least - 1,)).fetchone()
        if stays is None:
            return 0, False
        end, count, last = time.monotonic() + STEP_S, 0, None
        for seq, id_, started, link in db.execute(
            "SELECT seq, id, started, link FROM traces WHERE seq < ? ORDER BY seq LIMIT 64", stays
        ).fetchall():
            if not goes(started or 0.0):
                self._anchor(db, last)
                return count + self._newest(db, goes, least), False
            chain.drop(db, seq, id_)
            last, count = (seq, link), count + 1
            if time.monotonic() >= end:
                break
        self._anchor(db, last)
        return (count, True) if count else (self._newest(db, goes, least), False)

    def _newest(self, db: sqlite3.Connection, goes: Callable[[float], bool], least: int) -> int:
        """The one whose place stays, when everything is old."""
        if least > 1 or db.execute("SELECT count(*) FROM (SELECT 1 FROM traces LIMIT 2)").fetchone()[0] != 1:
            return 0
        row = db.execute("SELECT seq, id, started FROM traces WHERE body IS NOT NULL").fetchone()
        if row is None or not goes(row[2] or 0.0):
            return 0
        chain.empty(db, row[0], row[1], self._now())
        return 1

    def _anchor(self, db: sqlite3.Connection, last: tuple[int, bytes] | None) -> None:
        if last is not None:
            chain.anchor(db, self._key, *last)


class _Merge:
    """Segments of the search index merged, so that the words of deleted texts leave it. A negative number gathers all segments, later ones go on
    with it; fewer than two changes: it is done."""

    def __init__(self) -> None:
        self._pages = -_MERGE

    def __call__(self, db: sqlite3.Connection) -> tuple[int, bool]:
        before = db.total_changes
        db.execute("INSERT INTO traces_fts (traces_fts, rank) VALUES ('merge', ?)", (self._pages,))
        self._pages = _MERGE
        return 0, db.total_changes - before >= 2


def _each(rows: list[tuple[int, str]], page: int, work: Callable[[tuple[int, str]], None]) -> tuple[int, bool]:
    end = time.monotonic() + STEP_S
    for count, row in enumerate(rows, 1):
        work(row)
        if time.monotonic() >= end:
            return count, True
    return len(rows), len(rows) == page


def _places(db: sqlite3.Connection) -> tuple[int, bool]:
    """Places of decisions that no decision names any more."""
    sql = (
        "DELETE FROM artifacts WHERE rowid IN (SELECT a.rowid FROM artifacts a WHERE a.kind = 'place'"
        " AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.place = substr(a.hash, 7)) LIMIT 32)"
    )
    count = db.execute(sql).rowcount
    return count, count == 32


def _returned(db: sqlite3.Connection) -> tuple[int, bool]:
    """Free pages at the end of the file back to the file system, where the file was made so (store/writer.py)."""
    if db.execute("PRAGMA auto_vacuum").fetchone()[0] != 2:
        return 0, False
    left = db.execute("PRAGMA freelist_count").fetchone()[0]
    for _ in range(min(left, _VACUUM)):
        db.execute("PRAGMA incremental_vacuum(1)")
    return 0, left > _VACUUM


def _used(db: sqlite3.Connection) -> int:
    """Bytes of the pages in use."""
    count, free, size = (db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size"))
    return int((count - free) * size)
