"""A recorded decision: it replays to its plan, fits its schema, holds no text, and says what it does not know."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import worlds

from localrouter.core.ask import Ask, Caller, Leaf, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import decide
from localrouter.core.decision import (
    ASK,
    NEVER,
    PLACE,
    CannotReplay,
    Decision,
    catalogue_kept,
    catalogue_read,
    digest,
    kept,
    record,
    replay,
    summary,
)
from localrouter.core.decision_schema import schema
from localrouter.core.money import Price
from localrouter.core.plan import Plan
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.unrecorded import HIDABLE
from localrouter.core.wording import conditions, passed_over
from localrouter.gates import all_gates

World = tuple[Ask, Signals, Recipe, Standing]
GATES = all_gates()
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@functools.cache
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def stored(decision: Decision) -> Decision:
    """As it comes back from a store: the place apart, both through JSON."""
    return Decision.read(json.loads(json.dumps(decision.slim())), json.loads(json.dumps(decision.place)))


def told(plan: Plan) -> Any:
    error = plan.error
    return dataclasses.replace(plan, error=None), (error.code, error.text, error.retry_after) if error else None


@many
@given(worlds())
def test_a_record_replays_to_the_same_plan(world: World) -> None:
    ask, signals, recipe, standing = world
    plan = decide(*world, GATES)
    decision = record(ask, signals, standing, recipe, plan, GATES)
    again = Recipe.model_validate_json(kept(recipe))
    catalogue = catalogue_read(catalogue_kept(standing.catalogue))
    assert told(replay(stored(decision), again, catalogue, GATES)) == told(plan)
    validator().validate(json.loads(json.dumps(decision.whole())))


@many
@given(worlds(), st.sets(st.sampled_from(sorted(HIDABLE))))
def test_what_is_hidden_changes_no_plan_of_the_recipe_in_force(world: World, hidden: set[str]) -> None:
    ask, signals, recipe, standing = world
    if "model" in hidden and standing.catalogue.find(ask.model) is not None:
        hidden.discard("model")  # a name of the catalogue is never hidden
    if "model" in hidden and (not ask.model or ask.model.startswith(("local", "auto"))):
        hidden.discard("model")  # nor is one of our own, nor none
    if "model" in hidden and standing.served_asked == ask.model:
        hidden.add("served_asked")
    plan = decide(*world, GATES)
    decision = stored(record(ask, signals, standing, recipe, plan, GATES, hidden))
    assert summary(replay(decision, recipe, standing.catalogue, GATES)) == summary(plan)
    validator().validate(decision.whole())


def test_every_field_of_an_ask_is_recorded_or_is_not() -> None:
    assert {f.name for f in dataclasses.fields(Ask)} == {*ASK, *NEVER}, (
        "say in core/decision.py whether the new field is recorded"
    )
    assert {*PLACE} <= {f.name for f in dataclasses.fields(Standing)}


CATALOGUE = Catalogue(
    "c", {"h": Host("h", "http://127.0.0.1:1")}, {"h/m": Model("h/m", "h", "m", Price(1, 2), context=10_000, max_output=100)}
)
STANDING = Standing(1.0, CATALOGUE, None, keys=frozenset({"h"}))


def recipe_of(*routes: dict[str, Any], **more: Any) -> Recipe:
    return Recipe.model_validate({"name": "r", "route": routes, **more})


def decided(ask: Ask, recipe: Recipe, hidden: tuple[str, ...] = ()) -> Decision:
    plan = decide(ask, Signals(), recipe, STANDING, GATES)
    return stored(record(ask, Signals(), STANDING, recipe, plan, GATES, hidden))


def ask_of(model: str = "h/m", **caller: Any) -> Ask:
    leaf = Leaf(("messages", 0, "content"), "the quokka's own text", "user")
    return Ask("openai_chat", {"x": "the quokka's own tree"}, (leaf,), model, Needs(), None, 1, 80, caller=Caller(**caller))


def test_no_text_of_the_request_is_in_it() -> None:
    recipe = recipe_of({"name": "a", "match": {"path": ["*"], "tags": ["*"]}, "try": ["h/m"]}, {"name": "z", "try": ["h/m"]})
    ask = ask_of("walrus", paths=("/home/walrus",), tags=("walrus",), project="walrus", headers={"x-w": "walrus"})
    decision = decided(ask, recipe, ("model", "path", "tags", "project", "headers"))
    assert "quokka" not in json.dumps(decision.whole()) and "walrus" not in json.dumps(decision.whole())
    assert decision.plan["route"] == "a"


def test_it_is_small() -> None:
    recipe = recipe_of({"name": "z", "try": ["h/m"]})
    assert len(json.dumps(decided(ask_of(), recipe).slim())) < 2048


def test_what_was_not_recorded_is_said() -> None:
    was = recipe_of({"name": "z", "try": ["h/m"]})
    ask = ask_of(tags=("a",), project="p")
    decision = decided(ask, was, ("tags",))
    for match, word in (
        ({"tags": ["a"]}, "tags"), ({"path": ["/x/*"]}, "path"), ({"headers": {"x-team": "a"}}, "headers"), ({"user": ["jo"]}, "user"),
    ):  # fmt: skip
        now = recipe_of({"name": "n", "match": match, "try": ["h/m"]}, {"name": "z", "try": ["h/m"]})
        with pytest.raises(CannotReplay, match=f"'{word}' that it matches on was not recorded"):
            replay(decision, now, CATALOGUE, GATES)
    # What another condition rules out is known all the same; so is what was recorded.
    out = recipe_of({"name": "n", "match": {"tags": ["a"], "tools": True}, "try": ["h/m"]}, {"name": "z", "try": ["h/m"]})
    assert replay(decision, out, CATALOGUE, GATES).route == "z"
    known = recipe_of({"name": "n", "match": {"project": ["p"]}, "try": ["h/m"]})
    assert replay(decision, known, CATALOGUE, GATES).route == "n"


def test_a_hidden_name_is_mapped_as_it_was() -> None:
    was = recipe_of({"name": "z", "match": {"model": ["h/*"]}, "try": ["asked"]}, models={"map": {"secret-*": "h/m"}})
    decision = decided(ask_of("secret-jane-roe"), was, ("model",))
    assert decision.plan["route"] == "z" and decision.plan["attempts"][0][0] == "h/m"
    assert summary(replay(decision, was, CATALOGUE, GATES)) == decision.plan
    other = recipe_of({"name": "z", "try": ["h/m"]}, models={"map": {"other-*": "h/m"}})
    with pytest.raises(CannotReplay, match="map 'other-\\*'"):
        replay(decision, other, CATALOGUE, GATES)


def test_a_recipe_s_hash_is_of_what_it_says() -> None:
    one = recipe_of({"name": "z", "try": ["h/m"]})
    assert digest(one) == digest(recipe_of({"name": "z", "try": ["h/m"]}, extends="other"))
    assert digest(one) != digest(recipe_of({"name": "z", "try": ["h/m"], "limits": {"output_tokens": 5}}))
    first = recipe_of({"name": "z", "try": ["h/m"]}, models={"map": {"a*": "h/m", "b*": "h/m"}})
    assert digest(first) != digest(recipe_of({"name": "z", "try": ["h/m"]}, models={"map": {"b*": "h/m", "a*": "h/m"}}))


@pytest.mark.parametrize("tree", [{}, {"version": 1}, {"version": 99}, [], {"version": 1, "recipe": "r@1", "catalogue": "c", "ask": {},
                                   "signals": {}, "standing": {}, "place": "0123", "plan": {}}])  # fmt: skip
def test_what_is_no_decision_is_said_so(tree: Any) -> None:
    with pytest.raises(CannotReplay):
        Decision.read(tree)


def test_a_record_that_was_changed_is_no_plan() -> None:
    decision = decided(ask_of(), recipe_of({"name": "z", "try": ["h/m"]}))
    broken = dataclasses.replace(decision, ask=decision.ask | {"size": "many"})
    with pytest.raises(CannotReplay, match="size"):
        replay(broken, recipe_of({"name": "z", "try": ["h/m"]}), CATALOGUE, GATES)


def test_which_conditions_held_and_which_routes_were_passed_over() -> None:
    recipe = recipe_of(
        {"name": "tools", "match": {"tools": True, "size_from": 10}, "try": ["h/m"]},
        {"name": "tagged", "match": {"tags": ["b*"]}, "try": ["h/m"]},
        {"name": "small", "match": {"size_below": 100, "task": ["chat", "code"]}, "try": ["h/m"]},
    )
    decision = decided(ask_of(tags=("a",)), recipe, ("tags",))
    rows = {p.route: p.failed for p in passed_over(recipe, decision)}
    assert list(rows) == ["tools", "tagged", "small"] and rows["small"] is None
    assert rows["tools"] is not None and (rows["tools"].key, rows["tools"].had) == ("tools", "no")
    assert rows["tagged"] is not None and (rows["tagged"].key, rows["tagged"].held, rows["tagged"].had) == (
        "tags",
        False,
        "(not recorded)",
    )
    held = {c.key: (c.held, c.wanted, c.had) for c in conditions(recipe.route[2].match, decision, recipe.models)}
    assert held == {"size_below": (True, "100", "80"), "task": (True, "chat or code", "chat")}
