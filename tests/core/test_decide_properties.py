"""What holds for every decision, whatever the recipe, the request and the world: privacy, money, the order of gates, replay, hints."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from fnmatch import fnmatchcase

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import callers, hints, worlds

from localrouter.core.ask import Ask
from localrouter.core.decide import Candidate, Drop, Gate, Plan, View, decide
from localrouter.core.money import ceiling, parse_usd
from localrouter.core.recipe import Recipe
from localrouter.core.rules import RISKS
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.gates import all_gates

World = tuple[Ask, Signals, Recipe, Standing]
GATES = all_gates()
FAR = {"machine": 0, "trusted": 1, "hosted": 2}
REACH = {"refuse": -1, "local": 0, "trusted": 1, "hosted": 2}
many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def same(one: Plan, two: Plan) -> bool:
    """Plans are equal but for the identity of their errors."""
    told = [(p.error.code, p.error.text, p.error.retry_after) if p.error else None for p in (one, two)]
    return replace(one, error=None) == replace(two, error=None) and told[0] == told[1]


@many
@given(worlds())
def test_no_attempt_goes_where_it_may_not(world: World) -> None:
    ask, signals, recipe, standing = world
    plan = decide(*world, GATES)
    for attempt in plan.attempts:
        model = attempt.model
        host = standing.catalogue.hosts[model.host] if model is not None else None
        zone = 0
        if model is not None and host is not None:
            cloud = model.name.endswith(("-cloud", ":cloud"))
            zone = FAR[model.zone or ("hosted" if cloud else host.zone)]
        rules = {name: recipe.rule(name) for name in signals.present}
        assert all(zone <= REACH[rule.request] for rule in rules.values())
        assert not signals.keep_local or zone <= max(0, REACH[recipe.private_keys])
        for rule in rules.values():
            if rule.only is None or rule.request == "local":
                continue
            if zone == 0:
                assert rule.otherwise == "local"
                continue
            assert host is not None
            assert rule.only.region is None or host.region in rule.only.region
            most = rule.only.retention_days_max
            assert most is None or (host.retention_days is not None and host.retention_days <= most)
            assert rule.only.trains_on_data is not False or host.trains_on_data is False
        if ask.model == "localrouter/local":
            assert zone == 0
        if ask.model == "localrouter/private" and (signals.data_class != "public" or signals.keep_local):
            assert zone <= 1


@many
@given(worlds())
def test_no_attempt_costs_what_is_not_there(world: World) -> None:
    ask, signals, recipe, standing = world
    plan = decide(*world, GATES)
    route = next((r for r in recipe.route if r.name == plan.route), None)
    for attempt in plan.attempts:
        if attempt.model is None:
            assert attempt.reserve == 0
            continue
        assert attempt.model.price is not None and attempt.model.host in standing.keys
        assert attempt.reserve >= ceiling(signals.prompt_bound, attempt.max_output, attempt.model.price, ask.n)
        assert standing.remaining is None or attempt.reserve <= max(0, standing.remaining)
        assert route is not None
        assert route.limits.cost_usd is None or attempt.reserve <= parse_usd(route.limits.cost_usd)
        assert route.limits.output_tokens is None or attempt.max_output <= route.limits.output_tokens
        assert standing.cooling.get(attempt.id, 0.0) <= standing.now
        state = standing.health.get(attempt.model.host)
        assert state is None or state.state != "open"


@many
@given(worlds())
def test_rules_of_the_recipe_hold(world: World) -> None:
    ask, signals, recipe, _ = world
    plan = decide(*world, GATES)
    rule = recipe.domains.get(signals.domain)
    if rule is not None and RISKS.index(signals.risk) < RISKS.index(rule.from_risk):
        rule = None
    for attempt in plan.attempts:
        assert not any(fnmatchcase(attempt.id, p) for p in recipe.models.deny)
        if attempt.lane == "hosted" and recipe.models.allow is not None:
            assert any(fnmatchcase(attempt.id, p) for p in recipe.models.allow)
        if rule is not None and rule.targets is not None:
            assert any(fnmatchcase(attempt.id, p) for p in rule.targets)
        if attempt.model is not None:
            needs = ask.needs
            assert attempt.model.tools or not needs.tools
            assert attempt.model.vision or not needs.vision
            assert attempt.model.fim or not needs.fim
    if rule is not None and plan.attempts:
        assert rule.route in (None, plan.route)
        assert bool(plan.review) == rule.review


@many
@given(worlds(), st.integers(0, len(GATES)), st.randoms(use_true_random=False))
def test_a_gate_only_takes_away(world: World, n: int, chance: random.Random) -> None:
    subset = chance.sample(GATES, n)
    fewer = {a.id for a in decide(*world, GATES).attempts}
    assert fewer <= {a.id for a in decide(*world, subset).attempts}


class Spy:
    """A gate that keeps what it was asked, and says what another says."""

    def __init__(self, gate: Gate, seen: list[tuple[str, str, bool]]) -> None:
        self.NAME, self.ORDER, self._gate, self._seen = gate.NAME, gate.ORDER, gate, seen

    def applies(self, view: View) -> bool:
        asked = getattr(self._gate, "applies", None)
        return asked is None or asked(view)

    def check(self, candidate: Candidate, view: View) -> Candidate | Drop:
        verdict = self._gate.check(candidate, view)
        self._seen.append((candidate.id, self.NAME, isinstance(verdict, Drop)))
        if not isinstance(verdict, Drop):
            assert verdict.id == candidate.id and verdict.model is candidate.model and verdict.max_output <= candidate.max_output
        return verdict


@many
@given(worlds())
def test_an_earlier_gates_refusal_is_never_undone(world: World) -> None:
    seen: list[tuple[str, str, bool]] = []
    plan = decide(*world, [Spy(g, seen) for g in GATES])
    dropped: set[str] = set()
    for name, _, drop in seen:
        assert name not in dropped, "a dropped candidate is asked about no more"
        if drop:
            dropped.add(name)
    assert not dropped & {a.id for a in plan.attempts}
    assert dropped <= {w.model for w in plan.weighed if not w.kept and w.why}
    assert same(plan, decide(*world, GATES))


@many
@given(worlds(), st.randoms(use_true_random=False))
def test_the_same_input_gives_the_same_plan(world: World, chance: random.Random) -> None:
    gates = list(GATES)
    chance.shuffle(gates)
    assert same(decide(*world, GATES), decide(*copy.deepcopy(world), gates))


@many
@given(worlds())
def test_every_candidate_is_accounted_for(world: World) -> None:
    plan = decide(*world, GATES)
    kept = [w.model for w in plan.weighed if w.kept]
    assert kept == [a.id for a in plan.attempts]
    names = [w.model for w in plan.weighed]
    assert len(names) == len(set(names))
    assert (plan.error is None) == bool(plan.attempts)
    assert plan.explain
    assert all(w.why for w in plan.weighed)
    if plan.error is not None:
        assert plan.error.message and (plan.error.do or plan.weighed or not plan.route)


COMFORT = ("latency",)
"""Gates that are no permission: nobody waits for background work, so it may ask a slow model."""
PERMITS = [g for g in GATES if g.NAME not in COMFORT]


@many
@given(worlds(routes=1), hints, callers)
def test_hints_only_tighten_within_a_route(world: World, said: object, caller: object) -> None:
    ask, signals, recipe, standing = world
    plain = {a.id for a in decide(*world, GATES).attempts}
    told = replace(ask, hints=said, caller=caller)  # type: ignore[arg-type]
    known = replace(signals, cheap=told.hints.cheap, continues=told.hints.continues)
    assert {a.id for a in decide(told, known, recipe, standing, GATES).attempts} <= plain


@many
@given(worlds(), hints, callers, st.sampled_from(("interactive", "background", "batch", "autocomplete")))
def test_hints_permit_nothing_on_any_route(world: World, said: object, caller: object, interaction: str) -> None:
    """They may choose a route; each candidate of it would be permitted without them too."""
    ask, signals, recipe, standing = world
    told = replace(ask, hints=said, caller=caller)  # type: ignore[arg-type]
    known = replace(signals, cheap=told.hints.cheap, continues=told.hints.continues, interaction=interaction)  # type: ignore[arg-type]
    plan = decide(told, known, recipe, standing, GATES)
    route = next((r for r in recipe.route if r.name == plan.route), None)
    if route is None:
        return
    alone = recipe.model_copy(
        update={"route": (route.model_copy(update={"match": recipe.route[-1].match}),), "domains": _unrouted(recipe)}
    )
    assert {a.id for a in plan.attempts} <= {a.id for a in decide(ask, signals, alone, standing, PERMITS).attempts}


def _unrouted(recipe: Recipe) -> object:
    return {name: rule.model_copy(update={"route": None}) for name, rule in recipe.domains.items()}
