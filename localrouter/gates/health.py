"""Health: a host that just failed is left alone until its pause is over."""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "health", 50


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    if candidate.model is None:
        return candidate
    until = view.standing.cooling.get(candidate.model.host, 0.0)
    if until > view.standing.now:
        return Drop("cooling", f"{candidate.model.host} asked for a pause of {until - view.standing.now:.0f} more seconds.")
    return candidate
