"""Makers: known after a restart, bounded, forgotten with their trace; hashes and host names are all that lies on the disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from test_traces import opened, record

from localrouter.core.ask import Ask, Needs, Signed
from localrouter.daemon.origins import Origins
from localrouter.store import FILE
from localrouter.store import makers as module
from localrouter.store.makers import Maker

pytestmark = pytest.mark.anyio
SECRET = b"0" * 32
MARK, TEXT = "EqQBsignature-of-a-host", "I think of Wilhelmine"


def ask(mark: str = MARK, text: str = TEXT) -> Ask:
    return Ask("d", {}, (), "m", Needs(), None, 1, 1, signed=(Signed(("m",), mark, text),))


async def test_a_restart_loses_nothing_and_the_disk_shows_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    Origins(SECRET, store.makers).note(MARK, TEXT, "host-a", "lr-1")
    store.close()
    raw = b"".join(f.read_bytes() for f in tmp_path.iterdir())
    assert b"host-a" in raw and MARK.encode() not in raw and b"Wilhelmine" not in raw
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    store = opened(tmp_path)
    origins = Origins(SECRET, store.makers)
    await origins.load()
    assert origins.judge(ask(), "host-a") == ([], []) and origins.judge(ask(), "host-b")[0]
    assert origins.judge(ask(text=TEXT + " and more"), "host-a")[1], "another text than the one that was signed"
    other = Origins(b"1" * 32, store.makers)
    await other.load()
    assert other.judge(ask(), "host-a")[1], "of another installation"
    store.close()


async def test_what_came_before_the_file_was_read_stays(tmp_path: Path) -> None:
    store = opened(tmp_path)
    Origins(SECRET, store.makers).note(MARK, TEXT, "host-a")
    store.makers.flush()
    origins = Origins(SECRET, store.makers)
    origins.note(MARK, TEXT, "host-b")
    await origins.load()
    assert origins.judge(ask(), "host-b") == ([], [])
    store.close()


async def test_it_is_bounded_and_the_oldest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 10)
    store = opened(tmp_path)
    for i in range(25):
        store.makers.put(Maker(b"%d" % i, b"t", "h", "r"))
        if i % 7 == 0:
            store.makers.flush()
    store.makers.put(Maker(b"15", b"t", "h", "r"))  # said again: it is young again
    store.makers.flush()
    kept = [m.mark for m in await store.makers.load()]
    assert len(kept) <= 10 and kept[-2:] == [b"24", b"15"] and b"3" not in kept
    store.close()


async def test_it_is_forgotten_with_its_trace(tmp_path: Path) -> None:
    store = opened(tmp_path)
    own, other = record(1), record(2)
    for one in (own, other):
        await store.traces.put(one)
        store.makers.put(Maker(one["id"].encode(), b"t", "h", one["id"]))
    (gone,) = await store.makers.of(own["id"])
    origins = Origins(SECRET, store.makers)
    await origins.load()
    assert await store.traces.forget(own["id"])
    origins.forget([gone])
    assert [m.request for m in await store.makers.load()] == [other["id"]]
    assert list(origins._makers) == [other["id"].encode()]
    store.close()
    file = sqlite3.connect(tmp_path / FILE)
    assert file.execute("SELECT count(*) FROM makers WHERE request = ?", (own["id"],)).fetchone() == (0,)
    file.close()


async def test_a_database_of_an_older_version_gets_the_table(tmp_path: Path) -> None:
    store = opened(tmp_path)
    await store.traces.put(record(1))
    store.close()
    file = sqlite3.connect(tmp_path / FILE)
    file.execute("DROP TABLE makers")
    file.execute("DELETE FROM migrations WHERE name = 'm003_makers'")
    file.commit()
    file.close()
    store = opened(tmp_path)
    store.makers.put(Maker(b"m", b"t", "h", "r"))
    store.makers.flush()
    assert len(await store.makers.load()) == 1 and await store.traces.get(record(1)["id"]) is not None
    store.close()
