"""What a record does not hold of who asked, and what is known of it all the same.

Two things are missing: names that the client made up and in which the privacy scan found something (they are `hidden`), and what no route of
the recipe in force looked at (headers, paths, the client's own user), which is never read. Of what is hidden the record says which of the
recipe's patterns it fitted; so a route whose patterns were asked then is decided now as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.match import Match, holds
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing

NO_MODEL = "(not recorded)"
"""Stands for a hidden name of a model: one that no catalogue has, as it was for the decision."""
HIDABLE = {
    "model": "",
    "user": "user",
    "tier": "tier",
    "project": "project",
    "tags": "tags",
    "path": "paths",
    "headers": "headers",
}
"""Keys of a match that look at what the client made up, and the field of a Caller that they look at ("": the Ask's own)."""


@dataclass(frozen=True, slots=True)
class Missing:
    """`hidden`: by key, which patterns fitted. `wanted`: `wanted_by` of the recipe that was in force."""

    hidden: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()

    def keys(self, match: Match) -> list[str]:
        """The conditions of a match that the record alone cannot judge."""
        if not self.hidden and match.headers is None and match.path is None and match.user is None:
            return []
        out = [key for key in self.hidden if getattr(match, key) is not None]
        out += [key for key in ("path", "user") if getattr(match, key) is not None and key not in {*out, *self.wanted}]
        if "headers" not in out and any(f"headers.{name}" not in self.wanted for name in match.headers or ()):
            out.append("headers")
        return out

    def held(self, match: Match, key: str, ask: Ask, signals: Signals, standing: Standing) -> bool | None:
        """Whether such a condition held; None: that is not known."""
        fitted = self.hidden.get(key)
        if key == "headers":
            verdicts = [self._header(n, p, ask, signals, standing) for n, p in (match.headers or {}).items()]
            return False if False in verdicts else None if None in verdicts else True
        if fitted is None:  # never read: of a user the token's name is known
            return True if key == "user" and holds(Match(user=match.user), ask, signals, standing) else None
        found = [fitted.get(p) for p in patterns(match, key)]
        return True if True in found else None if None in found else False

    def _header(self, name: str, pattern: str, ask: Ask, signals: Signals, standing: Standing) -> bool | None:
        if "headers" not in self.hidden and f"headers.{name}" in self.wanted:
            return holds(Match(headers={name: pattern}), ask, signals, standing)
        return self.hidden.get("headers", {}).get(f"{name}: {pattern}")


def wanted_by(recipe: Recipe) -> list[str]:
    """What a recipe looks at that is read only for recipes which do: `path`, `user`, `headers.NAME`."""
    wanted = recipe.wanted
    names = ["path"] * wanted.paths + ["user"] * wanted.user
    return [*names, *(f"headers.{name}" for name in sorted(wanted.headers))]


def patterns(match: Match, key: str) -> list[str]:
    """The single patterns of a key; of headers as `name: pattern`."""
    value = getattr(match, key)
    return [f"{n}: {p}" for n, p in (value or {}).items()] if key == "headers" else list(value or ())


def fitted(key: str, ask: Ask, signals: Signals, standing: Standing, recipe: Recipe) -> dict[str, bool]:
    """Which of all the recipe's patterns for a key hold."""

    def one(pattern: str) -> Match:
        name, _, wanted = pattern.partition(": ")
        return Match.model_validate({key: {name: wanted} if key == "headers" else [pattern]})

    every = {p for route in recipe.route for p in patterns(route.match, key)}
    return {p: holds(one(p), ask, signals, standing) for p in sorted(every)}


def blanked(facts: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """The recorded fields of an Ask without what is hidden."""
    if "model" in keys:
        facts = {**facts, "model": NO_MODEL}
    gone = {HIDABLE[key] for key in keys}
    return {**facts, "caller": {k: v for k, v in facts.get("caller", {}).items() if k not in gone}} if gone else facts
