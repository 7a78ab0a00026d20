"""The daemon's budget of retries: at most a share of its calls, so that a host in trouble is not met with more of the same.

As Finagle's RetryBudget (Twitter, "Finagle: Clients", retries): each call earns SHARE of a retry, a retry spends one, and LEAST are there from
the beginning, for a daemon that calls seldom. What is earned is kept up to MOST.
"""

from __future__ import annotations

SHARE = 0.1
"""Retries a call (notes on security, section 4, rule 3)."""
LEAST, MOST = 10.0, 50.0


class Retries:
    """One daemon's. `left`: how many may be made now; `made` and `denied` count."""

    def __init__(self) -> None:
        self.left = LEAST
        self.made = self.denied = 0

    def called(self) -> None:
        """A call was begun that is no retry."""
        self.left = min(MOST, self.left + SHARE)

    def take(self) -> bool:
        """Whether a retry may be made; it is counted."""
        if self.left < 1.0:
            self.denied += 1
            return False
        self.left -= 1.0
        self.made += 1
        return True
