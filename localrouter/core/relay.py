"""One request's life as a generator: `event = yield command`. No clock, no sockets: sans-IO, as in h11 and mitmproxy.

Inspect, decide, then try the plan's attempts (core/attempt.py) in the order that the route's fallback says for each kind of failure
(core/steps.py). The runner carries commands out; it never decides.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from localrouter.core.ask import Ask
from localrouter.core.attempt import Job, Tried, attempt
from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.commands import Command, Decided, Inspect, Judge, Refuse, Stepped, Unscanned, Wait
from localrouter.core.decide import decide
from localrouter.core.emitting import ended
from localrouter.core.errors import CutOff, HostRejected, Internal, PrivacyUnsure, RouteRefused, RouterError, TimeIsUp
from localrouter.core.events import ClientGone, Done, Event, Failed, Inspected, NotNow
from localrouter.core.failures import SAYS, kind_of
from localrouter.core.fallback import Fallback
from localrouter.core.money import Usage, parse_usd
from localrouter.core.plan import Attempt, Gate, Plan
from localrouter.core.recipe import Limits, Recipe, Route
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.steps import Move, Walk
from localrouter.core.terms import Terms, terms
from localrouter.core.words import FailureKind

HERE = "local:chat"
STATIC = "static:"

Life = Generator[Command, Event, str]


def relay(ask: Ask, recipe: Recipe, gates: Sequence[Gate]) -> Life:
    """Drive one request. Returns the outcome: `done`, `refused`, `failed`, `cut` or `client_gone`."""
    event = yield Inspect()
    unsure: RouterError | None = None
    if isinstance(event, Failed) and isinstance(event.error, PrivacyUnsure):
        unsure = event.error
        event = yield Unscanned()
    if isinstance(event, ClientGone):
        return "client_gone"
    if isinstance(event, Failed):
        yield Refuse(unsure or event.error)
        return "refused"
    assert isinstance(event, Inspected)
    return (yield from _Life(ask, recipe, gates, event.signals, event.standing).run(unsure))


class _Life:
    """A request from its decision on."""

    def __init__(self, ask: Ask, recipe: Recipe, gates: Sequence[Gate], signals: Signals, standing: Standing) -> None:
        self.ask, self.recipe, self.gates, self.signals, self.standing = ask, recipe, gates, signals, standing
        self.plan = decide(ask, signals, recipe, standing, gates)
        self.signals = recipe.grown(signals, self.plan.route)
        self.route = next((r for r in recipe.route if r.name == self.plan.route), None)
        self.terms: Terms | None = None

    def run(self, unsure: RouterError | None) -> Life:
        """`unsure`: the request could not be scanned, and no text of it may leave."""
        plan, route = self.plan, self.route
        fallback, limits = (route.fallback, route.limits) if route is not None else (Fallback(), Limits())
        attempts = plan.attempts if unsure is None else tuple(a for a in plan.attempts if a.lane == "local")
        cap = parse_usd(limits.cost_usd) if limits.cost_usd is not None else None
        walk = Walk(fallback, attempts, self.standing, self.signals.interaction, cap, self._local)
        event = yield Decided(plan)
        if isinstance(event, Failed):
            yield Refuse(event.error)
            return "refused"
        if route is not None:
            try:
                self.terms = terms(self.ask, plan.contract or route.contract, self.recipe.schemas, route.tools)
            except RouterError as exc:
                yield Refuse(exc)
                return "refused"
            event = (yield Judge((), self.terms)) if self.terms is not None else Done()
            if isinstance(event, Failed):
                yield Refuse(event.error)
                return "refused"
        error = unsure or plan.error
        if error is not None:
            if route is None:
                yield Refuse(error)
                return "refused"
            return (yield from self._walk(walk, limits, None, error))
        return (yield from self._walk(walk, limits, walk.first(), None))

    def _walk(self, walk: Walk, limits: Limits, now: Attempt | None, error: RouterError | None) -> Life:
        """`now`: what is tried first; None: nothing could be, because of `error`."""
        move = Move("next", now)
        told, tried = error, Tried("failed", error)
        total_s = limits.total_ms / 1000 if limits.total_ms is not None else None
        while True:
            if now is not None:
                tried = yield from attempt(self._job(walk, limits, now, tried, move, total_s))
                if tried.outcome != "failed":
                    return tried.outcome
            failure = tried.error
            assert failure is not None
            walk.failed(now, failure)
            kind = kind_of(failure, now.lane if now is not None else "hosted")
            # What another host said of the request itself tells the client more than that a host refuses our key, or was not asked. And that
            # the prompt is too long for one that was only asked because another failed would have the client throw away what it said so far.
            shut = isinstance(failure, CutOff) or (isinstance(failure, HostRejected) and failure.blames == "host")
            told = told if told is not None and (shut or kind == "context_length") else failure
            found = yield from self._move(walk, kind, now, tried, total_s)
            if isinstance(found, str):
                return found
            if found is None or found.step == "stop":
                return (yield from self._told(tried, told, now))
            if found.attempt is None:
                return (yield from self._ended(found, kind, failure))
            move, now = found, found.attempt

    def _job(self, walk: Walk, limits: Limits, now: Attempt, before: Tried, move: Move, total_s: float | None) -> Job:
        bound = self.signals.prompt_bound + (before.size if move.repairs else 0)
        first_ms = min((ms for ms in (limits.first_token_ms, now.first_ms) if ms is not None), default=None)
        first_s = first_ms / 1000 if first_ms is not None else None
        return Job(
            now, bound, self.terms, walk.falls("refusal", now), first_s, total_s,
            before.complaint if move.repairs else "", lambda kind: walk.falls(kind, now),
        )  # fmt: skip

    def _move(
        self, walk: Walk, kind: FailureKind | None, now: Attempt | None, tried: Tried, total_s: float | None
    ) -> Generator[Command, Event, Move | str | None]:
        """The next step, waited for; None when there is none. A text is the outcome: the client left meanwhile."""
        if kind is None or tried.error is None:
            return None
        failed = now.id if now is not None else ""
        for move in walk.moves(
            kind, now, tried.error,
            complaint=tried.complaint, size=tried.size, over=isinstance(tried.error, TimeIsUp),
            prompt_bound=self.signals.prompt_bound, n=self.ask.n,
        ):  # fmt: skip
            if move.again:
                event = yield Wait(move.least_s, move.jitter_s, total_s)
                if isinstance(event, ClientGone):
                    return "client_gone"
                if isinstance(event, NotNow):
                    continue
                if isinstance(event, Failed):
                    return None
            yield Stepped(kind, move.step, move.attempt.id if move.attempt is not None else "", failed)
            return move
        yield Stepped(kind, "", "", failed)
        return None

    # --- ends ------------------------------------------------------------------------------------

    def _told(self, tried: Tried, error: RouterError | None, now: Attempt | None) -> Life:
        """A poor answer is still what the model said, and is told where no other came; else the failure is."""
        if tried.answer:
            return (yield from ended(tried.answer))[0]
        yield Refuse(error or Internal("Nothing was tried.", "Please report it."))
        return "failed" if now is not None else "refused"

    def _ended(self, move: Move, kind: FailureKind | None, error: RouterError) -> Life:
        """`static:`, `clarify` and `refuse`: the route's own end."""
        if move.step == "refuse":
            own = error if isinstance(error, PrivacyUnsure) else None
            said = (
                f"The route refuses this request, since its last model failed: {SAYS[kind]}."
                if kind is not None
                else error.message
            )
            yield Refuse(own or RouteRefused(said, "Ask in another way, or change `[route.fallback]` of the recipe."))
            return "refused"
        text = move.step.removeprefix(STATIC) if move.step.startswith(STATIC) else _clarify(kind)
        channel = Channel(0, "text")
        end = Chunk(usage=Usage(), finish={0: "stop"}, terminal=True, ends=(channel,))
        return (yield from ended((Chunk((Piece(channel, text),)), end)))[0]

    def _local(self) -> Attempt | None:
        """The local lane as this request's own gates allow it, where the route's targets do not have it."""
        if self.route is None:
            return None
        plan = self._decided(self.route.model_copy(update={"try_": (HERE,)}))
        return next((a for a in plan.attempts if a.lane == "local"), None)

    def _decided(self, route: Route) -> Plan:
        recipe = self.recipe.model_copy(update={"route": (route,)})
        return decide(self.ask, self.signals, recipe, self.standing, self.gates)


_ASKS: dict[FailureKind, str] = {
    "context_length": "This is more text than I can read at once. Which part of it matters, or may I have it in smaller parts?",
    "schema": "I could not put the answer into the form that was asked for. Can you say which fields matter, or give an example?",
    "contract": "I could not answer this from what I was given. Can you add what is missing, or say where the answer should come from?",
    "refusal": "I could not answer this as it was asked. Can you say what it is for, or ask in another way?",
    "empty": "I have no answer to this as it stands. Can you say in more words what you need?",
}


def _clarify(kind: FailureKind | None) -> str:
    """What the person is asked."""
    default = "I could not finish this. Can you say it in another way, or tell me what is missing?"
    return _ASKS.get(kind, default) if kind is not None else default
