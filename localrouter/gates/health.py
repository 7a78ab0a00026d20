"""Health: a model that asked for a pause is left alone until it is over, and a host that failed again and again until its breaker lets a
request try it (daemon/health.py). Pauses are per model, breakers per host.
"""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "health", 50


def applies(view: View) -> bool:
    """Whether anything is known of anybody."""
    return bool(view.standing.cooling or view.standing.health)


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop who pauses and whose host is cut off; say so of whose host is tried again."""
    model, world = candidate.model, view.standing
    if model is None:
        return candidate
    until = world.cooling.get(candidate.id, 0.0)
    if until > world.now:
        return Drop(
            "cooling",
            f"{candidate.id} asked for a pause of {until - world.now:.0f} more seconds.",
            "Wait, or let the route try another model.",
        )
    host = world.health.get(model.host)
    if host is None or host.state == "closed":
        return candidate
    if host.state == "open":
        wait = max(1.0, host.until - world.now)
        return Drop(
            "down",
            f"{model.host} failed again and again, so it is left alone for {wait:.0f} more seconds.",
            "Wait, or let the route try a model of another host; `localrouter status` shows how each is.",
        )
    return replace(candidate, notes=(*candidate.notes, f"{model.host} failed of late, and this request is the one that tries it"))
