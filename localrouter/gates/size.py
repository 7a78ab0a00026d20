"""Size: a route may say how long a prompt its hosted models get at most (`limits.input_tokens`), whatever they could read.

The client is told in the words of a context that is too short: coding agents compact their conversation when they read them.
"""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View
from localrouter.gates._bytes import BYTES_PER_TOKEN, text_bytes

NAME, ORDER = "size", 28


def applies(view: View) -> bool:
    """Whether the route has a limit and the request is beyond it."""
    limit = view.route.limits.input_tokens
    return limit is not None and view.ask.size // BYTES_PER_TOKEN > limit


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop what runs elsewhere."""
    limit = view.route.limits.input_tokens
    if candidate.lane == "local" or limit is None or (tokens := text_bytes(view) // BYTES_PER_TOKEN) <= limit:
        return candidate
    return Drop(
        "context",
        f"The request has some {tokens} tokens, and route '{view.route.name}' sends {limit} to a hosted model at most.",
        "Shorten the conversation, or raise limits.input_tokens of the route.",
        limit=limit,
        tokens=tokens,
    )
