"""Running totals of each user's windows, so that a reservation costs the same at the end of a month as at its start.

The database is the truth: a window is summed once, by a query, and kept current by the jobs that change it. Jobs of a group whose
commit failed leave totals that are wrong, so the writer then forgets them all. Touched in the writer's thread; read anywhere.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

_SPENT = "SELECT coalesce(sum(cost), 0) FROM holds WHERE user = ? AND settled IS NOT NULL AND opened >= ? AND opened < ?"
_HELD = "SELECT coalesce(sum(micro), 0) FROM holds WHERE user = ? AND settled IS NULL"
_DENSITY = (
    "SELECT max(1.0 * (input + cache_read + cache_write + cache_write_1h) / sent_bytes) FROM holds"
    " WHERE session = ? AND settled IS NOT NULL AND estimated = 0 AND sent_bytes > 0 AND input IS NOT NULL AND outcome = 'done'"
)
SESSIONS = 10_000


@dataclass(slots=True)
class Window:
    """[start, end) in epoch seconds, and what was settled of calls opened in it, in micro-dollars."""

    start: float
    end: float
    spent: int


class Totals:
    """See the module."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], Window] = {}
        self._held: dict[str, int] = {}
        self._density: dict[str, float | None] = {}

    def forget(self) -> None:
        """After a failed commit."""
        self._windows.clear()
        self._held.clear()
        self._density.clear()

    def known(self, user: str, scope: str, now: float) -> tuple[Window, int] | None:
        """The window that holds this instant and what is held, when both are known."""
        window, held = self._windows.get((user, scope)), self._held.get(user)
        return (window, held) if window is not None and held is not None and window.start <= now < window.end else None

    def load(self, db: sqlite3.Connection, user: str, scope: str, start: float, end: float) -> tuple[Window, int]:
        """Sum a window."""
        window = Window(start, end, int(db.execute(_SPENT, (user, start, end)).fetchone()[0]))
        self._windows[user, scope] = window
        if user not in self._held:
            self._held[user] = int(db.execute(_HELD, (user,)).fetchone()[0])
        return window, self._held[user]

    def reserved(self, user: str, micro: int) -> None:
        if user in self._held:
            self._held[user] += micro

    def settled(self, user: str, opened: float, micro: int, cost: int) -> None:
        if user in self._held:
            self._held[user] -= micro
        for (who, _), window in self._windows.items():
            if who == user and window.start <= opened < window.end:
                window.spent += cost

    def density(self, session: str) -> tuple[bool, float | None]:
        """(known, value)."""
        return session in self._density, self._density.get(session)

    def load_density(self, db: sqlite3.Connection, session: str) -> float | None:
        value = db.execute(_DENSITY, (session,)).fetchone()[0]
        while len(self._density) >= SESSIONS:
            self._density.pop(next(iter(self._density)), None)
        self._density[session] = float(value) if value else None
        return self._density[session]

    def observed(self, session: str, tokens: int, sent_bytes: int) -> None:
        """A settlement with reported usage."""
        if session in self._density and sent_bytes > 0 and tokens > 0:
            self._density[session] = max(self._density[session] or 0.0, tokens / sent_bytes)
