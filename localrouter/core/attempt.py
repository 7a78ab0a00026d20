"""One try of one request, as a generator: reserve, call, pass the answer on or hold it, settle.

Laws kept here: nothing is called unreserved, one settlement on every exit and before the terminal event (2), nothing is spliced (4).

Chunks wait here before any of them reaches the client: what a host says before its first content (a failure inside a 200 may still fall
back), the first words where the route does something about refusals, from the first finish on (the settlement comes before the end), and
the whole answer where there is a contract. Each of these waits is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from localrouter.core import errors
from localrouter.core.chat import Chunk
from localrouter.core.commands import Call, Command, Hangup, Judge, Next, Refuse, Reserve, Settle
from localrouter.core.emitting import emitted, ended
from localrouter.core.errors import HostBroken, HostTruncated, RouterError
from localrouter.core.events import ClientGone, Ended, Event, Failed, Got, Judged, Reserved
from localrouter.core.hearing import Hearing, declines
from localrouter.core.plan import Attempt
from localrouter.core.tally import Tally
from localrouter.core.terms import Terms
from localrouter.core.words import FailureKind

EARLY_BYTES, EARLY_CHUNKS, PINGS = 256 * 1024, 1024, 64
"""Before the first content. Beyond, the answer is passed on as it is and no other model can take its place (Bifrost's start-up frames: 64
chunks, 256 KiB). Signs of life beyond PINGS are left out: the client hears our own."""
DECLINED = 4_000
"""Bytes of an answer that declines in its first words and still is taken for a refusal."""
HELD_BYTES, HELD_CHUNKS = 8 * 1024 * 1024, 200_000
"""Of an answer that is held for its judge, and of what comes after a finish."""

POOR: dict[FailureKind, tuple[type[RouterError], str]] = {
    "refusal": (errors.Refused, "declined to answer"),
    "content_filter": (errors.ContentFiltered, "answered nothing, since its host's filter took the answer away"),
    "empty": (errors.EmptyAnswer, "gave an empty answer"),
    "truncated": (errors.AnswerCut, "reached its limit of tokens before its answer was whole"),
}


@dataclass(frozen=True, slots=True)
class Job:
    """One try. `falls(kind)`: whether the route does something about an answer that is poor in this way. `wary`: it does about refusals, so
    that the first words matter. Times are seconds."""

    attempt: Attempt
    prompt_bound: int
    terms: Terms | None = None
    wary: bool = False
    first_s: float | None = None
    total_s: float | None = None
    complaint: str = ""
    falls: Callable[[FailureKind], bool] = lambda kind: False


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. `outcome`: `done`, `cut` and `client_gone` are final; `failed` means that nothing reached the client. `answer`: a whole
    answer that was poor, and is what the model said; `complaint` and `size` (bytes): of a judged one."""

    outcome: str
    error: RouterError | None = None
    answer: tuple[Chunk, ...] = ()
    complaint: str = ""
    size: int = 0


Try = Generator[Command, Event, Tried]


def attempt(job: Job) -> Try:
    """One try."""
    return (yield from _Try(job).run())


@dataclass(slots=True)
class _Try:
    job: Job
    hold: str = ""
    tally: Tally = field(init=False)
    hearing: Hearing = field(default_factory=Hearing)
    waiting: list[Chunk] = field(default_factory=list)
    size: int = 0
    pings: int = 0
    open: bool = False  # something has reached the client
    ended: bool = False  # a finish was seen

    def __post_init__(self) -> None:
        self.tally = Tally(self.job.prompt_bound)

    def run(self) -> Try:
        job = self.job
        if job.attempt.model is not None:
            event = yield Reserve(job.attempt)
            if isinstance(event, Failed):
                return Tried("failed", event.error)
            assert isinstance(event, Reserved)
            self.hold = event.hold
        event = yield Call(job.attempt, job.first_s, job.total_s, job.complaint)
        while True:
            if isinstance(event, Got):
                over = yield from self._got(event.chunk)
                if over is not None:
                    return over
            elif isinstance(event, ClientGone):
                return (yield from self._gone())
            elif isinstance(event, Failed):
                return (yield from self._failed(event.error))
            elif isinstance(event, Ended):
                error = HostTruncated(
                    f"{job.attempt.id} ended its answer without saying so.", "The part that came is all there is; ask again."
                )
                return (yield from self._failed(error))
            event = yield Next(first=not self._content)

    @property
    def _content(self) -> bool:
        return self.open or self.hearing.texts or self.hearing.calls or self.hearing.refusals or self.tally.out_bytes > 0

    # --- chunks ----------------------------------------------------------------------------------

    def _got(self, chunk: Chunk) -> Generator[Command, Event, Tried | None]:
        job = self.job
        if chunk.error is not None:
            self.tally.told(chunk)  # a host that fails in the middle may still say what it bills (`response.failed`)
            return (yield from self._failed(chunk.error))
        self.tally.heard(chunk)
        self.hearing.heard(chunk)
        self.ended = self.ended or bool(chunk.finish)
        if chunk.terminal:
            return (yield from self._terminal(chunk))
        if job.terms is not None or self.ended:
            return (yield from self._hold(chunk))
        if self.open:
            return (yield from self._say((chunk,)))
        if chunk.pings:
            self.pings += 1
            if self.pings <= PINGS:
                self.waiting.append(chunk)
            return None
        self._keep(chunk)
        begun = chunk.content or self.tally.out_bytes > 0
        full = self.size > EARLY_BYTES or len(self.waiting) > EARLY_CHUNKS
        if full or (begun and not job.wary):
            return (yield from self._flush())
        if begun and self.hearing.decided:
            # What declines is held to its end, so that it can still be told where nothing else can be done; a long one is an answer.
            declined = self.hearing.refusals or declines(self.hearing.first)
            if not declined or self.tally.out_bytes > DECLINED:
                return (yield from self._flush())
        return None

    def _keep(self, chunk: Chunk) -> None:
        self.waiting.append(chunk)
        self.size += len(chunk.raw) + sum(len(p.text) for p in chunk.pieces)

    def _hold(self, chunk: Chunk) -> Generator[Command, Event, Tried | None]:
        self._keep(chunk)
        if self.size <= HELD_BYTES and len(self.waiting) <= HELD_CHUNKS:
            return None
        who = self.job.attempt.id
        if self.ended:
            return (yield from self._failed(HostBroken(f"{who} went on and on after the end of its answer.", "Ask again.")))
        return (yield from self._failed(errors.ContractBroken(f"The answer of {who} is too long to be judged.", "Ask for less.")))

    def _flush(self) -> Generator[Command, Event, Tried | None]:
        chunks = tuple(self.waiting)
        self.waiting.clear()
        self.size = 0
        return (yield from self._say(chunks))

    def _say(self, chunks: Sequence[Chunk]) -> Generator[Command, Event, Tried | None]:
        self.open = True
        stop = yield from emitted(chunks)
        if stop is None:
            return None
        return (yield from (self._gone() if isinstance(stop, ClientGone) else self._failed(stop.error)))

    # --- ends ------------------------------------------------------------------------------------

    def _terminal(self, chunk: Chunk) -> Try:
        job, whole = self.job, (*self.waiting, chunk)
        if self.hearing.cut:
            # A host that cuts a tool call and says that it is whole: no client may run half of it.
            error = HostTruncated(f"{job.attempt.id} broke off inside a tool call.", "Ask again.")
            return (yield from self._failed(error))
        if not self.open:
            strict = job.terms is not None and job.terms.promises
            kind = self.hearing.poor(whole=strict)
            if kind is None and job.wary and self.hearing.texts and not self.hearing.calls and declines(self.hearing.first):
                kind = "refusal"
            if kind is not None and (job.falls(kind) or (strict and kind in ("empty", "truncated"))):
                told = job.terms is None or not (strict or self.hearing.calls)  # no call is told that was not judged
                return (yield from self._poor(kind, whole if told else ()))
            if job.terms is not None and (kind is None or not strict):
                event = yield Judge(whole, job.terms)
                if isinstance(event, ClientGone):
                    return (yield from self._gone())
                if isinstance(event, Failed):
                    return (yield from self._failed(event.error))
                if isinstance(event, Judged) and event.error is not None:
                    yield from self._settle("error", event.error)
                    return Tried("failed", event.error, (), event.complaint, event.size)
        failure = yield from self._settle("done")
        if failure is not None:
            yield Refuse(failure)
            return Tried("cut", failure)
        return Tried(*(yield from ended(whole)))

    def _poor(self, kind: FailureKind, answer: tuple[Chunk, ...]) -> Try:
        """`answer`: the whole of it, when it is what the model said and may still be told."""
        error_type, what = POOR[kind]
        error = error_type(f"{self.job.attempt.id} {what}.", "Ask again, or ask in another way.")
        yield Hangup()
        yield from self._settle("error", error)
        return Tried("failed", error, answer)

    def _failed(self, error: RouterError) -> Try:
        yield Hangup()
        yield from self._settle("error", error)
        if self.open:
            yield Refuse(error)
            return Tried("cut", error)
        return Tried("failed", error)

    def _gone(self) -> Try:
        yield Hangup()
        yield from self._settle("client_gone")
        return Tried("client_gone")

    def _settle(self, outcome: str, error: RouterError | None = None) -> Generator[Command, Event, RouterError | None]:
        if not self.hold:
            return None
        micro, usage, estimated = self.tally.bill(self.job.attempt, error)
        done = yield Settle(self.hold, micro, usage, estimated, outcome, error)
        return done.error if isinstance(done, Failed) else None
