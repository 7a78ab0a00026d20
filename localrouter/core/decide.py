"""The pure decision: `decide(ask, signals, recipe, standing, gates) -> Plan`. No clock, no sockets, no randomness.

A route is matched, its targets become candidates (core/candidates.py) in an order (core/ordering.py), each candidate passes the gates in turn.
A gate keeps a candidate, lowers it, or drops it with a reason; nothing later undoes a drop. The plan carries every reason, so that it
explains itself. Gates are handed in, because this room may not import theirs; the same four inputs always give the same plan.

Speed: gates that have nothing to say of a request are left out before the first candidate (plan.Gate), and the order in which gates are asked is
worked out once for a set of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

from localrouter.core.ask import Ask
from localrouter.core.candidates import expand
from localrouter.core.errors import NoRoute, RouterError
from localrouter.core.explaining import about, sentence
from localrouter.core.hosted_tools import Offer
from localrouter.core.hurry import hurried
from localrouter.core.match import holds
from localrouter.core.money import ceiling, most_uses, usd
from localrouter.core.ordering import REFUSALS as REFUSALS
from localrouter.core.ordering import ordered
from localrouter.core.plan import Attempt as Attempt
from localrouter.core.plan import Candidate as Candidate
from localrouter.core.plan import Drop as Drop
from localrouter.core.plan import Gate as Gate
from localrouter.core.plan import Plan as Plan
from localrouter.core.plan import View as View
from localrouter.core.plan import Weighed as Weighed
from localrouter.core.recipe import Recipe, Route
from localrouter.core.refusing import refusal
from localrouter.core.rules import DomainRule, joined
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.virtual import AUTO as AUTO
from localrouter.core.virtual import choice

ENOUGH = 24
"""Attempts of a plan. No request lives long enough for more; `host/*` may name hundreds."""


def decide(ask: Ask, signals: Signals, recipe: Recipe, standing: Standing, gates: Sequence[Gate]) -> Plan:
    """Match, expand, order, gate. Never raises for what the user may do wrong: the plan's `error` says it."""
    chosen = choice(recipe.models, ask.model)
    if chosen.why:
        ask = replace(ask, model=chosen.model)
        standing = replace(standing, served_asked=choice(recipe.models, standing.served_asked).model)
    rule = recipe.domains.get(signals.domain)
    if rule is not None and not rule.holds(signals):
        rule = None
    route = _route(ask, signals, recipe, standing, rule)
    if route is None:
        error: RouterError = NoRoute(
            f"No route of the recipe '{recipe.name}' matches this request.",
            "Add a route without a match at its end; `localrouter recipe show` prints the recipe.",
        )
        return Plan("", "no_route", (), (), error.text, error)
    signals = recipe.grown(signals, route.name)
    view = View(ask, signals, recipe, standing, route)
    weighed: list[Weighed] = []
    attempts: list[Attempt] = []
    drops: list[Drop] = []
    notes: list[str] = [chosen.why] if chosen.why else []
    checks = [(gate.NAME, gate.check) for gate, applies in _in_order(tuple(gates)) if applies is None or applies(view)]
    for item in ordered(expand(route, ask, signals, recipe, standing), view):
        if isinstance(item, Weighed):
            weighed.append(item)
            continue
        candidate = item
        if len(attempts) >= ENOUGH:
            weighed.append(Weighed(candidate.id, False, "enough", f"{ENOUGH} others come before it"))
            continue
        for name, check in checks:
            verdict = check(candidate, view)
            if isinstance(verdict, Drop):
                drops.append(verdict)
                weighed.append(Weighed(candidate.id, False, name, verdict.why))
                break
            candidate = verdict
        else:
            offers = view.offers(candidate.model) if candidate.model is not None else ()
            reserve = _reserve(candidate, view, offers)
            attempts.append(Attempt(candidate.id, candidate.lane, candidate.max_output, reserve, candidate.model, offers=offers))
            notes.extend(candidate.notes)
            expected = f"may cost up to {usd(reserve)}{_with(offers)}" if reserve else "costs nothing"
            weighed.append(Weighed(candidate.id, True, "", "; ".join([expected, *candidate.notes])))
    if not attempts:
        error = refusal(drops, weighed, view)
        return Plan(route.name, error.code, (), tuple(weighed), error.text, error)
    attempts = hurried(attempts, view)
    said = about(view) if rule is not None else ""
    explain = f"{sentence(view, attempts, weighed, said)} {chosen.why}".rstrip()
    contract = route.contract if rule is None else joined(route.contract, rule.contract)
    return Plan(
        route.name,
        f"{route.name}:{attempts[0].lane}",
        tuple(attempts),
        tuple(weighed),
        explain,
        None,
        tuple(notes),
        contract,
        said if rule is not None and rule.review else "",
    )


def _route(ask: Ask, signals: Signals, recipe: Recipe, standing: Standing, rule: DomainRule | None) -> Route | None:
    """The route that the rule of a risk domain requires, else the first whose match holds."""
    if rule is not None and rule.route is not None:
        return next(r for r in recipe.route if r.name == rule.route)
    return next((r for r in recipe.route if holds(r.match, ask, signals, standing)), None)


@functools.lru_cache(maxsize=8)
def _in_order(gates: tuple[Gate, ...]) -> tuple[tuple[Gate, Callable[[View], bool] | None], ...]:
    """The gates as they are asked, and what says whether each has to be; None: always."""
    return tuple((g, getattr(g, "applies", None)) for g in sorted(gates, key=lambda g: (g.ORDER, g.NAME)))


def _with(offers: tuple[Offer, ...]) -> str:
    """What its host may run, in words."""
    if not offers:
        return ""
    most = most_uses(offers)
    said = [f"{kind} up to {n} time{'' if n == 1 else 's'}" for kind, n in most.items()]
    return f", with {' and '.join(said)} at its host" if said else ""


def _reserve(candidate: Candidate, view: View, offers: tuple[Offer, ...]) -> int:
    """The ceiling of one attempt in micro-dollars."""
    model = candidate.model
    if model is None or model.price is None:
        return 0
    output = max(candidate.max_output, view.standing.catalogue.least_output(model))
    return ceiling(view.signals.prompt_bound, output, model.price, view.ask.n, offers, model.context)
