"""A daemon that answers from a list, and how the tests look at the screen."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

from conftest import BUSY_S
from localrouter_tui.app import RouterApp
from localrouter_tui.client import Daemon, DaemonDown
from localrouter_tui.clock import Clock
from rich.console import Console
from textual.pilot import Pilot

NOON = 1_760_011_200.0
CLOCK = Clock(UTC, lambda: NOON)
SNAPSHOTS = Path(__file__).parent.parent / "snapshots"
SUMMARY = ("id", "started", "who", "session", "lane", "route", "reason", "model", "status", "cost_micro", "ms", "findings")


def record(i: int, **more: Any) -> dict[str, Any]:
    """One of GET /control/traces/ID, as the daemon writes it."""
    base = {
        "id": f"lr-199c5a{i:05x}-0000{i:06x}", "started": NOON - 600 + i, "ms": 612.5, "who": "default", "session": "50e72965b96296f5d4383582",
        "dialect": "openai_chat", "asked": "localrouter/auto", "lane": "hosted", "route": "default", "reason": "default:hosted",
        "model": "openai/gpt-5-mini", "status": 200, "outcome": "done", "error": "", "cost_micro": 1500 * i, "reserved_micro": 9000 * i,
        "findings": {"EMAIL": i}, "data_class": "personal", "signals": {"task": "chat", "difficulty": 0.2, "prompt_bound": 600},
        "explain": f"Sent to openai/gpt-5-mini, with private values replaced, by route 'default' of recipe 'balanced': question [bold]number {i}[/bold].",
        "steps": [{"name": "inspect", "ms": 4.0}, {"name": "decided", "ms": 0.02}, {"name": "reserve", "ms": 2.5}, {"name": "call", "ms": 480.0}, {"name": "settle", "ms": 3.1}],
        "attempts": [{"model": "openai/gpt-5-mini", "lane": "hosted", "reserved_micro": 9000, "outcome": "done", "cost_micro": 1500, "estimated": False}],
        "candidates": [
            {"model": "local:chat", "kept": False, "gate": "local_model", "why": "No local chat model is set."},
            {"model": "openai/gpt-5-mini", "kept": True, "gate": "", "why": "may cost up to $0.009000"},
        ],
        "left_machine": ["Write to uab12cd@pii.invalid about [link=x]y[/link]."], "tokens": ["uab12cd@pii.invalid"], "tool_calls": [],
        "context_ids": [], "restored": {"restored": 1, "unknown": 0, "withheld": 0}, "usage": {"input": 83, "output": 29},
        "recipe": "balanced@120be3940742", "catalogue": "008a6685e2e6", "answer": "Dear uab12cd@pii.invalid, ...",
    }  # fmt: skip
    return base | more


SECRETS = record(
    4,
    findings={"API_KEY": 1, "IBAN": 1, "PERSON": 2, "OWN_USER": 1, "IP": 1},
    data_class="secret",
    left_machine=[
        "Why does the transfer fail?\n\nAPI_KEY=API_KEY_4JRXVB\nFrom IBAN_8ZK3QW for PERSON_5RSRFY and PERSON_0Q8J2M\n"
        "at /home/u5hz5m2/pay.py, host 198.18.28.190, plain words stay plain.",
        "write_file",
        "Write a text file.",
        "path",
        "content",
    ],
    tokens=["API_KEY_4JRXVB", "IBAN_8ZK3QW", "PERSON_5RSRFY", "PERSON_0Q8J2M", "u5hz5m2", "198.18.28.190"],
    attempts=[
        {"model": "openai/gpt-5-mini", "lane": "hosted", "reserved_micro": 9000, "outcome": "error", "cost_micro": 0},
        {"model": "mistral/small", "lane": "hosted", "reserved_micro": 4000, "outcome": "done", "cost_micro": 6000},
    ],
    model="mistral/small",
    tool_calls=[{"name": "write_file", "choice": 0, "index": 0}],
)
LOCAL = record(
    5, lane="local", model="local:chat", cost_micro=0, reserved_micro=0, findings={}, data_class="public", left_machine=[], tokens=[],
    attempts=[{"model": "local:chat", "lane": "local", "reserved_micro": 0}], candidates=[], ms=12_345.0,
    explain="Answered on this machine by local:chat: a question.", answer="Interrupted system call.",
)  # fmt: skip
REFUSED = record(
    6, lane="none", model="", reason="privacy_refused", status=403, outcome="refused", cost_micro=0, reserved_micro=0, usage={},
    findings={"PRIVATE_KEY": 1}, left_machine=[], tokens=[], attempts=[], answer="", data_class="secret",
    explain="Refused: it holds a private key, and no local model is set.",
    candidates=[{"model": "openai/gpt-5-mini", "kept": False, "gate": "data_class", "why": "A private key stays on this machine."}],
)  # fmt: skip
MIXED = [REFUSED, LOCAL, SECRETS, *(record(i) for i in range(3, 0, -1))]


def condition(name: str, calls: int, **more: Any) -> dict[str, Any]:
    """One host or model of GET status."""
    return {
        "name": name,
        "state": "closed",
        "calls": calls,
        "errors": 0.0,
        "refusals": 0.0,
        "broken": 0.0,
        "slow": 0.0,
        "first_ms": 412.0,
        "first_p95_ms": 1890.0,
        "tokens_s": 71.4,
        "words": "",
        **more,
    }


class Canned(Daemon):
    """Newest first, as the daemon lists them. `asked` are the questions so far."""

    def __init__(self, records: list[dict[str, Any]] | None = None) -> None:
        super().__init__()
        self.records = [record(i) for i in range(3, 0, -1)] if records is None else records
        self.down = False
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.status: dict[str, Any] = {
            "recipe": "balanced@120be3940742", "inspector": {"alive": True}, "local": {"available": False}, "in_flight": 0, "cooling": {},
            "health": [condition("openai", 50), condition("openai/gpt-5-mini", 50, errors=0.3, words="30 % of its last 50 calls failed, so it is asked later than others")],
        }  # fmt: skip
        self.spent = 12_345
        self.checks: list[dict[str, Any]] = [
            {"name": "running", "ok": True, "detail": "version 0.1.0, pid 4242"},
            {"name": "local model", "ok": None, "detail": "No local chat model is set."},
            {"name": "privacy scan", "ok": False, "detail": "not running", "do": "See `localrouter logs`; requests are refused until it runs."},
            {"name": "traces", "ok": True, "detail": "3 in the chain, all whole", "do": ""},
        ]  # fmt: skip

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        self.asked.append((path, query))
        if self.down:
            raise DaemonDown
        if path == "status":
            return self.status
        if path == "budget":
            daily = {"scope": "daily", "limit": 5_000_000, "spent": self.spent, "held": 0, "remaining": 1, "resets_at": 0.0}
            return {"budgets": [daily], "spent_today_micro": self.spent}
        if path == "doctor":
            return {"checks": self.checks}
        if path == "traces":
            found = [r for r in self.records if not query.get("lane") or r["lane"] == query["lane"]]
            found = [r for r in found if all(w in str(r) for w in (query.get("q") or "").split())]
            return {"traces": [{k: r[k] for k in SUMMARY} for r in found[: query["limit"]]]}
        return next(r for r in self.records if path.endswith("/" + r["id"]))


def app_over(daemon: Daemon) -> RouterApp:
    """The app with a fixed clock."""
    return RouterApp(daemon, CLOCK)


def lines(app: RouterApp) -> list[str]:
    """The screen as text."""
    return ["".join(part.text for part in strip).rstrip() for strip in app.screen._compositor.render_strips()]


def screen(app: RouterApp) -> str:
    """The screen as one text."""
    return "\n".join(lines(app))


def output(app: RouterApp) -> str:
    """The screen as the bytes that a terminal would get, styles included."""
    console = Console(color_system="truecolor", force_terminal=True, width=app.size.width, legacy_windows=False)
    return "\n".join(strip.render(console) for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[None], holds: Callable[[], bool], seconds: float = BUSY_S) -> None:
    """Wait until it holds; fails with the screen when it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await pilot.pause(0.02)
        if holds():
            await pilot.pause()
            return
    assert isinstance(pilot.app, RouterApp)
    raise AssertionError("it did not come to hold:\n" + screen(pilot.app))


async def see(pilot: Pilot[None], *words: str) -> None:
    """Wait until all the words stand on the screen."""
    app = pilot.app
    assert isinstance(app, RouterApp)
    await until(pilot, lambda: all(w in screen(app) for w in words))


async def comes_to_match(pilot: Pilot[None], name: str) -> None:
    """`matches`, of the screen as it is when it has been drawn to its end; half a screen is waited for, twenty seconds at most."""
    app = pilot.app
    assert isinstance(app, RouterApp)
    await pilot.pause(0.3)
    end = time.monotonic() + 20
    while os.environ.get("UPDATE_SNAPSHOTS") != "1" and time.monotonic() < end:
        with contextlib.suppress(AssertionError):
            matches(name, lines(app))
            return
        await pilot.pause(0.1)
    matches(name, lines(app))


def matches(name: str, shown: list[str]) -> None:
    """Compare with tests/snapshots/NAME.txt; UPDATE_SNAPSHOTS=1 writes it instead. Raises AssertionError."""
    file = SNAPSHOTS / f"{name}.txt"
    text = "\n".join(shown) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return
    assert file.exists(), f"{file.name} does not exist: UPDATE_SNAPSHOTS=1 writes it"
    assert text == file.read_text(encoding="utf-8"), f"the screen differs from {file.name}; UPDATE_SNAPSHOTS=1 accepts it"
