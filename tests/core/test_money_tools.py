"""Money of hosted tools: the worst case is reserved, the real count is settled, both exact; a tool without a price is refused.

Sources: Anthropic, "Web search tool" (`max_uses`, `usage.server_tool_use`), "Code execution tool"; OpenAI, pricing page, "Built-in tools".
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.ask import Ask, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.decide import Plan, decide
from localrouter.core.errors import BudgetExceeded, HostBroken, HostTimeout
from localrouter.core.hosted_tools import RESULT_TOKENS, Offer, rounds
from localrouter.core.money import Price, Usage, affordable_output, ceiling, cost, most_uses
from localrouter.core.plan import Attempt
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.tally import Tally
from localrouter.gates import all_gates

SEARCH = 10_000_000
"""Micro-dollars per thousand uses: $10."""
PRICE = Price(
    input=1_000_000, output=5_000_000, tools={"web_search": SEARCH, "file_search": 2_500_000, "code_interpreter": 30_000_000}
)
OFFER = Offer("web_search", 3, calls=3)
MODEL = Model("h/m", "h", "m", PRICE, 100_000, 4000, True)
TRIED = Attempt("h/m", "hosted", 1000, 200_000, MODEL, offers=(OFFER,))


def test_a_known_bill() -> None:
    assert cost(Usage(input=1000, output=100, tools={"web_search": 2}), PRICE) == 1000 + 500 + 20_000


def test_a_use_is_rounded_once_with_the_tokens() -> None:
    odd = Price(1, 1, tools={"web_search": 1})  # a thousandth of a micro-dollar for a use
    assert cost(Usage(tools={"web_search": 1}), odd) == 1
    assert cost(Usage(input=1, tools={"web_search": 999}), odd) == 1, "not one for the tokens and one for the tool"


def test_the_long_tier_changes_no_price_of_a_tool() -> None:
    tiered = replace(PRICE, above=10, long=Price(2_000_000, 10_000_000))
    assert cost(Usage(input=100, tools={"web_search": 1}), tiered) == 200 + 10_000


@given(
    st.integers(0, 50_000), st.integers(0, 5_000), st.integers(0, 12), st.integers(0, 20_000), st.sampled_from([0, 60_000, 90_000]), st.data()
)  # fmt: skip
def test_no_answer_within_its_bounds_costs_more_than_its_ceiling(
    bound: int, out: int, calls: int, tokens: int, context: int, data: st.DataObject
) -> None:
    """Round after round, each reading the prompt again and one result more."""
    offers = (Offer("web_search", calls, calls=calls, limit=50, tokens=tokens),)
    ran = data.draw(st.integers(0, calls))
    read = sum(max(bound, min(bound + k * tokens, context or 1 << 40)) for k in range(ran + 1))
    usage = Usage(input=read, output=data.draw(st.integers(0, out)), tools={"web_search": ran})
    most = ceiling(bound, out, PRICE, offers=offers, context=context)
    assert cost(usage, PRICE) <= most
    if ran == calls:
        assert cost(replace(usage, output=out), PRICE) == most, "and it is no higher than that"


@given(st.integers(0, 2_000_000), st.integers(0, 50_000), st.integers(0, 10))
def test_what_is_affordable_is_within_the_limit(left: int, bound: int, uses: int) -> None:
    offers = (Offer("web_search", uses, calls=uses),)
    tokens = affordable_output(left, bound, PRICE, 1, offers)
    assert tokens == 0 or ceiling(bound, tokens, PRICE, 1, offers) <= left < ceiling(bound, tokens + 1, PRICE, 1, offers)


def test_rounds_of_several_tools_have_one_limit() -> None:
    a, b = Offer("web_search", 4, calls=4, tokens=100), Offer("web_fetch", 8, calls=8, tokens=900)
    assert rounds((a,)) == (4, 100) and rounds((a, b)) == (10, 900) and rounds(()) == (0, 0)
    assert rounds((replace(a, calls=30, limit=30), replace(b, calls=30, limit=30)))[0] == 30


# --- settled --------------------------------------------------------------------------------------

TEXT = Chunk((Piece(Channel(0, "text"), "hello"),))
RAN = Chunk(uses=("web_search",))
END = Chunk(terminal=True)


def tally(*chunks: Chunk) -> Tally:
    made = Tally(1000)
    for chunk in chunks:
        made.heard(chunk)
    return made


def test_the_hosts_own_count_is_charged() -> None:
    told = Chunk(usage=Usage(input=100, output=10, tools={"web_search": 2}))
    assert tally(RAN, RAN, RAN, TEXT, told, END).bill(TRIED, None) == (100 + 50 + 20_000, told.usage, False)


def test_where_the_host_tells_no_count_what_the_answer_showed_is() -> None:
    told = Chunk(usage=Usage(input=100, output=10))
    micro, usage, estimated = tally(RAN, TEXT, told, END).bill(TRIED, None)
    assert (micro, usage.tools, estimated) == (150 + 10_000, {"web_search": 1}, False)
    assert tally(TEXT, told, END).bill(TRIED, None)[:2] == (150, Usage(input=100, output=10)), "nothing ran"


def test_of_an_answer_that_was_cut_one_more_may_have_begun() -> None:
    guess = Chunk(usage=Usage(input=100, output=5, tools={"web_search": 0}), guess=True)
    micro, usage, estimated = tally(guess, RAN, TEXT).bill(TRIED, HostBroken("x"))
    assert (usage.tools, estimated) == ({"web_search": 2}, True) and micro == 125 + 20_000
    micro, usage, estimated = tally(guess, RAN, RAN, RAN, TEXT).bill(TRIED, None)  # the client left
    assert (usage.tools, estimated) == ({"web_search": 3}, True), "never more than was allowed"


def test_a_call_that_was_never_heard_of_is_charged_whole() -> None:
    micro, usage, estimated = tally().bill(TRIED, HostTimeout("late"))
    assert (micro, usage.tools, estimated) == (TRIED.reserve, {"web_search": 3}, True)


def test_a_kind_that_answers_do_not_show_is_charged_at_its_most() -> None:
    hidden = replace(TRIED, offers=(Offer("code_interpreter", 4, 4, shown=False),))
    told = Chunk(usage=Usage(input=100, output=10))
    micro, usage, estimated = tally(TEXT, told, END).bill(hidden, None)
    assert (micro, usage.tools, estimated) == (150 + 4 * 30_000, {"code_interpreter": 4}, True)
    known = Chunk(usage=Usage(input=100, output=10, tools={"code_interpreter": 1}))
    assert tally(TEXT, known, END).bill(hidden, None)[1:] == (replace(told.usage, tools={"code_interpreter": 4}), False)  # type: ignore[type-var]


def test_a_tool_that_nobody_offered_is_not_charged() -> None:
    told = Chunk(usage=Usage(input=100, output=10, tools={"file_search": 7, "web_search": 1}))
    assert tally(RAN, TEXT, told, END).bill(replace(TRIED, offers=()), None)[0] == 150


# --- decided --------------------------------------------------------------------------------------

RECIPE = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["h/m"]}], "hosted_tools": ["web_search", "advisor"]})
ASK = Ask("openai_responses", {}, (), "m", Needs(), 1000, 1, 100, offers=(OFFER,))


def plan(ask: Ask = ASK, recipe: Recipe = RECIPE, remaining: int | None = None, wire: str = "openai_responses") -> Plan:
    host = Host("h", "https://h.invalid", wire, (wire,))
    known = Catalogue("t", {"h": host}, {"h/m": MODEL})
    standing = Standing(0.0, known, remaining, keys=frozenset({"h"}))
    return decide(ask, Signals(prompt_bound=1000), recipe, standing, all_gates())


def test_the_worst_case_is_reserved_and_said() -> None:
    (first,) = plan().attempts
    read = 4 * 1000 + RESULT_TOKENS * (1 + 2 + 3)
    assert first.reserve == read + 5 * 1000 + 30_000 == ceiling(1000, 1000, PRICE, 1, (OFFER,), 100_000)
    assert first.offers == (OFFER,) and most_uses(first.offers) == {"web_search": 3}
    assert "with web_search up to 3 times at its host" in plan().weighed[0].why


@pytest.mark.parametrize(
    "made",
    [
        plan(recipe=RECIPE.model_copy(update={"hosted_tools": ()})),
        plan(wire="openai_chat"),
        plan(replace(ASK, offers=())),
    ],
    ids=["not allowed", "a host of another API", "not offered"],
)
def test_what_does_not_reach_the_host_costs_nothing(made: Plan) -> None:
    assert [(a.reserve, a.offers) for a in made.attempts] == [(6000, ())]


def test_a_tool_without_a_price_is_refused_by_name() -> None:
    error = plan(replace(ASK, offers=(Offer("advisor"),))).error
    assert (
        isinstance(error, BudgetExceeded)
        and "'advisor'" in error.text
        and "tool_prices" in error.text
        and "hosted_tools" in error.text
    )


def test_a_budget_that_cannot_pay_the_uses_is_told_and_one_that_can_lowers_the_answer() -> None:
    assert isinstance(plan(remaining=50_000).error, BudgetExceeded), "the tokens alone would fit"
    short = plan(replace(ASK, max_output=4000), remaining=90_000)
    (first,) = short.attempts
    assert 1024 <= first.max_output < 4000 and first.reserve <= 90_000
