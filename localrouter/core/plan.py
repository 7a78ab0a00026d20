"""The types of a decision: what is weighed, by what, and what comes of it (core/decide.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from localrouter.core.ask import Ask
from localrouter.core.catalogue import Catalogue, Model, Zone
from localrouter.core.contract import Contract
from localrouter.core.errors import RouterError
from localrouter.core.hosted_tools import Offer
from localrouter.core.recipe import Recipe, Route
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing


@dataclass(frozen=True, slots=True)
class Candidate:
    """One target on its way through the gates. `model` is None for the local lane. `max_output` in tokens."""

    id: str
    lane: str
    max_output: int
    model: Model | None = None
    notes: tuple[str, ...] = ()

    def zone(self, catalogue: Catalogue) -> Zone:
        """Where it runs: the local lane is this machine; a model of a host is where the catalogue says."""
        return "machine" if self.model is None else catalogue.zone(self.model)


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a candidate may not serve. `code` is ASCII, for headers; `why` is a sentence for people, `do` one of what to do. Of a prompt that
    is too long (`context`): `limit` is what the candidate reads, `tokens` what was asked."""

    code: str
    why: str
    do: str = ""
    limit: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """All that a gate may look at. `memo`: what was worked out for one candidate and holds for the others."""

    ask: Ask
    signals: Signals
    recipe: Recipe
    standing: Standing
    route: Route
    memo: dict[str, Any] = field(default_factory=dict, compare=False)

    def offers(self, model: Model) -> tuple[Offer, ...]:
        """The hosted tools that the model's host may run in this answer: what the request offers and the recipe allows. A host of another API
        is never told of one."""
        if not self.ask.offers:
            return ()
        host = self.standing.catalogue.hosts.get(model.host)
        if host is None or host.wire_for(self.ask.dialect) != self.ask.dialect:
            return ()
        return tuple(o for o in self.ask.offers if o.kind in self.recipe.hosted_tools)


class Gate(Protocol):
    """One rule. `ORDER` sorts the folder; privacy comes before money, money before comfort.

    A gate may also have `applies(view) -> bool`: false when it has nothing to say of any candidate of this request, so that it is not asked
    for each. A gate without it is always asked."""

    NAME: str
    ORDER: int

    def check(self, candidate: Candidate, view: View) -> Candidate | Drop: ...


@dataclass(frozen=True, slots=True)
class Weighed:
    """What became of a candidate."""

    model: str
    kept: bool
    gate: str
    why: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: where, how long an answer at most, and the ceiling to reserve in micro-dollars (0 for the local lane). `first_ms`: how long its
    first content is waited for, where its host is doubtful (core/hurry.py); None: as long as the route says. `offers`: the tools that its host
    may run."""

    id: str
    lane: str
    max_output: int
    reserve: int
    model: Model | None = None
    first_ms: int | None = None
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision. `error` is set when no attempt is left. `contract`: what the answer must satisfy, the route's and that of the request's
    domain together. `review`: why a person should look at the answer, or ""."""

    route: str
    reason: str
    attempts: tuple[Attempt, ...]
    weighed: tuple[Weighed, ...]
    explain: str
    error: RouterError | None = None
    notes: tuple[str, ...] = ()
    contract: Contract | None = None
    review: str = ""
