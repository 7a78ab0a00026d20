"""Chunks on their way to the client, in order: the one place where they are emitted, and the two ways in which that can stop.

What follows a stop differs (a running call is hung up and settled first, one that was settled is not), so it is left to who emits.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from localrouter.core.chat import Chunk
from localrouter.core.commands import Command, Emit, Refuse
from localrouter.core.errors import RouterError
from localrouter.core.events import ClientGone, Event, Failed


def emitted(chunks: Iterable[Chunk]) -> Generator[Command, Event, ClientGone | Failed | None]:
    """None: all were written. Else what stopped it, after which nothing more was emitted."""
    for chunk in chunks:
        event = yield Emit(chunk)
        if isinstance(event, (Failed, ClientGone)):
            return event
    return None


def ended(chunks: Iterable[Chunk]) -> Generator[Command, Event, tuple[str, RouterError | None]]:
    """The end of an answer, with nothing left to settle: (outcome, what the client was told of a failure)."""
    stop = yield from emitted(chunks)
    if isinstance(stop, Failed):
        yield Refuse(stop.error)
        return "cut", stop.error
    return ("done", None) if stop is None else ("client_gone", None)
