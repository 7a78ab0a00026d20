"""One request's life as a generator: `event = yield command`. No clock, no sockets: sans-IO, as in h11 and mitmproxy.

Laws kept here: nothing is called unreserved (2), one settlement on every exit and before the terminal event (2), no second
model after the first content byte (4). The runner carries commands out; it never decides.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from localrouter.core.ask import Ask
from localrouter.core.chat import Chunk
from localrouter.core.commands import Call, Command, Decided, Emit, Hangup, Inspect, Next, Refuse, Reserve, Settle
from localrouter.core.decide import Attempt, Gate, decide
from localrouter.core.errors import HostRejected, HostTruncated, RouterError
from localrouter.core.events import ClientGone, Ended, Event, Failed, Got, Inspected, Reserved
from localrouter.core.money import Usage, cost
from localrouter.core.recipe import Recipe


@dataclass(slots=True)
class Tally:
    """What one attempt has used, as far as it was told or seen."""

    prompt_bound: int
    out_bytes: int = 0
    usage: Usage | None = None
    guess: bool = False

    def told(self, chunk: Chunk) -> None:
        """What a chunk says of the usage. A guess takes no place of the host's own word."""
        if chunk.usage is not None and (self.usage is None or self.guess or not chunk.guess):
            self.usage, self.guess = chunk.usage, chunk.guess

    def bill(self, attempt: Attempt, error: RouterError | None) -> tuple[int, Usage, bool]:
        """(micro-dollars, usage, estimated). Reported usage wins; where only its beginning was reported, that and what was seen since. Without
        it: nothing when the host cannot have billed, else every byte as a token. An estimate never flatters the budget, and is at most
        the reservation."""
        if attempt.model is None or attempt.model.price is None:
            return 0, self.usage or Usage(), self.usage is None
        if self.usage is not None:
            micro = cost(self.usage, attempt.model.price)
            return (min(attempt.reserve, micro) if self.guess else micro), self.usage, self.guess
        if error is not None and not error.money_at_risk and not self.out_bytes:
            return 0, Usage(), False
        if error is not None and not self.out_bytes:
            return attempt.reserve, Usage(input=self.prompt_bound, output=attempt.max_output), True
        guess = Usage(input=self.prompt_bound, output=min(self.out_bytes, attempt.max_output))
        return min(attempt.reserve, cost(guess, attempt.model.price)), guess, True


def relay(ask: Ask, recipe: Recipe, gates: Sequence[Gate]) -> Generator[Command, Event, str]:
    """Drive one request. Returns the outcome: `done`, `refused`, `failed`, `cut` or `client_gone`."""
    event = yield Inspect()
    if isinstance(event, ClientGone):
        return "client_gone"
    if isinstance(event, Failed):
        yield Refuse(event.error)
        return "refused"
    assert isinstance(event, Inspected)
    signals, standing = event.signals, event.standing
    plan = decide(ask, signals, recipe, standing, gates)
    yield Decided(plan)
    if plan.error is not None:
        yield Refuse(plan.error)
        return "refused"
    last: RouterError | None = None
    shut: set[str] = set()  # hosts that refuse our key or account
    for attempt in plan.attempts:
        if attempt.model is not None and attempt.model.host in shut:
            continue
        outcome, error = yield from _attempt(attempt, signals.prompt_bound)
        if outcome not in ("next", "stop"):
            return outcome
        if attempt.model is not None and isinstance(error, HostRejected) and error.blames == "host":
            shut.add(attempt.model.host)
            last = last or error  # what another host said of the request itself tells the client more
        else:
            last = error
        if outcome == "stop":
            break
    assert last is not None
    yield Refuse(last)
    return "failed"


def _attempt(attempt: Attempt, prompt_bound: int) -> Generator[Command, Event, tuple[str, RouterError | None]]:
    """One try. `next` when nothing of it reached the client and another model may answer."""
    hold = ""
    if attempt.model is not None:
        event = yield Reserve(attempt)
        if isinstance(event, Failed):
            return "next", event.error
        assert isinstance(event, Reserved)
        hold = event.hold
    tally = Tally(prompt_bound)

    def settle(outcome: str, error: RouterError | None = None) -> Generator[Command, Event, RouterError | None]:
        if not hold:
            return None
        micro, usage, estimated = tally.bill(attempt, error)
        done = yield Settle(hold, micro, usage, estimated, outcome, error)
        return done.error if isinstance(done, Failed) else None

    event = yield Call(attempt)
    if isinstance(event, ClientGone):
        yield Hangup()
        yield from settle("client_gone")
        return "client_gone", None
    if isinstance(event, Failed):
        yield Hangup()
        yield from settle("error", event.error)
        return _goes_on(attempt, event.error), event.error
    early: list[Chunk] = []  # lifecycle chunks wait, so that an error right after them can still fall back
    held: list[Chunk] = []  # from the first finish on, chunks wait for the settlement
    emitted = False
    while True:
        event = yield Next()
        if isinstance(event, ClientGone):
            yield Hangup()
            yield from settle("client_gone")
            return "client_gone", None
        if isinstance(event, Got) and event.chunk.error is None:
            chunk = event.chunk
            tally.told(chunk)
            # What is encrypted was billed as well; an estimate never flatters the budget.
            tally.out_bytes += sum(len(p.text.encode()) + len(p.opaque) for p in chunk.pieces if not p.whole and not p.mirror)
            if chunk.terminal:
                failure = yield from settle("done")
                if failure is not None:
                    yield Refuse(failure)
                    return "cut", failure
                for waiting in (*early, *held, chunk):
                    done = yield Emit(waiting)
                    if isinstance(done, Failed):
                        yield Refuse(done.error)
                        return "cut", done.error
                    if isinstance(done, ClientGone):
                        return "client_gone", None
                return "done", None
            if chunk.finish or held:
                held.append(chunk)
                continue
            if not emitted and not chunk.content:
                early.append(chunk)
                continue
            for waiting in (*early, chunk):
                emitted = True
                done = yield Emit(waiting)
                if isinstance(done, (ClientGone, Failed)):
                    yield Hangup()
                    yield from settle("client_gone" if isinstance(done, ClientGone) else "error")
                    if isinstance(done, Failed):
                        yield Refuse(done.error)
                        return "cut", done.error
                    return "client_gone", None
            early.clear()
            continue
        if isinstance(event, Failed):
            error = event.error
        elif isinstance(event, Got) and event.chunk.error is not None:
            error = event.chunk.error
            # A host that fails in the middle may still say what it bills (`response.failed`).
            tally.told(event.chunk)
        else:
            assert isinstance(event, Ended)
            error = HostTruncated(
                f"{attempt.id} ended its answer without saying so.", "The part that came is all there is; ask again."
            )
        yield Hangup()
        yield from settle("error", error)
        if emitted:
            yield Refuse(error)
            return "cut", error
        return _goes_on(attempt, error), error


def _goes_on(attempt: Attempt, error: RouterError) -> str:
    """Whether another model may answer where this one could not: not when the request itself is at fault."""
    blamed = isinstance(error, HostRejected) and error.blames != "request"
    return "next" if error.retryable or blamed or attempt.lane == "local" else "stop"
