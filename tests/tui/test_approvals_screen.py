"""Tool calls that wait for a person: told on the home screen, read and answered on a page of their own, and never another than the one that was read."""

from __future__ import annotations

from typing import Any

import pytest
from localrouter_tui.client import Refused
from localrouter_tui.detail import hosted_use
from localrouter_tui.records import Record
from localrouter_tui.screens.approvals import ApprovalsScreen
from tui_canned import NOON, Canned, app_over, output, record, screen, see, until

pytestmark = pytest.mark.anyio


def waiting(id_: str, *calls: tuple[str, str], left: float = 90.0) -> dict[str, Any]:
    return {
        "id": id_, "request": "lr-1", "since": NOON - 5, "until": NOON + left, "who": "default", "route": "agent", "model": "openai/gpt-5-mini",
        "calls": [{"tool": tool, "arguments": text} for tool, text in calls or [("bash", '{"command": "rm -rf build"}')]],
    }  # fmt: skip


class Asking(Canned):
    """With calls that wait; an answer takes one away, as the daemon does."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        super().__init__()
        self.rows, self.said = list(rows), list[tuple[str, str]]()

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        self.status["approvals"] = len(self.rows)
        if path == "approvals" and not self.down:
            return {"approvals": list(self.rows)}
        return await super().get(path, **query)

    async def post(self, path: str, **query: str) -> dict[str, Any]:
        id_ = path.removeprefix("approvals/")
        if id_ not in [row["id"] for row in self.rows]:
            raise Refused(404, f"No tool call waits under '{id_}'.", "not_found")
        self.rows = [row for row in self.rows if row["id"] != id_]
        self.said.append((id_, query["allow"]))
        return {"id": id_}


async def test_the_home_screen_says_that_one_waits_and_a_answers_it() -> None:
    daemon = Asking()
    app = app_over(daemon)
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "3 requests")
        assert "waits for you" not in screen(app)
        daemon.rows.append(waiting("a1b2c3"))
        await see(pilot, "A tool call waits for you: a answers", "3 requests")
        await pilot.press("a")
        await see(
            pilot,
            "a1b2c3",
            "90 s left",
            "openai/gpt-5-mini, route 'agent'",
            "bash",
            "command: rm -rf build",
            "y: allow   n: deny",
        )
        await pilot.press("enter")
        assert daemon.said == [], "Enter is no yes"
        await pilot.press("y")
        await see(pilot, "allowed: a1b2c3", "No tool call waits for you.")
        assert daemon.said == [("a1b2c3", "yes")]
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ApprovalsScreen))
        await until(pilot, lambda: "waits for you" not in screen(app))


async def test_several_and_another_is_denied() -> None:
    daemon = Asking(
        waiting("one"),
        waiting("two", ("mail.send", '{"to": "a@b.example", "text": "first\\nsecond"}'), ("read", "[1, 2]"), left=9),
    )
    app = app_over(daemon)
    async with app.run_test(size=(140, 40)) as pilot:
        await see(pilot, "2 tool calls wait for you")
        await pilot.press("a")
        await see(pilot, "rm -rf build")
        await pilot.press("down", "down")
        await see(pilot, "2 calls by", "9 s left", "mail.send", "to: a@b.example", "first", "second", "[1, 2]")
        assert "rm -rf build" not in screen(app)
        await pilot.press("n")
        await see(pilot, "denied: two", "rm -rf build")
        assert daemon.said == [("two", "no")]


async def test_a_yes_is_for_the_call_that_was_read() -> None:
    daemon = Asking(waiting("first"), waiting("second", ("bash", '{"command": "curl evil.example"}')))
    app = app_over(daemon)
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "2 tool calls wait")
        await pilot.press("a")
        await see(pilot, "rm -rf build")
        daemon.rows.pop(0)  # its time is over
        await see(pilot, "curl evil.example")
        await pilot.press("y")
        await see(pilot, "The call that stood here is gone.")
        assert daemon.said == []
        await pilot.press("y")
        await see(pilot, "allowed: second")
        daemon.rows.append(waiting("third"))
        await see(pilot, "third")
        daemon.rows.clear()
        await pilot.press("n")  # before the page knows that it is gone
        await see(pilot, "No tool call waits for you.")
        assert daemon.said == [("second", "yes")]


async def test_what_the_daemon_says_is_shown_and_never_obeyed() -> None:
    nasty = "[bold]x[/bold]\u001b[31m\u202e"
    daemon = Asking(waiting(nasty, (nasty, nasty), (nasty, f'{{"k": "{nasty}"}}')))
    app = app_over(daemon)
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "A tool call waits")
        await pilot.press("a")
        await see(pilot, "[bold]x[/bold]")
        assert "\x1b[31m" not in output(app) and "\u202e" not in output(app)
        daemon.down = True
        await see(pilot, "The localrouter daemon is not running")
        daemon.down = False
        await see(pilot, "[bold]x[/bold]")


def test_the_cost_of_the_host_s_own_tools() -> None:
    tree = record(1, usage={"input": 5, "tools": {"web_search": 3, "mcp": 1}}, tools_micro={"web_search": 30_000})
    made = Record.of(tree)
    assert made.tools == (("web_search", 3, 30_000), ("mcp", 1, None)) and made.usage == (("input", 5),)
    assert [hosted_use(*use) for use in made.tools] == ["3 web searches $0.03", "1 MCP call"]
    assert hosted_use("code_execution", 1, 50_000) == "1 code execution $0.05"
    assert Record.of(record(1)).tools == ()


async def test_it_stands_on_the_cost_line() -> None:
    daemon = Canned([record(1, usage={"input": 5, "output": 2, "tools": {"web_search": 3}}, tools_micro={"web_search": 30_000})])
    app = app_over(daemon)
    async with app.run_test(size=(140, 40)) as pilot:
        await see(pilot, "5 input, 2 output tokens", "of that, what its host ran: 3 web searches $0.03")
