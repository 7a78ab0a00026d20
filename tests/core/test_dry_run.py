"""What another recipe would have done: conversations go on where the replay took them, costs are those of the tokens that were used, nothing is
sent, and what cannot be known is not guessed."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from localrouter.core.ask import Ask, Caller, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import decide
from localrouter.core.decision import Decision, record
from localrouter.core.dry_run import Recorded, Report, dry_run
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.gates import all_gates

GATES = all_gates()
DEAR, CHEAP = Price(10_000_000, 20_000_000), Price(1_000_000, 2_000_000)  # micro-dollars per million tokens
CATALOGUE = Catalogue(
    "c",
    {"h": Host("h", "http://127.0.0.1:1"), "g": Host("g", "http://127.0.0.1:2")},
    {
        "h/dear": Model("h/dear", "h", "dear", DEAR, context=100_000, max_output=1000),
        "h/cheap": Model("h/cheap", "h", "cheap", CHEAP, context=100_000, max_output=1000),
        "g/other": Model("g/other", "g", "other", CHEAP, context=100_000, max_output=1000),
    },
)


def recipe_of(*routes: dict[str, Any], **more: Any) -> Recipe:
    return Recipe.model_validate({"name": "r", "route": routes, **more})


WAS = recipe_of({"name": "all", "try": ["h/dear", "h/cheap", "local:chat"]})


def request(
    number: int,
    *,
    recipe: Recipe = WAS,
    session: str = "",
    served: str = "",
    signals: Signals | None = None,
    usage: Any = None,
    **more: Any,
) -> Recorded:
    """One that was decided under `recipe` and answered as planned, with 1000 tokens in and 100 out unless `usage` says otherwise."""
    ask = Ask("openai_chat", {}, (), "localrouter/auto", Needs(), None, 1, 4000, session=session, **more)
    standing = Standing(1000.0 + number, CATALOGUE, None, keys=frozenset({"h"}), served=served)
    found = signals or Signals(prompt_bound=4000)
    plan = decide(ask, found, recipe, standing, GATES)
    decision = record(ask, found, standing, recipe, plan, GATES)
    decision = Decision.read(json.loads(json.dumps(decision.slim())), decision.place)
    first = plan.attempts[0] if plan.attempts else None
    used = {"input": 1000, "output": 100} if usage is None else usage
    outcome = {
        "model": first.id if first else "", "lane": first.lane if first else "none", "usage": used, "cost_micro": 12_000 if first else 0,
    }  # fmt: skip
    return Recorded(f"lr-{number}", 1000.0 + number, "default", session, decision, outcome)


def run(rows: list[Recorded], recipe: Recipe, **more: Any) -> Report:
    return dry_run(rows, recipe, CATALOGUE, GATES, name="new@1", **more)


def test_the_same_recipe_changes_nothing() -> None:
    report = run([request(i, session=f"s{i % 3}") for i in range(9)], WAS)
    assert report.kinds == {"same": 9} and report.cost(after=True) == report.cost(after=False) == 9 * 12_000


def test_costs_are_those_of_the_tokens_that_were_used() -> None:
    now = recipe_of({"name": "all", "try": ["h/cheap"]})
    report = run([request(1), request(2, usage={"input": 500, "cache_read": 500, "output": 100}), request(3, usage={})], now)
    # 1000 tokens at 1 dollar per million and 100 at 2; a cached token without a price of its own is plain input; without usage nobody knows.
    assert [row.after.cost if row.after else 0 for row in report.rows] == [1200, 1200, None]
    assert report.unpriced == 1 and report.cost(after=False) == 36_000 and report.cost(after=True) == 2400
    assert report.rows[0].why == "route 'all' tries h/dear no longer"
    local = recipe_of({"name": "all", "try": ["local:chat"]})
    assert run([request(1)], local).rows[0].kind == "refused", "there was no local model"


def test_a_conversation_goes_on_where_the_replay_took_it() -> None:
    # Recorded: the first turn began at dear, the next ones stayed there.
    rows = [request(1, session="s"), request(2, session="s", served="h/dear"), request(3, session="t", served="h/dear")]
    now = recipe_of({"name": "all", "try": ["h/cheap", "h/dear"]})
    report = run(rows, now)
    first, second, third = (row.after.model if row.after else "" for row in report.rows)
    assert first == "h/cheap" and second == "h/cheap", "not back to the model that the other recipe began with"
    assert third == "h/dear", "that conversation began before what was replayed"
    assert [row.kind for row in report.rows] == ["model", "model", "same"]


def test_where_the_first_model_failed_the_conversation_went_on_elsewhere() -> None:
    failed = request(1, session="s")
    failed = Recorded(failed.id, failed.at, failed.who, failed.session, failed.decision, {**failed.outcome, "model": "h/cheap"})
    now = recipe_of({"name": "one", "match": {"size_from": 1}, "try": ["h/dear", "h/cheap", "local:chat"]})
    report = run([failed, request(2, session="s", served="h/cheap")], now)
    assert [row.kind for row in report.rows] == ["route", "route"]
    assert report.rows[1].after is not None and report.rows[1].after.model == "h/cheap"


def test_refused_and_answered_are_told_apart() -> None:
    personal = Signals(data_class="personal", classes=("personal",), findings={"EMAIL": 1}, prompt_bound=4000)
    closed = recipe_of({"name": "all", "try": ["h/dear"]}, classes={"personal": {"request": "local"}})
    report = run([request(1, signals=personal), request(2)], closed)
    assert [row.kind for row in report.rows] == ["refused", "same"]
    assert "keeps personal data on this machine" in report.rows[0].why and report.rows[0].after is not None
    assert report.lanes(after=True) == {"none": 1, "hosted": 1} and report.rows[0].after.error == "privacy.refused"
    back = run([request(1, signals=personal, recipe=closed)], WAS)
    assert back.rows[0].kind == "answered" and back.lanes(after=True) == {"hosted": 1}


def test_hosts_that_have_a_key_now_count() -> None:
    now = recipe_of({"name": "all", "try": ["g/other", "h/dear"]})
    assert run([request(1)], now).kinds == {"same": 1}, "no key of g was there then"
    report = run([request(1)], now, keys={"g", "h"})
    assert report.rows[0].after is not None and report.rows[0].after.model == "g/other"


def test_repeats_that_nobody_counted_are_said() -> None:
    limited = recipe_of({"name": "all", "try": ["h/dear"]}, loop={"same_requests": 3})
    assert run([request(1), request(2, recipe=limited)], limited).uncounted == 1
    assert run([request(1)], WAS).uncounted == 0
    few = recipe_of({"name": "all", "try": ["h/dear"], "tools": {"max_calls_per_minute": 3}})
    assert run([request(1), request(2, recipe=few), request(3, recipe=limited)], few).uncounted == 2


def test_what_cannot_be_known_counts_nowhere() -> None:
    now = recipe_of({"name": "mine", "match": {"path": ["/work/*"]}, "try": ["h/cheap"]}, {"name": "all", "try": ["h/dear"]})
    report = run([request(1), request(2, caller=Caller(paths=("/work/x",)))], now)
    assert report.kinds == {"unknown": 2} and report.cost(after=True) == report.cost(after=False) == 0
    assert "'path' that it matches on was not recorded" in report.rows[0].why
    tree = json.loads(json.dumps(report.tree()))
    assert [row["after"] for row in tree["changed"]] == [None, None] and tree["before"]["left_machine"] == 0


def test_a_thousand_in_less_than_five_seconds_without_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise AssertionError("a dry run opened a socket")

    rows = [request(i, session=f"s{i // 4}", served="h/dear" if i % 4 else "") for i in range(1000)]
    monkeypatch.setattr(socket, "socket", none)
    monkeypatch.setattr(socket, "create_connection", none)
    now = recipe_of(
        {"name": "small", "match": {"size_below": 100}, "try": ["h/dear"]},
        {"name": "all", "try": ["h/cheap", "h/dear", "g/other"]},
    )
    begun = time.process_time()
    report = run(rows, now)
    took = time.process_time() - begun
    print(f"\n1000 recorded requests replayed in {took:.2f} s of CPU")
    assert report.kinds == {"model": 1000} and took < 5
