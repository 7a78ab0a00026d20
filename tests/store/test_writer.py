"""Jobs share a commit, and nothing else: what one of them cannot write is not held against those beside it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from localrouter.core.errors import BadRequest, StoreFault
from localrouter.store.writer import Writer

Job = Callable[[sqlite3.Connection], Any]


def together(writer: Writer, jobs: list[Job]) -> list[Future[Any]]:
    """All in one group: the writer's thread is held while they are handed in."""
    held = threading.Event()
    before = writer.submit(lambda _: held.wait(10))
    futures = [writer.submit(job) for job in jobs]
    held.set()
    before.result(10)
    return futures


@pytest.fixture
def writer(tmp_path: Path) -> Any:
    made = Writer(tmp_path / "w.db")
    made.submit(lambda db: db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)")).result(10)
    yield made
    made.close()


def count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM t").fetchone()[0])


def test_a_full_disk_fails_the_job_that_grows_the_file_and_not_the_read_beside_it(writer: Writer) -> None:
    forgotten: list[int] = []
    writer.on_failure(lambda: forgotten.append(1))
    pages = writer.submit(lambda db: db.execute("PRAGMA page_count").fetchone()[0]).result(10)
    writer.submit(lambda db: db.execute(f"PRAGMA max_page_count={pages + 2}").fetchone()).result(10)
    small: Job = lambda db: db.execute("INSERT INTO t VALUES (1, 'x')").rowcount  # noqa: E731
    large: Job = lambda db: db.execute("INSERT INTO t VALUES (2, ?)", ("x" * 200_000,))  # noqa: E731
    read, wrote, failed, last = together(writer, [count, small, large, count])
    assert isinstance(failed.exception(10), StoreFault) and "full" in str(failed.exception())
    assert (read.result(10), wrote.result(10), last.result(10)) == (0, 1, 1)
    assert forgotten, "what was remembered of the undone group is forgotten"
    assert writer.submit(count).result(10) == 1


def test_an_error_of_a_job_is_its_own_and_told_once(writer: Writer) -> None:
    def bad(_: sqlite3.Connection) -> None:
        raise BadRequest("no")

    def broken(_: sqlite3.Connection) -> None:
        raise ZeroDivisionError

    refused, fell, wrote = together(writer, [bad, broken, lambda db: db.execute("INSERT INTO t VALUES (7, 'y')").rowcount])
    assert isinstance(refused.exception(10), BadRequest) and isinstance(fell.exception(10), ZeroDivisionError)
    assert wrote.result(10) == 1 and writer.submit(count).result(10) == 1


def test_a_job_whose_caller_went_is_left_out(writer: Writer) -> None:
    held = threading.Event()
    writer.submit(lambda _: held.wait(10))
    gone = writer.submit(lambda db: db.execute("INSERT INTO t VALUES (3, 'z')"))
    assert gone.cancel()
    held.set()
    assert writer.submit(count).result(10) == 0
