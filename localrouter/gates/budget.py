"""Budget: a hosted call needs a known price and a ceiling that the tightest budget still pays (law 2).

Before denying, the answer's limit is lowered to what is left, never below FLOOR, and the plan says so. The exact check is
the ledger's, in one transaction; this gate spares calls that cannot pass it.
"""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.money import affordable_output, ceiling, parse_usd, unpriced, usd

NAME, ORDER = "budget", 60

FLOOR = 1024
"""Tokens. DESIGN law 2: below this an answer is not worth paying for."""


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    model = candidate.model
    if model is None:
        return candidate
    if model.price is None:
        return Drop(
            "no_price",
            f"The price of {model.id} is unknown, so its cost cannot be bounded.",
            "Give the model price_in and price_out in config.toml.",
        )
    offers = view.offers(model)
    if kind := unpriced(offers, model.price):
        return Drop(
            "no_price",
            f"What a use of the tool '{kind}' costs at {model.host} is unknown, so the cost cannot be bounded.",
            f"Give the model or its host tool_prices = {{ {kind} = ... }} in config.toml, in dollars per 1 000 uses, or take '{kind}' out of"
            f" the recipe's hosted_tools.",
        )
    limit, name = _limit(view)
    if limit is None:
        return candidate
    bound, n = view.signals.prompt_bound, max(1, view.ask.n)
    output = max(candidate.max_output, view.standing.catalogue.least_output(model))
    if ceiling(bound, output, model.price, n, offers, model.context) <= limit:
        return candidate
    fits = affordable_output(limit, bound, model.price, n, offers, model.context)
    floor = min(FLOOR, output)
    if fits >= floor:
        note = f"answer limited to {fits} tokens by the {name}"
        return replace(candidate, max_output=fits, notes=(*candidate.notes, note))
    need = ceiling(bound, floor, model.price, n, offers, model.context)
    if name == _own(view):
        return Drop(
            "too_dear",
            f"Route '{view.route.name}' lets one call cost {usd(limit)} at most, and this one may cost {usd(need)}.",
            "Ask for a shorter answer, or raise [route.limits] cost_usd in the recipe.",
        )
    when = f" It resets at {_clock(view)}." if view.standing.resets_at else ""
    return Drop(
        "budget",
        f"The {name} has {usd(max(0, limit))} left and this call may cost {usd(need)}.{when}",
        "Raise it with `localrouter budget set`, or wait for the reset.",
    )


def _limit(view: View) -> tuple[int | None, str]:
    """(micro-dollars that one call may cost, whose limit that is). Worked out once a decision."""
    found: tuple[int | None, str] | None = view.memo.get(NAME)
    if found is None:
        found = view.standing.remaining, view.standing.budget or "budget"
        if view.route.limits.cost_usd is not None:
            cap = parse_usd(view.route.limits.cost_usd)
            if found[0] is None or cap < found[0]:
                found = cap, _own(view)
        view.memo[NAME] = found
    return found


def _own(view: View) -> str:
    """The name of the route's limit, which no time resets and no budget raises."""
    return f"route '{view.route.name}' limit"


def _clock(view: View) -> str:
    from datetime import UTC, datetime

    # Pure: the instant comes from the standing, and is printed in UTC so that a replay prints the same.
    return datetime.fromtimestamp(view.standing.resets_at or 0, UTC).strftime("%Y-%m-%d %H:%M UTC")
