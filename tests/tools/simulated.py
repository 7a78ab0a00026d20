"""A daemon's world without a daemon: the real decision, relay, health and gates on a clock of its own, in front of hosts that behave as they are told.

Requests come one after the other; what a host does to a call is a function of the time. Nothing here waits: a time-out of five minutes is a sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from localrouter.core import commands as c
from localrouter.core import errors as err
from localrouter.core import events as e
from localrouter.core.ask import Ask
from localrouter.core.catalogue import Catalogue
from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.decide import Gate, Plan
from localrouter.core.money import Usage
from localrouter.core.recipe import Recipe
from localrouter.core.relay import relay
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.daemon.health import Health
from localrouter.daemon.health_watch import Watch
from localrouter.daemon.retries import Retries
from localrouter.daemon.turns import Turns, warm
from localrouter.gates import all_gates

What = Literal["well", "refused", "http_500", "silent", "limited", "declines", "bad_schema"]
FIRST_BYTE_S = 300.0
"""What a host that says nothing is waited for without a limit of the route (DESIGN section 4)."""
D = e.Done()


@dataclass(frozen=True)
class Act:
    """What a host does to one call."""

    what: What = "well"
    first_s: float = 0.5
    rest_s: float = 2.0


Behaviour = Callable[[str, float, Random], Act]
"""(id of the model, the time, chance) -> what happens."""


@dataclass
class Seen:
    """What became of one request. `by`: who answered, "" nobody; `waited`: seconds to the first word, or to the error; `tried`: who was called."""

    at: float
    by: str
    outcome: str
    waited: float
    code: str = ""
    declined: bool = False
    tried: list[str] = field(default_factory=list)
    plan: Plan | None = None


class Simulation:
    """`now` is in seconds; it begins at a time of day like any other."""

    def __init__(
        self, recipe: Recipe, catalogue: Catalogue, behaves: Behaviour, *, keys: frozenset[str], local: bool = True, seed: int = 7
    ) -> None:
        self.recipe, self.catalogue, self.behaves, self.keys, self.local = recipe, catalogue, behaves, keys, local
        self.now = 1_700_000_000.0
        self.chance = Random(seed)
        self.health = Health(lambda: self.now)
        self.turns, self.retries = Turns(), Retries()
        self.cooling: dict[str, float] = {}
        self.gates: tuple[Gate, ...] = all_gates()

    def standing(self, ask: Ask) -> Standing:
        last = self.turns.last(ask)
        rounds, repeats = self.turns.going_round(ask, self.recipe, self.now, counted=True)
        return Standing(
            self.now, self.catalogue, None, keys=self.keys, local="local:chat" if self.local else "", local_context=8192 if self.local else 0,
            cooling=dict(self.cooling), served=last.model, served_asked=last.asked, served_route=last.route, warm=warm(last, self.now),
            health=self.health.standing(self.now), minute=int(self.now // 60) % 1440, rounds=rounds, repeats=repeats,
        )  # fmt: skip

    def request(self, ask: Ask, signals: Signals) -> Seen:
        """One request, to its end."""
        one = _Request(self, ask, signals)
        life = relay(ask, self.recipe, self.gates)
        command = next(life)
        try:
            while True:
                try:
                    event = one.answer(command)
                except err.RouterError as exc:
                    event = e.Failed(exc)
                one.watch.saw(command, event)
                command = life.send(event)
        except StopIteration as stop:
            one.seen.outcome = str(stop.value)
        one.watch.close()
        if one.seen.outcome == "done" and one.seen.by and one.seen.plan is not None:
            self.turns.served(ask, one.seen.by, one.seen.plan.route, Usage(input=2000, output=200), self.now)
        return one.seen


@dataclass
class _Request:
    world: Simulation
    ask: Ask
    signals: Signals
    act: Act = field(default_factory=Act)
    chunks: list[Chunk] = field(default_factory=list)
    hold: int = 0

    def __post_init__(self) -> None:
        w = self.world
        self.seen = Seen(w.now, "", "", 0.0)
        self.watch = Watch(w.health, stream=True, now=lambda: w.now)
        self.current = ""
        self.failing: err.RouterError | None = None

    def answer(self, command: c.Command) -> e.Event:
        w = self.world
        match command:
            case c.Inspect() | c.Unscanned():
                return e.Inspected(self.signals, w.standing(self.ask))
            case c.Decided(plan):
                self.seen.plan = plan
            case c.Reserve():
                self.hold += 1
                return e.Reserved(str(self.hold))
            case c.Call(attempt):
                self.watch.begins(command)
                w.retries.called()
                self.seen.tried.append(attempt.id)
                self.current, self.failing = attempt.id, None
                return self._call(command)
            case c.Next():
                return self._next()
            case c.Judge():
                if self.act.what == "bad_schema":
                    return e.Judged(err.SchemaFailed(f"{self.current} did not fit."), "Mend it.", 20)
                return e.Judged()
            case c.Emit(chunk):
                if chunk.content and not self.seen.by:
                    self.seen.by, self.seen.waited = self.current, w.now - self.seen.at
                    self.seen.declined = self.act.what == "declines"
            case c.Wait(least_s):
                if not w.retries.take():
                    return e.NotNow()
                w.now += least_s + command.jitter_s * w.chance.random()
            case c.Refuse(error):
                self.seen.code, self.seen.waited = error.code, w.now - self.seen.at
            case _:
                pass
        return D

    def _call(self, command: c.Call) -> e.Event:
        w, id_ = self.world, command.attempt.id
        self.act = act = Act() if command.attempt.lane == "local" else w.behaves(id_, w.now, w.chance)
        if act.what == "refused":
            w.now += 0.05
            raise err.HostUnreachable(f"{id_} cannot be reached.")
        if act.what == "http_500":
            w.now += 0.3
            raise err.HostBroken(f"{id_} answered 503.")
        if act.what == "limited":
            w.now += 0.1
            w.cooling[id_] = w.now + 20
            raise err.HostRateLimited(f"{id_} limits requests.", retry_after=20)
        most = min(FIRST_BYTE_S, command.first_s or FIRST_BYTE_S)
        if act.what == "silent" or act.first_s > most:
            w.now += most
            raise err.HostTimeout(f"{id_} did not answer in {most:.0f} seconds.")
        text = "I'm sorry, but I can't help with that." if act.what == "declines" else "Here it is. " * 30
        self.chunks = [
            Chunk((Piece(Channel(0, "text"), text),), b"x", {}),
            Chunk((), b"f", {}, finish={0: "stop"}, usage=Usage(input=2000, output=200)),
            Chunk(raw=b"d", terminal=True),
        ]
        return D

    def _next(self) -> e.Event:
        if not self.chunks:
            return e.Ended()
        chunk = self.chunks.pop(0)
        self.world.now += self.act.first_s if chunk.content else self.act.rest_s if chunk.finish else 0.0
        return e.Got(chunk)


def asked(base: Ask, **more: object) -> Ask:
    """A request like another one."""
    return replace(base, **more)  # type: ignore[arg-type]
