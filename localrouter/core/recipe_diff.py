"""What two recipes do differently, in words: of the policies as they are with all that they extend and all defaults, not of their texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localrouter.core.kinds import ORDER
from localrouter.core.recipe import Recipe, Route
from localrouter.core.wording import worded

MAP = "models map"
"""Where the first pattern counts, so that another order is a difference."""


def differences(before: Recipe, after: Recipe) -> list[str]:
    """One sentence for each thing that changes; none where the two decide alike."""
    return [*_general(before, after), *_classes(before, after), *_routes(before, after)]


def _general(before: Recipe, after: Recipe) -> Iterator[str]:
    skip = {"name", "description", "extends", "classes", "route"}
    was, now = before.model_dump(exclude=skip), after.model_dump(exclude=skip)
    for key in now:
        yield from _changes(_spoken(key), was[key], now[key])


def _classes(before: Recipe, after: Recipe) -> Iterator[str]:
    for name in ORDER:
        was, now = before.rule(name).model_dump(), after.rule(name).model_dump()
        for key in now:
            yield from _changes(f"class {name}, {_spoken(key)}", was[key], now[key])


def _routes(before: Recipe, after: Recipe) -> Iterator[str]:
    was, now = {r.name: r for r in before.route}, {r.name: r for r in after.route}
    for name in (n for n in was if n not in now):
        yield f"route '{name}' is gone"
    order = list(now)
    for at, name in enumerate(order):
        if name not in was:
            where = f"before '{order[at + 1]}'" if at + 1 < len(order) else "at the end"
            yield f"route '{name}' is new, {where}: {described(now[name])}"
            continue
        old, new = was[name].model_dump(by_alias=True), now[name].model_dump(by_alias=True)
        for key in new:
            if key not in ("name", "before"):
                yield from _changes(f"route '{name}', {_spoken(key)}", old[key], new[key])
    kept_before = [name for name in was if name in now]
    kept_after = [name for name in order if name in was]
    if kept_before != kept_after:
        yield f"the routes stand in another order: {', '.join(kept_after)} (before: {', '.join(kept_before)})"


def described(route: Route) -> str:
    """When a route is taken, and what it tries."""
    return f"{when(route)}, tries {', '.join(route.try_)}"


def when(route: Route) -> str:
    """Its conditions; `always` without any."""
    return "; ".join(f"{_spoken(k)} {worded(v)}" for k, v in route.match.model_dump(exclude_none=True).items()) or "always"


def _spoken(key: str) -> str:
    return str(key).replace("_", " ")


def _changes(where: str, was: Any, now: Any) -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict) and "type" not in now:
        for key in [*now, *(k for k in was if k not in now)]:
            yield from _changes(f"{where} {_spoken(key)}", was.get(key), now.get(key))
        if where == MAP and was == now and list(was) != list(now):
            yield f"{where}: the order is now {', '.join(map(str, now))}"
    elif was != now:
        both = [", ".join(map(str, v)) if where.endswith(", try") else worded(v) for v in (was, now)]
        yield f"{where}: {both[0]} becomes {both[1]}"
