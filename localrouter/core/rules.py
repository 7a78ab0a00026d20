"""The grammar of a recipe's own gates: risk domains, lists of models, the loop guard (DESIGN sections 5 and 6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from localrouter.core.contract import Contract
from localrouter.core.signals import Signals
from localrouter.core.strict import Strict
from localrouter.core.words import RISKS, Risk

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class DomainRule(Strict):
    """`[domains.medical]`: what holds for requests about a domain where a wrong answer harms someone. `from_risk`: the least risk at which it
    holds. `route`: this route is taken, whichever else would match. `targets`: only these may answer (texts with `*`). `contract`: what the
    answer must satisfy, beside what the route says. `review`: the answer is marked for a person to look at."""

    from_risk: Risk = "low"
    route: str | None = None
    targets: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    contract: Contract | None = None
    review: bool = False

    def holds(self, signals: Signals) -> bool:
        """Whether the request's risk is high enough."""
        return RISKS.index(signals.risk) >= RISKS.index(self.from_risk)


Mapped = Annotated[str, StringConstraints(pattern=r"^(local:[\w.-]+|[\w.-]+/[\w.:/@-]+)$")]
"""What a client's name may stand for: a local model, `host/model`, or a name of core/virtual.py."""


class ModelRules(Strict):
    """`[models]`: which models may answer, as texts with `*` over `host/model`. `allow`: none but these, of the hosted ones. `deny`: not these;
    it may name local ones too (`local:*`) and goes before `allow`. And what becomes of a model that a client names, in its own words:
    `map`: the first pattern that covers the name says what it stands for, before any route is looked at. `honour`: the names that clients may
    choose; any other is as if `localrouter/auto` had been asked for. The names of core/virtual.py are always kept."""

    allow: tuple[Pattern, ...] | None = None
    deny: tuple[Pattern, ...] = ()
    honour: tuple[Pattern, ...] = ("*",)
    map: dict[Pattern, Mapped] = Field(default_factory=dict)


class Loop(Strict):
    """`[loop]`: when a conversation goes round. `same_calls`: how often in a row the same tool calls may bring the same results (0: never
    looked at). `same_requests`: how often in a minute the same request may come from one user (0: as often as it likes)."""

    same_calls: int = Field(default=12, ge=0, le=1000)
    same_requests: int = Field(default=0, ge=0, le=100_000)


def joined(first: Contract | None, second: Contract | None) -> Contract | None:
    """Both contracts as one; where both say something, the second (the domain's) wins."""
    if first is None or second is None:
        return first or second
    return first.model_copy(update={k: getattr(second, k) for k in second.model_fields_set})
