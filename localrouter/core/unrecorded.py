"""What a record does not hold of who asked, and what is known of it all the same.

Two things are missing: names that the client made up and in which the privacy scan found something (they are `hidden`), and what no route of
the recipe in force looked at (headers, paths, the client's own user), which is never read. Of what is hidden the record says which of the
recipe's patterns it fitted; so a route whose patterns were asked then is decided now as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.candidates import means_local
from localrouter.core.match import Match, holds
from localrouter.core.recipe import Recipe, Route
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.virtual import AUTO, choice

NO_MODEL = "(not recorded)"
"""Stands for a hidden name of a model: one that no catalogue has, as it was for the decision."""
SERVED = "served_asked"
"""The name of a model that the client asked for in the turn before, when that is hidden: a key of the record, and of no match."""
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


class CannotReplay(ValueError):
    """The record does not hold what this recipe asks for. The text says what is missing."""


@dataclass(frozen=True, slots=True)
class Missing:
    """`hidden`: by key, which patterns fitted. `wanted`: `wanted_by` of the recipe that was in force."""

    hidden: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()

    def keys(self, match: Match) -> list[str]:
        """The conditions of a match that the record alone cannot judge."""
        if not self.hidden and match.headers is None and match.path is None and match.user is None:
            return []
        out = [key for key in self.hidden if key != SERVED and getattr(match, key) is not None]
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
    """What a recipe looks at that is read only for recipes which do: `path`, `user`, `headers.NAME`, and what `counted_by` names."""
    wanted = recipe.wanted
    names = ["path"] * wanted.paths + ["user"] * wanted.user + counted_by(recipe)
    return [*names, *(f"headers.{name}" for name in sorted(wanted.headers))]


def counted_by(recipe: Recipe) -> list[str]:
    """What is counted over several requests, for recipes that limit it: `repeats` ([loop] same_requests), `tool_calls` ([route.tools]
    max_calls_per_minute)."""
    rates = any(r.tools is not None and r.tools.max_calls_per_minute is not None for r in recipe.route)
    return ["repeats"] * bool(recipe.loop.same_requests) + ["tool_calls"] * rates


def patterns(match: Match, key: str) -> list[str]:
    """The single patterns of a key; of headers as `name: pattern`."""
    value = getattr(match, key)
    return [f"{n}: {p}" for n, p in (value or {}).items()] if key == "headers" else list(value or ())


def fitted(key: str, ask: Ask, signals: Signals, standing: Standing, recipe: Recipe) -> dict[str, bool]:
    """Which of all the recipe's patterns for a key hold."""
    if key == SERVED:
        return {}

    def one(pattern: str) -> Match:
        name, _, wanted = pattern.partition(": ")
        return Match.model_validate({key: {name: wanted} if key == "headers" else [pattern]})

    every = {p for route in recipe.route for p in patterns(route.match, key)}
    if key == "model":
        every |= {*recipe.models.map, *recipe.models.honour}
    return {p: holds(one(p), ask, signals, standing) for p in sorted(every)}


def blanked(facts: dict[str, Any], world: dict[str, Any], keys: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The recorded fields of an Ask and of a Standing without what is hidden. The names of two turns stay equal where they were."""
    asked, before = facts.get("model", ""), world.get(SERVED, "")
    if "model" in keys:
        facts = {**facts, "model": ("local:" if means_local(asked) else "") + NO_MODEL}
    if SERVED in keys:
        world = {**world, SERVED: facts["model"] if asked == before else f"another {NO_MODEL}"}
    gone = {HIDABLE[key] for key in keys if key in HIDABLE}
    return {**facts, "caller": {k: v for k, v in facts.get("caller", {}).items() if k not in gone}} if gone else facts, world


def resolved(recipe: Recipe, missing: Missing, ask: Ask, signals: Signals, standing: Standing) -> tuple[Recipe, Ask]:
    """The recipe, with what it asks of the unrecorded put as what is known of that: a hidden name of a model as what it was mapped to, a route
    that did not fit left out, one that did with its other conditions. Raises CannotReplay where it is not known and would decide."""
    if "model" in missing.hidden and (recipe.models.map or recipe.models.honour != ("*",)):
        ask = replace(ask, model=_mapped(recipe, missing.hidden["model"], ask.model))
        plain = recipe.models.model_copy(update={"map": {}, "honour": ("*",)})
        recipe = recipe.model_copy(update={"models": plain})
        if not ask.model.endswith(NO_MODEL):
            missing = Missing({k: v for k, v in missing.hidden.items() if k != "model"}, missing.wanted)
    rule = recipe.domains.get(signals.domain)
    if rule is not None and rule.route is not None and rule.holds(signals):
        return recipe, ask  # that route is taken, whichever matches
    if not any(missing.keys(route.match) for route in recipe.route):
        return recipe, ask
    named = replace(ask, model=choice(recipe.models, ask.model).model)
    return recipe.model_copy(update={"route": tuple(_routes(recipe, missing, named, signals, standing))}), ask


def _mapped(recipe: Recipe, known: Mapping[str, bool], placeholder: str) -> str:
    """What a recipe makes of a hidden name (core/virtual.choice)."""
    for pattern, target in recipe.models.map.items():
        if pattern not in known:
            raise CannotReplay(f"Whether [models] map '{pattern}' is for it cannot be known: the name was not recorded.")
        if known[pattern]:
            return target
    fits = [known.get(pattern) for pattern in recipe.models.honour]
    if True not in fits and None in fits:
        raise CannotReplay("Whether [models] honour is for it cannot be known: the name was not recorded.")
    return placeholder if True in fits else AUTO[0]


def _routes(recipe: Recipe, missing: Missing, ask: Ask, signals: Signals, standing: Standing) -> Iterator[Route]:
    for at, route in enumerate(recipe.route):
        verdicts = {key: missing.held(route.match, key, ask, signals, standing) for key in missing.keys(route.match)}
        # Not by model_copy: what a match has worked out of itself would be copied with it.
        rest = Match.model_validate(route.match.model_dump(exclude_none=True, exclude=set(verdicts))) if verdicts else route.match
        if False in verdicts.values() or not holds(rest, ask, signals, standing):
            if not verdicts:
                yield route
            continue
        unknown = next((key for key, held in verdicts.items() if held is None), None)
        if unknown is not None:
            raise CannotReplay(
                f"Whether route '{route.name}' is for it cannot be known: the '{unknown}' that it matches on was not recorded."
            )
        yield route.model_copy(update={"match": rest})
        yield from recipe.route[at + 1 :]
        return
