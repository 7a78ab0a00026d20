"""Names that are no model tighten or reorder; what a recipe makes of the models that clients name is told and quotes nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from localrouter.core.ask import Ask, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import Plan, decide
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.rules import ModelRules
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.virtual import NAMES, TITLES, choice, word
from localrouter.gates import all_gates

MODELS = {
    "h/mid": Model("h/mid", "h", "mid", Price(300, 2_000), 100_000, 1000),
    "h/dear": Model("h/dear", "h", "dear", Price(900, 9_000), 100_000, 1000),
    "h/long": Model("h/long", "h", "long", Price(100, 1_000), 100_000, 90_000),
    "h/unpriced": Model("h/unpriced", "h", "unpriced", None, 100_000, 1000),
    "lan/own": Model("lan/own", "lan", "own", Price(0, 0), 100_000, 1000),
    "here/big": Model("here/big", "here", "big", Price(0, 0), 100_000, 1000),
}
HOSTS = {
    "h": Host("h", "https://h.invalid/v1"),
    "lan": Host("lan", "https://lan.invalid/v1", zone="trusted"),
    "here": Host("here", "http://127.0.0.1:9/v1", zone="machine"),
}
TRY = ["h/mid", "h/unpriced", "h/dear", "lan/own", "h/long", "here/big"]
STANDING = Standing(0.0, Catalogue("t", HOSTS, MODELS), None, keys=frozenset(HOSTS), local="local:chat", local_context=8192)
ASK = Ask("openai_chat", {}, (), "", Needs(), None, 1, 100)


def plan(
    model: str, *, models: dict[str, Any] | None = None, data_class: str = "public", targets: Any = None, **more: Any
) -> Plan:
    route = {"name": "r", "try": targets or TRY}
    recipe = Recipe.model_validate({"name": "t", "models": models or {}, "route": [route]})
    signals = Signals(data_class=data_class, classes=(data_class,), prompt_bound=100)  # type: ignore[arg-type]  # a word of the table
    return decide(replace(ASK, model=model), signals, recipe, replace(STANDING, **more), all_gates())


def ids(found: Plan) -> list[str]:
    return [a.id for a in found.attempts]


def test_auto_is_the_routes_own_order() -> None:
    for name in ("localrouter/auto", "auto", "localrouter", ""):
        assert ids(plan(name)) == ["h/mid", "h/dear", "lan/own", "h/long", "here/big"]


def test_local_is_this_machine_alone() -> None:
    assert ids(plan("localrouter/local")) == ["here/big", "local:chat"]
    refused = plan("localrouter/local", targets=["h/mid"], local="", local_why_not="No local chat model is set. Pull one.")
    assert refused.error is not None and refused.error.code == "privacy.refused"
    assert "localrouter/local" in refused.error.text and "Pull one" in refused.error.text


def test_private_keeps_what_holds_something_near_and_nothing_else() -> None:
    assert ids(plan("localrouter/private"))[:5] == ["h/mid", "h/dear", "lan/own", "h/long", "here/big"]
    for data_class in ("internal", "personal", "regulated", "secret"):
        assert ids(plan("localrouter/private", data_class=data_class))[0] in ("lan/own", "here/big")
        assert not [i for i in ids(plan("localrouter/private", data_class=data_class)) if i.startswith("h/")]


def test_cheap_and_best_reorder_and_take_nothing_away() -> None:
    assert ids(plan("localrouter/cheap")) == ["lan/own", "here/big", "h/long", "h/mid", "h/dear"], "a long limit is no price"
    assert ids(plan("localrouter/best"))[:3] == ["h/dear", "h/mid", "h/long"]
    assert sorted(ids(plan("localrouter/best"))) == sorted(ids(plan("auto")))
    assert ids(plan("localrouter/cheap", targets=[*TRY, "local:chat"]))[0] in ("lan/own", "here/big", "local:chat")


def test_the_order_is_told() -> None:
    assert "the cheapest comes first" in plan("localrouter/cheap").explain
    assert "the dearest comes first" in plan("localrouter/best").explain and "comes first" not in plan("auto").explain


def test_another_order_goes_before_the_model_that_answered_last() -> None:
    assert ids(plan("localrouter/best", served="h/long", served_asked="localrouter/cheap"))[0] == "h/dear"
    assert ids(plan("localrouter/best", served="h/mid", served_asked="localrouter/best"))[0] == "h/mid"


def test_the_names_are_the_listed_ones() -> None:
    assert set(TITLES) <= set(NAMES) and {word(n) for n in TITLES} == {"auto", "local", "private", "cheap", "best"}
    assert word("gpt-5") == "" and word("localrouter/nonsense") == ""


def test_a_name_is_mapped_by_the_first_pattern_and_the_plan_says_so() -> None:
    rules = {"map": {"gpt-4*": "h/mid", "gpt-*": "h/dear"}}
    found = plan("gpt-4o-of-anna", models=rules, targets=["asked", "h/long"])
    assert ids(found) == ["h/mid", "h/long"]
    assert "maps the model that the client named ('gpt-4*') to h/mid" in found.explain and found.explain in " ".join(
        [found.explain]
    )
    assert any("gpt-4*" in note for note in found.notes) and "anna" not in repr(found), "what a client wrote is quoted nowhere"
    assert ids(plan("gpt-5", models=rules, targets=["asked", "h/long"])) == ["h/dear", "h/long"]
    assert ids(plan("h/long", models=rules, targets=["asked", "h/mid"])) == ["h/long", "h/mid"]


def test_a_map_may_leave_the_choice_to_the_recipe_or_to_this_machine() -> None:
    assert ids(plan("gpt-5", models={"map": {"*": "localrouter/auto"}}, targets=["asked", "h/mid"])) == ["h/mid"]
    assert ids(plan("gpt-5", models={"map": {"*": "localrouter/local"}}, targets=["asked", "h/mid"])) == ["local:chat"]
    assert ids(plan("gpt-5", models={"map": {"*": "local:chat"}}, targets=["asked", "h/mid"])) == ["local:chat", "h/mid"]


def test_a_name_that_is_not_honoured_is_the_recipes_choice() -> None:
    found = plan("h/dear", models={"honour": ["h/mid"]}, targets=["asked", "h/long"])
    assert ids(found) == ["h/long"] and "does not let clients choose" in found.explain
    assert ids(plan("h/mid", models={"honour": ["h/mid"]}, targets=["asked", "h/long"])) == ["h/mid", "h/long"]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_no_rule_maps_or_refuses_a_name_that_tightens(name: str) -> None:
    rules = ModelRules(honour=(), map={"*": "h/dear"})
    assert choice(rules, name).model == name
    assert bool(choice(rules, name).why) == (word(name) in ("cheap", "best")), "an order of its own is told"


def test_a_tool_loop_stays_under_a_mapped_name() -> None:
    recipe = Recipe.model_validate(
        {"name": "t", "models": {"map": {"gpt-*": "h/mid"}}, "route": [{"name": "r", "try": ["asked", "h/dear"]}]}
    )
    standing = replace(STANDING, served="h/dear", served_asked="gpt-5")
    loop = decide(replace(ASK, model="gpt-5"), Signals(continues=True, prompt_bound=10), recipe, standing, all_gates())
    assert ids(loop)[0] == "h/dear"
