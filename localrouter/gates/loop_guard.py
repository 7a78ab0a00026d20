"""Loop guard: a conversation that goes round costs money and leads nowhere (`[loop]` of the recipe).

Two ways of going round: the same tool calls with the same results, turn after turn, at the end of the conversation (core/loops.py); and the same
request from one user many times a minute. Services count both, so that a recorded decision holds what it read.
"""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "loop_guard", 5


def applies(view: View) -> bool:
    """Whether it goes round."""
    return _why(view) is not None


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop every candidate: a local one would go round as well."""
    return _why(view) or candidate


def _why(view: View) -> Drop | None:
    loop, world = view.recipe.loop, view.standing
    if loop.same_calls and world.rounds > loop.same_calls:
        return Drop(
            "loop",
            f"The conversation goes round: its last tool calls brought the same results {world.rounds} times in a row.",
            f"Tell the agent what to do differently, or raise [loop] same_calls in the recipe '{view.recipe.name}'.",
        )
    if loop.same_requests and world.repeats > loop.same_requests:
        return Drop(
            "loop",
            f"The same request came {world.repeats} times in a minute, and the recipe allows {loop.same_requests}.",
            f"Stop the program that repeats it, or raise [loop] same_requests in the recipe '{view.recipe.name}'.",
        )
    return None
