"""Local model: the local lane needs a chat model that is there and whose context fits."""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "local_model", 20


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    if candidate.lane != "local" or candidate.id in view.standing.locals:
        return candidate
    if candidate.id != "local:chat":
        return Drop(
            "no_local",
            f"There is no model {candidate.id.removeprefix('local:')} here.",
            "`localrouter models list` shows those that are.",
        )
    if not view.standing.local:
        why, _, do = (view.standing.local_why_not or "No local chat model is set.").partition(". ")
        return Drop("no_local", f"{why.rstrip('.')}.", do or "Start with `localrouter up --local FILE.gguf`.")
    return candidate
