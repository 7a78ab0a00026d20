"""Prices as a person writes them, in dollars per million tokens, exact: one rule for models.toml and for [models] of config.toml.

What would make a call cheaper than it is, in silence, is refused: a tier of long prompts without its limit or its own prices, a price of the
prompt cache where the tokens themselves have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from localrouter.core.hosted_tools import known
from localrouter.core.money import MICRO, Price

BOTH = ("price_in", "price_out")
CACHE = ("price_cache_read", "price_cache_write", "price_cache_write_1h")
KEYS = (*BOTH, *CACHE)
TIER = ("above", "long")
TOOLS = "tool_prices"
DOLLARS_MAX = 1_000_000
"""Dollars per million tokens. The dearest model ever sold asked for 600; more is a slip of the decimal point."""


def micro(key: str, value: Any) -> int | None:
    """Dollars per million tokens as micro-dollars, rounded up; None for a price that is not stated. Raises ValueError with the key's name."""
    if value is None:
        return None
    try:
        exact = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite() or not 0 <= exact <= DOLLARS_MAX:
        of = "thousand uses" if key.startswith(TOOLS) else "million tokens"
        raise ValueError(f"{key} is not a price in dollars per {of}, such as 0.25")
    return int((exact * MICRO).to_integral_value(rounding="ROUND_CEILING"))


def price(entry: Mapping[str, Any]) -> Price | None:
    """The price of a model's entry; None when it states none. Raises ValueError with a sentence that names the key."""
    above, long = entry.get("above"), entry.get("long")
    if above is not None and (isinstance(above, bool) or not isinstance(above, int) or above < 1):
        raise ValueError("above must be a whole number of tokens, 1 or more")
    if (above is None) != (long is None):
        raise ValueError("above and long go together: the tokens of a prompt from which on the prices of long hold")
    dear = None
    if long is not None:
        if not isinstance(long, Mapping) or any(key not in KEYS for key in long):
            raise ValueError(f"long must be a table of {', '.join(KEYS)}")
        dear = _flat(long)
        if dear is None:
            raise ValueError("long must state price_in and price_out")
    return _flat(entry, above or 0, dear)


def per_use(entry: Mapping[str, Any]) -> dict[str, int]:
    """`tool_prices` of a host or a model: dollars per 1 000 uses of a tool that the host runs, by kind, as micro-dollars. Raises ValueError."""
    given = entry.get(TOOLS) or {}
    if not isinstance(given, Mapping):
        raise ValueError(f"{TOOLS} must be a table of prices by kind of hosted tool")
    return {known(kind): micro(f"{TOOLS}.{kind}", value) or 0 for kind, value in given.items()}


def _flat(entry: Mapping[str, Any], above: int = 0, long: Price | None = None) -> Price | None:
    values = {key: micro(key, entry.get(key)) for key in KEYS}
    price_in, price_out = values["price_in"], values["price_out"]
    if price_in is None or price_out is None:
        stated = [key for key in KEYS if values[key] is not None] + (["long"] if long is not None else [])
        if stated:
            missing = next(key for key in BOTH if values[key] is None)
            raise ValueError(f"{stated[0]} needs {missing} beside it: a price that is stated in part cannot bound a call")
        return None
    read, write, write_1h = (values[key] for key in CACHE)
    return Price(price_in, price_out, read, write, write_1h, above, long)
