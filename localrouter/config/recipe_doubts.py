"""What a recipe may say and hardly means: routes that no request reaches, requests that no route takes. Warnings of `recipe check`."""

from __future__ import annotations

from typing import Any

from localrouter.core.match import Match, fits
from localrouter.core.recipe import Recipe
from localrouter.core.tool_rules import ToolRules


def _implied(name: str, wide: Any, narrow: Any) -> bool:
    """Whether every request for which `narrow` holds is one for which `wide` holds, under one condition."""
    if name.endswith("_below"):
        return bool(narrow <= wide)
    if name.endswith("_from"):
        return bool(narrow >= wide)
    if isinstance(wide, tuple) and isinstance(narrow, tuple):
        return all(one in wide or ("*" not in one and "?" not in one and fits(one, wide)) or "*" in wide for one in narrow)
    if isinstance(wide, dict) and isinstance(narrow, dict):
        return all(narrow.get(key) == value for key, value in wide.items())
    return bool(wide == narrow)


def covers(wide: Match, narrow: Match) -> bool:
    """Whether every request that `narrow` takes is taken by `wide`, as far as that can be seen from their words."""
    return all(
        (value := getattr(narrow, name)) is not None and _implied(name, condition, value) for name, condition in wide.conditions
    )


def _never(match: Match) -> str:
    for kind in ("difficulty", "size"):
        least, below = getattr(match, f"{kind}_from"), getattr(match, f"{kind}_below")
        if least is not None and below is not None and least >= below:
            return f"{kind}_from is not below {kind}_below"
    empty = next((name for name, value in match.conditions if value in ((), {})), "")
    return f"{empty} is an empty list" if empty and empty != "headers" else ""


def _idle(recipe: Recipe) -> list[str]:
    """What is written and does nothing."""
    contracts = [r.contract for r in recipe.route] + [rule.contract for rule in recipe.domains.values()]
    used = {
        "prompts": {r.prompt for r in recipe.route},
        "toolsets": {r.toolset for r in recipe.route},
        "schemas": {c.json_schema for c in contracts if c is not None},
    }
    out = [f"[{t}.{name}] is named by no route." for t, names in used.items() for name in getattr(recipe, t) if name not in names]
    if recipe.models.map and not any("asked" in r.try_ or r.match.model is not None for r in recipe.route):
        out.append("[models.map] has no effect: no route tries 'asked' or matches on the model.")
    for name, rule in recipe.classes.items():
        if "otherwise" in rule.model_fields_set and rule.only is None:
            out.append(f"[classes.{name}] otherwise has no effect without 'only'.")
    for route in recipe.route:
        if route.tools is not None:
            out += [f"[route.tools] of '{route.name}': {what}." for what in _idle_rules(route.tools)]
    return out


def _idle_rules(rules: ToolRules) -> list[str]:
    out = [] if rules.judges else ["it denies nothing, asks for nothing and counts nothing"]
    if rules.allow and rules.default == "allow":
        out.append("allow has no effect, since what no other rule covers is allowed")
    if "wait_s" in rules.model_fields_set and not rules.ask and rules.default != "ask":
        out.append("wait_s has no effect, since no call waits for a person")
    if rules.default == "deny" and not (rules.allow or rules.ask):
        out.append("every call is denied, so the model is shown no tools")
    return out


def doubts(recipe: Recipe) -> list[str]:
    """Sentences for people, in the order of the routes."""
    out: list[str] = []
    taken = {rule.route for rule in recipe.domains.values()}
    for i, route in enumerate(recipe.route):
        if route.name in taken:
            continue  # a domain takes it, whatever its match says
        if never := _never(route.match):
            out.append(f"Route '{route.name}' is never reached: {never}.")
            continue
        first = next((r for r in recipe.route[:i] if covers(r.match, route.match)), None)
        if first is not None:
            out.append(f"Route '{route.name}' is never reached: '{first.name}' before it takes every request that it would take.")
    if not recipe.route:
        out.append("There are no routes, so every request is refused.")
    elif not any(not r.match.conditions for r in recipe.route):
        out.append("No route takes what the others leave over, so some requests are refused: end with a route without a match.")
    out += _idle(recipe)
    if not recipe.models.honour and any(r.try_ == ("asked",) for r in recipe.route):
        out.append("[models] honour is empty, so 'asked' never stands for anything.")
    return out
