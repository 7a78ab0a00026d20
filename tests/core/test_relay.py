"""The relay as a conversation: commands out, events in. No socket, no clock."""

from __future__ import annotations

import pytest

from localrouter.core import commands as c
from localrouter.core import events as e
from localrouter.core.ask import Ask, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.errors import BudgetExceeded, HostBroken, HostRejected, HostTimeout, PrivacyUnsure
from localrouter.core.money import Price, Usage
from localrouter.core.recipe import Recipe
from localrouter.core.relay import relay
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing

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


def play(*events: e.Event) -> tuple[list[c.Command], str]:
    """Feed events; return the commands and the outcome. Fails when the relay wants more or less than was given."""
    life = relay(ASK, RECIPE, ())
    seen: list[c.Command] = [next(life)]
    for i, event in enumerate(events):
        try:
            seen.append(life.send(event))
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
    seen, outcome = play(e.Failed(PrivacyUnsure("no")), D)
    assert outcome == "refused"
    assert [type(s).__name__ for s in seen] == ["Inspect", "Refuse"]


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
