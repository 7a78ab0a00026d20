"""One thread owns the one connection. Jobs queue up, are committed in groups, and answer after their commit.

WAL with synchronous=FULL: an acknowledged commit survives a power cut (sqlite.org/wal.html). One connection only, because
the SQLite that CPython links (3.40) has the WAL-reset bug of versions before 3.51.3, which needs two. No mmap. What would
make a commit slow (a log that grows, a checkpoint) is done while no job waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from localrouter.core.errors import RouterError, StoreFault
from localrouter.store.room import PAGES, make_room

T = TypeVar("T")
Job = tuple[Callable[[sqlite3.Connection], Any], "Future[Any]"]

GROUP = 256
"""Jobs in one commit at most: a bound on what one failure rolls back."""
BUSY_MS = 5000
"""Another process that holds the file is waited for so long."""
COMMITS = 64
"""Commits after which the log is written into the database at the next quiet moment; a request adds 4 to 8 pages in each of
its commits, so that this comes before SQLite would do it within a commit that somebody waits for."""
QUIET_S = 0.5
"""No job for so long is a quiet moment."""


def _fault(path: Path, exc: sqlite3.Error) -> StoreFault:
    text = str(exc)
    if "full" in text:
        return StoreFault(f"The disk that holds {path} is full.", "Free some space; hosted calls wait until then.")
    if "malformed" in text or "not a database" in text:
        return StoreFault(f"The database {path} is damaged.", "Move it away and start again; it is not overwritten.")
    if "readonly" in text or "unable to open" in text:
        return StoreFault(f"The database {path} cannot be written ({text}).", "Check the permissions of its folder.")
    return StoreFault(f"The database {path} failed ({text}).", "See `localrouter logs`.")


def _tell(group: list[Job], fault: BaseException | None) -> None:
    for _, future in group:
        if fault is not None and not future.done():
            future.set_exception(fault)


class Writer:
    """`submit` gives a future that is done after the commit; `run` awaits it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget: list[Callable[[], None]] = []
        self._truncate = False
        self._short = True
        self._commits = 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        path.touch(mode=0o600)
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=BUSY_MS / 1000)
            run = self._connection.execute
            run("PRAGMA auto_vacuum=INCREMENTAL")  # of a new file: what retention frees can go back to the file system
            run("PRAGMA journal_mode=WAL")
            run("PRAGMA synchronous=FULL")
            run(f"PRAGMA wal_autocheckpoint={PAGES}")
            run("PRAGMA fullfsync=ON")
            run("PRAGMA secure_delete=ON")
            run("PRAGMA mmap_size=0")
            run("PRAGMA foreign_keys=ON")
        except sqlite3.Error as exc:
            raise _fault(path, exc) from None
        self._thread = threading.Thread(target=self._loop, name="store", daemon=True)
        self._thread.start()

    def on_failure(self, forget: Callable[[], None]) -> None:
        """Called in the writer's thread when a group was rolled back: what was remembered of its jobs is wrong."""
        self._forget.append(forget)

    def truncate(self) -> None:
        """Within a job: empty the write-ahead log after its commit, so that nobody reads from there what was deleted."""
        self._truncate = True

    def submit(self, job: Callable[[sqlite3.Connection], T]) -> Future[T]:
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.wrap_future(self.submit(job))

    def close(self) -> None:
        """Commit what is queued, then close."""
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _next(self) -> Job | None:
        """The next job, or None at the end; while there is none, the log is looked after."""
        with contextlib.suppress(queue.Empty):
            return self._jobs.get_nowait()
        if self._short and self._commits:  # the first commit makes the log
            self._short = False
            make_room(self.path)
        if self._commits >= COMMITS:
            with contextlib.suppress(queue.Empty):
                return self._jobs.get(timeout=QUIET_S)
            self._commits = 0
            self._checkpoint("PASSIVE")
        return self._jobs.get()

    def _loop(self) -> None:
        while True:
            first = self._next()
            if first is None:
                return
            group = [first]
            stop = False
            while len(group) < GROUP:
                try:
                    item = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    stop = True
                    break
                group.append(item)
            self._commit(group)
            if stop:
                return

    def _commit(self, group: list[Job]) -> None:
        # A caller that has gone by now is left out; from here on it cannot go any more.
        running = [(job, future) for job, future in group if future.set_running_or_notify_cancel()]
        fault = self._together(running) if running else None
        if fault is None or len(running) == 1:
            _tell(running, fault)
            return
        # What one job could not write is not held against the others: a read beside it goes on while the disk is full.
        for alone in running:
            if not alone[1].done():
                _tell([alone], self._together([alone]))

    def _together(self, group: list[Job]) -> BaseException | None:
        """One transaction. Futures are done after its commit, or left open and what failed is given back; a job's own error is told at once."""
        run = self._connection.execute
        done: list[tuple[Future[Any], Any]] = []
        try:
            run("BEGIN IMMEDIATE")
            for job, future in group:
                run("SAVEPOINT job")
                try:
                    value = job(self._connection)
                except (RouterError, ValueError, KeyError) as exc:
                    run("ROLLBACK TO job")
                    future.set_exception(exc)
                else:
                    done.append((future, value))
                run("RELEASE job")
            run("COMMIT")
        except sqlite3.Error as exc:
            self._undo()
            return _fault(self.path, exc)
        except BaseException as exc:
            self._undo()
            return exc
        self._commits += 1
        if self._truncate:
            self._truncate = False
            self._checkpoint("TRUNCATE")
            self._short = True
        for future, value in done:
            future.set_result(value)
        return None

    def _checkpoint(self, mode: str) -> None:
        """Never waits: where somebody else reads the file, the log is written into the database another time."""
        run = self._connection.execute
        with contextlib.suppress(sqlite3.Error):
            run("PRAGMA busy_timeout=0")
            run(f"PRAGMA wal_checkpoint({mode})").fetchall()
        with contextlib.suppress(sqlite3.Error):
            run(f"PRAGMA busy_timeout={BUSY_MS}")

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        for forget in self._forget:
            forget()
