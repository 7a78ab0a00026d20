"""What the relay wants done. The runner carries each out and answers with one event."""

from __future__ import annotations

from dataclasses import dataclass, field

from localrouter.core.chat import Chunk
from localrouter.core.decide import Attempt, Plan
from localrouter.core.errors import RouterError
from localrouter.core.money import Usage


@dataclass(frozen=True, slots=True)
class Inspect:
    """Scan every leaf. -> Inspected | Failed | ClientGone"""


@dataclass(frozen=True, slots=True)
class Decided:
    """The plan, for the record. -> Done"""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Reserve:
    """Commit a reservation at the attempt's ceiling. -> Reserved | Failed"""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Call:
    """Veil for the destination and start the call. -> Done | Failed | ClientGone"""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Next:
    """The next chunk. -> Got | Ended | Failed | ClientGone"""


@dataclass(frozen=True, slots=True)
class Emit:
    """Restore and write a chunk to the client. -> Done | Failed | ClientGone"""

    chunk: Chunk


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


Command = Inspect | Decided | Reserve | Call | Next | Emit | Hangup | Settle | Refuse
