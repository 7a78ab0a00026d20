"""What another recipe would have done with recorded requests: their decisions replayed, none of them sent.

Held as recorded: what was asked and found, budgets, health, the local models. Taken as they are now: models, prices, and which hosts have a
key. Conversations go on in the replay where the replay took them: a turn stays with the model that the other recipe chose for the turn
before. Expected cost: the tokens that were used, at the prices of the model that would have answered, cached as they were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from localrouter.core.catalogue import Catalogue
from localrouter.core.decide import decide
from localrouter.core.decision import Decision, inputs
from localrouter.core.money import Usage, cost
from localrouter.core.plan import Gate, Plan
from localrouter.core.recipe import Recipe, Route
from localrouter.core.unrecorded import CannotReplay, counted_by, resolved
from localrouter.core.wording import worded

Kind = Literal["same", "route", "model", "refused", "answered", "unknown"]
"""Nothing changes; another route and the same model first; another model first; refused and was not; not refused and was; cannot be known."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it was: its decision, and what became of it (`outcome`: model, lane, cost_micro, usage ...)."""

    id: str
    at: float
    who: str
    session: str
    decision: Decision
    outcome: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """Where a request went, or would have. `cost` in micro-dollars, None where nobody can say; `model`: who was asked first."""

    route: str
    lane: str
    model: str
    cost: int | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """One request under both recipes. `why` is a sentence; of `unknown`, what was not recorded."""

    id: str
    at: float
    kind: Kind
    before: Side
    after: Side | None
    why: str = ""


@dataclass(slots=True)
class Report:
    """All of them. Costs in micro-dollars, of the requests that are known on both sides; `unpriced` are those of which nobody can say what
    they would have cost, `uncounted` those of whom nobody counted what the recipe limits (repeats, tool calls). `recipes`: which ones decided, and
    how often; `catalogues` alike."""

    recipe: str
    rows: list[Compared] = field(default_factory=list)
    recipes: Counter[str] = field(default_factory=Counter)
    catalogues: Counter[str] = field(default_factory=Counter)
    unpriced: int = 0
    uncounted: int = 0

    @property
    def kinds(self) -> Counter[Kind]:
        return Counter(row.kind for row in self.rows)

    def lanes(self, *, after: bool) -> Counter[str]:
        return Counter(side.lane for side in self._sides(after=after))

    def models(self, *, after: bool) -> Counter[str]:
        return Counter(side.model or "none" for side in self._sides(after=after))

    def cost(self, *, after: bool) -> int:
        return sum(side.cost or 0 for side in self._sides(after=after))

    def _sides(self, *, after: bool) -> list[Side]:
        return [row.after if after else row.before for row in self.rows if row.after is not None]

    @property
    def changed(self) -> list[Compared]:
        return [row for row in self.rows if row.kind not in ("same", "unknown")]

    def tree(self) -> dict[str, Any]:
        """As JSON values."""

        def side(s: Side | None) -> dict[str, Any] | None:
            if s is None:
                return None
            return {"route": s.route, "lane": s.lane, "model": s.model, "cost_micro": s.cost, "error": s.error}

        def totals(*, after: bool) -> dict[str, Any]:
            lanes = self.lanes(after=after)
            return {
                "lanes": dict(lanes), "models": dict(self.models(after=after)), "left_machine": lanes["hosted"],
                "cost_micro": self.cost(after=after),
            }  # fmt: skip

        return {
            "recipe": self.recipe,
            "requests": len(self.rows),
            "recorded_by": dict(self.recipes),
            "kinds": dict(self.kinds),
            "before": totals(after=False),
            "after": totals(after=True),
            "unpriced": self.unpriced,
            "uncounted": self.uncounted,
            "changed": [
                {"id": r.id, "at": r.at, "kind": r.kind, "before": side(r.before), "after": side(r.after), "why": r.why}
                for r in self.rows
                if r.kind != "same"
            ],
        }


def dry_run(
    recorded: Iterable[Recorded],
    recipe: Recipe,
    catalogue: Catalogue,
    gates: Sequence[Gate],
    *,
    name: str,
    keys: Collection[str] | None = None,
) -> Report:
    """`recorded`: oldest first, so that conversations go on. `keys`: the hosts that have a key now; None: as they were. Sends nothing, and
    reads nothing but its arguments."""
    report = Report(name)
    routes = {r.name: r for r in recipe.route}
    counts = counted_by(recipe)
    served: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for one in recorded:
        decision = one.decision
        report.recipes[decision.recipe] += 1
        report.catalogues[decision.catalogue] += 1
        report.uncounted += not decision.missing.wanted.issuperset(counts)
        before = _was(one)
        try:
            ask, signals, standing = inputs(decision, catalogue)
            if keys is not None:
                standing = replace(standing, keys=frozenset(keys))
            talk = (one.who, one.session, ask.hints.agent)
            if one.session and talk in served:
                model, asked, route = served[talk]
                standing = replace(standing, served=model, served_asked=asked, served_route=route)
            fitted, ask = resolved(recipe, decision.missing, ask, signals, standing)
            plan = decide(ask, signals, fitted, standing, gates)
        except CannotReplay as exc:
            report.rows.append(Compared(one.id, one.at, "unknown", before, None, str(exc)))
            continue
        after = _would(one, plan, before)
        if plan.attempts and one.session and not signals.cheap:
            # The model of then may have failed, and another have answered.
            answered = one.outcome.get("model") if after.model == before.model else ""
            served[talk] = (answered or after.model, ask.model, plan.route)
        if after.cost is None:
            report.unpriced += 1
        kind = _kind(before, after)
        why = "" if kind == "same" else _why(before, plan, routes.get(plan.route))
        report.rows.append(Compared(one.id, one.at, kind, before, after, why))
    return report


def _was(one: Recorded) -> Side:
    plan, outcome = one.decision.plan, one.outcome
    first = plan["attempts"][0][0] if plan["attempts"] else ""
    return Side(plan["route"], outcome.get("lane", "none"), first, outcome.get("cost_micro", 0), plan["error"])


def _would(one: Recorded, plan: Plan, before: Side) -> Side:
    if not plan.attempts:
        return Side(plan.route, "none", "", 0, plan.error.code if plan.error else "")
    first = plan.attempts[0]
    if first.id == before.model:
        # What became of that model's attempt, its fallbacks included, is recorded.
        return Side(plan.route, before.lane, first.id, before.cost)
    usage: dict[str, Any] = {k: v for k, v in (one.outcome.get("usage") or {}).items() if k in Usage.__dataclass_fields__}
    micro = 0
    if first.model is not None:
        if not usage or first.model.price is None:
            return Side(plan.route, first.lane, first.id, None)
        micro = cost(Usage(**usage), first.model.price)
    return Side(plan.route, first.lane, first.id, micro)


def _kind(before: Side, after: Side) -> Kind:
    if after.error or before.error:
        return "same" if after.error and before.error else "refused" if after.error else "answered"
    if after.model != before.model:
        return "model"
    return "same" if after.route == before.route else "route"


def _why(before: Side, plan: Plan, route: Route | None) -> str:
    """The one reason that tells most: what dropped the model of then, else the route that takes it now."""
    if plan.error is not None:
        return plan.error.message
    gone = next((w for w in plan.weighed if w.model == before.model and not w.kept), None)
    if gone is not None:
        return f"{gone.gate}: {gone.why}"
    if route is not None and plan.route != before.route:
        when = "; ".join(f"{k.replace('_', ' ')} {worded(v)}" for k, v in route.match.model_dump(exclude_none=True).items())
        return f"route '{plan.route}' takes it ({when or 'always'})"
    if before.model and any(w.model == before.model for w in plan.weighed):
        note = plan.weighed[0].why.partition("; ")[2]
        return f"route '{plan.route}' tries {plan.attempts[0].id} first" + (f" ({note})" if note else "")
    if before.error:
        return f"{plan.attempts[0].id} may answer now"
    return f"route '{plan.route}' tries {before.model or 'that model'} no longer"
