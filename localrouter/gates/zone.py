"""Zone: how far from this machine a request may go for what it holds: `request = "local"` is the zone `machine`, `"trusted"` also a machine of
the user's own, `"hosted"` anybody's (DESIGN section 4). Private keys and what nobody could read have rules of their own.
"""

from __future__ import annotations

from localrouter.core.catalogue import ZONES, Zone
from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.recipe import Request

NAME, ORDER = "zone", 11

FARTHEST: dict[Request, Zone] = {"refuse": "machine", "local": "machine", "trusted": "trusted", "hosted": "hosted"}
"""The farthest zone that a recipe's word allows; who is refused altogether is the gate data_class's affair."""
_WORDS: dict[Zone, str] = {"machine": "on this machine", "trusted": "on machines of your own", "hosted": "anywhere"}


def applies(view: View) -> bool:
    """Whether anything that the request holds is not for everybody."""
    return bool(_limits(view))


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop a candidate that is farther away than the strictest rule of what the request holds allows."""
    if candidate.model is None:
        return candidate
    zone = ZONES.index(candidate.zone(view.standing.catalogue))
    for farthest, drop in _limits(view):
        if zone > farthest:
            return drop
    return candidate


def _limits(view: View) -> list[tuple[int, Drop]]:
    """(index of the farthest zone, what to say of one beyond it), where there is a limit."""
    found: list[tuple[int, Drop]] | None = view.memo.get(NAME)
    if found is None:
        found = view.memo[NAME] = list(_found(view))
    return found


def _found(view: View) -> list[tuple[int, Drop]]:
    recipe, signals = view.recipe, view.signals
    do = f"Change [classes] in the recipe '{recipe.name}' if this may leave."
    out: list[tuple[int, Drop]] = []

    def limit(request: Request, drop: Drop) -> None:
        farthest = ZONES.index(FARTHEST[request])
        if farthest < len(ZONES) - 1:
            out.append((farthest, drop))

    if signals.keep_local:
        where = _WORDS[FARTHEST[recipe.private_keys]]
        limit(recipe.private_keys, Drop("privacy", f"The request holds a private key, and those stay {where}.", do))
    for name in signals.present:
        request = recipe.rule(name).request
        if name == "unreadable":
            parts = ", ".join(signals.unread)
            allow = 'Allow them with [classes.unreadable] request = "hosted" in the recipe.'
            limit(request, Drop("unreadable", f"The request has parts that cannot be read before they leave ({parts}).", allow))
        else:
            where = _WORDS[FARTHEST[request]]
            limit(request, Drop("privacy", f"The recipe '{recipe.name}' keeps {name} data {where}.", do))
    return out
