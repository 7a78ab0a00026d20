"""The relay against generated worlds: whatever hosts, contracts and clients do, its laws hold and it ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.core import commands as c
from localrouter.core import errors as err
from localrouter.core import events as e
from localrouter.core.ask import Ask, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.failures import KINDS, SAYS
from localrouter.core.fallback import DEFAULTS
from localrouter.core.money import Price, Usage
from localrouter.core.recipe import Recipe
from localrouter.core.relay import relay
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.steps import RETRIES

D = e.Done()
HOSTS = ("a", "b", "c")
HOST = Host("x", "https://x.invalid/v1")
MODELS = {
    f"{h}/{m}": Model(f"{h}/{m}", h, m, Price(1_000_000, 2_000_000), context=size, max_output=100)
    for h in HOSTS
    for m, size in (("m", 8_000), ("big", 100_000))
}
CATALOGUE = Catalogue("t", {h: replace(HOST, name=h) for h in HOSTS}, MODELS)
STANDING = Standing(0.0, CATALOGUE, None, keys=frozenset(HOSTS), local="local:chat", local_context=4096)

STEPS = st.sampled_from([
    "retry_once", "next", "next_host_same_model", "larger_context", "local", "repair_once", "clarify", "refuse", "stop", "static:no",
])  # fmt: skip
TREES = st.dictionaries(st.sampled_from(sorted(DEFAULTS)), st.lists(STEPS, max_size=4).map(tuple), max_size=6)
TARGETS = st.lists(st.sampled_from([*MODELS, "local:chat"]), min_size=1, max_size=5, unique=True)


def text(words: str) -> Chunk:
    return Chunk((Piece(Channel(0, "text"), words),), words.encode(), {})


CHUNKS = st.sampled_from([
    text("hello "), text("I'm sorry, but I can't help with that request."), text("x" * 200),
    Chunk((Piece(Channel(0, "refusal"), "no"),)),
    Chunk((Piece(Channel(0, "tool"), '{"a": "b', tool="t", call_id="1"),)), Chunk((Piece(Channel(0, "tool"), '"}'),)),
    Chunk((Piece(Channel(0, "reasoning"), "hm"),)),
    Chunk((), b"r", {}), Chunk(pings=True), Chunk(finish={0: "stop"}), Chunk(finish={0: "length"}), Chunk(finish={0: "refusal"}),
    Chunk(finish={0: "content_filter"}), Chunk(usage=Usage(input=5, output=3)), Chunk(terminal=True), Chunk(terminal=True),
    Chunk(error=err.HostBroken("x")),
])  # fmt: skip
FAULTS = st.sampled_from([
    err.HostTimeout("x"), err.TimeIsUp("x"), err.HostUnreachable("x"), err.HostClosed("x"), err.HostRateLimited("x", retry_after=2),
    err.HostRateLimited("x", retry_after=3600), err.HostRejected("x", status=400), err.HostRejected("x", status=401),
    err.HostRejected("x", status=404), err.HostRejected("x", code="context_length_exceeded"), err.HostBroken("x"), err.HostTruncated("x"),
    err.Internal("x"), err.LocalUnavailable("x"), err.PrivacyUnsure("x"), err.CannotCross("x"), err.NoKey("x"), err.BadRequest("x"),
])  # fmt: skip
CONTRACTS = st.sampled_from([None, {"labels": ["yes"]}, {"required": ["a"]}])
SCHEMA_FAULTS = st.sampled_from([None, err.SchemaFailed("x"), err.ContractBroken("x"), err.ToolArgumentsBad("x")])


@dataclass
class World:
    """Answers commands by drawing; checks the laws as they come."""

    draw: Any
    open: str = ""
    holds: int = 0
    settled: list[str] = field(default_factory=list)
    emitted: int = 0
    refused: int = 0
    waits: int = 0
    calls: list[str] = field(default_factory=list)
    repairs: int = 0
    chunks: int = 0

    def answer(self, command: c.Command) -> e.Event:
        draw = self.draw
        assert not self.refused, f"{command} after Refuse"
        gone = draw(st.integers(0, 30)) == 0
        match command:
            case c.Inspect():
                return draw(st.sampled_from([SEEN, SEEN, SEEN, SEEN, e.Failed(err.PrivacyUnsure("x")), e.ClientGone()]))
            case c.Unscanned():
                return SEEN
            case c.Decided() | c.Hangup() | c.Stepped():
                return D
            case c.Reserve(attempt):
                assert not self.open, "two open holds"
                assert not self.emitted, "a reservation after the first word"
                assert attempt.model is not None
                if draw(st.integers(0, 15)) == 0:
                    return e.Failed(err.BudgetExceeded("x"))
                self.holds += 1
                self.open = str(self.holds)
                return e.Reserved(self.open)
            case c.Call(attempt):
                assert not self.emitted, "a call after the first word"
                assert bool(self.open) == (attempt.model is not None), "called unreserved"
                self.calls.append(attempt.id)
                self.repairs += bool(command.complaint)
                if gone:
                    return e.ClientGone()
                return draw(st.one_of(st.just(D), st.just(D), FAULTS.map(e.Failed)))
            case c.Next():
                self.chunks += 1
                if gone:
                    return e.ClientGone()
                if self.chunks > 60:  # finite input
                    return e.Ended()
                return draw(
                    st.one_of(CHUNKS.map(e.Got), CHUNKS.map(e.Got), CHUNKS.map(e.Got), FAULTS.map(e.Failed), st.just(e.Ended()))
                )
            case c.Judge(chunks):
                if not chunks:
                    return D
                assert not self.emitted
                error = draw(SCHEMA_FAULTS)
                return e.Judged(error, "mend it" if error else "", 50)
            case c.Emit():
                self.emitted += 1
                if gone:
                    return e.ClientGone()
                return e.Failed(err.HostBroken("x")) if draw(st.integers(0, 30)) == 0 else D
            case c.Settle(hold):
                assert hold == self.open, "settled what is not open"
                assert hold not in self.settled
                self.settled.append(hold)
                self.open = ""
                assert command.micro >= 0
                return D if draw(st.integers(0, 30)) else e.Failed(err.StoreFault("x"))
            case c.Wait():
                assert not self.emitted and not self.open
                self.waits += 1
                assert command.least_s <= 30
                if gone:
                    return e.ClientGone()
                return draw(st.sampled_from([D, D, e.NotNow()]))
            case c.Refuse():
                self.refused += 1
                return D
        raise AssertionError(command)


SEEN = e.Inspected(Signals(prompt_bound=100), STANDING)


@settings(max_examples=400, deadline=None)
@given(data=st.data(), targets=TARGETS, tree=TREES, contract=CONTRACTS)
def test_the_laws_hold_in_every_world(data: st.DataObject, targets: list[str], tree: dict[str, Any], contract: Any) -> None:
    route: dict[str, Any] = {"name": "r", "try": targets, "fallback": tree, "limits": {"total_ms": 9000, "first_token_ms": 500}}
    recipe = Recipe.model_validate({"name": "t", "route": [route | ({"contract": contract} if contract else {})]})
    world = World(data.draw)
    life = relay(Ask("openai_chat", {}, (), "localrouter/auto", Needs(stream=True), None, 1, 100), recipe, ())
    command, count = next(life), 0
    try:
        while True:
            count += 1
            assert count < 2_000, "it does not end"
            command = life.send(world.answer(command))
    except StopIteration as stop:
        outcome = stop.value
    assert outcome in ("done", "refused", "failed", "cut", "client_gone")
    assert not world.open and len(world.settled) == world.holds, "one settlement a reservation"
    assert world.repairs <= 1
    assert world.waits <= RETRIES
    assert len(world.calls) <= len(targets) + 1 + RETRIES + 1, "each target once, the local lane, two retries, one repair"
    if outcome in ("refused", "failed"):
        assert world.refused == 1 and not world.emitted
    if outcome == "done":
        assert not world.refused
    if outcome == "cut":
        assert world.refused == 1


def test_every_error_has_a_kind_and_every_kind_its_words() -> None:
    def leaves(top: type[err.RouterError]) -> list[type[err.RouterError]]:
        return [top, *(x for sub in top.__subclasses__() for x in leaves(sub))]

    own = [x for x in leaves(err.RouterError) if x.__module__ == err.__name__]
    assert len(own) > 35 and [x.__name__ for x in own if x not in KINDS] == []
    assert set(SAYS) == set(DEFAULTS) and {k for k in KINDS.values() if k} == set(SAYS)
