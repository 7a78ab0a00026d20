"""Standing: the state of the world that a decision reads, taken at one instant and recorded for replay."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from localrouter.core.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Health:
    """How a host or a model did of late (daemon/health.py). `state`: of its breaker; `until` when an open one lets a probe pass. Shares are in
    [0, 1] of the last calls, `calls` how many there are: `errors` calls that failed, `refusals` answers that refused, `broken` answers that
    broke what they had to satisfy, `slow` answers that took many times as long as usual. Times in milliseconds to the first content, None
    before the first answer: `first_ms` the median of late, `usual_ms` what it is over a longer time. `tokens_s`: tokens written a second.
    `in_a_row`: faults of a host since it last answered."""

    state: Literal["closed", "open", "half_open"] = "closed"
    until: float = 0.0
    calls: int = 0
    errors: float = 0.0
    refusals: float = 0.0
    broken: float = 0.0
    slow: float = 0.0
    first_ms: float | None = None
    first_p95_ms: float | None = None
    usual_ms: float | None = None
    tokens_s: float | None = None
    in_a_row: int = 0


WELL = Health()

FEWEST = 5
"""Calls below which a share says nothing."""
BAD = 0.10
"""A host or model is degraded when at least this share of its calls goes wrong beyond doubt: the lower end of Wilson's interval lies above."""
Z = 1.645
"""One-sided 95 %."""
SLOWER = 2.0
"""Times slower than usual at which speed alone is a reason to ask another first."""


def surely(share: float, n: int) -> float:
    """The lower end of Wilson's score interval for a share of n (Wilson 1927; Newcombe 1998, method 3)."""
    if n <= 0:
        return 0.0
    z2 = Z * Z
    return (share + z2 / (2 * n) - Z * math.sqrt((share * (1 - share) + z2 / (4 * n)) / n)) / (1 + z2 / n)


def ailing(health: Health) -> str:
    """What is wrong with a host or model that still answers, in words that follow its name ("30 % of its last 50 calls failed"), or ""."""
    n = health.calls
    if n >= FEWEST:
        bad = health.errors + health.refusals + health.broken + health.slow
        if bad and surely(min(1.0, bad), n) >= BAD:
            shares = (
                (health.errors, "failed"),
                (health.refusals, "were refused"),
                (health.broken, "broke their format"),
                (health.slow, "were slow"),
            )
            (share, word), *more = [(s, w) for s, w in shares if s]
            return ", ".join([f"{share * 100:.0f} % of its last {n} calls {word}", *(f"{s * 100:.0f} % {w}" for s, w in more)])
        if health.first_ms and health.usual_ms and health.first_ms >= SLOWER * health.usual_ms:
            return (
                f"its first word takes {health.first_ms:.0f} ms of late, {health.first_ms / health.usual_ms:.1f} times the usual"
            )
    return ""


@dataclass(frozen=True, slots=True)
class Warm:
    """What the host of the model that answered a conversation last holds of it in its prompt cache. `tokens`: expected to be read from the
    cache, 0 where hits were looked for and none seen, or where it is cold by now; `prompt`: of the last turn, in tokens; `output`: tokens of
    its answer. `seen`: whether a hit was observed in this conversation."""

    tokens: int
    prompt: int
    output: int
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """`remaining` is what the tightest budget still pays, in micro-dollars (None: no budget is set).
    `keys` are the hosts that have a key (hosts without need of one included). `local` is the chat model's name, or "".
    `refused` are the hosts that a moment ago refused our key or account, and the status they said it with.
    `locals` are the other local targets that may be asked (`local:NAME`), and the context of each in tokens. `local_languages`: of the chat
    model, ISO 639-1; none where nobody knows.
    `served` is the model that answered this conversation last (`served_asked`: which one the client named then, `served_route`: by which
    route), or ""; `warm` what its host's prompt cache holds, None where nobody knows.
    `health`: by name of host and id of model, those of which something is known. `minute`: of the day, in the machine's own time.
    `rounds`: how often the conversation's last tool calls brought the same results in a row (core/loops.py); `repeats`: how often this very
    request came from this user in the last minute, this time included. Both are counted where the recipe limits them.
    `tool_calls`: by route, how many this user's models made in the last minute, of the routes that limit them."""

    now: float
    catalogue: Catalogue
    remaining: int | None
    resets_at: float | None = None
    budget: str = ""
    keys: frozenset[str] = frozenset()
    local: str = ""
    local_context: int = 0
    local_why_not: str = ""
    locals: dict[str, int] = field(default_factory=dict)
    local_languages: tuple[str, ...] = ()
    keyring_waiting: bool = False
    cooling: dict[str, float] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    served: str = ""
    served_asked: str = ""
    served_route: str = ""
    warm: Warm | None = None
    health: dict[str, Health] = field(default_factory=dict)
    minute: int = 0
    rounds: int = 0
    repeats: int = 0
    tool_calls: dict[str, int] = field(default_factory=dict)
