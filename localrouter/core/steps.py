"""What is done after an attempt failed: the route's tree of steps (core/fallback.py) walked over the plan's attempts.

Every attempt of the plan is begun once; beside that a request is retried RETRIES times at most and repaired once, so a walk always ends.
A step that cannot be done is passed over: no retry is left, no other host has the model, nothing reads more, the time is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from localrouter.core.errors import HostBroken, HostRateLimited, HostRejected, RouterError
from localrouter.core.failures import SAYS
from localrouter.core.fallback import Fallback
from localrouter.core.money import ceiling
from localrouter.core.plan import Attempt
from localrouter.core.standing import Standing
from localrouter.core.words import FailureKind, Interaction

RETRIES = 2
"""Of one request, all attempts together (notes on security, section 4, rule 3)."""
JITTER_S = 0.5
"""The first retry waits for a random part of this, each later one of twice the one before ("full jitter": Brooker 2015, AWS Architecture
Blog, "Exponential Backoff And Jitter")."""
PATIENCE_S: dict[Interaction, float] = {"autocomplete": 0.0, "interactive": 30.0, "background": 120.0, "batch": 120.0}
"""The longest Retry-After that is waited for; beyond it the host is not retried (openai-python: 120 s at most)."""
CALLS = frozenset({"retry_once", "next", "next_host_same_model", "larger_context", "local", "repair_once"})
"""Steps that ask a model again."""
LIMITED_S = 1.0
"""Waited for at least where a host limits requests and says not for how long."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step that can be done. `attempt` is asked next (None: `static:`, `clarify`, `refuse`, `stop`), after `least_s` and up to `jitter_s`
    more where it is `again`, a retry. `repairs`: it is told what was wrong."""

    step: str
    attempt: Attempt | None = None
    again: bool = False
    repairs: bool = False
    least_s: float = 0.0
    jitter_s: float = 0.0


@dataclass(slots=True)
class Walk:
    """`local` plans the local lane when the route's own targets do not have it; it is asked once at most. `cap`: the most that one attempt of
    the route may reserve, in micro-dollars."""

    fallback: Fallback
    attempts: Sequence[Attempt]
    standing: Standing
    interaction: Interaction = "interactive"
    cap: int | None = None
    local: Callable[[], Attempt | None] = lambda: None
    _begun: set[str] = field(default_factory=set)
    _shut: set[str] = field(default_factory=set)
    _retried: set[str] = field(default_factory=set)
    _retries: int = 0
    _repaired: bool = False
    _least: int = 0
    _asked_local: bool = False

    def first(self) -> Attempt | None:
        """The attempt that the plan begins with."""
        return self._take(self._left())

    def failed(self, attempt: Attempt | None, error: RouterError) -> None:
        """What a failure says of the attempts that are left: a host that refuses our key or account is asked for nothing else, and after a
        prompt that was too long nothing is asked that reads no more."""
        if isinstance(error, HostRejected) and error.blames == "host" and attempt is not None and attempt.model is not None:
            self._shut.add(attempt.model.host)
        if error.code == "context_length_exceeded" and attempt is not None:
            self._least = max(self._least, self._context(attempt) + 1)

    def falls(self, kind: FailureKind, attempt: Attempt) -> bool:
        """Whether something else than telling the failure is done about it. Asks nothing and takes nothing."""
        for step in self.fallback.steps(kind):
            if step == "stop":
                return False
            if step == "retry_once":
                possible = self._may_retry(attempt)
            elif step == "repair_once":
                possible = False  # only a judged answer is repaired
            elif step == "next_host_same_model":
                possible = any(self._same(attempt, a) for a in self._left())
            elif step == "larger_context":
                possible = any(self._reads_more(a, attempt) for a in self._left())
            elif step == "local":
                possible = any(a.lane == "local" for a in self._left()) or not self._asked_local
            else:
                possible = step != "next" or bool(self._left())
            if possible:
                return True
        return False

    def moves(
        self,
        kind: FailureKind,
        attempt: Attempt | None,
        error: RouterError,
        *,
        complaint: str = "",
        size: int = 0,
        over: bool = False,
        prompt_bound: int = 0,
        n: int = 1,
    ) -> Iterator[Move]:
        """The steps that can be done, in order; whoever walks takes the first that the runner carries out. `complaint` and its `size` in bytes:
        of a judged answer. `over`: no time is left to ask anybody."""
        for step in self.fallback.steps(kind):
            if step not in CALLS:
                yield Move(step)
                return
            if over:
                continue
            if step == "retry_once":
                if attempt is not None and self._may_retry(attempt) and (wait := self._wait(error)) is not None:
                    yield self._again(attempt, *wait)
            elif step == "repair_once":
                if attempt is not None and complaint and not self._repaired:
                    dearer = self._dearer(attempt, prompt_bound, size, n)
                    if dearer is not None:
                        self._repaired = True
                        yield Move(step, dearer, repairs=True)
            else:
                found = self._take(self._among(step, attempt))
                if found is None and step == "local":
                    found = self._planned_here()
                if found is not None:
                    yield Move(step, found)

    # --- what is left ----------------------------------------------------------------------------

    def _left(self) -> list[Attempt]:
        return [a for a in self.attempts if self._usable(a)]

    def _usable(self, a: Attempt) -> bool:
        shut = a.model is not None and a.model.host in self._shut
        small = 0 < self._context(a) < self._least
        return a.id not in self._begun and not shut and not small

    def _take(self, left: Sequence[Attempt]) -> Attempt | None:
        if not left:
            return None
        self._begun.add(left[0].id)
        return left[0]

    def _among(self, step: str, attempt: Attempt | None) -> list[Attempt]:
        left = self._left()
        if step == "next_host_same_model":
            return [a for a in left if attempt is not None and self._same(attempt, a)]
        if step == "larger_context":
            return [a for a in left if attempt is None or self._reads_more(a, attempt)]
        if step == "local":
            return [a for a in left if a.lane == "local"]
        return left

    def _planned_here(self) -> Attempt | None:
        if self._asked_local:
            return None
        self._asked_local = True
        found = self.local()
        if found is None or not self._usable(found):
            return None
        self._begun.add(found.id)
        return found

    @staticmethod
    def _same(a: Attempt, b: Attempt) -> bool:
        """The same model at another host. Hosts that resell put the maker before the name: `openai/gpt-5`."""
        if a.model is None or b.model is None or a.model.host == b.model.host:
            return False
        return a.model.name.rpartition("/")[2].casefold() == b.model.name.rpartition("/")[2].casefold()

    def _reads_more(self, a: Attempt, than: Attempt) -> bool:
        """Or may do so, for all that is known."""
        return not self._context(a) or self._context(a) > self._context(than)

    def _context(self, a: Attempt) -> int:
        """Tokens that it reads; 0 is unknown."""
        return a.model.context if a.model is not None else self.standing.locals.get(a.id, self.standing.local_context)

    # --- again -----------------------------------------------------------------------------------

    def _may_retry(self, attempt: Attempt) -> bool:
        return self._retries < RETRIES and attempt.id not in self._retried

    def _wait(self, error: RouterError) -> tuple[float, float] | None:
        """(seconds at least, seconds more by chance), or None when the host asks for more than anybody waits for."""
        jitter = JITTER_S * 2**self._retries
        least = error.retry_after
        if least is None:
            return (LIMITED_S if isinstance(error, HostRateLimited) else 0.0), jitter
        return (least, jitter) if least <= PATIENCE_S[self.interaction] else None

    def _again(self, attempt: Attempt, least: float, jitter: float) -> Move:
        self._retries += 1
        self._retried.add(attempt.id)
        return Move("retry_once", attempt, again=True, least_s=least, jitter_s=jitter)

    def _dearer(self, attempt: Attempt, prompt_bound: int, size: int, n: int) -> Attempt | None:
        """The attempt with the reservation of its longer prompt; None when the route's limit does not allow that."""
        if attempt.model is None or attempt.model.price is None:
            return attempt
        model, bound = attempt.model, prompt_bound + size
        more = max(attempt.reserve, ceiling(bound, attempt.max_output, attempt.model.price, n, attempt.offers, model.context))
        return None if self.cap is not None and more > self.cap else replace(attempt, reserve=more)


def outlook(fallback: Fallback, attempts: Sequence[Attempt], standing: Standing) -> list[tuple[str, tuple[FailureKind, ...]]]:
    """What is done when the first attempt fails, and by which kinds of failure: the tree as it is planned, for explanations."""
    out: dict[str, list[FailureKind]] = {}
    for kind in SAYS:
        walk = Walk(fallback, attempts, standing, local=lambda: Attempt("local:chat", "local", 0, 0))
        first = walk.first()
        if first is None:
            return []
        move = next(walk.moves(kind, first, HostBroken(""), complaint="x"), None)
        out.setdefault(_then(move, first), []).append(kind)
    return [(then, tuple(kinds)) for then, kinds in out.items()]


def _then(move: Move | None, first: Attempt) -> str:
    if move is None or move.step == "stop":
        return "it is told"
    if move.attempt is None:
        return {"clarify": "the person is asked", "refuse": "the route refuses"}.get(
            move.step, "the route's own text is the answer"
        )
    if move.again:
        return f"{first.id} once more"
    return f"{first.id} is told what is wrong" if move.repairs else move.attempt.id
