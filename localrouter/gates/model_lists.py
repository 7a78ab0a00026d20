"""Model lists: models that the recipe denies, and hosted ones that it does not allow (`[models] allow, deny`)."""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.match import fits

NAME, ORDER = "model_lists", 16


def applies(view: View) -> bool:
    """Whether the recipe has such a list."""
    return view.recipe.models.allow is not None or bool(view.recipe.models.deny)


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop what is denied, and what runs elsewhere and is not allowed."""
    rules, name = view.recipe.models, view.recipe.name
    if rules.deny and fits(candidate.id, rules.deny):
        return Drop("not_allowed", f"The recipe '{name}' denies {candidate.id}.", "Change [models] deny in the recipe.")
    if rules.allow is not None and candidate.lane != "local" and not fits(candidate.id, rules.allow):
        return Drop(
            "not_allowed",
            f"The recipe '{name}' does not list {candidate.id} among its models.",
            "Add it to [models] allow in the recipe.",
        )
    return candidate
