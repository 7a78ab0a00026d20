"""Domains: in a domain where a wrong answer harms someone, only the models that the recipe names for it answer (`[domains.medical] targets`).

Which route such a request takes, what its answer must satisfy and whether a person looks at it is decided with the route (core/decide.py).
"""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.match import fits

NAME, ORDER = "domains", 14


def applies(view: View) -> bool:
    """Whether the recipe names models for what the request is about, at its risk."""
    rule = view.recipe.domains.get(view.signals.domain)
    return rule is not None and rule.targets is not None and rule.holds(view.signals)


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop a candidate that the domain's rule does not name."""
    targets = view.recipe.domains[view.signals.domain].targets or ()
    if fits(candidate.id, targets):
        return candidate
    return Drop(
        "not_allowed",
        f"The request is about a {view.signals.domain} matter, and {candidate.id} is not among the models that the recipe names for those.",
        f"Add it to [domains.{view.signals.domain}] targets in the recipe '{view.recipe.name}', or let a route try one that is there.",
    )
