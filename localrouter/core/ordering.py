"""In which order a route's candidates are asked: the recipe's own, but for what the client's word, the conversation and the state of the world
say. Every move is stable and says why; nothing is dropped here, that is the gates' work.
"""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.candidates import Items
from localrouter.core.plan import Candidate, View, Weighed
from localrouter.core.standing import WELL, ailing
from localrouter.core.staying import named_first, stay
from localrouter.core.virtual import rank, word

REFUSALS = {401: "the key", 402: "the account for want of payment", 403: "the key"}
"""What a host refuses by a status."""


def ordered(items: Items, view: View) -> Items:
    """The order of asking."""
    return _by_state(stay(_ranked(items, view), view), view)


def _ranked(items: Items, view: View) -> Items:
    """In the order that the client's virtual name asks for, else in the route's."""
    ask, bound = view.ask, view.signals.prompt_bound
    if word(ask.model) not in ("cheap", "best"):
        return items
    first = [i for i in items if isinstance(i, Weighed)]
    rest = [i for i in items if isinstance(i, Candidate)]
    return [*first, *sorted(rest, key=lambda c: rank(ask.model, c.model, bound, ask.max_output, ask.n))]


def _by_state(items: Items, view: View) -> Items:
    """Who does not do well comes later. First those that do; then models that do not reason where the request wants it (a wish: a host that
    cannot, leaves it out); then those that fail, refuse or are slow of late; last those of a host that just refused our key or account: asked
    first, each request would cost a call that fails. None is dropped: where there is no other, the client is told what the host says, and what
    was mended works at once. A model that the client names keeps its place unless its host refuses us."""
    world = view.standing
    if not (world.refused or world.health or view.ask.needs.reasoning):
        return items
    named = named_first(items, view)
    levels: tuple[Items, Items, Items, Items] = ([], [], [], [])
    for item in items:
        level = 0
        if isinstance(item, Candidate):
            level, why = _level(item, view)
            if why and level < 3 and item.id == named:
                level, why = 0, f"keeps its place, since the client named it: {why}"
            elif why:
                why = f"comes {'last' if level == 3 else 'later'}: {why}"
            if why:
                item = replace(item, notes=(*item.notes, why))
        levels[level].append(item)
    return [item for level in levels for item in level]


def _level(candidate: Candidate, view: View) -> tuple[int, str]:
    model, world = candidate.model, view.standing
    if model is not None and world.refused and (status := world.refused.get(model.host)) is not None:
        return 3, f"{model.host} refused {REFUSALS.get(status, 'us')} ({status}) a moment ago"
    if world.health:
        own = world.health.get(candidate.id)
        if own is not None and (why := ailing(own)):
            return 2, why
        if model is not None and (why := _of_host(model.host, view)):
            return 2, f"of its host {model.host}: {why}"
    if view.ask.needs.reasoning and (model is None or not model.reasoning):
        known = "does not reason" if model is not None else "is not known to reason"
        return 1, f"it {known}, and the request wants that"
    return 0, ""


def _of_host(host: str, view: View) -> str:
    known: dict[str, str] = view.memo.setdefault("ailing hosts", {})
    if host not in known:
        known[host] = ailing(view.standing.health.get(host, WELL))
    return known[host]
