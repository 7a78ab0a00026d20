"""Money is exact: integers, one rounding, up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.money import Price, Usage, affordable_output, ceiling, cost, parse_usd, usd

PRICE = Price(input=250_000, output=2_000_000, cache_read=25_000, above=200_000, long=Price(input=500_000, output=3_000_000))


def test_a_known_bill() -> None:
    assert cost(Usage(input=1000, output=100, cache_read=10_000), PRICE) == 250 + 200 + 250


def test_the_long_tier_bills_the_whole_prompt() -> None:
    assert cost(Usage(input=200_001), PRICE) == 100_001  # 0.5 USD per Mtok, rounded up
    assert cost(Usage(input=200_000), PRICE) == 50_000


def test_one_token_is_never_free() -> None:
    assert cost(Usage(input=1), PRICE) == 1


@given(st.integers(0, 400_000), st.integers(1, 100_000), st.integers(0, 100_000), st.integers(0, 100_000))
def test_no_usage_within_its_bounds_costs_more_than_its_ceiling(bound: int, out: int, used: int, read: int) -> None:
    used, read = min(used, bound), min(read, bound - min(used, bound))
    flat = Price(input=250_000, output=2_000_000, cache_read=25_000)
    assert cost(Usage(input=used, cache_read=read, output=out), flat) <= ceiling(bound, out, flat)


@given(st.integers(0, 10_000_000), st.integers(0, 300_000), st.integers(1, 4))
def test_what_is_affordable_is_within_the_limit(left: int, bound: int, n: int) -> None:
    tokens = affordable_output(left, bound, PRICE, n)
    assert tokens == 0 or ceiling(bound, tokens, PRICE, n) <= left


@pytest.mark.parametrize(("text", "micro"), [("5.00", 5_000_000), (1, 1_000_000), ("0.000001", 1), (0.1, 100_000)])
def test_dollars_are_read_exactly(text: str | float, micro: int) -> None:
    assert parse_usd(text) == micro


@pytest.mark.parametrize("text", ["-1", "nan", "a", "0.0000001", "inf"])
def test_what_is_no_amount_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        parse_usd(text)


def test_small_amounts_are_shown_whole() -> None:
    assert usd(123) == "$0.000123"
    assert usd(12_300) == "$0.0123"
