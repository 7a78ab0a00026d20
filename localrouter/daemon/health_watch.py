"""One request's attempts as health sees them: the relay's commands and what came of each, and nothing that the runner would have to tell apart.

A host that answers may still answer badly: refusals are known by its own word (a finish, a refusal's text) or by the first words of an answer
(core/hearing.py); broken formats by what the contract's judge says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from localrouter.core import commands as c
from localrouter.core import errors as e
from localrouter.core import events as ev
from localrouter.core.chat import Chunk
from localrouter.core.decide import Attempt
from localrouter.core.hearing import FIRST, declines
from localrouter.daemon.health import Health

GRACE_S = 0.5
"""A time-out so soon after a limit of the route is the limit's doing."""
LEAST_TOKENS = 16
"""Of an answer that says how fast a model writes."""


@dataclass(slots=True)
class _Call:
    attempt: Attempt
    began: float
    limit_s: float | None
    first_at: float | None = None
    ended_at: float | None = None
    slow: bool = False
    text: str = ""
    refused: bool = False
    tools: bool = False
    whole: bool = False
    tokens: int = 0
    error: e.RouterError | None = None


class Watch:
    """Of one request. `stream`: its answers come piece by piece, so that a first word has a time. `now`: monotonic seconds."""

    def __init__(self, health: Health, *, stream: bool, now: Callable[[], float] = time.monotonic) -> None:
        self._health, self._stream, self._now = health, stream, now
        self._call: _Call | None = None

    def begins(self, command: c.Call) -> None:
        """Before a call. Raises errors.CutOff where its host is cut off."""
        self.close()
        began = self._health.began(command.attempt)
        # A doubtful host is hurried by us, and what it fails then is its own fault again; a route's limit says nothing of a host.
        hurried = command.attempt.first_ms is not None and command.first_s == command.attempt.first_ms / 1000
        self._call = _Call(command.attempt, began, None if hurried else command.first_s)

    def saw(self, command: c.Command, event: ev.Event) -> None:
        """What came of a command."""
        call = self._call
        if call is None:
            return
        match command, event:
            case ((c.Call() | c.Next()), ev.Failed(error)):
                self._over(error)
            case ((c.Call() | c.Next() | c.Emit()), ev.ClientGone()):
                self._over(None, gone=True)
            case _, ev.Got(chunk):
                self._heard(call, chunk)
            case c.Next(), ev.Ended():
                self._over(e.HostTruncated("The answer ended without its end."))
            case c.Judge(), ev.Judged(error) if error is not None:
                call.error = error
            case c.Settle(), _:
                call.tokens = command.usage.output if isinstance(command, c.Settle) and not command.estimated else 0
                if isinstance(command, c.Settle) and isinstance(command.error, e.AnswerFault | e.HostTruncated):
                    call.error = command.error

    def close(self) -> None:
        """No more of this attempt is seen."""
        call = self._call
        if call is None:
            return
        if call.whole or call.error is not None:
            self._over(call.error)
        else:
            self._over(None, gone=True)

    def _heard(self, call: _Call, chunk: Chunk) -> None:
        if chunk.error is not None:
            self._over(chunk.error)
            return
        if call.first_at is None and chunk.content:
            call.first_at = self._now()
            call.slow = self._health.first(call.attempt, call.began, timed=self._stream)
        for piece in chunk.pieces:
            kind = piece.channel.kind
            if kind == "tool":
                call.tools = True
            elif kind == "refusal" and piece.text:
                call.refused = True
            elif kind == "text" and len(call.text) < FIRST and not piece.whole:
                call.text += piece.text[:FIRST]
        if chunk.finish and not {"refusal", "content_filter"}.isdisjoint(chunk.finish.values()):
            call.refused = True
        if chunk.terminal and not call.whole:
            call.whole, call.ended_at = True, self._now()

    def _over(self, error: e.RouterError | None, *, gone: bool = False) -> None:
        call, self._call = self._call, None
        assert call is not None
        if error is None and not gone and (call.refused or (not call.tools and declines(call.text))):
            error = e.Refused("The model declined.")
        ended = self._now() if call.ended_at is None else call.ended_at
        seconds = ended - call.first_at if call.first_at is not None and self._stream else 0.0
        speed = round(call.tokens / seconds, 1) if call.tokens >= LEAST_TOKENS and seconds > 0 else None
        waited = self._now() - call.began
        impatient = call.limit_s is not None and call.first_at is None and waited <= call.limit_s + GRACE_S
        ours = isinstance(error, e.HostTimeout) and impatient
        self._health.ended(call.attempt, error, gone=gone, ours=ours, slow=call.slow, tokens_s=speed)
