"""What happens to one request, as the relay sees it. Client gone is an event like any other."""

from __future__ import annotations

from dataclasses import dataclass

from localrouter.core.chat import Chunk
from localrouter.core.errors import RouterError
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing


@dataclass(frozen=True, slots=True)
class Inspected:
    """Every leaf has a positive verdict."""

    signals: Signals
    standing: Standing


@dataclass(frozen=True, slots=True)
class Reserved:
    """The reservation is committed."""

    hold: str


@dataclass(frozen=True, slots=True)
class Got:
    """The next chunk of the model."""

    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Ended:
    """The model's stream is over; whether its terminal event was seen is in the chunks."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a contract says of an answer. `error` is None when it holds; else `complaint` tells the model what to mend, and `size` is how many
    bytes the answer and the complaint add to the prompt."""

    error: RouterError | None = None
    complaint: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class NotNow:
    """The daemon's budget of retries is used up, or the wait would outlast the request's time."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A command could not be carried out. `where` names it."""

    error: RouterError


@dataclass(frozen=True, slots=True)
class ClientGone:
    """The client hung up; nobody reads any more."""


@dataclass(frozen=True, slots=True)
class Done:
    """The command was carried out; nothing to say."""


Event = Inspected | Reserved | Got | Ended | Judged | NotNow | Failed | ClientGone | Done
