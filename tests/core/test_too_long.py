"""A prompt that fits no model is said in the words on which each client compacts its conversation; with any other reason, that one is said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from localrouter.core.ask import Ask, Leaf, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import Plan, decide
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.dialects import all_dialects
from localrouter.gates import all_gates

CHEAP = Price(1, 1)
MODELS = {
    "h/small": Model("h/small", "h", "small", CHEAP, 8_000, 100, True),
    "h/large": Model("h/large", "h", "large", CHEAP, 32_768, 100, True),
    "h/mute": Model("h/mute", "h", "mute", CHEAP, 1_000_000, 100, False),
    "k/huge": Model("k/huge", "k", "huge", CHEAP, 1_000_000, 100, True),
}
HOSTS = {name: Host(name, "https://h.invalid/v1", key_env="K") for name in ("h", "k")}
STANDING = Standing(0.0, Catalogue("t", HOSTS, MODELS), None, keys=frozenset({"h"}), local_context=4096)
LONG = 215_000 * 4


def ask(size: int = LONG, **more: Any) -> Ask:
    return Ask("openai_chat", {}, (), "auto", Needs(tools=True), None, 1, size, **more)


def plan(*targets: str, to: Ask | None = None, standing: Standing = STANDING, signals: Signals | None = None) -> Plan:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": targets}]})
    return decide(to or ask(), signals or Signals(prompt_bound=10), recipe, standing, all_gates())


def test_openais_words() -> None:
    error = plan("h/small", "h/large").error
    assert error is not None and (error.status, error.code, error.type) == (
        400,
        "context_length_exceeded",
        "invalid_request_error",
    )
    for name in ("openai_chat", "openai_responses"):
        tree = json.loads(next(d for d in all_dialects() if name == d.NAME).error_body(error))["error"]
        assert tree["code"] == "context_length_exceeded"
        said = "This model's maximum context length is 32768 tokens. However, your messages resulted in 215000 tokens."
        assert tree["message"].startswith(said), "the numbers of the model that holds most"


def test_anthropics_words() -> None:
    error = plan("h/small", "h/large").error
    assert error is not None
    tree = json.loads(next(d for d in all_dialects() if d.NAME == "anthropic_messages").error_body(error))
    assert tree["error"] == {"type": "invalid_request_error", "message": "prompt is too long: 215000 tokens > 32768 maximum"}


def test_models_that_are_not_there_are_no_candidates() -> None:
    """A recipe names models of several hosts and a local one; most people have the key of one host."""
    assert plan("h/large", "k/huge", "local:chat", "h/gone").reason == "context_length_exceeded"
    assert plan("k/huge").reason == "no_provider_key"


def test_another_reason_is_said_as_it_is() -> None:
    assert plan("h/large", "h/mute").reason == "no_route", "a model that holds it cannot use tools"
    secret = Signals(classes=("personal",), keep_local=True)
    assert plan("h/large", signals=secret).reason == "privacy.refused"
    broke = replace(STANDING, remaining=0)
    small = {**MODELS, "h/dear": Model("h/dear", "h", "dear", Price(10**9, 10**9), 1_000_000, 100, True)}
    broke = replace(broke, catalogue=Catalogue("t", HOSTS, small))
    assert plan("h/large", "h/dear", standing=broke, signals=Signals(prompt_bound=LONG)).reason == "budget_exceeded"
    cooling = replace(STANDING, cooling={"k/huge": 60.0}, keys=frozenset({"h", "k"}))
    assert plan("h/large", "k/huge", standing=cooling).reason == "rate_limit_exceeded"


def test_a_picture_is_not_counted_by_its_bytes() -> None:
    seen = replace(ask(), unread=("image_url",), leaves=(Leaf(("messages", 0, "content"), "What is it?", "user"),))
    assert plan("h/large", to=seen, signals=Signals()).attempts
    much = replace(seen, leaves=(Leaf(("messages", 0, "content"), "é" * 80_000, "user"),))
    assert plan("h/large", to=much, signals=Signals()).reason == "context_length_exceeded"


@pytest.mark.parametrize(("size", "fits"), [(7_000, True), (20_000, True), (500_000, True), (600_000, False)])
def test_a_local_model_is_asked_unless_the_prompt_surely_does_not_fit(size: int, fits: bool) -> None:
    """Its engine counts with the model's own vocabulary before it does anything; no token is longer than 128 bytes."""
    here = replace(STANDING, local="local:chat")
    found = plan("local:chat", to=ask(size), standing=here)
    assert bool(found.attempts) == fits and (fits or found.reason == "context_length_exceeded")
    beside = plan("local:chat", "h/large", to=ask(size), standing=here)
    assert [a.id for a in beside.attempts][:1] == (["local:chat"] if fits else [])
