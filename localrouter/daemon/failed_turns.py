"""Failed turns: which request is a client's own repeat of one that failed at a host just now, and so is told the same again.

One failing turn is one decision upstream, not thirty (notes on clients, 5.2). But a person who asks again is asked for: what broke by
chance may work now. Nothing in a request says who repeats it, but for a counter that some SDKs send; what tells them apart is the time.
"""

from __future__ import annotations

import copy
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from localrouter.core.errors import RouterError

FAILURES = 256
FIRST_S, FIRST_NAMED_S, GROWTH, PAUSE_S, RUN_S = 4.0, 10.0, 3.5, 45.0, 150.0
"""How a client's own repeats of a failed turn follow each other: the first within FIRST_S of the failure, each later one after at most GROWTH
times the longest pause before, PAUSE_S at most; RUN_S after the failure they are over. A client that names its conversation gets FIRST_NAMED_S:
in a conversation a person's second try is a new message, so an equal body is the program's. From the clients' sources, and seen in runs:

    client            pauses                                              repeats, seconds in all
    cn 1.5.47         1 s x 1.6, at most 30 s, each cut to 50-100 %       10, 129 (exponentialBackoff.ts; 94 to 108 seen)
    opencode 1.18     2 s x 2, +0-25 %; or what `retry-after` says        5, 78 (RETRY_INITIAL_DELAY; 72 and 77 seen, 5.7 the first)
    aider 0.86        0.25 s x 2, up to 60 s                              8, 64 (base_coder.py, RETRY_TIMEOUT)
    AI SDK            2 s x 2                                             2, 6
    Codex 0.169       0.2 s x 2, +-10 %, anew for each new stream         30, 20
    SDKs of OpenAI, Anthropic   0.5 s x 2, at most 8 s, -25 %             2; none when told `x-should-retry: false`

Those of cn are new calls on new connections with an `x-stainless-retry-count` of 0, and most others have no such header, so only their rhythm
shows what they are. A person reads what went wrong first; who is faster than FIRST_S is told how long to wait."""


def counted(headers: Mapping[str, str]) -> bool:
    """Whether an SDK of OpenAI or Anthropic says that it repeats (`x-stainless-retry-count` above 0)."""
    count = headers.get("x-stainless-retry-count", "")
    return count.isascii() and count.isdigit() and int(count) > 0


@dataclass(slots=True)
class Failure:
    """How a turn failed, when (`at`), when a client was told so last (`told`), and the longest pause before a repeat so far; monotonic seconds.

    A repeat that follows in a client's rhythm is told the same again. One that comes later is a person's, or a client's whose host named a
    longer time (`retry-after`) that is over now: either is asked anew, and what becomes of it is a decision of its own. So a connection
    that broke by chance bars nobody: a person who waits as long as reading takes is asked for at once.
    """

    error: RouterError
    request_id: str
    at: float
    told: float
    first: float = FIRST_S
    pause: float = 0.0

    def repeats(self, now: float, *, sure: bool) -> bool:
        """Whether a request that comes `now` is a client's own repeat. `sure`: the client says that it is."""
        if now - self.at > RUN_S or self._invited(now):
            return False
        return sure or now - self.told <= self.wait

    def _invited(self, now: float) -> bool:
        named = self.error.retry_after
        return named is not None and named > self.first and now - self.at >= named

    @property
    def wait(self) -> float:
        """The longest pause that still is a client's."""
        return min(PAUSE_S, max(self.first, GROWTH * self.pause))

    def tell(self, now: float) -> None:
        """A repeat is told of it."""
        self.pause = max(self.pause, now - self.told)
        self.told = now

    def again(self) -> RouterError:
        """The error, with what is left of its `retry_after` and a word to a person who meant to ask anew."""
        error = copy.copy(self.error)
        if error.retry_after is not None:
            error.retry_after = max(1.0, error.retry_after - (self.told - self.at))
        if error.retryable:
            again = f"The host was not asked again, since a program seems to repeat by itself; wait {self.wait:.0f} seconds to ask anew."
            error.do = f"{error.do} {again}".strip()
        return error


class FailedTurns:
    """The last FAILURES failures, by the key of their request."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Failure] = OrderedDict()

    def keep(self, key: bytes, error: RouterError, request_id: str) -> None:
        now = time.monotonic()
        self._kept.pop(key, None)
        self._kept[key] = Failure(error, request_id, now, now)
        while len(self._kept) > FAILURES:
            self._kept.popitem(last=False)

    def repeat(self, key: bytes, *, sure: bool = False, named: bool = False) -> Failure | None:
        """The failure that a request with this key repeats, told once more; None when it is to be asked. `sure`: the client says that it
        repeats; `named`: it names its conversation."""
        failure, now = self._kept.get(key), time.monotonic()
        if failure is None:
            return None
        failure.first = FIRST_NAMED_S if named else FIRST_S
        if not failure.repeats(now, sure=sure):
            del self._kept[key]
            return None
        failure.tell(now)
        return failure
