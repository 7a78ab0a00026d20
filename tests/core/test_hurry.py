"""A doubtful host is waited for a few times as long as its model needs, while another can answer; and the dark provider shows what that is worth."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from dark_run import DARK, phase, run

from localrouter.core.ask import Ask, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import Attempt, decide
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Health, Standing

MODELS = {m: Model(m, m[0], m[2:], Price(1, 1), 9000, 100, reasoning=True) for m in ("a/m", "b/m")}
CATALOGUE = Catalogue("t", {h: Host(h, f"https://{h}.invalid/v1") for h in "ab"}, MODELS)
RECIPE = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["a/m", "b/m", "local:chat"]}]})
ASK = Ask("openai_chat", {}, (), "", Needs(stream=True), None, 1, 100)
WELL = Health(calls=50, first_ms=800.0, first_p95_ms=4000.0)


def first(ask: Ask = ASK, recipe: Recipe = RECIPE, **health: Health) -> Attempt:
    known = {k.replace("_", "/"): v for k, v in health.items()}
    world = Standing(0.0, CATALOGUE, None, keys=frozenset("ab"), local="local:chat", local_context=4096, health=known)
    return decide(ask, Signals(), recipe, world, ()).attempts[0]


def test_who_tries_a_cut_off_host_does_not_wait_five_minutes() -> None:
    assert first(a=Health("half_open")).first_ms == 10_000
    assert first(a=Health("half_open"), a_m=WELL).first_ms == 16_000, "four times what it takes when it is well"
    assert first(replace(ASK, needs=Needs(stream=True, reasoning=True)), a=Health("half_open")).first_ms == 30_000
    assert first(replace(ASK, needs=Needs()), a=Health("half_open")).first_ms == 60_000, "a whole answer takes its time"


def test_after_one_fault_a_host_is_waited_for_less() -> None:
    assert first(a=Health(in_a_row=1), a_m=WELL).first_ms == 16_000
    assert first(a=Health(in_a_row=1)).first_ms is None, "of a model of which nothing is known one fault says nothing"
    assert first(a=Health(), a_m=WELL).first_ms is None


def test_the_last_one_is_never_hurried() -> None:
    alone = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["a/m"]}]})
    assert first(recipe=alone, a=Health("half_open")).first_ms is None


@pytest.mark.parametrize("name", ["balanced", "coding-agents", "frugal", "private", "team"])
def test_the_main_provider_dark_for_two_days(name: str) -> None:
    hours = run(name)
    dark = [h for h in hours if phase(h.number) != "well"]
    asked, failed = sum(h.requests for h in dark), sum(sum(h.failed.values()) for h in dark)
    assert asked == 30 * DARK and failed <= asked * 0.005, "people are answered"
    assert not any(h.by["main"] for h in dark)
    assert max(w for h in dark for w in h.waits) < 60, "nobody waits for a time-out of minutes"
    assert all(h.quantile(0.5) < 3 for h in dark)
    assert max(h.wasted for h in dark) <= 20, "a dark host is asked some dozen times an hour: one probe in five minutes"
    assert hours[-1].by["main"], "and it is asked again when it is back"
