"""Traces: found again, searched, forgotten for good, and tamper-evident."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from localrouter.core.errors import BadRequest
from localrouter.store import Store

pytestmark = pytest.mark.anyio


def opened(tmp_path: Path) -> Store:
    return Store.open(tmp_path, key=b"k" * 32, budgets=(None, None), now=lambda: 1_760_000_000.0)


def record(i: int, **more: Any) -> dict[str, Any]:
    base = {
        "id": f"lr-{i:011x}-abcdef{i:04x}", "started": 1000.0 + i, "who": "default", "session": "s", "lane": "hosted", "route": "default",
        "reason": "r", "model": "m", "status": 200, "cost_micro": i, "ms": 1.5, "findings": {"EMAIL": i}, "explain": f"number {i}",
        "left_machine": [f"veiled text walrus{i}"], "answer": "an answer",
    }  # fmt: skip
    return base | more


async def test_put_get_recent_and_search(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for i in range(5):
        await store.traces.put(record(i, lane="local" if i == 3 else "hosted"))
    assert (await store.traces.get(record(2)["id"])) == record(2)
    assert (await store.traces.get("abcdef0002"))["id"] == record(2)["id"]  # type: ignore[index]
    assert await store.traces.get("lr-nothing") is None
    with pytest.raises(BadRequest, match="Several"):
        await store.traces.get("abcdef")
    rows = await store.traces.recent(3)
    assert [r["cost_micro"] for r in rows] == [4, 3, 2] and rows[0]["findings"] == {"EMAIL": 4}
    assert [r["cost_micro"] for r in await store.traces.recent(q="walrus1")] == [1]
    assert await store.traces.recent(q='walrus1" OR "walrus2') == [], "a quote in the search is not syntax"
    assert [r["cost_micro"] for r in await store.traces.recent(lane="local")] == [3]
    assert [r["cost_micro"] for r in await store.traces.recent(before=1002.0)] == [1, 0]
    store.close()


async def test_forget_leaves_nothing_and_the_chain_whole(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for i in range(4):
        await store.traces.put(record(i, left_machine=["an unusual word: quokkatastic"] if i == 1 else ["plain"]))
    assert await store.traces.verify() == (True, 4, "")
    assert await store.traces.forget(record(1)["id"]) is True
    assert await store.traces.forget(record(1)["id"]) is False
    assert (await store.traces.get(record(1)["id"])) == {"id": record(1)["id"], "forgotten": 1_760_000_000.0}
    assert await store.traces.recent(q="quokkatastic") == []
    assert await store.traces.verify() == (True, 4, "")
    store.close()
    for file in tmp_path.iterdir():
        assert b"quokkatastic" not in file.read_bytes(), file


@pytest.mark.parametrize("change", ["body = replace(body, 'number 2', 'number 9')", "link = zeroblob(32)", "id = 'other'"])
async def test_a_change_from_outside_is_found(tmp_path: Path, change: str) -> None:
    store = opened(tmp_path)
    for i in range(4):
        await store.traces.put(record(i))
    store.close()
    db = sqlite3.connect(tmp_path / "localrouter.db")
    db.execute(f"UPDATE traces SET {change} WHERE seq = 3")
    db.commit()
    db.close()
    store = opened(tmp_path)
    whole, count, bad = await store.traces.verify()
    assert not whole and count == 3 and bad in (record(2)["id"], "other")
    store.close()


async def test_a_removed_trace_breaks_the_chain(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for i in range(4):
        await store.traces.put(record(i))
    store.close()
    db = sqlite3.connect(tmp_path / "localrouter.db")
    db.execute("DELETE FROM traces WHERE seq = 2")
    db.commit()
    db.close()
    store = opened(tmp_path)
    assert (await store.traces.verify())[0] is False
    store.close()
