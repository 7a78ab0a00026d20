"""The relay as a conversation: commands out, events in. No socket, no clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from localrouter.core import commands as c
from localrouter.core import events as e
from localrouter.core.ask import Ask, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.decide import decide
from localrouter.core.errors import (
    BudgetExceeded,
    ContextTooLong,
    HostBroken,
    HostRejected,
    HostTimeout,
    LocalUnavailable,
    PrivacyUnsure,
    StoreFault,
)
from localrouter.core.money import Price, Usage
from localrouter.core.recipe import Recipe
from localrouter.core.relay import relay
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.gates import local_model

PRICE = Price(input=1_000_000, output=2_000_000)


def model(name: str) -> Model:
    return Model(
        id=f"h/{name}", host="h", name=name, price=PRICE, context=100_000, max_output=1000,
        tools=True, json_schema=True, vision=False, audio=False, reasoning=False,
    )  # fmt: skip


HOST = Host(
    name="h", origin="https://h.invalid/v1", wire="openai_chat", region="eu", retention_days=0, trains_on_data=False,
    zone="hosted", key_env="",
)  # fmt: skip
CATALOGUE = Catalogue(version="t", hosts={"h": HOST}, models={m.id: m for m in (model("a"), model("b"))})
RECIPE = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["h/a", "h/b"]}]})
ASK = Ask("openai_chat", {}, (), "localrouter/auto", Needs(stream=True), None, 1, 100)
STANDING = Standing(now=0.0, catalogue=CATALOGUE, remaining=None, keys=frozenset({"h"}))
SEEN = e.Inspected(Signals(prompt_bound=1000), STANDING)
TEXT = Chunk((Piece(Channel(0, "text"), "hello"),), b"x", {})
FINISH = Chunk((), b"f", {}, finish={0: "stop"})
USAGE = Chunk((), b"u", {}, usage=Usage(input=10, output=5))
END = Chunk(raw=b"d", terminal=True)
WHOLE = Chunk((Piece(Channel(0, "text"), "hello"),), b"w", {}, finish={0: "stop"}, terminal=True)


def play(*events: e.Event, gates: tuple[Any, ...] = ()) -> tuple[list[c.Command], str]:
    """Feed events; return the commands and the outcome. Fails when the relay wants more or less than was given. Waits and what is only for
    the record are answered by themselves."""
    life = relay(ASK, RECIPE, gates)
    seen: list[c.Command] = [next(life)]
    for i, event in enumerate(events):
        try:
            seen.append(life.send(event))
            while isinstance(seen[-1], c.Wait | c.Stepped):
                seen.append(life.send(D))
        except StopIteration as stop:
            assert i == len(events) - 1, f"the relay ended early, after {seen}"
            return seen, stop.value
    raise AssertionError(f"the relay still waits after {seen[-1]}")


D = e.Done()


def test_the_main_path_settles_before_the_terminal_event() -> None:
    seen, outcome = play(SEEN, D, e.Reserved("1"), D, e.Got(TEXT), D, e.Got(FINISH), e.Got(USAGE), e.Got(END), D, D, D, D)
    assert outcome == "done"
    names = [type(s).__name__ for s in seen]
    assert names.index("Settle") < names.index("Emit", names.index("Emit") + 1)
    settle = next(s for s in seen if isinstance(s, c.Settle))
    assert settle == c.Settle("1", 20, Usage(input=10, output=5), False, "done")
    assert [s.chunk.raw for s in seen if isinstance(s, c.Emit)] == [b"x", b"f", b"u", b"d"]


def test_a_failure_before_the_first_word_goes_to_the_next_model_and_both_are_settled() -> None:
    seen, outcome = play(
        SEEN, D, e.Reserved("1"), e.Failed(HostTimeout("late")), D, D,
        e.Reserved("2"), D, e.Got(TEXT), D, e.Got(USAGE), D, e.Got(END), D, D,
    )  # fmt: skip
    assert outcome == "done"
    settles = [s for s in seen if isinstance(s, c.Settle)]
    assert [s.hold for s in settles] == ["1", "2"]
    assert settles[0].estimated and settles[0].micro == 1000 * 1 + 1000 * 2, "a time-out after sending is charged at its ceiling"


def test_nothing_is_spliced_after_the_first_word() -> None:
    seen, outcome = play(SEEN, D, e.Reserved("1"), D, e.Got(TEXT), D, e.Failed(HostBroken("x")), D, D, D)
    assert outcome == "cut"
    assert isinstance(seen[-1], c.Refuse)
    assert sum(isinstance(s, c.Call) for s in seen) == 1


def test_a_stream_without_its_terminal_event_is_an_error() -> None:
    seen, outcome = play(SEEN, D, e.Reserved("1"), D, e.Got(TEXT), D, e.Ended(), D, D, D)
    assert outcome == "cut"
    assert isinstance(seen[-1], c.Refuse) and seen[-1].error.code == "host_truncated"


def test_client_gone_hangs_up_and_settles_once() -> None:
    seen, outcome = play(SEEN, D, e.Reserved("1"), D, e.Got(TEXT), D, e.ClientGone(), D, D)
    assert outcome == "client_gone"
    assert [type(s).__name__ for s in seen[-2:]] == ["Hangup", "Settle"]
    assert seen[-1].estimated  # type: ignore[union-attr]


def test_an_unsure_scan_calls_nobody() -> None:
    seen, outcome = play(e.Failed(PrivacyUnsure("no")), SEEN, D, D, gates=(local_model,))
    assert outcome == "refused"
    assert [type(s).__name__ for s in seen] == ["Inspect", "Unscanned", "Decided", "Stepped", "Refuse"]
    assert seen[-1].error.code == "privacy.unsure"  # type: ignore[union-attr]


def test_an_unsure_scan_may_be_answered_on_this_machine() -> None:
    """The route names no local target; what could not be scanned goes there all the same, and nowhere else."""
    here = e.Inspected(SEEN.signals, replace(STANDING, local="local:chat", local_context=4096))
    seen, outcome = play(e.Failed(PrivacyUnsure("no")), here, D, D, e.Got(WHOLE), D, gates=(local_model,))
    assert outcome == "done"
    assert [s.attempt.lane for s in seen if isinstance(s, c.Call)] == ["local"]
    seen, outcome = play(e.Failed(PrivacyUnsure("no")), here, D, e.Failed(LocalUnavailable("died")), D, D, gates=(local_model,))
    assert outcome == "failed" and sum(isinstance(s, c.Call) for s in seen) == 1


def test_an_unsure_scan_that_cannot_be_decided_is_refused_as_unsure() -> None:
    seen, outcome = play(e.Failed(PrivacyUnsure("no")), e.Failed(HostBroken("x")), D)
    assert outcome == "refused" and seen[-1].error.code == "privacy.unsure"  # type: ignore[union-attr]


def test_a_denied_reservation_calls_nobody() -> None:
    denied = e.Failed(BudgetExceeded("no"))
    seen, outcome = play(SEEN, D, denied, denied, D)
    assert outcome == "failed"
    assert not any(isinstance(s, c.Call) for s in seen)
    assert seen[-1].error.status == 402  # type: ignore[union-attr]


def test_a_rejected_request_is_not_tried_elsewhere_and_costs_nothing() -> None:
    seen, outcome = play(SEEN, D, e.Reserved("1"), e.Failed(HostRejected("bad", status=400)), D, D, D)
    assert outcome == "failed"
    assert sum(isinstance(s, c.Call) for s in seen) == 1
    assert next(s for s in seen if isinstance(s, c.Settle)).micro == 0


def hosts(*names: str) -> e.Inspected:
    """A standing with one model `m` at each host; the recipe tries them in order."""
    own = {n: replace(HOST, name=n) for n in names}
    models = {f"{n}/m": replace(model("m"), id=f"{n}/m", host=n) for n in names}
    catalogue = Catalogue(version="t", hosts=own, models=models)
    return e.Inspected(Signals(prompt_bound=1000), replace(STANDING, catalogue=catalogue, keys=frozenset(names)))


def tried(*faults: tuple[str, e.Event], targets: list[str]) -> tuple[list[str], str, str]:
    """Models that were called, the outcome, the code of what the client was told; each model answers with its fault, or well."""
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": targets}]})
    answers = dict(faults)
    life = relay(ASK, recipe, ())
    command: c.Command = next(life)
    called: list[str] = []
    told = ""
    event: e.Event
    try:
        while True:
            match command:
                case c.Inspect():
                    event = hosts(*dict.fromkeys(t.split("/")[0] for t in targets))
                case c.Reserve():
                    event = e.Reserved("1")
                case c.Call(attempt):
                    called.append(attempt.id)
                    event = answers.get(attempt.id, D)
                case c.Next():
                    event = e.Got(WHOLE)
                case c.Refuse(error):
                    told = f"{error.code} {error.status}"
                    event = D
                case _:
                    event = D
            command = life.send(event)
    except StopIteration as stop:
        return called, stop.value, told


def refused(status: int) -> e.Failed:
    return e.Failed(HostRejected("no", status=status))


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_key_that_one_host_refuses_ends_no_plan(status: int) -> None:
    assert tried(("a/m", refused(status)), targets=["a/m", "b/m"]) == (["a/m", "b/m"], "done", "")
    assert tried(("a/m", refused(status)), targets=["a/m"]) == (["a/m"], "failed", f"host_rejected {status}")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_fault_of_the_request_ends_the_plan(status: int) -> None:
    assert tried(("a/m", refused(status)), targets=["a/m", "b/m"]) == (["a/m"], "failed", f"host_rejected {status}")


def test_a_host_that_refuses_the_key_is_not_asked_for_another_model() -> None:
    called, outcome, _ = tried(("a/m", refused(401)), targets=["a/m", "b/m"])
    assert outcome == "done" and called == ["a/m", "b/m"]
    both = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["h/a", "h/b"]}]})
    life = relay(ASK, both, ())
    seen: list[c.Command] = [next(life)]
    with pytest.raises(StopIteration):
        for event in (SEEN, D, e.Reserved("1"), refused(401), D, D, D, D):  # ..., Hangup, Settle, Stepped, Refuse
            seen.append(life.send(event))
    assert sum(isinstance(s, c.Call) for s in seen) == 1, "the second model is the same host's"
    life = relay(ASK, both, ())
    seen = [next(life)]
    for event in (SEEN, D, e.Reserved("1"), refused(404), D, D, D, e.Reserved("2")):  # ..., Stepped
        seen.append(life.send(event))
    assert sum(isinstance(s, c.Call) for s in seen) == 2, "a model that is not there says nothing of the others"


def test_the_client_is_told_what_concerns_its_request() -> None:
    broken = e.Failed(HostBroken("x"))
    for first, second in ((broken, refused(401)), (refused(401), broken)):
        called, _, told = tried(("a/m", first), ("b/m", second), targets=["a/m", "b/m"])
        assert list(dict.fromkeys(called)) == ["a/m", "b/m"] and told == "host_broken 502"


def test_a_prompt_too_long_for_one_that_stands_in_is_not_what_the_client_is_told() -> None:
    """A client compacts its conversation when it reads that, and the one that it asked for has room."""
    full, small = e.Failed(StoreFault("full")), e.Failed(ContextTooLong(100, 200))
    assert tried(("a/m", full), ("b/m", small), targets=["a/m", "b/m"])[2] == "store_unavailable 503"
    assert tried(("a/m", small), ("b/m", small), targets=["a/m", "b/m"])[2] == "context_length_exceeded 400"


def test_a_host_that_refused_our_key_a_moment_ago_comes_last() -> None:
    seen = hosts("a", "b")
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["a/m", "b/m"]}]})
    plan = decide(ASK, seen.signals, recipe, replace(seen.standing, refused={"a": 401}), ())
    assert [a.id for a in plan.attempts] == ["b/m", "a/m"]
    assert "comes last: a refused the key (401) a moment ago" in next(w.why for w in plan.weighed if w.model == "a/m")
    alone = decide(ASK, seen.signals, recipe, replace(seen.standing, refused={"a": 401, "b": 402}), ())
    assert [a.id for a in alone.attempts] == ["a/m", "b/m"], "where no other is left, the host says it itself"


BEGUN = Chunk((), b"s", {}, usage=Usage(input=100), guess=True)
MORE = Chunk((Piece(Channel(0, "text"), "hello"),), b"x", {}, usage=Usage(input=100, output=5), guess=True)
ALL = Chunk((), b"u", {}, usage=Usage(input=100, output=3))


@pytest.mark.parametrize("end", [e.Ended(), e.Failed(HostBroken("x")), e.ClientGone()])
def test_what_was_only_partly_reported_is_settled_as_an_estimate(end: e.Event) -> None:
    seen, _ = play(
        SEEN, D, e.Reserved("1"), D, e.Got(BEGUN), e.Got(MORE), D, D, end, *[D] * (2 if isinstance(end, e.ClientGone) else 3)
    )
    settle = next(s for s in seen if isinstance(s, c.Settle))
    assert settle.estimated and settle.usage == Usage(input=100, output=5) and settle.micro == 110


def test_the_hosts_last_word_is_exact_and_no_guess_takes_its_place() -> None:
    seen, outcome = play(
        SEEN, D, e.Reserved("1"), D, e.Got(BEGUN), e.Got(MORE), D, D, e.Got(ALL), D, e.Got(MORE), D, e.Got(END), D, D
    )
    settle = next(s for s in seen if isinstance(s, c.Settle))
    assert outcome == "done" and not settle.estimated and settle.usage == Usage(input=100, output=3) and settle.micro == 106


def test_a_guess_is_charged_at_most_at_the_reservation() -> None:
    long = Chunk((Piece(Channel(0, "text"), "x"),), b"x", {}, usage=Usage(input=1, output=9_999_999), guess=True)
    seen, _ = play(SEEN, D, e.Reserved("1"), D, e.Got(long), D, e.Ended(), D, D, D)
    settle = next(s for s in seen if isinstance(s, c.Settle))
    assert settle.estimated and settle.micro == 1000 * 1 + 1000 * 2


@pytest.mark.parametrize("where", range(1, 6))
def test_every_hold_is_settled_wherever_the_client_leaves(where: int) -> None:
    script: list[e.Event] = [SEEN, D, e.Reserved("1"), D, e.Got(TEXT), D, e.Got(TEXT), D]
    life = relay(ASK, RECIPE, ())
    seen: list[c.Command] = [next(life)]
    for event in script[: 3 + where]:
        seen.append(life.send(event))
    try:
        seen.append(life.send(e.ClientGone()))
        while True:
            seen.append(life.send(D))
    except StopIteration:
        pass
    assert sum(isinstance(s, c.Settle) for s in seen) == 1


SORRY = Chunk((Piece(Channel(0, "text"), "I'm sorry, but I can't help with that request. " + "Really. " * 20),), b"x", {})


def declined(fallback: str, *events: e.Event) -> tuple[list[c.Command], str]:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["h/a"], "fallback": {"refusal": fallback}}]})
    life = relay(ASK, recipe, (local_model,))
    seen: list[c.Command] = [next(life)]
    for event in (SEEN, D, e.Reserved("1"), D, *events):
        try:
            seen.append(life.send(event))
        except StopIteration as stop:
            return seen, stop.value
    raise AssertionError(seen[-1])


def test_a_refusal_is_told_where_nothing_else_can_be_done() -> None:
    """`local` would be done about it, and there is no local model: what the model said is not lost."""
    seen, outcome = declined("local", e.Got(SORRY), e.Got(FINISH), e.Got(END), D, D, D, D, D, D, D)
    assert outcome == "done"
    assert [s.chunk for s in seen if isinstance(s, c.Emit)] == [SORRY, FINISH, END]
    names = [type(s).__name__ for s in seen]
    assert names.index("Settle") < names.index("Emit")


def test_who_declines_at_length_has_answered() -> None:
    seen, outcome = declined("static:no", *[e.Got(SORRY)] * 30, *[D] * 30, *[e.Got(END)], *[D] * 3)
    assert outcome == "done" and sum(isinstance(s, c.Emit) for s in seen) >= 20
