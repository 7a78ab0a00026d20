"""Hosted tools: a request that forces a tool which the host itself runs is refused by name, unless the recipe allows that kind.

One that is merely offered is no reason to refuse: it is left out on the way (dialects/_hosted.py).
"""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.hosted_tools import LEFT_OUT

NAME, ORDER = "hosted_tools", 15


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    kind = view.ask.forced
    if not kind or (kind in view.recipe.hosted_tools and candidate.lane != "local"):
        return candidate
    if kind in view.recipe.hosted_tools:
        return Drop("capability", f"{candidate.id} has no tool '{kind}', and the request wants it called.")
    return Drop(
        "unreadable",
        f"The request wants the tool '{kind}' to be called, which {LEFT_OUT[kind]}.",
        f'Leave the choice to the model ("auto"), or allow it with hosted_tools = ["{kind}"] in the recipe \'{view.recipe.name}\'.',
    )
