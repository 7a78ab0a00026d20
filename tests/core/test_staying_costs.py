"""A conversation stays while switching costs more than it saves: real prices, what is cached, and what was observed of the cache."""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.ask import Ask, Hints, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import Plan, decide
from localrouter.core.money import Price, Usage
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Health, Standing, Warm
from localrouter.core.staying import turn
from localrouter.daemon.turns import CACHED_LONG_S, CACHED_S, NONE, Turn, Turns, warm

BIG = Price(3_000_000, 15_000_000, 300_000, 3_750_000)
SMALL = Price(250_000, 2_000_000, 25_000)
TINY = Price(50_000, 400_000, 5_000)
MODELS = {f"h/{n}": Model(f"h/{n}", "h", n, p, 1_000_000, 4096) for n, p in (("big", BIG), ("small", SMALL), ("tiny", TINY))}
CATALOGUE = Catalogue("t", {"h": Host("h", "https://h.invalid/v1")}, MODELS)
ASK = Ask("openai_chat", {}, (), "localrouter/auto", Needs(), None, 1, 100, session="s")


def plan(served: str, first: str, known: Warm | None, *, route: str = "r", was: str = "r", **more: Health) -> Plan:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": route, "try": [first, "h/big", "h/small", "h/tiny"]}]})
    world = Standing(0.0, CATALOGUE, None, keys=frozenset({"h"}), served=served, served_route=was, warm=known, health=dict(more))
    return decide(ASK, Signals(), recipe, world, ())


def first(made: Plan) -> str:
    return made.attempts[0].id


def test_the_prices_of_a_turn() -> None:
    costs = turn(Warm(90_000, 100_000, 1000), BIG, SMALL)
    assert costs.stay == (90_000 * 300_000 + 10_000 * 3_750_000 + 1000 * 15_000_000) // 1_000_000, "what is new is written, too"
    assert costs.switch == (100_000 * 250_000 + 1000 * 2_000_000) // 1_000_000
    assert turn(Warm(0, 100_000, 0), SMALL, BIG).switch == 100_000 * 3_750_000 // 1_000_000, (
        "a new host's cache is written at its price"
    )


def test_a_long_cached_prompt_keeps_the_dearer_model() -> None:
    """50 000 tokens at a tenth of the price are cheaper than the same at a model that costs a fifth."""
    mid = Price(600_000, 3_000_000, 60_000)
    known = Catalogue("t", CATALOGUE.hosts, {**MODELS, "h/mid": Model("h/mid", "h", "mid", mid, 1_000_000, 4096)})
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["h/mid", "h/big"]}]})

    def chosen(cached: int) -> Plan:
        world = Standing(
            0.0, known, None, keys=frozenset({"h"}), served="h/big", served_route="r", warm=Warm(cached, 50_000, 200, True)
        )
        return decide(ASK, Signals(), recipe, world, ())

    stays, goes = chosen(50_000), chosen(0)
    assert first(stays) == "h/big" and "50000 of its tokens are cached there" in stays.weighed[0].why
    assert first(goes) == "h/mid" and "The model changes: h/big answered before; to go on there would cost $" in goes.explain


def test_it_goes_down_only_where_that_saves_and_says_so() -> None:
    made = plan("h/big", "h/tiny", Warm(50_000, 50_000, 800, True))
    assert first(made) == "h/tiny", "the cached prompt at the big model costs more than all of it at the tiny one"
    assert any("more a turn, its cached tokens counted" in note for note in made.notes)
    assert "The model changes" in made.explain, "never silently down"


def test_it_goes_up_when_another_route_asks_for_more() -> None:
    up = plan("h/small", "h/big", Warm(50_000, 50_000, 800, True), route="hard", was="easy")
    assert first(up) == "h/big" and "goes up from h/small" in up.explain
    same = plan("h/small", "h/big", Warm(50_000, 50_000, 800, True))
    assert first(same) == "h/small", "it answered because the first failed; that the first is back is no reason to read all anew"
    cold = plan("h/small", "h/big", Warm(0, 50_000, 800, True))
    assert first(cold) == "h/big" and "nothing of the conversation is cached" in cold.explain


def test_where_nobody_knows_the_cache_the_model_stays() -> None:
    assert first(plan("h/small", "h/big", None)) == "h/small"
    assert first(plan("h/big", "h/tiny", None)) == "h/big"


def test_a_tool_loop_stays_whatever_it_costs() -> None:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["h/tiny", "h/big"]}]})
    world = Standing(0.0, CATALOGUE, None, keys=frozenset({"h"}), served="h/big", served_route="r", warm=Warm(0, 50_000, 800))
    assert first(decide(ASK, Signals(continues=True), recipe, world, ())) == "h/big"


def test_a_model_that_fails_of_late_loses_its_conversations() -> None:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["h/small", "h/big"]}]})
    world = Standing(
        0.0, CATALOGUE, None, keys=frozenset({"h"}), served="h/small", health={"h/small": Health(calls=50, errors=0.4)}
    )
    made = decide(ASK, Signals(), recipe, world, ())
    assert first(made) == "h/big" and "40 % of its last 50 calls failed" in made.explain


# --- what is remembered of a turn ------------------------------------------------------------------


def test_observed_hits_decide_what_is_cached() -> None:
    turns = Turns()
    turns.served(ASK, "h/big", "r", Usage(input=5000, output=100), 0.0)
    assert warm(turns.last(ASK), 10.0) == Warm(5000, 5000, 100), (
        "a first turn is never a hit; hosts cache long prompts by themselves"
    )
    turns.served(ASK, "h/big", "r", Usage(input=6000, output=100), 20.0)
    assert warm(turns.last(ASK), 30.0) == Warm(0, 6000, 100), "two long turns and no hit: nothing is cached"
    turns.served(ASK, "h/big", "r", Usage(input=1000, output=100, cache_read=6000), 40.0)
    assert warm(turns.last(ASK), 50.0) == Warm(7000, 7000, 100, True)
    turns.served(ASK, "h/small", "r", Usage(input=7000, output=100), 60.0)
    assert warm(turns.last(ASK), 70.0) == Warm(7000, 7000, 100), "another host begins anew"


def test_a_short_first_turn_is_not_cached_and_a_written_one_is() -> None:
    turns = Turns()
    turns.served(ASK, "h/big", "r", Usage(input=300, output=10), 0.0)
    assert warm(turns.last(ASK), 1.0) == Warm(0, 300, 10)
    turns.served(ASK, "h/big", "r", Usage(input=10, output=10, cache_write=2000), 2.0)
    assert warm(turns.last(ASK), 3.0) == Warm(2010, 2010, 10)


def test_a_cache_grows_cold() -> None:
    five = Turn("h/big", "", "r", 100.0, prompt=9000, output=10, hits=1)
    assert warm(five, 100.0 + CACHED_S) == Warm(9000, 9000, 10, True)
    assert warm(five, 101.0 + CACHED_S) == Warm(0, 9000, 10, True)
    assert warm(replace(five, hour=True), 100.0 + CACHED_LONG_S) == Warm(9000, 9000, 10, True)
    assert warm(NONE, 0.0) is None and warm(replace(five, prompt=0), 100.0) is None, "a local model reports no cache"


def test_chores_and_sub_agents_are_conversations_of_their_own() -> None:
    turns = Turns()
    turns.served(ASK, "h/big", "r", Usage(), 0.0)
    turns.served(replace(ASK, hints=Hints(cheap=True)), "h/tiny", "r", Usage(), 1.0)
    turns.served(replace(ASK, hints=Hints(agent="sub")), "h/small", "r", Usage(), 2.0)
    assert turns.last(ASK).model == "h/big" and turns.last(replace(ASK, hints=Hints(agent="sub"))).model == "h/small"
    assert turns.last(replace(ASK, session="")).model == ""


def test_repeats_are_counted_where_a_recipe_limits_them() -> None:
    turns = Turns()
    limited = Recipe.model_validate({"name": "t", "loop": {"same_requests": 3}, "route": [{"name": "r", "try": ["h/big"]}]})
    free = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["h/big"]}]})
    assert [turns.going_round(ASK, limited, float(i), counted=True)[1] for i in range(4)] == [1, 2, 3, 4]
    assert turns.going_round(ASK, limited, 4.0, counted=False)[1] == 5, "a dry run is told the same and counts for nothing"
    assert turns.going_round(ASK, limited, 63.5, counted=True)[1] == 1, "after a minute they are forgotten"
    assert turns.going_round(replace(ASK, who="ann"), limited, 5.0, counted=True)[1] == 1
    assert turns.going_round(ASK, free, 5.0, counted=True) == (0, 0)
