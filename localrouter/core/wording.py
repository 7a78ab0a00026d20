"""Recipes in words: a condition and whether it held, a value as people write it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from localrouter.core.catalogue import Catalogue
from localrouter.core.decision import Decision, inputs
from localrouter.core.match import Match, holds
from localrouter.core.rules import ModelRules
from localrouter.core.virtual import choice


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a match: what was wanted, and whether it held; None: that cannot be known from the record."""

    key: str
    wanted: str
    held: bool | None


def conditions(match: Match, decision: Decision, models: ModelRules) -> list[Condition]:
    """Each key that a match names, for an explanation. `models`: what the recipe makes of names. Raises CannotReplay."""
    ask, signals, standing = inputs(decision, Catalogue(decision.catalogue))
    ask = replace(ask, model=choice(models, ask.model).model)
    missing = decision.missing
    unrecorded = missing.keys(match)
    return [
        Condition(
            key,
            worded(value),
            missing.held(match, key, ask, signals, standing)
            if key in unrecorded
            else holds(Match.model_validate({key: value}), ask, signals, standing),
        )
        for key, value in match.model_dump(exclude_none=True).items()
    ]


def worded(value: Any) -> str:
    """A value of a recipe, for people."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {worded(v)}" for k, v in value.items()) or "nothing"
    if isinstance(value, (list, tuple)):
        return " or ".join(worded(v) for v in value) or "nothing"
    if value is None or isinstance(value, bool):
        return {None: "not set", True: "yes", False: "no"}[value]
    return str(value)
