"""What a recipe may say and hardly means is told; a route that is called unreachable is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.config.catalogue import load_catalogue
from localrouter.config.recipe_doubts import covers, doubts
from localrouter.config.recipes import unknown_targets
from localrouter.core.ask import Ask, Caller, Needs
from localrouter.core.catalogue import Catalogue
from localrouter.core.match import Match, holds
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing


@pytest.mark.parametrize(
    ("wide", "narrow", "yes"),
    [
        ({}, {"task": ["chat"]}, True),
        ({"task": ["chat"]}, {}, False),
        ({"task": ["chat", "code"]}, {"task": ["code"], "cheap": True}, True),
        ({"task": ["chat"]}, {"task": ["chat", "code"]}, False),
        ({"difficulty_below": 0.5}, {"difficulty_below": 0.3}, True),
        ({"difficulty_below": 0.3}, {"difficulty_below": 0.5}, False),
        ({"size_from": 10}, {"size_from": 20}, True),
        ({"model": ["gpt-*"]}, {"model": ["gpt-5", "gpt-4o"]}, True),
        ({"model": ["gpt-*"]}, {"model": ["gpt-5*"]}, False),
        ({"model": ["gpt-*"]}, {"model": ["o3"]}, False),
        ({"headers": {"a": "x"}}, {"headers": {"a": "x", "b": "y"}}, True),
        ({"headers": {"a": "x"}}, {"headers": {"a": "*"}}, False),
        ({"cheap": True}, {"cheap": False}, False),
    ],
)
def test_covers(wide: dict[str, Any], narrow: dict[str, Any], yes: bool) -> None:
    assert covers(Match.model_validate(wide), Match.model_validate(narrow)) is yes


def said(*routes: dict[str, Any], **more: Any) -> str:
    rows = [{"name": f"r{i}", "try": ["asked"], **row} for i, row in enumerate(routes)]
    return " ".join(doubts(Recipe.model_validate({"name": "t", "route": rows, **more})))


def test_doubts() -> None:
    assert said({"match": {"task": ["chat"]}}, {}) == ""
    assert "Route 'r1' is never reached: 'r0' before it" in said({}, {"match": {"task": ["chat"]}})
    assert "difficulty_from is not below" in said({"match": {"difficulty_from": 0.5, "difficulty_below": 0.4}}, {})
    assert "task is an empty list" in said({"match": {"task": []}}, {})
    assert "No route takes what the others leave over" in said({"match": {"cheap": True}})
    assert "There are no routes" in said()
    assert "honour is empty" in said({}, models={"honour": []})
    assert said({}, {}, domains={"legal": {"route": "r1"}}) == "", "a domain takes it, whatever its match says"


def test_what_is_written_and_does_nothing_is_told() -> None:
    assert "[prompts.p] is named by no route." in said({}, prompts={"p": {"text": "x"}})
    assert "[toolsets.t] is named by no route." in said({}, toolsets={"t": {"withhold": ["x"]}})
    assert "[schemas.s] is named by no route." in said({}, schemas={"s": {"type": "object"}})
    assert said({"contract": {"json_schema": "s"}}, schemas={"s": {"type": "object"}}) == ""
    assert said({}, schemas={"s": {"type": "object"}}, domains={"legal": {"contract": {"json_schema": "s"}}}) == ""
    assert "[models.map] has no effect" in said({"try": ["local:chat"]}, models={"map": {"x": "local:chat"}})
    assert said({"match": {"model": ["a"]}, "try": ["local:chat"]}, {"try": ["local:chat"]}, models={"map": {"x": "h/a"}}) == ""
    assert "[classes.personal] otherwise has no effect" in said({}, classes={"personal": {"otherwise": "refuse"}})


def test_unknown_targets_are_named_with_the_nearest() -> None:
    recipe = Recipe.model_validate(
        {
            "name": "t",
            "models": {"map": {"gpt-*": "openai/gpt-5-minni", "o3": "localrouter/cheap"}},
            "route": [{"name": "r", "try": ["openai/gpt-5-nan", "openai/*", "nohost/*", "asked", "local:chat"]}],
        }
    )
    assert unknown_targets(recipe, load_catalogue()) == [
        ("r", "openai/gpt-5-nan", "Did you mean openai/gpt-5-nano?"),
        ("r", "nohost/*", "Add it to config.toml under [models]."),
        ("[models] map", "openai/gpt-5-minni", "Did you mean openai/gpt-5-mini?"),
    ]


MODELS = ["gpt-5", "gpt-4o", "claude-x", "auto"]
matches = st.fixed_dictionaries(
    {},
    optional={
        "task": st.lists(st.sampled_from(["chat", "code", "math"]), max_size=3),
        "model": st.lists(st.sampled_from(["gpt-*", "*", "gpt-5", "claude-?", "auto"]), min_size=1, max_size=3),
        "difficulty_below": st.sampled_from([0.2, 0.5, 0.8]),
        "difficulty_from": st.sampled_from([0.2, 0.5, 0.8]),
        "cheap": st.booleans(),
        "tags": st.lists(st.sampled_from(["a", "a*", "*", "b"]), min_size=1, max_size=2),
        "headers": st.dictionaries(st.sampled_from(["x-a", "x-b"]), st.sampled_from(["1", "*"]), max_size=2),
        "hours": st.lists(st.sampled_from(["22:00-06:00", "09:00-17:00"]), min_size=1, max_size=2),
    },
).map(Match.model_validate)


@settings(max_examples=1500, deadline=None)
@given(
    wide=matches, narrow=matches, task=st.sampled_from(["chat", "code", "math"]), model=st.sampled_from(MODELS),
    difficulty=st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9]), cheap=st.booleans(), minute=st.sampled_from([0, 360, 600, 1320]),
    tags=st.lists(st.sampled_from(["a", "ab", "b", "c"]), max_size=2), headers=st.dictionaries(st.sampled_from(["x-a", "x-b"]), st.sampled_from(["1", "2"])),
)  # fmt: skip
def test_a_route_that_is_called_unreachable_is(
    wide: Match,
    narrow: Match,
    task: Any,
    model: str,
    difficulty: float,
    cheap: bool,
    minute: int,
    tags: list[str],
    headers: dict[str, str],
) -> None:
    ask = Ask("openai_chat", {}, (), model, Needs(), None, 1, 10, caller=Caller(tags=tuple(tags), headers=headers))
    signals, world = Signals(task=task, difficulty=difficulty, cheap=cheap), Standing(0.0, Catalogue("t"), None, minute=minute)
    if covers(wide, narrow) and holds(narrow, ask, signals, world):
        assert holds(wide, ask, signals, world)


def test_rules_for_tools_that_do_nothing_are_told() -> None:
    def told(**rules: object) -> list[str]:
        route = {"name": "r", "try": ["asked"], "tools": rules}
        return [d for d in doubts(Recipe.model_validate({"name": "t", "route": [route]})) if "tools" in d]

    assert told(deny=["x"]) == told(default="deny", allow=["read*"]) == told(max_calls_per_minute=3) == []
    assert "denies nothing" in told()[0]
    assert "allow has no effect" in told(deny=["x"], allow=["y"])[0]
    assert "wait_s has no effect" in told(deny=["x"], wait_s=9)[0]
    assert "shown no tools" in told(default="deny")[0]
