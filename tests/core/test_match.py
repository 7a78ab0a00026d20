"""Each condition of a match holds and fails where it says so; what a client says of itself picks a route and loosens nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from localrouter.core.ask import Ask, Caller, Hints, Leaf, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import decide
from localrouter.core.kinds import ORDER, DataClass
from localrouter.core.match import JUDGES, LONG_CONTEXT, Match, failing, holds
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.gates import all_gates

ASK = Ask("openai_chat", {}, (), "gpt-5", Needs(), None, 1, 1000, endpoint="/v1/chat/completions")
CALLER = Caller(
    user="anna", tier="trial", project="Kiel", tags=("nightly", "customer-7"), paths=("/home/u/work/acme", "C:\\src\\x"),
    headers={"x-team": "blue"},
)  # fmt: skip
STANDING = Standing(0.0, Catalogue("t"), None)


def held(match: dict[str, Any], *, standing: Standing = STANDING, ask: Ask = ASK, **signals: Any) -> bool:
    found = Match.model_validate(match)
    answer = holds(found, ask, Signals(**signals), standing)
    assert (failing(found, ask, Signals(**signals), standing) == "") == answer
    return answer


def test_every_condition_has_a_judge() -> None:
    assert set(JUDGES) == set(Match.model_fields)


def test_a_changed_copy_judges_by_its_own_values() -> None:
    first = Match(cheap=True)
    assert holds(first, ASK, Signals(cheap=True), STANDING)
    assert not holds(first.model_copy(update={"cheap": False}), ASK, Signals(cheap=True), STANDING)


@pytest.mark.parametrize(
    ("match", "signals", "yes"),
    [
        ({"task": ["chat", "math"]}, {"task": "math"}, True),
        ({"task": ["chat"]}, {"task": "code"}, False),
        ({"domain": ["medical"]}, {"domain": "medical"}, True),
        ({"domain": ["medical"]}, {}, False),
        ({"risk": ["elevated", "high"]}, {"risk": "high"}, True),
        ({"risk": ["high"]}, {"risk": "elevated"}, False),
        ({"interaction": ["batch"]}, {"interaction": "batch"}, True),
        ({"interaction": ["batch"]}, {}, False),
        ({"language": ["de", "fr"]}, {"language": "fr"}, True),
        ({"language": ["de"]}, {"language": "en"}, False),
        ({"language": ["*"]}, {"language": ""}, False),
        ({"difficulty_below": 0.5}, {"difficulty": 0.49}, True),
        ({"difficulty_below": 0.5}, {"difficulty": 0.5}, False),
        ({"difficulty_from": 0.5}, {"difficulty": 0.5}, True),
        ({"difficulty_from": 0.5}, {"difficulty": 0.49}, False),
        ({"injection_from": 0.8}, {"injection": 0.8}, True),
        ({"injection_from": 0.8}, {"injection": 0.79}, False),
        ({"data_class": ["personal", "secret"]}, {"data_class": "secret"}, True),
        ({"data_class": ["personal"]}, {"data_class": "regulated"}, False),
        ({"cheap": True}, {"cheap": True}, True),
        ({"cheap": False}, {"cheap": True}, False),
        ({"task": ["math"], "cheap": True}, {"task": "math"}, False),
    ],
)  # fmt: skip
def test_what_is_known_of_a_request(match: dict[str, Any], signals: dict[str, Any], yes: bool) -> None:
    assert held(match, **signals) is yes


@pytest.mark.parametrize(
    ("match", "yes"),
    [
        ({}, True),
        ({"model": ["gpt-*"]}, True),
        ({"model": ["GPT-*"]}, False),
        ({"model": ["claude-*", "gpt-?"]}, True),
        ({"surface": ["openai_*"]}, True),
        ({"surface": ["anthropic_messages"]}, False),
        ({"endpoint": ["/v1/chat/completions"]}, True),
        ({"endpoint": ["/v1/responses"]}, False),
        ({"user": ["anna"]}, True),
        ({"user": ["default"]}, True),
        ({"user": ["ben"]}, False),
        ({"tier": ["trial"]}, True),
        ({"tier": ["gold"]}, False),
        ({"project": ["Ki*"]}, True),
        ({"project": ["ki*"]}, False),
        ({"tags": ["customer-*"]}, True),
        ({"tags": ["weekly"]}, False),
        ({"path": ["*/acme/*"]}, True),
        ({"path": ["*/acm/*"]}, False),
        ({"path": ["C:/src/*"]}, True),
        ({"headers": {"X-Team": "bl*"}}, True),
        ({"headers": {"x-team": "red"}}, False),
        ({"headers": {"x-team": "blue", "x-other": "*"}}, False),
        ({"size_below": 1001}, True),
        ({"size_below": 1000}, False),
        ({"size_from": 1000}, True),
        ({"size_from": 1001}, False),
        ({"tools": False}, True),
        ({"tools": True}, False),
    ],
)
def test_who_asks_and_what_for(match: dict[str, Any], yes: bool) -> None:
    assert held(match, ask=replace(ASK, caller=CALLER)) is yes


@pytest.mark.parametrize("key", ["user", "tier", "project", "tags", "path"])
def test_who_says_nothing_is_matched_by_no_pattern_but_the_default_user(key: str) -> None:
    assert held({key: ["*"]}) is (key == "user")


@pytest.mark.parametrize("need", ["tools", "json_schema", "vision", "audio", "fim", "reasoning"])
def test_needs(need: str) -> None:
    assert held({"needs": ["long_context", need]}, ask=replace(ASK, needs=Needs(**{need: True})))
    assert not held({"needs": [need]})


def test_a_long_context_is_counted_in_text_not_in_pictures() -> None:
    long = replace(ASK, size=LONG_CONTEXT * 4)
    assert held({"needs": ["long_context"]}, ask=long)
    assert not held({"needs": ["long_context"]}, ask=replace(long, size=long.size - 1))
    picture = replace(long, unread=("image_url",), leaves=(Leaf(("messages", 0, "content"), "what is this", "user"),))
    assert not held({"needs": ["long_context"]}, ask=picture)


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        ("09:00-17:30", (540, 1049), (539, 1050, 0)),
        ("22:00-06:30", (1320, 1439, 0, 389), (390, 1319)),
        ("00:00-00:00", (0, 720, 1439), ()),
    ],
)
def test_hours_wrap_midnight(span: str, inside: tuple[int, ...], outside: tuple[int, ...]) -> None:
    for minute in range(1440):
        wanted = minute in inside if minute in (*inside, *outside) else None
        found = held({"hours": [span]}, standing=replace(STANDING, minute=minute))
        assert wanted is None or found is wanted, minute
    assert held({"hours": ["01:00-02:00", span]}, standing=replace(STANDING, minute=inside[0]))


@pytest.mark.parametrize(
    "header", ["Authorization", "cookie", "x-api-key", "api-key", "X-Goog-Api-Key", "x-acme-token", "client-secret", "not a name"]
)
def test_a_recipe_sees_no_key(header: str) -> None:
    with pytest.raises(ValidationError, match=r"carry a key|no name of a header"):
        Match.model_validate({"headers": {header: "*"}})


@pytest.mark.parametrize("match", [{"hours": ["24:00-01:00"]}, {"hours": ["9-17"]}, {"difficulty_below": 1.5}, {"path": []}])
def test_what_is_no_condition(match: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Match.model_validate(match)


# --- law 6 -----------------------------------------------------------------------------------------

PRICE = Price(1_000_000, 2_000_000)
HOSTS = {
    "far": Host("far", "https://far.invalid/v1"),
    "eu": Host("eu", "https://eu.invalid/v1", region="eu", retention_days=0, trains_on_data=False),
    "lan": Host("lan", "https://lan.invalid/v1", zone="trusted"),
}
MODELS = {f"{h}/m": Model(f"{h}/m", h, "m", PRICE, 100_000, 1000, tools=True) for h in HOSTS}
WORLD = Standing(
    0.0, Catalogue("t", HOSTS, MODELS), 10_000_000, keys=frozenset(HOSTS), local="local:chat", local_context=8192, minute=600
)
TERMS = {"region": ["eu"], "retention_days_max": 0, "trains_on_data": False}
STRICT = Recipe.model_validate(
    {
        "name": "strict",
        "private_keys": "local",
        "classes": {
            "personal": {"request": "trusted"},
            "regulated": {"request": "hosted", "only": TERMS, "otherwise": "local"},
            "secret": {"request": "local"},
        },
        "models": {"map": {"m-*": "far/m"}},
        "route": [
            {"name": "tagged", "match": {"tags": ["loose*"]}, "try": ["far/m", "eu/m", "lan/m"]},
            {"name": "project", "match": {"project": ["*"]}, "try": ["asked", "far/m"]},
            {"name": "path", "match": {"path": ["*"]}, "try": ["far/m", "lan/m", "local:chat"]},
            {"name": "team", "match": {"headers": {"x-team": "*"}}, "try": ["eu/*", "far/*"]},
            {"name": "tier", "match": {"tier": ["*"]}, "try": ["far/m"], "limits": {"cost_usd": 1}},
            {"name": "chores", "match": {"cheap": True}, "try": ["far/m", "lan/m"]},
            {"name": "default", "try": ["asked", "local:chat", "lan/m", "eu/m", "far/m"]},
        ],
    }
)
text = st.sampled_from(["", "loose", "loose-1", "Kiel", "/src", "blue", "trial"])
callers = st.builds(
    Caller,
    user=text,
    tier=text,
    project=text,
    tags=st.lists(text, max_size=3).map(tuple),
    paths=st.lists(text, max_size=2).map(tuple),
    headers=st.dictionaries(st.sampled_from(["x-team", "x-other"]), text, max_size=2),
)
hints = st.builds(Hints, agent=text, user=text, cheap=st.booleans(), continues=st.booleans())
models = st.sampled_from(
    ["", "far/m", "eu/m", "m-1", "local:chat", "nobody/knows", "auto"]
    + [f"localrouter/{w}" for w in ("auto", "local", "private", "cheap", "best", "nonsense")]
)
classes = st.lists(st.sampled_from([c for c in ORDER if c != "unreadable"]), unique=True, max_size=3).map(
    lambda found: tuple(sorted(found, key=ORDER.index))
)


def farthest(found: tuple[DataClass, ...], keep_local: bool) -> set[str]:
    """The models that the rules of the classes leave, written here once more and without a route or a gate."""
    left = {"local:chat", *MODELS}
    if keep_local or "secret" in found:
        left &= {"local:chat"}
    if "personal" in found:
        left &= {"local:chat", "lan/m"}
    if "regulated" in found:
        left &= {"local:chat", "eu/m"}
    return left


@settings(max_examples=400, deadline=None)
@given(caller=callers, said=hints, model=models, found=classes, keep_local=st.booleans(), size=st.integers(1, 4000))
def test_hints_only_tighten(
    caller: Caller, said: Hints, model: str, found: tuple[DataClass, ...], keep_local: bool, size: int
) -> None:
    ask = replace(ASK, model=model, caller=caller, hints=said, size=size, max_output=100)
    signals = Signals(
        classes=found, data_class=found[-1] if found else "public", keep_local=keep_local, cheap=said.cheap,
        continues=said.continues, prompt_bound=size,
    )  # fmt: skip
    plan = decide(ask, signals, STRICT, WORLD, all_gates())
    left = farthest(found, keep_local)
    if model == "localrouter/local":
        left &= {"local:chat"}
    if model == "localrouter/private" and (keep_local or signals.data_class != "public"):
        left &= {"local:chat", "lan/m"}
    assert {a.id for a in plan.attempts} <= left, plan
    assert all(a.reserve <= 10_000_000 for a in plan.attempts)
    assert bool(plan.attempts) != (plan.error is not None)
    assert repr(plan) == repr(decide(ask, signals, STRICT, WORLD, all_gates())), "the same four inputs give the same plan"
