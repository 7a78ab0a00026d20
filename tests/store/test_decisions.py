"""Decisions and versions in the store: found again in pages, gone with their trace, kept over a migration of an older database."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import orjson
import pytest

from localrouter.store import Store
from localrouter.store.decisions import PAGE, Kept
from localrouter.store.schema import MIGRATIONS

pytestmark = pytest.mark.anyio


def opened(folder: Path) -> Store:
    return Store.open(folder, key=b"k" * 32, budgets=(None, None), now=lambda: 1_760_000_000.0)


def row(i: int, at: float, recipe: str = "r@1", place: str = "p1") -> tuple[dict[str, object], tuple[Kept, bytes]]:
    id_ = f"lr-{i:05d}"
    trace = {"id": id_, "started": at, "who": "default", "session": "s", "explain": "because", "findings": {}}
    body = orjson.dumps({"version": 1, "recipe": recipe, "place": place, "number": i})
    return trace, (
        Kept(id_, at, "default", "s", recipe, "c", place, body, orjson.dumps({"cost_micro": i})),
        orjson.dumps({"keys": [place]}),
    )


async def test_decisions_come_back_in_pages_newest_first(tmp_path: Path) -> None:
    store = opened(tmp_path)
    total = PAGE + 40
    rows = [row(i, float(i // 3), place=f"p{i % 2}") for i in range(total)]  # several at the same instant
    await asyncio.gather(*(store.traces.put(*one) for one in rows))
    first = await store.decisions.since(0, limit=total)
    assert len(first["decisions"]) == PAGE and first["places"] == {"p0": {"keys": ["p0"]}, "p1": {"keys": ["p1"]}}
    at, id_ = first["next"]
    rest = await store.decisions.since(0, limit=total - PAGE, before=(at, id_))
    ids = [r["id"] for r in (*first["decisions"], *rest["decisions"])]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == total and rest["next"] is None
    assert len((await store.decisions.since(300.0, limit=total))["decisions"]) == total - 900
    assert await store.decisions.counts() == {"r@1": total}
    one = await store.decisions.of("lr-00007")
    assert one is not None and one["decision"]["place"] == {"keys": ["p1"]} and one["outcome"] == {"cost_micro": 7}
    assert await store.decisions.of("lr-none") is None
    store.close()


async def test_a_forgotten_request_leaves_no_decision(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for i in range(3):
        await store.traces.put(*row(i, float(i)))
    assert await store.traces.forget("lr-00001")
    assert await store.decisions.of("lr-00001") is None
    assert [r["id"] for r in (await store.decisions.since(0, limit=9))["decisions"]] == ["lr-00002", "lr-00000"]
    assert await store.traces.verify() == (True, 3, "")
    store.close()


async def test_the_history_keeps_what_was_in_force(tmp_path: Path) -> None:
    store = opened(tmp_path)
    entered = store.versions.entered
    assert await entered(1.0, "a", "h1", '{"name":"a"}', "a", "file", "")
    assert not await entered(2.0, "a", "h1", '{"name":"a"}', "a", "file", ""), "a restart is no change"
    assert await entered(3.0, "b", "h2", '{"name":"b"}', "b", "cli", "cheaper")
    assert await entered(4.0, "a", "h1", '{"name":"a"}', "a", "rollback", "back")
    store.close()
    store = opened(tmp_path)  # as after a restart
    found = [(v.version, v.by, v.note) for v in await store.versions.history()]
    assert found == [("a@h1", "rollback", "back"), ("b@h2", "cli", "cheaper"), ("a@h1", "file", "")]
    assert await store.versions.body("recipe", "h2") == '{"name":"b"}' and await store.versions.body("catalogue", "h2") is None
    store.close()


async def test_a_database_of_before_goes_on(tmp_path: Path) -> None:
    store = opened(tmp_path)
    await store.traces.put({"id": "lr-old", "started": 1.0, "explain": "x", "findings": {}})
    store.close()
    db = sqlite3.connect(tmp_path / "localrouter.db")  # as the version without decisions left it
    for table in ("decisions", "artifacts", "recipe_history"):
        db.execute(f"DROP TABLE {table}")
    db.execute("DELETE FROM migrations WHERE name = 'm004_decisions'")
    db.commit()
    db.close()
    store = opened(tmp_path)
    assert (await store.traces.get("lr-old")) is not None and await store.traces.verify() == (True, 1, "")
    assert await store.decisions.since(0, limit=9) == {"decisions": [], "places": {}, "next": None}
    await store.traces.put(*row(1, 2.0))
    assert len((await store.decisions.since(0, limit=9))["decisions"]) == 1
    store.close()
    assert "m004_decisions" in [m.__name__ for m in MIGRATIONS]
