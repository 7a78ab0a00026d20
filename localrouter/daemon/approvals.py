"""Tool calls that a person has to allow: they wait here, in memory, until somebody says yes or no, or their time is over.

The calls are kept as they would be made, with the private values in them: who allows a command has to read it. They are shown to the control API
alone and are gone with the answer.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from localrouter.core.judge import ToolCalled

log = logging.getLogger("localrouter")

WAITING = 100
"""That wait at a time; a call beyond is refused."""
SHOWN = 20_000
"""Characters of a call's arguments that are shown; beyond, that they go on is said."""

Answer = Literal["allowed", "denied", "expired", "crowded"]


@dataclass(slots=True)
class _Waiting:
    request: str
    who: str
    route: str
    model: str
    calls: tuple[ToolCalled, ...]
    until: float
    since: float = field(default_factory=time.time)
    said: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Approvals:
    """One daemon's. Used from its event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}

    async def ask(self, calls: Sequence[ToolCalled], *, request: str, who: str, route: str, model: str, wait_s: float) -> Answer:
        """Wait for a person. Cancelled with the request: a client that has gone asks nobody any more."""
        if len(self._waiting) >= WAITING:
            return "crowded"
        id_ = secrets.token_hex(3)
        one = self._waiting[id_] = _Waiting(request, who, route, model, tuple(calls), time.time() + wait_s)
        log.info("request %s: %d tool calls wait for a person: localrouter approvals", request, len(one.calls))
        try:
            async with asyncio.timeout(wait_s):
                return "allowed" if await one.said else "denied"
        except TimeoutError:
            return "expired"
        finally:
            del self._waiting[id_]

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def answer(self, id_: str, allow: bool) -> bool:
        """Say yes or no; whether anything waited under this id."""
        one = self._waiting.get(id_)
        if one is None or one.said.done():
            return False
        one.said.set_result(allow)
        return True

    def table(self) -> list[dict[str, Any]]:
        """What waits, oldest first."""
        return [
            {
                "id": id_, "request": w.request, "since": w.since, "until": w.until, "who": w.who, "route": w.route, "model": w.model,
                "calls": [{"tool": c.name, "arguments": _shown(c.arguments)} for c in w.calls],
            }
            for id_, w in self._waiting.items()
        ]  # fmt: skip


def _shown(arguments: str) -> str:
    more = len(arguments) - SHOWN
    return arguments if more <= 0 else f"{arguments[:SHOWN]} ... ({more} more characters)"
