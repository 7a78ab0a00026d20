"""Money in integer micro-dollars (1 USD = 1 000 000). No float touches an amount.

Prices are micro-dollars per million tokens, the unit that providers publish (USD per Mtok) times 10^6; of a tool that the host runs,
micro-dollars per thousand uses (published as USD per 1 000 calls). A cost is rounded up once, after all tiers and uses are added, so a sum of
costs is never below the invoice.

A call with hosted tools reads its prompt once more after each round of them, each time with one more result: that is what its ceiling covers.
What is said between two rounds is read again too, and is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localrouter.core.hosted_tools import Offer, rounds

MICRO = 1_000_000
MTOK = 1_000_000
KILO = 1_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `input` excludes the cached ones; `output` includes `reasoning`. `tools`: uses of hosted tools by kind."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    tools: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def prompt(self) -> int:
        """All tokens that were sent, cached or not."""
        return self.input + self.cache_read + self.cache_write + self.cache_write_1h


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-dollars per million tokens. `above` and `long` give the dearer tier of long prompts, when there is one. `tools`: micro-dollars per
    thousand uses of a hosted tool, by kind; 0 is free, and a kind that is not there has no known price."""

    input: int
    output: int
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    above: int = 0
    long: Price | None = None
    tools: Mapping[str, int] = field(default_factory=dict, hash=False)

    def tier(self, prompt_tokens: int) -> Price:
        """The tier that a prompt of this size is billed at (the whole prompt, as providers do)."""
        return self.long if self.long is not None and self.above and prompt_tokens > self.above else self

    @property
    def dearest_input(self) -> int:
        """The most that one prompt token can cost: an unknown share may be written to the cache."""
        return max(self.input, self.cache_read or 0, self.cache_write or 0, self.cache_write_1h or 0)


def _per_token(tokens: int, price: int) -> int:
    return max(0, tokens) * price


def _uses(uses: Mapping[str, int], price: Price) -> int:
    """In micro-dollars times MTOK, as tokens are. A kind without a price adds nothing: such a call is not made (`unpriced`)."""
    return sum(max(0, n) * price.tools.get(kind, 0) for kind, n in uses.items()) * (MTOK // KILO)


def cost(usage: Usage, price: Price) -> int:
    """Micro-dollars for a usage, rounded up. A missing cache price is charged as plain input."""
    p = price.tier(usage.prompt)
    total = (
        _per_token(usage.input, p.input)
        + _per_token(usage.output, p.output)
        + _per_token(usage.cache_read, p.input if p.cache_read is None else p.cache_read)
        + _per_token(usage.cache_write, p.input if p.cache_write is None else p.cache_write)
        + _per_token(usage.cache_write_1h, p.input if p.cache_write_1h is None else p.cache_write_1h)
        + _uses(usage.tools, price)
    )
    return -(-total // MTOK)


Offers = tuple[Offer, ...]


def unpriced(offers: Offers, price: Price) -> str:
    """The first kind whose price is not known, or ""."""
    return next((o.kind for o in offers if o.most and o.kind not in price.tools), "")


def most_uses(offers: Offers) -> dict[str, int]:
    """What can be billed at most, by kind."""
    return {o.kind: o.most for o in offers if o.most}


def _at_most(prompt_bound: int, price: Price, offers: Offers, context: int) -> tuple[int, Price]:
    """(everything but the answer in micro-dollars times MTOK, the tier). No round reads more than the model's `context`, where that is
    known."""
    if not offers:
        tier = price.tier(prompt_bound)
        return _per_token(prompt_bound, tier.dearest_input), tier
    times, result = rounds(offers)
    last = prompt_bound + times * result
    if context:
        last = max(prompt_bound, min(last, context))
    tier = price.tier(last)
    full = min(times, -(-(last - prompt_bound) // result)) if result else 0  # from this round on, the context is full
    tokens = prompt_bound * full + result * (full * (full - 1) // 2) + last * (times + 1 - full)
    return _per_token(tokens, tier.dearest_input) + _uses(most_uses(offers), price), tier


def ceiling(prompt_bound: int, max_output: int, price: Price, n: int = 1, offers: Offers = (), context: int = 0) -> int:
    """The most a call can cost: every prompt token at the dearest input rate, `n` answers of `max_output` tokens, and the uses of `offers`."""
    fixed, tier = _at_most(prompt_bound, price, offers, context)
    return -(-(fixed + _per_token(max_output * n, tier.output)) // MTOK)


def affordable_output(remaining: int, prompt_bound: int, price: Price, n: int = 1, offers: Offers = (), context: int = 0) -> int:
    """Output tokens (each of `n` answers) that `remaining` micro-dollars still pay, 0 when not even the prompt fits."""
    fixed, tier = _at_most(prompt_bound, price, offers, context)
    left = remaining * MTOK - fixed
    if left <= 0:
        return 0
    return left // (tier.output * n) if tier.output else 1 << 30


def usd(micro: int) -> str:
    """For people: `$0.0123`; six decimals when the amount is below a cent."""
    sign = "-" if micro < 0 else ""
    micro = abs(micro)
    digits = f"{micro // MICRO}.{micro % MICRO:06d}"
    return f"{sign}${digits}" if 0 < micro < 10_000 else f"{sign}${micro / MICRO:.4f}"


def parse_usd(text: str | int | float) -> int:
    """`"0.25"`, `1` or `1.5` dollars to micro-dollars, exactly (through the decimal text). Raises ValueError."""
    from decimal import Decimal, InvalidOperation

    try:
        value = Decimal(str(text)) * MICRO
    except InvalidOperation as exc:
        raise ValueError(f"{text!r} is not an amount in dollars") from exc
    if not value.is_finite() or value < 0 or value != value.to_integral_value():
        raise ValueError(f"{text!r} is not an amount in dollars of at most six decimals")
    return int(value)
