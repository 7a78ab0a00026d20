"""A log with room ahead is the same log: it survives a kill, gives way to a full disk, and shows nobody what was deleted."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localrouter.store.room import ROOM, make_room
from localrouter.store.writer import COMMITS, Writer
from tests.conftest import BUSY_S


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + BUSY_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def add(writer: Writer, n: int) -> None:
    writer.submit(lambda db: db.execute("INSERT INTO t VALUES (?, ?)", (n, f"walrus{n}"))).result(10)


def rows(database: Path) -> int:
    with sqlite3.connect(database) as db:
        return int(db.execute("SELECT count(*) FROM t").fetchone()[0])


@pytest.fixture
def writer(tmp_path: Path) -> Any:
    made = Writer(tmp_path / "w.db")
    made.submit(lambda db: db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)")).result(10)
    yield made
    made.close()


def log(writer: Writer) -> Path:
    return Path(f"{writer.path}-wal")


def test_commits_overwrite_room_that_was_made_and_every_one_of_them_survives_a_kill(writer: Writer, tmp_path: Path) -> None:
    until(lambda: log(writer).stat().st_size == ROOM)
    for n in range(COMMITS // 2):
        add(writer, n)
        if n % 8 == 0:  # what a kill would leave at this moment
            for end in ("", "-wal"):
                shutil.copy(f"{writer.path}{end}", tmp_path / f"killed{n}.db{end}")
            assert rows(tmp_path / f"killed{n}.db") == n + 1
    assert log(writer).stat().st_size == ROOM, "nothing was appended"


def test_a_torn_frame_in_front_of_the_room_ends_the_log_there(writer: Writer, tmp_path: Path) -> None:
    until(lambda: log(writer).stat().st_size == ROOM)
    add(writer, 1)
    whole = log(writer).read_bytes().rstrip(b"\0")
    add(writer, 2)
    shutil.copy(writer.path, tmp_path / "torn.db")
    now = log(writer).read_bytes()
    (tmp_path / "torn.db-wal").write_bytes(now[: len(whole) + 40] + bytes(len(now) - len(whole) - 40))
    assert rows(tmp_path / "torn.db") == 1


@pytest.mark.parametrize("failing", ["pwrite", "fsync"])
def test_no_space_for_the_room_leaves_the_log_as_it_was(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    until(lambda: log(writer).stat().st_size == ROOM)
    before = log(writer).read_bytes()

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, failing, full)
    assert not make_room(writer.path, ROOM + 5_000_000)
    assert log(writer).read_bytes() == before
    monkeypatch.undo()
    add(writer, 1)
    assert not make_room(tmp_path / "none.db") and not (tmp_path / "none.db-wal").exists(), "nothing is created"


def test_after_a_deletion_the_log_is_emptied_and_its_room_is_blank(writer: Writer) -> None:
    add(writer, 1)
    assert b"walrus1" in log(writer).read_bytes()

    def delete(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM t")
        writer.truncate()

    writer.submit(delete).result(10)
    until(lambda: log(writer).stat().st_size == ROOM)
    assert not log(writer).read_bytes().strip(b"\0") and b"walrus1" not in writer.path.read_bytes()
    add(writer, 2)
    assert log(writer).stat().st_size == ROOM


def test_the_log_is_written_into_the_database_when_nobody_waits(writer: Writer, tmp_path: Path) -> None:
    for n in range(COMMITS):
        add(writer, n)

    def alone() -> bool:
        shutil.copy(writer.path, tmp_path / "alone.db")  # without its log
        try:
            return rows(tmp_path / "alone.db") == COMMITS
        except sqlite3.Error:
            return False

    until(alone)
    add(writer, COMMITS)
    assert writer.submit(lambda db: db.execute("SELECT count(*) FROM t").fetchone()[0]).result(10) == COMMITS + 1
