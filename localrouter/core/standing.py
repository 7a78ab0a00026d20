"""Standing: the state of the world that a decision reads, taken at one instant and recorded for replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from localrouter.core.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Health:
    """How a host or a model did of late (daemon/health.py). `state`: of its breaker; `until` when an open one lets a probe pass. Rates are in
    [0, 1] of the last calls, `calls` how many there are; times in milliseconds to the first content, None before the first answer."""

    state: Literal["closed", "open", "half_open"] = "closed"
    until: float = 0.0
    calls: int = 0
    errors: float = 0.0
    refusals: float = 0.0
    broken: float = 0.0
    first_ms: float | None = None
    first_p95_ms: float | None = None


WELL = Health()


@dataclass(frozen=True, slots=True)
class Standing:
    """`remaining` is what the tightest budget still pays, in micro-dollars (None: no budget is set).
    `keys` are the hosts that have a key (hosts without need of one included). `local` is the chat model's name, or "".
    `refused` are the hosts that a moment ago refused our key or account, and the status they said it with.
    `locals` are the other local targets that may be asked (`local:NAME`), and the context of each in tokens.
    `served` is the model that answered this conversation last (`served_asked`: which one the client named then), or "".
    `health`: by name of host and id of model, those of which something is known. `minute`: of the day, in the machine's own time."""

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
    keyring_waiting: bool = False
    cooling: dict[str, float] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    served: str = ""
    served_asked: str = ""
    health: dict[str, Health] = field(default_factory=dict)
    minute: int = 0
