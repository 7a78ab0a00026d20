"""The time limits of one request, kept by the runner's clock: those of its recipe (`[limits]`), for the steps before a route is known, and those
of its route (`[route.limits]`).

`inspect_ms` is the privacy scan's, `decide_ms` runs from its end to the plan. `first_token_ms` runs from a call to its first content, `total_ms`
from when the request came to the end of its answer; what the steps before needed counts in it. The inspector has limits of its own for each text
(DESIGN section 7), and the limits to every host (DESIGN section 4) are egress's: they hold beside these.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from localrouter.core.errors import HostTimeout, PrivacyUnsure, RouterError, TimeIsUp


@contextlib.asynccontextmanager
async def scanned_within(ms: int | None) -> AsyncIterator[None]:
    """Raises PrivacyUnsure when the scan inside takes longer. What was read by then is not read again."""
    try:
        async with asyncio.timeout(ms / 1000 if ms is not None else None):
            yield
    except TimeoutError:
        raise PrivacyUnsure(
            f"The privacy scan was not done in {ms} ms, the limit of the recipe.",
            "Ask again: what was read is not read twice. Or raise `inspect_ms` in its [limits].",
        ) from None


class Deadlines:
    """Monotonic seconds. Made when the request comes."""

    def __init__(self) -> None:
        self._came = time.monotonic()
        self._first_s: float | None = None
        self._total_s: float | None = None
        self._called = self._came
        self._decide_ms: int | None = None
        self._deciding = self._came

    @contextlib.asynccontextmanager
    async def decided_within(self, ms: int | None) -> AsyncIterator[None]:
        """From now to the plan. Raises TimeIsUp when what is awaited inside takes longer; `undecided` says it of the rest."""
        self._decide_ms, self._deciding = ms, time.monotonic()
        try:
            async with asyncio.timeout(ms / 1000 if ms is not None else None):
                yield
        except TimeoutError:
            raise self._not_decided() from None

    def undecided(self) -> RouterError | None:
        """With the plan in hand: whether it came too late."""
        late = self._decide_ms is not None and time.monotonic() - self._deciding > self._decide_ms / 1000
        return self._not_decided() if late else None

    def _not_decided(self) -> TimeIsUp:
        return TimeIsUp(
            f"The request was not decided in {self._decide_ms} ms, the limit of the recipe; nothing was sent.",
            "Ask again, or raise `decide_ms` in its [limits].",
        )

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
