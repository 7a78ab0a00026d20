"""Whether a conversation goes on with the model that served it: a comparison of costs, by what its host's prompt cache holds.

The rule. A tool loop goes on where it is. Else the model that served stays as long as switching costs more than it saves, at real prices:
what this turn costs there, the cached part at the price of cached tokens, against what it costs at the recipe's first choice, which has to
read everything anew and write its own cache. A dearer first choice than the model that served (a tier up) is taken when another route than
last time was found, since the request itself then asks for it, or when nothing is cached any more. A cheaper one is taken only when it saves
even so, and the plan says that and how much: never silently down. Where nobody knows what is cached (the first turns after a start), the model stays.
Users of other gateways ask for both (notes on routing 1.5: LiteLLM #33126, #34779, #38078).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from localrouter.core.candidates import Items, local_named, means_local
from localrouter.core.money import MTOK, Price, usd
from localrouter.core.plan import Candidate, View
from localrouter.core.standing import Warm
from localrouter.core.virtual import word

STAYS = "it answered this conversation before"


@dataclass(frozen=True, slots=True)
class Turn:
    """What the next turn of a conversation costs in micro-dollars: where it is (`stay`), and where the recipe would begin (`switch`)."""

    stay: int
    switch: int
    cached: int


def turn(warm: Warm, stay: Price, switch: Price) -> Turn:
    """Prices of one turn as long as the last one. What is sent to another host is new to it: it is read at the full price, and where writing the
    cache is dearer, at that; so is what the first no longer holds."""
    cached = min(warm.tokens, warm.prompt)
    s, o = stay.tier(warm.prompt), switch.tier(warm.prompt)
    read = s.input if s.cache_read is None else s.cache_read
    fresh = max(o.input, o.cache_write or 0)
    here = cached * read + (warm.prompt - cached) * max(s.input, s.cache_write or 0) + warm.output * s.output
    there = warm.prompt * fresh + warm.output * o.output
    return Turn(here // MTOK, there // MTOK, cached)


def stay(items: Items, view: View) -> Items:
    """The model that served the conversation last, first among the route's own, where the rule above keeps it. A model that the client names
    itself goes before it, but for the next step of a tool loop under the same name; a chore of the client belongs to no conversation."""
    ask, world = view.ask, view.standing
    if not world.served or view.signals.cheap:
        return items
    last = next((i for i in items if isinstance(i, Candidate) and i.id == world.served), None)
    if last is None:
        return items
    loop = view.signals.continues
    named = named_first(items, view)
    if named and named != world.served and not (loop and ask.model == world.served_asked):
        return items
    if last.lane == "local" and not loop:
        return items
    first = next(i for i in items if isinstance(i, Candidate))
    if loop or first is last:
        return _put_first(items, last, STAYS)
    return _weighed(items, first, last, view)


def _weighed(items: Items, first: Candidate, last: Candidate, view: View) -> Items:
    """The recipe would begin with `first`, and `last` served the turn before."""
    warm, world = view.standing.warm, view.standing
    here = last.model.price if last.model is not None else None
    there = first.model.price if first.model is not None else None
    if warm is None or here is None or there is None:
        # Nobody knows the costs; and what was begun at a host is not handed down to a local model in silence.
        return _put_first(items, last, STAYS)
    costs = turn(warm, here, there)
    dearer = _tier(there) > _tier(here)
    if dearer and world.served_route and world.served_route != view.route.name:
        why = f"the request asks for more than the turn before, so it goes up from {last.id}"
    elif dearer and not costs.cached:
        why = f"{last.id} answered before, and nothing of the conversation is cached there any more"
    elif costs.switch < costs.stay:
        saved = usd(costs.stay - costs.switch)
        why = f"{last.id} answered before; to go on there would cost {saved} more a turn, its cached tokens counted"
    else:
        kept = f", and {costs.cached} of its tokens are cached there" if costs.cached else ""
        return _put_first(items, last, STAYS + kept)
    return [replace(i, notes=(*i.notes, why)) if i is first else i for i in items]


def _tier(price: Price) -> tuple[int, int]:
    """Price stands in for how much a model can do, as in core/virtual.py."""
    return price.output, price.input


def _put_first(items: Items, last: Candidate, why: str) -> Items:
    return [replace(last, notes=(*last.notes, why)), *(i for i in items if i is not last)]


def named_first(items: Sequence[object], view: View) -> str:
    """The first candidate's name where the client's own word chose it, or ""."""
    first, name = next((i.id for i in items if isinstance(i, Candidate)), ""), view.ask.model
    said = word(name)
    if said in ("cheap", "best") and name != view.standing.served_asked:
        return first  # another order than the turn before was asked for
    if not name or said:
        return ""
    if means_local(name):
        return first if first == local_named(name, view.standing) else ""
    model = view.standing.catalogue.find(name)
    return first if model is not None and model.id == first else ""
