"""When no candidate is left: which error tells the client most."""

from __future__ import annotations

from localrouter.core import errors as e
from localrouter.core.plan import Drop, View, Weighed
from localrouter.core.tool_rules import MINUTE_S

KINDS: tuple[tuple[str, type[e.RouterError]], ...] = (
    ("loop", e.GoingRound),
    ("tool_rate", e.ToolsTooFast),
    ("privacy", e.PrivacyRefused),
    ("unreadable", e.Unsupported),
    ("not_allowed", e.NoRoute),
    ("budget", e.BudgetExceeded),
    ("too_dear", e.BudgetExceeded),
    ("no_price", e.BudgetExceeded),
    ("cooling", e.HostRateLimited),
    ("down", e.CutOff),
    ("slow", e.HostTimeout),
    ("no_key", e.NoKey),
)
"""By a drop's code, the most telling first: what the user's own privacy, rules or money forbid, before what is merely missing."""


def refusal(drops: list[Drop], weighed: list[Weighed], view: View) -> e.RouterError:
    """The error of a request that nobody may answer: what happened and what to do about it."""
    for code, kind in KINDS:
        if code == "no_key" and (long := _too_long(drops)) is not None:
            return long
        found = next((d for d in drops if d.code == code), None)
        if found is None:
            continue
        local = next((d for d in drops if d.code == "no_local"), None)
        do = found.do
        if code in ("privacy", "unreadable") and local is not None:
            do = f"{do} {local.why} {local.do}".strip()
        return kind(found.why, do, retry_after=_after(code, view, weighed))
    if drops:
        return e.NoRoute(drops[0].why, drops[0].do)
    why = "; ".join(w.why for w in weighed) or "its list of targets is empty"
    return e.NoRoute(
        f"Route '{view.route.name}' of recipe '{view.recipe.name}' has no usable target: {why}.", "See `localrouter recipe show`."
    )


def _too_long(drops: list[Drop]) -> e.ContextTooLong | None:
    """When less text is what would help. Models without a key, and a local model that is not there, are no candidates; with one that would be
    long enough but lacks something else, a shorter conversation is not what is wanted."""
    long = [d for d in drops if d.code == "context"]
    if not long or any(d.code == "capability" for d in drops):
        return None
    most = max(long, key=lambda d: d.limit)
    return e.ContextTooLong(most.limit, most.tokens)


def _after(code: str, view: View, weighed: list[Weighed]) -> float | None:
    """Seconds after which asking again may help."""
    world = view.standing
    if code == "budget" and world.resets_at:
        return max(0.0, world.resets_at - world.now)
    if code == "tool_rate":
        return MINUTE_S
    dropped = [w.model for w in weighed if not w.kept]
    ends: list[float] = []
    if code == "cooling":
        ends = [world.cooling[name] for name in dropped if name in world.cooling]
    elif code == "down":
        hosts = {m.host for name in dropped if (m := world.catalogue.models.get(name)) is not None}
        ends = [h.until for host in hosts if (h := world.health.get(host)) is not None and h.state == "open"]
    else:
        return None
    return max(0.0, min(ends, default=world.now) - world.now)
