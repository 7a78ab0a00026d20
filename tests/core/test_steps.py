"""The steps after a failure, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from localrouter.core import errors as err
from localrouter.core.catalogue import Catalogue, Model
from localrouter.core.failures import kind_of
from localrouter.core.fallback import Fallback
from localrouter.core.money import Price
from localrouter.core.plan import Attempt
from localrouter.core.standing import Standing
from localrouter.core.steps import Move, Walk, outlook
from localrouter.core.words import FailureKind
from localrouter.daemon.retries import LEAST, MOST, Retries

PRICE = Price(1_000_000, 1_000_000)
STANDING = Standing(0.0, Catalogue("t"), None, local="local:chat", local_context=4_000)


def at(host: str, name: str, context: int = 10_000) -> Attempt:
    return Attempt(f"{host}/{name}", "hosted", 100, 500, Model(f"{host}/{name}", host, name, PRICE, context=context))


HERE = Attempt("local:chat", "local", 100, 0)


def walk(tree: dict[str, Any], *attempts: Attempt, **more: Any) -> Walk:
    found = Walk(Fallback.model_validate(tree), attempts, STANDING, **more)
    assert found.first() is attempts[0]
    return found


def first(found: Walk, kind: FailureKind, attempt: Attempt, error: err.RouterError | None = None, **more: Any) -> Move | None:
    error = error or err.HostBroken("x")
    found.failed(attempt, error)
    return next(found.moves(kind, attempt, error, **more), None)


def target(move: Move | None) -> str:
    assert move is not None and move.attempt is not None
    return move.attempt.id


def test_the_next_and_then_none() -> None:
    a, b = at("a", "m"), at("b", "m")
    found = walk({"timeout": "next"}, a, b)
    assert target(first(found, "timeout", a)) == "b/m"
    assert first(found, "timeout", b) is None


def test_the_same_model_at_another_host() -> None:
    a, b, c = at("a", "gpt-5"), at("b", "other"), at("c", "openai/GPT-5")
    found = walk({"rate_limit": "next_host_same_model"}, a, b, c)
    assert target(first(found, "rate_limit", a)) == "c/openai/GPT-5"
    assert first(found, "rate_limit", c) is None
    assert not walk({"rate_limit": "next_host_same_model"}, b, a).falls("rate_limit", b)


def test_a_larger_context_and_nothing_smaller_after_it() -> None:
    small, same, large = at("a", "s", 8_000), at("b", "s2", 8_000), at("c", "l", 100_000)
    found = walk({"server_error": "next"}, small, same, large)
    long = err.HostRejected("x", code="context_length_exceeded")
    assert kind_of(long) == "context_length"
    assert target(first(found, "context_length", small, long)) == "c/l"
    assert first(found, "server_error", large) is None, "what reads less is not asked after a prompt that was too long"


def test_the_local_lane_is_planned_when_the_route_does_not_have_it() -> None:
    a = at("a", "m")
    found = walk({"server_error": "local"}, a, local=lambda: HERE)
    assert found.falls("server_error", a)
    assert target(first(found, "server_error", a)) == "local:chat"
    assert first(found, "server_error", HERE) is None
    assert target(first(walk({"timeout": "local"}, a, at("b", "m"), HERE), "timeout", a)) == "local:chat"
    assert first(walk({"timeout": "local"}, a), "timeout", a) is None


def test_retries_are_two_a_request_and_one_an_attempt() -> None:
    attempts = [at(h, "m") for h in "abc"]
    found = walk({"server_error": ["retry_once", "next"]}, *attempts)
    steps, now = [], attempts[0]
    for _ in range(8):
        move = first(found, "server_error", now)
        if move is None:
            break
        steps.append(move.step)
        now = move.attempt or now
    assert steps == ["retry_once", "next", "retry_once", "next"]


def test_waits_grow_and_a_hosts_own_word_is_the_least() -> None:
    a, b = at("a", "m"), at("b", "m")
    found = walk({"rate_limit": ["retry_once", "next"]}, a, b)
    one = first(found, "rate_limit", a, err.HostRateLimited("x", retry_after=30))
    assert one is not None and (one.least_s, one.jitter_s) == (30, 0.5)
    two = first(found, "rate_limit", b, err.HostRateLimited("x"))
    assert two is not None and (two.least_s, two.jitter_s) == (1.0, 1.0)


@pytest.mark.parametrize(("interaction", "seconds", "step"), [
    ("interactive", 30, "retry_once"), ("interactive", 31, "next"), ("background", 120, "retry_once"), ("batch", 121, "next"),
    ("autocomplete", 1, "next"),
])  # fmt: skip
def test_nobody_waits_for_longer_than_a_person_would(interaction: Any, seconds: float, step: str) -> None:
    a = at("a", "m")
    found = walk({"rate_limit": ["retry_once", "next"]}, a, at("b", "m"), interaction=interaction)
    move = first(found, "rate_limit", a, err.HostRateLimited("x", retry_after=seconds))
    assert move is not None and move.step == step


def test_a_repair_is_made_once_and_reserves_its_longer_prompt() -> None:
    a = at("a", "m")
    found = walk({"schema": ["repair_once", "next"]}, a, at("b", "m"))
    move = first(found, "schema", a, err.SchemaFailed("x"), complaint="mend", size=1_000, prompt_bound=400)
    assert move is not None and move.repairs and move.attempt is not None and move.attempt.reserve == 1_500
    assert target(first(found, "schema", a, err.SchemaFailed("x"), complaint="mend")) == "b/m"
    capped = walk({"schema": ["repair_once", "next"]}, a, at("b", "m"), cap=1_499)
    assert target(first(capped, "schema", a, err.SchemaFailed("x"), complaint="mend", size=1_000, prompt_bound=400)) == "b/m"
    assert target(first(walk({"schema": ["repair_once", "next"]}, a, at("b", "m")), "schema", a, err.SchemaFailed("x"))) == "b/m"


def test_a_host_that_refuses_our_key_is_asked_for_nothing_else() -> None:
    a, again, b = at("a", "m"), at("a", "n"), at("b", "m")
    assert target(first(walk({}, a, again, b), "rejected", a, err.HostRejected("x", status=401))) == "b/m"
    assert target(first(walk({}, a, again, b), "rejected", a, err.HostRejected("x", status=404))) == "a/n"


@pytest.mark.parametrize("step", ["clarify", "refuse", "stop", "static:gone"])
def test_steps_that_ask_nobody_can_always_be_done(step: str) -> None:
    a = at("a", "m")
    move = first(walk({"empty": ["retry_once", step]}, a), "empty", a, over=True)
    assert move == Move(step)


def test_when_the_time_is_over_nobody_is_asked() -> None:
    a = at("a", "m")
    assert first(walk({"timeout": ["retry_once", "next", "local"]}, a, at("b", "m"), HERE), "timeout", a, over=True) is None


@pytest.mark.parametrize(
    ("error", "lane", "kind"),
    [
        (err.HostRejected("x", status=400), "hosted", None),
        (err.HostRejected("x", status=408), "hosted", "timeout"),
        (err.HostRejected("x", status=409), "hosted", "server_error"),
        (err.HostRejected("x", status=400, code="content_filter"), "hosted", "content_filter"),
        (err.BadRequest("x"), "hosted", None),
        (err.BadRequest("x"), "local", "unavailable"),
        (err.Stopping("x"), "local", None),
        (err.CutOff("x"), "hosted", "unavailable"),
        (err.ContextTooLong(1, 2), "hosted", "context_length"),
        (err.PrivacyRefused("x"), "hosted", None),
    ],
)
def test_kinds(error: err.RouterError, lane: str, kind: str | None) -> None:
    assert kind_of(error, lane) == kind


def test_the_daemon_retries_at_most_a_tenth_of_its_calls() -> None:
    budget = Retries()
    made = 0
    for _ in range(10_000):
        budget.called()
        made += budget.take()
    assert made <= 10_000 * 0.1 + LEAST and budget.denied == 10_000 - made
    for _ in range(10_000):
        budget.called()
    assert budget.left == MOST


def test_the_tree_is_told_as_it_is_planned() -> None:
    a, b = at("a", "m"), at("b", "m")
    told = dict(
        outlook(Fallback.model_validate({"timeout": "static:gone", "empty": "local", "contract": "clarify"}), (a, b), STANDING)
    )
    assert told["b/m"] == ("rate_limit", "rejected", "unavailable") and told["the route's own text is the answer"] == ("timeout",)
    assert set(told["a/m once more"]) == {"server_error", "connection", "truncated"}
    assert set(told["it is told"]) == {"context_length", "refusal", "content_filter"}
    assert told["a/m is told what is wrong"] == ("schema", "tool_arguments") and told["the person is asked"] == ("contract",)
    assert set(told["local:chat"]) == {"empty", "privacy_unsure"}
    assert outlook(Fallback(), (), STANDING) == []
