"""The TUI over a daemon that answers from a list: what is shown, that nothing of others is obeyed, that it reconnects."""

from __future__ import annotations

from typing import Any

import pytest
from localrouter_tui.app import RouterApp
from localrouter_tui.client import Daemon, DaemonDown
from textual.widgets import DataTable, Static

pytestmark = pytest.mark.anyio


def record(i: int, **more: Any) -> dict[str, Any]:
    base = {
        "id": f"lr-{i}", "started": 1_760_000_000.0 + i, "ms": 12.5, "lane": "hosted", "route": "default", "model": "openai/gpt-5-mini", "status": 200,
        "outcome": "done", "cost_micro": 1500 * i, "reserved_micro": 9000, "findings": {"EMAIL": i}, "explain": f"Sent [bold]number {i}[/bold] \x1b[2J.",
        "steps": [{"name": "inspect", "ms": 4.0}, {"name": "call", "ms": 8.0}], "attempts": [{"model": "openai/gpt-5-mini", "outcome": "done", "cost_micro": 1500}],
        "candidates": [{"model": "local:chat", "kept": False, "gate": "local_model", "why": "No local chat model is set."}],
        "left_machine": ["write to uab12cd@pii.invalid [link=x]y[/link]"], "tokens": ["uab12cd@pii.invalid"],
    }  # fmt: skip
    return base | more


class Canned(Daemon):
    def __init__(self) -> None:
        super().__init__()
        self.rows = [record(i) for i in range(3, 0, -1)]
        self.down = False
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        self.asked.append((path, query))
        if self.down:
            raise DaemonDown
        if path == "status":
            return {"recipe": "balanced@1", "inspector": {"alive": True}, "local": {"available": False}, "in_flight": 0}
        if path == "budget":
            return {
                "budgets": [{"scope": "daily", "limit": 5_000_000, "spent": 12_345, "held": 0, "remaining": 1, "resets_at": 0.0}],
                "spent_today_micro": 12_345,
            }
        if path == "doctor":
            return {
                "checks": [
                    {"name": "traces", "ok": True, "detail": "3 in the chain"},
                    {"name": "privacy scan", "ok": False, "detail": "not running", "do": "See logs."},
                ]
            }
        if path == "traces":
            return {"traces": [r for r in self.rows if not query.get("q") or query["q"] in str(r)]}
        return next(r for r in self.rows if path.endswith("/" + r["id"]))


def shown(app: RouterApp, selector: str) -> str:
    return str(app.query_one(selector, Static).render())


async def test_list_and_detail() -> None:
    daemon = Canned()
    app = RouterApp(daemon)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.3)
        table = app.query_one("#list", DataTable)
        assert table.row_count == 3
        assert "$0.0123" in shown(app, "#head") and "no local model" in shown(app, "#head")
        await pilot.press("down")
        await pilot.pause(0.2)
        text = shown(app, "#detail")
        for words in ("lr-2", "[bold]number 2[/bold]", "Timeline", "local:chat", "uab12cd@pii.invalid [link=x]y[/link]"):
            assert words in text, words
        assert "\x1b" not in text


async def test_filter_pause_doctor() -> None:
    daemon = Canned()
    app = RouterApp(daemon)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.3)
        await pilot.press("slash", *"number 1", "enter")
        await pilot.pause(0.3)
        assert app.query_one("#list", DataTable).row_count == 1
        await pilot.press("escape")
        await pilot.pause(0.3)
        assert app.query_one("#list", DataTable).row_count == 3
        await pilot.press("p")
        await pilot.pause(0.2)
        count = len(daemon.asked)
        await pilot.pause(1.3)
        assert len(daemon.asked) == count, "paused"
        await pilot.press("d")
        await pilot.pause(0.2)
        assert "FAIL" in shown(app, "#detail") and "3 in the chain" in shown(app, "#detail")


async def test_it_says_that_the_daemon_is_down_and_comes_back() -> None:
    daemon = Canned()
    daemon.down = True
    app = RouterApp(daemon)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.3)
        assert "localrouter up --detach" in shown(app, "#head")
        daemon.down = False
        await pilot.pause(1.3)
        assert "today" in shown(app, "#head") and app.query_one("#list", DataTable).row_count == 3
