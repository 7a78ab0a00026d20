"""A history and the recipe verbs from lists, for what the recipes' screen shows."""

from __future__ import annotations

import asyncio
from typing import Any

from localrouter_tui.app import RouterApp
from localrouter_tui.verbs import VerbFailed, Verbs
from tui_canned import CLOCK, NOON, Canned

NASTY = "[bold]x[/bold] \x1b[31mred"


def version(place: int, name: str, hash_: str, **more: Any) -> dict[str, Any]:
    return {
        "seq": 9 - place, "at": NOON - 86_400 * place, "name": name, "hash": hash_, "source": name, "by": "cli", "note": "", "decisions": 1200 // (place + 1), **more,
    }  # fmt: skip


HISTORY = [
    version(0, "balanced", "120be3940742", by="rollback", note="the summaries got worse"),
    version(1, "thrift", "cb2bfcfc6fd7", note="summaries are cheap " + "and this note goes on for long, " * 6 + "to its end"),
    version(2, "balanced", "120be3940742", by="file"),
    *(version(i, f"older-{i}", f"{i:012x}") for i in range(3, 12)),
]
IN_FORCE = {
    "version": "balanced@120be3940742",
    "recipe": {
        "name": "balanced",
        "description": "For one person who wants good answers and no surprises.",
        "classes": {"public": {"values": "pass", "request": "hosted"}, "secret": {"values": "seal", "request": "hosted"}},
        "route": [
            {"name": "easy", "match": {"task": ["chat", "summarise"], "difficulty_below": 0.35, "tools": False, "model": None}, "try": ["local:chat", "openai/gpt-5-mini"]},
            {"name": "default", "match": {}, "try": ["openai/gpt-5"]},
        ],
    },
}  # fmt: skip
DIFFERENCE = {
    "before": "balanced@120be3940742", "after": "thrift@cb2bfcfc6fd7",
    "differences": ["route 'easy' is new, before 'all': task summarise or extract, tries rehearsal/small", f"a word of others: {NASTY}"],
    "unified": ["--- balanced", "+++ thrift", "@@ -1,2 +1,3 @@", '-name = "balanced"', '+name = "thrift"', " private_keys = \"local\""],
}  # fmt: skip


def _change(i: int) -> dict[str, Any]:
    before = {"route": "all", "lane": "hosted", "model": "openai/gpt-5", "cost_micro": 3050, "error": ""}
    after = {"route": "easy", "lane": "local", "model": "local:chat", "cost_micro": 0, "error": ""}
    return {"id": f"lr-199c5a{i:05x}-0000{i:06x}", "at": NOON - 60 * i, "kind": "model", "before": before, "after": after, "why": "route 'easy' takes it (task summarise)"}  # fmt: skip


REPLAY = {
    "recipe": "thrift@cb2bfcfc6fd7", "requests": 1000, "recorded_by": {"balanced@120be3940742": 1000}, "kinds": {"same": 940, "model": 60},
    "before": {"lanes": {"hosted": 1000}, "models": {"openai/gpt-5": 1000}, "left_machine": 1000, "cost_micro": 3_050_000},
    "after": {"lanes": {"hosted": 940, "local": 60}, "models": {"openai/gpt-5": 940, "local:chat": 60}, "left_machine": 940, "cost_micro": 2_867_000},
    "unpriced": 0, "uncounted": 0, "changed": [_change(i) for i in range(60)], "seconds": 1.4,
}  # fmt: skip


class CannedRecipes(Canned):
    """As Canned, with a history of recipes."""

    def __init__(self) -> None:
        super().__init__([])
        self.history: list[dict[str, Any]] = [*HISTORY]

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        if path in ("recipe/history", "recipe") and not self.down:
            self.asked.append((path, query))
            return {"versions": self.history} if path == "recipe/history" else IN_FORCE
        return await super().get(path, **query)


class CannedVerbs(Verbs):
    """`done` are the verbs so far. `hold`: a replay goes on until it is set."""

    def __init__(self, daemon: CannedRecipes) -> None:
        super().__init__()
        self.daemon = daemon
        self.done: list[tuple[str, ...]] = []
        self.hold: asyncio.Event | None = None
        self.ended = False

    async def names(self) -> tuple[str, ...]:
        return ("balanced", "thrift")

    async def differences(self, before: str, after: str) -> dict[str, Any]:
        self.done.append(("diff", before, after))
        return DIFFERENCE

    async def check(self, name: str) -> dict[str, Any]:
        self.done.append(("check", name))
        if name == "torn":
            fault = {"file": "torn.toml", "line": 4, "what": "there is no key 'limts'.", "do": "Did you mean 'limits'?"}
            return {"name": name, "version": "", "ok": False, "faults": [fault], "unknown_targets": [], "warnings": []}
        if name == "gone":
            raise VerbFailed("The daemon went away. " + NASTY)
        return {
            "name": name,
            "version": "thrift@cb2bfcfc6fd7",
            "ok": True,
            "faults": [],
            "unknown_targets": [],
            "warnings": ["route 'x' is never taken"],
        }

    async def dry_run(self, name: str, days: float) -> dict[str, Any]:
        self.done.append(("dry-run", name))
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.ended = True
                raise
        return REPLAY

    async def apply(self, name: str, note: str) -> str:
        self.done.append(("apply", name, note))
        self.daemon.history.insert(0, version(0, "thrift", "cb2bfcfc6fd7", note=note))
        return "thrift@cb2bfcfc6fd7 is in force now; requests that run keep theirs."

    async def rollback(self, version: str, note: str) -> str:
        self.done.append(("rollback", version, note))
        return f"{version} is in force now; requests that run keep theirs."


def recipes_app() -> tuple[RouterApp, CannedRecipes, CannedVerbs]:
    """The app over both."""
    daemon = CannedRecipes()
    verbs = CannedVerbs(daemon)
    return RouterApp(daemon, CLOCK, verbs), daemon, verbs
