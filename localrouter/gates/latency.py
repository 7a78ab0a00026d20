"""Latency: where a person waits, a model that does not promise its first word in the route's time is not asked (`limits.first_token_ms`).

The promise is the live 95th percentile of the time to first content, with few answers their median. Of whom nothing is known the promise is
believed, and the plan says so. Nobody waits for background work and batches, so they ask anyone. What was measured is forgotten after some
minutes (daemon/health.py), so a model that was slow is tried again.
"""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.standing import FEWEST, WELL

NAME, ORDER = "latency", 55

ENOUGH = 20
"""Answers from which on a 95th percentile says more than the slowest one."""


def applies(view: View) -> bool:
    """Whether the route has a limit and somebody waits."""
    return view.route.limits.first_token_ms is not None and view.signals.interaction in ("autocomplete", "interactive")


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop who is too slow."""
    limit = view.route.limits.first_token_ms or 0
    health = view.standing.health.get(candidate.id, WELL)
    if health.calls < FEWEST or health.first_ms is None:
        return replace(candidate, notes=(*candidate.notes, "how fast it is just now is not known"))
    slow = health.first_ms
    if health.calls >= ENOUGH and health.first_p95_ms is not None:
        slow = health.first_p95_ms
    if slow <= limit:
        return candidate
    return Drop(
        "slow",
        f"{candidate.id} takes {slow:.0f} ms to its first word of late, and route '{view.route.name}' waits {limit} ms.",
        "Wait some minutes, raise limits.first_token_ms of the route, or let it try another model.",
    )
