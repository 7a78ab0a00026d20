"""What the relay wants done. The runner carries each out and answers with one event.

Times are seconds. The relay has no clock: a command carries its deadline, and the runner keeps it. `total_s` counts from when the request
came (`limits.total_ms`), over all attempts together; None: no limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from localrouter.core.chat import Chunk
from localrouter.core.errors import RouterError
from localrouter.core.money import Usage
from localrouter.core.plan import Attempt, Plan
from localrouter.core.terms import Terms
from localrouter.core.words import FailureKind


@dataclass(frozen=True, slots=True)
class Inspect:
    """Scan every leaf. -> Inspected | Failed | ClientGone"""


@dataclass(frozen=True, slots=True)
class Unscanned:
    """Go on without findings, pinned to this machine (law 1): no text of the request may leave. -> Inspected | Failed"""


@dataclass(frozen=True, slots=True)
class Decided:
    """The plan, for the record. -> Done | Failed where it took longer than the recipe allows"""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Reserve:
    """Commit a reservation at the attempt's ceiling. -> Reserved | Failed"""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Call:
    """Veil for the destination and start the call. `first_s`: from now to the first content. `complaint`: what was wrong with the answer that
    was judged last; the model is sent that answer, veiled again, and this. -> Done | Failed | ClientGone"""

    attempt: Attempt
    first_s: float | None = None
    total_s: float | None = None
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """The next chunk. `first`: no content has come yet, so the call's `first_s` holds. -> Got | Ended | Failed | ClientGone"""

    first: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """Restore the whole answer and hold it against what was promised; nothing of it is written yet. Without chunks, before any call: only
    whether it can be judged, which a schema that is none cannot. Calls that a person has to allow wait for one. -> Judged | Failed |
    ClientGone"""

    chunks: tuple[Chunk, ...]
    terms: Terms


@dataclass(frozen=True, slots=True)
class Emit:
    """Restore and write a chunk to the client; what was judged is restored already. -> Done | Failed | ClientGone"""

    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Wait:
    """Before the same attempt is made again: `least_s`, and up to `jitter_s` more by chance (full jitter). -> Done | NotNow | ClientGone"""

    least_s: float
    jitter_s: float
    total_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stepped:
    """A failure and what the route does about it, for the record. `step` is "" where no step was left. `target`: who is asked next, or "".
    -> Done"""

    kind: FailureKind
    step: str
    target: str
    failed: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """Cancel what is left of the call. -> Done"""


@dataclass(frozen=True, slots=True)
class Settle:
    """Commit the one settlement of a hold; `error` is what ended the attempt, for the record. -> Done | Failed"""

    hold: str
    micro: int
    usage: Usage
    estimated: bool
    outcome: str
    error: RouterError | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an error: a status when nothing was sent yet, else the dialect's error event. -> Done"""

    error: RouterError


Command = Inspect | Unscanned | Decided | Reserve | Call | Next | Judge | Emit | Wait | Stepped | Hangup | Settle | Refuse
