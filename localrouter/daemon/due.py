"""The time limits of one request that its route sets (`[route.limits]`), kept by the runner's clock.

`first_token_ms` runs from a call to its first content, `total_ms` from when the request came to the end of its answer. What the inspector needs
counts in the second; it has limits of its own for each text (DESIGN section 7), and a decision takes no time worth a limit.
The limits to every host (DESIGN section 4) are egress's and hold beside these.
"""

from __future__ import annotations

import time

from localrouter.core.errors import HostTimeout, RouterError, TimeIsUp


class Deadlines:
    """Monotonic seconds. Made when the request comes."""

    def __init__(self) -> None:
        self._came = time.monotonic()
        self._first_s: float | None = None
        self._total_s: float | None = None
        self._called = self._came

    def begin(self, first_s: float | None, total_s: float | None) -> None:
        """A call begins."""
        self._first_s, self._total_s, self._called = first_s, total_s, time.monotonic()

    def _left(self, first: bool) -> float | None:
        """Seconds until the nearer of the limits that hold now; None without any."""
        now = time.monotonic()
        ends = [self._called + self._first_s] if first and self._first_s is not None else []
        if self._total_s is not None:
            ends.append(self._came + self._total_s)
        return min(ends) - now if ends else None

    def within(self, seconds: float | None, *, first: bool) -> float | None:
        """`seconds`, or what is left when that is less."""
        left = self._left(first)
        if left is None:
            return seconds
        return max(0.0, left if seconds is None else min(seconds, left))

    def over(self, *, first: bool) -> bool:
        """Whether a limit is reached. `first`: no content has come."""
        left = self._left(first)
        return left is not None and left <= 0

    def ends_within(self, total_s: float | None, seconds: float) -> bool:
        """Whether the request's time is over in so many seconds."""
        return total_s is not None and time.monotonic() + seconds >= self._came + total_s

    def error(self, who: str, *, first: bool) -> RouterError:
        """The limit that was reached, told."""
        if self._total_s is not None and time.monotonic() >= self._came + self._total_s:
            return TimeIsUp(
                f"The request was not answered in {self._total_s:g} seconds, the limit of its route.",
                "Ask again, or raise `total_ms`.",
            )
        return HostTimeout(
            f"{who} had not begun its answer after {self._first_s:g} seconds, which is how long it is waited for.",
            "Ask again, or raise `first_token_ms`.",
        )
