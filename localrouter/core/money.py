"""Money in integer micro-dollars (1 USD = 1 000 000). No float touches an amount.

Prices are micro-dollars per million tokens, the unit that providers publish (USD per Mtok) times 10^6.
A cost is rounded up once, after all tiers are added, so a sum of costs is never below the invoice.
"""

from __future__ import annotations

from dataclasses import dataclass

MICRO = 1_000_000
MTOK = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `input` excludes the cached ones; `output` includes `reasoning`."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0

    @property
    def prompt(self) -> int:
        """All tokens that were sent, cached or not."""
        return self.input + self.cache_read + self.cache_write + self.cache_write_1h


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-dollars per million tokens. `above` and `long` give the dearer tier of long prompts, when there is one."""

    input: int
    output: int
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    above: int = 0
    long: Price | None = None

    def tier(self, prompt_tokens: int) -> Price:
        """The tier that a prompt of this size is billed at (the whole prompt, as providers do)."""
        return self.long if self.long is not None and self.above and prompt_tokens > self.above else self

    @property
    def dearest_input(self) -> int:
        """The most that one prompt token can cost: an unknown share may be written to the cache."""
        return max(self.input, self.cache_read or 0, self.cache_write or 0, self.cache_write_1h or 0)


def _per_token(tokens: int, price: int) -> int:
    return max(0, tokens) * price


def cost(usage: Usage, price: Price) -> int:
    """Micro-dollars for a usage, rounded up. A missing cache price is charged as plain input."""
    p = price.tier(usage.prompt)
    total = (
        _per_token(usage.input, p.input)
        + _per_token(usage.output, p.output)
        + _per_token(usage.cache_read, p.input if p.cache_read is None else p.cache_read)
        + _per_token(usage.cache_write, p.input if p.cache_write is None else p.cache_write)
        + _per_token(usage.cache_write_1h, p.input if p.cache_write_1h is None else p.cache_write_1h)
    )
    return -(-total // MTOK)


def ceiling(prompt_bound: int, max_output: int, price: Price, n: int = 1) -> int:
    """The most a call can cost: every prompt token at the dearest input rate, `n` answers of `max_output` tokens."""
    p = price.tier(prompt_bound)
    return -(-(_per_token(prompt_bound, p.dearest_input) + _per_token(max_output * n, p.output)) // MTOK)


def affordable_output(remaining: int, prompt_bound: int, price: Price, n: int = 1) -> int:
    """Output tokens (each of `n` answers) that `remaining` micro-dollars still pay, 0 when not even the prompt fits."""
    p = price.tier(prompt_bound)
    left = remaining * MTOK - _per_token(prompt_bound, p.dearest_input)
    if left <= 0:
        return 0
    return left // (p.output * n) if p.output else 1 << 30


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
