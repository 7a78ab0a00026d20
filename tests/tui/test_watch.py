"""How much is asked: little at rest, all that is new at once, and never again what was answered."""

from __future__ import annotations

from typing import Any

import pytest
from localrouter_tui.client import DaemonDown
from localrouter_tui.records import Odd, Record, Spend, Status, checks, rows
from localrouter_tui.watch import LIMIT, QUIET_AFTER, QUIET_EVERY, WHOLE_EVERY, Filter, Watch
from tui_canned import Canned, record

pytestmark = pytest.mark.anyio


def asked(daemon: Canned) -> list[str]:
    out = [f"{path}{query.get('limit', '')}" for path, query in daemon.asked]
    daemon.asked.clear()
    return out


async def test_at_rest_a_look_is_two_small_questions() -> None:
    daemon, filter = Canned(), Filter()
    watch = Watch(daemon)
    seen = await watch.look(filter)
    assert asked(daemon) == ["status", "traces1", "budget", f"traces{LIMIT}"]
    again = await watch.look(filter)
    assert asked(daemon) == ["status", "traces1"]
    assert again.rows is seen.rows
    daemon.records.insert(0, record(4))
    assert len((await watch.look(filter)).rows) == 4
    assert asked(daemon) == ["status", "traces1", "budget", f"traces{LIMIT}"]
    daemon.status["in_flight"] = 1
    await watch.look(filter)
    assert asked(daemon) == ["status", "traces1", "budget"]
    await watch.look(Filter("x", "local"))
    assert daemon.asked[-1] == ("traces", {"limit": LIMIT, "q": "x", "lane": "local"})


async def test_now_and_then_a_look_is_whole() -> None:
    daemon = Canned()
    watch = Watch(daemon)
    for _ in range(2 * WHOLE_EVERY):
        await watch.look(Filter())
    assert asked(daemon).count(f"traces{LIMIT}") == 2


async def test_after_a_quiet_while_it_looks_less_often() -> None:
    watch = Watch(Canned())
    for _ in range(QUIET_AFTER + 1):
        assert watch.due()
        await watch.look(Filter())
    assert sum(watch.due() for _ in range(30)) == 30 // QUIET_EVERY
    watch.wake()
    assert all(watch.due() for _ in range(5))


async def test_after_a_fault_the_next_look_is_whole() -> None:
    daemon = Canned()
    watch = Watch(daemon)
    await watch.look(Filter())
    daemon.down = True
    with pytest.raises(DaemonDown):
        await watch.look(Filter())
    daemon.down = False
    asked(daemon)
    await watch.look(Filter())
    assert f"traces{LIMIT}" in asked(daemon)


@pytest.mark.parametrize(
    "tree",
    [{}, {"traces": None}, {"traces": [1]}, {"traces": [{}]}, {"traces": [record(1, id=5)]}, {"traces": [record(1, id="")]},
     {"traces": [record(1, cost_micro="1")]}, {"traces": [record(1, cost_micro=True)]}, {"traces": [record(1, ms=None)]}],
)  # fmt: skip
async def test_what_is_no_list_of_traces_is_odd(tree: dict[str, Any]) -> None:
    with pytest.raises(Odd):
        rows(tree)


async def test_other_shapes() -> None:
    assert Record.of(record(1)).row.cost_micro == 1500
    assert Record.of(record(1, explain=None, findings=None, tokens=None, usage={"input": "x"})).usage == ()
    for broken in ({"steps": 1}, {"steps": [{"name": "x"}]}, {"attempts": [3]}, {"reserved_micro": None}):
        with pytest.raises(Odd):
            Record.of(record(1, **broken))
    for broken in ({}, {"inspector": {}, "local": {}}, {"inspector": 1}):
        with pytest.raises(Odd):
            Status.of(broken)
    assert Spend.of({"budgets": [], "spent_today_micro": 7}) == Spend(7, None)
    with pytest.raises(Odd):
        Spend.of({"budgets": []})
    assert checks({"checks": [{"name": "x", "ok": "yes"}]})[0].ok is None
