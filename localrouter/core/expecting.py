"""What a model's answer was expected to cost and how soon to begin, from a recorded decision: for an explanation, beside what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from localrouter.core.decision import Decision
from localrouter.core.money import Price, Usage, cost

BYTES_PER_TOKEN = 4
"""Of text and code; the gates count alike."""
ANSWER = 512
"""Tokens of an answer of which nothing is known: a few paragraphs, or one edit."""


@dataclass(frozen=True, slots=True)
class Expected:
    """`micro`: micro-dollars, None for a model without a price. `tokens_in`, `cached`, `tokens_out`: what it was computed from. `first_ms`: the
    median of its last answers' first words, None where none was known."""

    micro: int | None
    tokens_in: int
    cached: int
    tokens_out: int
    first_ms: float | None


def expected(decision: Decision, model: str, most: int, price: Price | None) -> Expected:
    """`most`: output tokens that it was allowed. A conversation's turn is expected to be like the last one where that is known (what the
    host's prompt cache held of it then, `standing.warm`), else the request's own bytes and an answer of ANSWER tokens."""
    warm = decision.standing.get("warm")
    health = decision.standing.get("health", {}).get(model, {})
    own = decision.ask.get("text_bytes", decision.ask.get("size", 0)) // BYTES_PER_TOKEN
    tokens_in, tokens_out, cached = own, min(ANSWER, most), 0
    if warm:
        tokens_in, tokens_out = max(own, warm["prompt"]), min(most, warm["output"] or ANSWER)
        cached = min(warm["tokens"], tokens_in) if decision.standing.get("served") == model else 0
    micro = None
    if price is not None:
        micro = cost(Usage(input=tokens_in - cached, cache_read=cached, output=tokens_out), price)
    return Expected(micro, tokens_in, cached, tokens_out, health.get("first_ms"))
