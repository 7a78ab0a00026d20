"""Times of day for people. Given a zone and a now, so that tests and pictures are the same everywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Clock:
    """`zone` is None for the user's own."""

    zone: tzinfo | None = None
    now: Callable[[], float] = time.time

    def short(self, stamp: float) -> str:
        """Eight characters: the time of today, the day of another day."""
        at = self._at(stamp)
        return at.strftime("%H:%M:%S" if at.date() == self._at(self.now()).date() else "%d %b")

    def full(self, stamp: float) -> str:
        """Day and time."""
        return self._at(stamp).strftime("%Y-%m-%d %H:%M:%S")

    def _at(self, stamp: float) -> datetime:
        try:
            return datetime.fromtimestamp(stamp, self.zone).astimezone(self.zone)
        except (OverflowError, ValueError, OSError):  # a stamp from no calendar
            return datetime.fromtimestamp(0, self.zone).astimezone(self.zone)
