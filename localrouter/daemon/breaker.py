"""A breaker: a host that fails again and again is cut off for a while, then tried by one request.

The numbers are those of Envoy's outlier detection (`consecutive_5xx` 5, `base_ejection_time` 30 s times the number of ejections,
`max_ejection_time` 300 s; Envoy documentation, "Outlier detection") and, for a host that fails often but not always, of Hystrix and its heirs:
more than half of 20 calls and more within a minute. A 4xx that we are to blame for is no fault of the host and never counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

State = Literal["closed", "open", "half_open"]

IN_A_ROW = 5
SHARE, CALLS, WINDOW_S = 0.5, 20, 60.0
BASE_S, MOST_S = 30.0, 300.0
PROBE_S = 900.0
"""A probe of which nothing was heard for so long is given up: the longest that a host may take to begin an answer."""
KEPT = 512
"""Calls that are remembered within the window."""


@dataclass(slots=True)
class Breaker:
    """Of one host. Times are monotonic seconds and are handed in. `opened`: how often in a row; it starts anew after a quiet time."""

    row: int = 0
    opened: int = 0
    until: float | None = None
    probe: float | None = None
    closed_at: float = 0.0
    last: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=KEPT))

    def state(self, now: float) -> tuple[State, float]:
        """(state, when an open one lets a request try). While a probe is under way the breaker is open to all others."""
        if self.until is None:
            return "closed", 0.0
        if now < self.until:
            return "open", self.until
        if self.probe is not None and now - self.probe < PROBE_S:
            return "open", now + 1.0
        return "half_open", self.until

    def begin(self, now: float) -> bool:
        """Whether a call may begin. The one that does while the breaker is half open is the probe."""
        state, _ = self.state(now)
        if state == "half_open":
            self.probe = now
        return state != "open"

    def released(self) -> None:
        """The probe ended and says nothing of the host: its client left, or the fault was ours."""
        self.probe = None

    def well(self, now: float) -> None:
        """The host answered."""
        self.row = 0
        self._add(now, False)
        if self.until is not None and now >= self.until:
            self.until = self.probe = None
            self.closed_at = now
            self.last.clear()

    def fault(self, now: float) -> None:
        """The host failed. What was already under way when the breaker opened does not open it again."""
        self.row += 1
        self._add(now, True)
        if self.until is not None:
            if now >= self.until and self.probe is not None:
                self._open(now)
            return
        faults = sum(bad for _, bad in self.last)
        if self.row >= IN_A_ROW or (len(self.last) >= CALLS and faults > SHARE * len(self.last)):
            if self.opened and now - self.closed_at > MOST_S:
                self.opened = 0
            self._open(now)

    def _add(self, now: float, bad: bool) -> None:
        self.last.append((now, bad))
        while self.last and now - self.last[0][0] > WINDOW_S:
            self.last.popleft()

    def _open(self, now: float) -> None:
        self.opened += 1
        self.until = now + min(MOST_S, BASE_S * self.opened)
        self.probe = None
        self.row = 0
        self.last.clear()
