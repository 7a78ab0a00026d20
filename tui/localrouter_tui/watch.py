"""What the TUI asks the daemon, and how often: little when nothing happens. Knows no widget.

A look is two small questions: how the daemon is, and the newest trace. The list and the budget are asked for only when the newest
trace is another one, when requests are under way, or now and then (a trace may be forgotten, a day ends).
"""

from __future__ import annotations

from dataclasses import dataclass

from localrouter_tui.client import Daemon
from localrouter_tui.records import Row, Spend, Status, rows

LIMIT = 200
"""Rows of the list. More would be scrolled by nobody; the filter searches all traces."""
WHOLE_EVERY = 30
"""Every so many looks the list and the budget are read whatever the newest trace is."""
QUIET_AFTER = 30
QUIET_EVERY = 3
"""After so many looks without change, only every third second looks: a TUI left open must not keep a laptop awake."""


@dataclass(frozen=True, slots=True)
class Filter:
    """`words`: all must be in the veiled text. `lane`: hosted, local, none (refused), or empty for all."""

    words: str = ""
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look."""

    status: Status
    spend: Spend
    rows: tuple[Row, ...]


class Watch:
    """Looks through one filter at a time."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._filter = Filter()
        self._last: Seen | None = None
        self._looks = 0
        self._ticks = 0
        self._quiet = 0

    def wake(self) -> None:
        """A person is here, or something happened: look each second again."""
        self._quiet = 0

    def due(self) -> bool:
        """Called once a second: whether this second looks."""
        self._ticks += 1
        return self._quiet < QUIET_AFTER or self._ticks % QUIET_EVERY == 0

    async def look(self, filter: Filter) -> Seen:
        """Raises DaemonDown, Refused, Odd; the next look is then a whole one."""
        last, self._last = self._last, None
        whole = last is None or filter != self._filter or self._looks % WHOLE_EVERY == 0
        self._looks += 1
        self._filter = filter
        status = Status.of(await self._daemon.get("status"))
        newest = await self._list(filter, 1)
        if last is None or whole or newest != last.rows[:1]:
            seen = Seen(status, await self._spend(), await self._list(filter, LIMIT))
        else:
            moving = status.in_flight or last.status.in_flight
            seen = Seen(status, await self._spend() if moving else last.spend, last.rows)
        self._quiet = self._quiet + 1 if seen == last else 0
        self._last = seen
        return seen

    async def _spend(self) -> Spend:
        return Spend.of(await self._daemon.get("budget"))

    async def _list(self, filter: Filter, limit: int) -> tuple[Row, ...]:
        return rows(await self._daemon.get("traces", limit=limit, q=filter.words or None, lane=filter.lane or None))
