"""Recipes in words: a condition and whether it held, a value as people write it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.catalogue import Catalogue
from localrouter.core.decision import Decision, inputs
from localrouter.core.match import Match, holds, needed
from localrouter.core.recipe import Recipe
from localrouter.core.rules import ModelRules
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.virtual import choice


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a match: what was wanted, what there was, and whether it held; None: that cannot be known from the record."""

    key: str
    wanted: str
    had: str
    held: bool | None


@dataclass(frozen=True, slots=True)
class Passed:
    """A route that was looked at: why it was not for the request, its first condition that did not hold; None for the one that was taken."""

    route: str
    failed: Condition | None


def conditions(match: Match, decision: Decision, models: ModelRules) -> list[Condition]:
    """Each key that a match names, for an explanation. `models`: what the recipe makes of names. Raises CannotReplay."""
    ask, signals, standing = inputs(decision, Catalogue(decision.catalogue))
    ask = replace(ask, model=choice(models, ask.model).model)
    missing = decision.missing
    unrecorded = missing.keys(match)
    out = []
    for key, value in match.model_dump(exclude_none=True).items():
        held = (
            missing.held(match, key, ask, signals, standing)
            if key in unrecorded
            else holds(Match.model_validate({key: value}), ask, signals, standing)
        )
        had = "(not recorded)" if key in unrecorded else _had(key, ask, signals, standing)
        out.append(Condition(key, worded(value), had, held))
    return out


def passed_over(recipe: Recipe, decision: Decision) -> list[Passed]:
    """The routes up to the one that was taken, in their order. Raises CannotReplay."""
    out: list[Passed] = []
    for route in recipe.route:
        if route.name == decision.plan["route"]:
            return [*out, Passed(route.name, None)]
        rows = conditions(route.match, decision, recipe.models)
        out.append(Passed(route.name, next((c for c in rows if not c.held), None)))
    return out


def _had(key: str, ask: Ask, signals: Signals, standing: Standing) -> str:
    """What a condition looked at."""
    name = {"difficulty_below": "difficulty", "difficulty_from": "difficulty", "injection_from": "injection"}.get(key, key)
    if name in ("difficulty", "injection"):
        return f"{getattr(signals, name):.2f}"
    if hasattr(signals, name):
        return worded(getattr(signals, name)) if getattr(signals, name) != "" else "not told"
    fields = {
        "tools": ask.needs.tools, "model": ask.model, "surface": ask.dialect, "endpoint": ask.endpoint, "user": ask.caller.user or ask.who,
        "tier": ask.caller.tier, "project": ask.caller.project, "tags": ask.caller.tags, "path": ask.caller.paths,
        "headers": ask.caller.headers, "size_below": ask.size, "size_from": ask.size, "needs": sorted(needed(ask)),
        "hours": f"{standing.minute // 60:02d}:{standing.minute % 60:02d}",
    }  # fmt: skip
    value = fields.get(name, "")
    return worded(value) if value != "" else "none"


def worded(value: Any) -> str:
    """A value of a recipe, for people."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {worded(v)}" for k, v in value.items()) or "nothing"
    if isinstance(value, (list, tuple)):
        return " or ".join(worded(v) for v in value) or "nothing"
    if value is None or isinstance(value, bool):
        return {None: "not set", True: "yes", False: "no"}[value]
    return str(value)
