"""Health: a model that asked for a pause is left alone until the pause is over. Limits are per model, not per host."""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "health", 50


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    if candidate.model is None:
        return candidate
    until = view.standing.cooling.get(candidate.id, 0.0)
    if until > view.standing.now:
        return Drop("cooling", f"{candidate.id} asked for a pause of {until - view.standing.now:.0f} more seconds.")
    return candidate
