"""Local model: the local lane needs a chat model that is there and whose context fits."""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "local_model", 20


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    if candidate.lane != "local":
        return candidate
    if not view.standing.local:
        return Drop(
            "no_local",
            view.standing.local_why_not or "No local chat model is set.",
            "Start with `localrouter up --local FILE.gguf`, or set local.model in config.toml.",
        )
    return candidate
