"""How long a host that failed a moment ago is waited for, while another can still answer.

A host that says nothing costs whoever asks it the longest time-out there is (five minutes). So the request that tries a cut-off host, and those
that come between its first fault and its cutting off, wait for its first word only a few times as long as the model needs when it is well. The last
attempt of a plan is never hurried: a late answer is better than none.
"""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.plan import Attempt, View
from localrouter.core.standing import FEWEST, WELL

TIMES = 4.0
"""Times the 95th percentile of a model's own first words."""
LEAST_MS, THINKING_MS, WHOLE_MS = 10_000, 30_000, 60_000
"""At least, in milliseconds: of a stream; of a stream that may think first; of an answer that comes in one piece."""


def hurried(attempts: list[Attempt], view: View) -> list[Attempt]:
    """The attempts, those at doubtful hosts with a limit."""
    if not view.standing.health or len(attempts) < 2:
        return attempts
    return [*(_one(a, view) for a in attempts[:-1]), attempts[-1]]


def _one(attempt: Attempt, view: View) -> Attempt:
    if attempt.model is None:
        return attempt
    health, needs = view.standing.health, view.ask.needs
    host, own = health.get(attempt.model.host, WELL), health.get(attempt.id, WELL)
    if host.state == "closed" and not host.in_a_row:
        return attempt
    p95 = own.first_p95_ms if own.calls >= FEWEST else None
    if p95 is None and host.state == "closed":
        return attempt  # one fault, of a model of which nothing is known
    least = WHOLE_MS if not needs.stream else THINKING_MS if needs.reasoning else LEAST_MS
    return replace(attempt, first_ms=round(max(least, TIMES * (p95 or 0.0))))
