"""Each gate alone: what it lets pass, what it drops, what it says and what it tells to do. Every file of the folder is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localrouter.core.ask import Ask, Leaf, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import Candidate, Drop, Gate, View, decide
from localrouter.core.loops import rounds
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Health, Standing
from localrouter.gates import all_gates

GATES = {g.NAME: g for g in all_gates()}
PRICE = Price(1_000_000, 2_000_000)


def model(id_: str, **more: Any) -> Model:
    host, _, name = id_.partition("/")
    return Model(
        id_, host, name, **{"price": PRICE, "context": 1000, "max_output": 100, "tools": True, "json_schema": True, **more}
    )


HOSTS = {
    "us": Host("us", "https://us.invalid/v1", region="us", retention_days=30, trains_on_data=False, key_env="K"),
    "eu": Host("eu", "https://eu.invalid/v1", region="eu", retention_days=0, trains_on_data=False, key_env="K"),
    "lan": Host("lan", "https://lan.invalid/v1", zone="trusted"),
    "box": Host("box", "http://127.0.0.1:1/v1", zone="machine"),
}
MODELS = [
    model("us/m"),
    model("eu/m"),
    model("lan/m"),
    model("box/m"),
    model("box/big-cloud"),
    model("us/english", languages=("en",)),
    model("us/any", languages=("*",)),
    model("us/fim", fim=True),
    model("us/free", price=None),
]
CATALOGUE = Catalogue("t", HOSTS, {m.id: m for m in MODELS})
STANDING = Standing(
    1000.0, CATALOGUE, None, keys=frozenset(HOSTS), local="local:chat", local_context=4096, locals={"local:other": 4096}
)
ASK = Ask("openai_chat", {}, (), "localrouter/auto", Needs(stream=True), None, 1, 400)


def view(
    recipe: dict[str, Any] | None = None,
    *,
    route: dict[str, Any] | None = None,
    ask: Ask = ASK,
    world: Standing = STANDING,
    classes: tuple[str, ...] = (),
    **signals: Any,
) -> View:
    whole = Recipe.model_validate(
        {"name": "t", "route": [{"name": "r", "try": ["us/m", "local:chat"], **(route or {})}], **(recipe or {})}
    )
    known = Signals(classes=classes, data_class=classes[-1] if classes else "public", **signals)  # type: ignore[arg-type]
    return View(ask, known, whole, world, whole.route[0])


def of(id_: str, most: int = 50) -> Candidate:
    return Candidate(id_, "local", most) if id_.startswith("local") else Candidate(id_, "hosted", most, CATALOGUE.models[id_])


def asked(gate: str, id_: str, seen: View) -> Candidate | Drop:
    """As a decision asks: not at all where the gate does not apply."""
    found: Gate = GATES[gate]
    applies = getattr(found, "applies", None)
    candidate = of(id_)
    return found.check(candidate, seen) if applies is None or applies(seen) else candidate


def kept(gate: str, seen: View, *ids: str) -> list[str]:
    """Those that the gate keeps. What it drops is explained: a code for machines, a sentence for people."""
    out = []
    for id_ in ids:
        verdict = asked(gate, id_, seen)
        if isinstance(verdict, Drop):
            assert verdict.code.isascii() and verdict.why.endswith(".")
        else:
            out.append(id_)
    return out


ALL = ("us/m", "eu/m", "lan/m", "box/m", "box/big-cloud", "local:chat")


def test_zones() -> None:
    def reach(request: str) -> list[str]:
        return kept("zone", view({"classes": {"personal": {"request": request}}}, classes=("personal",)), *ALL)

    assert reach("hosted") == list(ALL)
    assert reach("trusted") == ["lan/m", "box/m", "local:chat"]
    assert reach("local") == ["box/m", "local:chat"], "what an engine on this machine sends on to a cloud is hosted"
    keys = view({"private_keys": "trusted"}, keep_local=True)
    assert kept("zone", keys, *ALL) == ["lan/m", "box/m", "local:chat"]
    unread = view({"classes": {"unreadable": {"request": "trusted"}}}, classes=("unreadable",), unread=("image",))
    assert kept("zone", unread, *ALL) == ["lan/m", "box/m", "local:chat"]
    drop = asked("zone", "us/m", unread)
    assert isinstance(drop, Drop) and drop.code == "unreadable" and "(image)" in drop.why and "[classes.unreadable]" in drop.do
    strictest = view(
        {"classes": {"personal": {"request": "trusted"}, "secret": {"request": "local"}}}, classes=("personal", "secret")
    )
    assert kept("zone", strictest, *ALL) == ["box/m", "local:chat"]


def test_residency() -> None:
    def terms(**only: Any) -> list[str]:
        return kept("residency", view({"classes": {"regulated": {"only": only}}}, classes=("regulated",)), *ALL)

    assert terms(region=["eu"]) == ["eu/m", "box/m", "local:chat"], "a machine of one's own must state its terms as well"
    assert terms(retention_days_max=30) == ["us/m", "eu/m", "box/m", "local:chat"]
    assert terms(trains_on_data=False) == ["us/m", "eu/m", "box/m", "local:chat"]
    refuse = view({"classes": {"regulated": {"only": {"region": ["eu"]}, "otherwise": "refuse"}}}, classes=("regulated",))
    assert kept("residency", refuse, *ALL) == ["eu/m"]
    assert kept("residency", view(classes=("personal",)), *ALL) == list(ALL)


def test_what_may_not_leave_goes_to_the_local_lane_though_the_route_does_not_name_it() -> None:
    recipe = Recipe.model_validate(
        {"name": "t", "classes": {"regulated": {"only": {"region": ["eu"]}}}, "route": [{"name": "r", "try": ["us/m"]}]}
    )
    seen = Signals(classes=("regulated",), data_class="regulated")
    plan = decide(ASK, seen, recipe, STANDING, list(GATES.values()))
    assert [a.id for a in plan.attempts] == ["local:chat"]
    assert [a.id for a in decide(ASK, Signals(), recipe, STANDING, list(GATES.values())).attempts] == ["us/m"]
    refusing = recipe.model_copy(
        update={"classes": {"regulated": recipe.classes["regulated"].model_copy(update={"otherwise": "refuse"})}}
    )
    assert decide(ASK, seen, refusing, STANDING, list(GATES.values())).error is not None


def test_a_refused_class_is_answered_by_nobody() -> None:
    seen = view({"classes": {"secret": {"request": "refuse"}}}, classes=("secret",))
    assert kept("data_class", seen, *ALL) == []


def test_capabilities() -> None:
    def needs(**wanted: bool) -> View:
        return view(ask=replace(ASK, needs=Needs(**wanted)))

    assert kept("capability", needs(fim=True), "us/m", "us/fim", "local:chat") == ["us/fim", "local:chat"]
    assert kept("capability", needs(audio=True), "us/m", "local:chat") == []
    assert kept("capability", needs(tools=True, json_schema=True), "us/m", "local:chat") == ["us/m", "local:chat"]
    assert kept("capability", view(language="de"), "us/m", "us/english", "us/any") == ["us/m", "us/any"], (
        "who states none is not left out"
    )
    long = view(ask=replace(ASK, size=4100))
    drop = asked("capability", "us/m", long)
    assert isinstance(drop, Drop) and (drop.code, drop.limit, drop.tokens) == ("context", 1000, 1025)


def test_a_poor_answer_here_is_better_than_none() -> None:
    world = replace(STANDING, local_languages=("en",))
    assert kept("capability", view(world=world, language="de"), "local:chat") == []
    alone = asked("capability", "local:chat", view(route={"try": ["local:chat"]}, world=world, language="de"))
    assert isinstance(alone, Candidate) and "'de'" in alone.notes[0]


def test_who_cannot_reason_comes_later_and_is_not_dropped() -> None:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["us/m", "us/thinks"]}]})
    known = Catalogue("t", HOSTS, {**CATALOGUE.models, "us/thinks": model("us/thinks", reasoning=True)})
    plan = decide(
        replace(ASK, needs=Needs(reasoning=True)), Signals(), recipe, replace(STANDING, catalogue=known), list(GATES.values())
    )
    assert [a.id for a in plan.attempts] == ["us/thinks", "us/m"]
    assert "does not reason" in plan.explain


def test_latency() -> None:
    def first(**health: Any) -> View:
        return view(route={"limits": {"first_token_ms": 1000}}, world=replace(STANDING, health={"us/m": Health(**health)}))

    assert kept("latency", first(calls=30, first_ms=400.0, first_p95_ms=900.0), "us/m") == ["us/m"]
    assert kept("latency", first(calls=30, first_ms=400.0, first_p95_ms=1100.0), "us/m") == []
    assert kept("latency", first(calls=10, first_ms=400.0, first_p95_ms=1100.0), "us/m") == ["us/m"], (
        "of ten answers the slowest is chance"
    )
    unknown = asked("latency", "us/m", first(calls=2, first_ms=9000.0))
    assert isinstance(unknown, Candidate) and "not known" in unknown.notes[0]
    slow = first(calls=30, first_ms=1500.0, first_p95_ms=2000.0)
    for interaction in ("background", "batch"):
        assert kept("latency", replace(slow, signals=replace(slow.signals, interaction=interaction)), "us/m") == ["us/m"]  # type: ignore[arg-type]
    assert kept("latency", replace(slow, signals=replace(slow.signals, interaction="autocomplete")), "us/m") == []
    drop = asked("latency", "us/m", slow)
    assert isinstance(drop, Drop) and "2000 ms" in drop.why and "1000 ms" in drop.why


def test_health() -> None:
    def host(state: str) -> View:
        return view(world=replace(STANDING, health={"us": Health(state, 1030.0)}))  # type: ignore[arg-type]

    drop = asked("health", "us/m", host("open"))
    assert isinstance(drop, Drop) and drop.code == "down" and "30 more seconds" in drop.why
    assert kept("health", host("open"), *ALL) == ["eu/m", "lan/m", "box/m", "box/big-cloud", "local:chat"]
    half = asked("health", "us/m", host("half_open"))
    assert isinstance(half, Candidate) and "the one that tries it" in half.notes[0]
    cooling = view(world=replace(STANDING, cooling={"us/m": 1010.0, "eu/m": 990.0}))
    assert kept("health", cooling, "us/m", "eu/m", "us/any") == ["eu/m", "us/any"], "a pause is a model's own"


def test_a_cut_off_host_is_told_with_the_time_to_wait() -> None:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["us/m", "us/any"]}]})
    plan = decide(ASK, Signals(), recipe, replace(STANDING, health={"us": Health("open", 1042.0)}), list(GATES.values()))
    assert plan.error is not None and (plan.error.status, plan.error.retry_after) == (502, 42.0)


def test_domains() -> None:
    rules = {"domains": {"medical": {"from_risk": "elevated", "targets": ["eu/*", "local:*"]}}}
    assert kept("domains", view(rules, domain="medical", risk="high"), *ALL) == ["eu/m", "local:chat"]
    assert kept("domains", view(rules, domain="medical", risk="low"), *ALL) == list(ALL)
    assert kept("domains", view(rules, domain="legal", risk="high"), *ALL) == list(ALL)


def test_a_domain_may_require_a_route_a_contract_and_a_review() -> None:
    recipe = Recipe.model_validate(
        {
            "name": "t",
            "domains": {"medical": {"route": "careful", "contract": {"citations": "verify"}, "review": True}},
            "route": [{"name": "all", "try": ["us/m"]}, {"name": "careful", "try": ["eu/m"], "contract": {"required": ["dose"]}}],
        }
    )
    plan = decide(ASK, Signals(domain="medical", risk="high"), recipe, STANDING, list(GATES.values()))
    assert plan.route == "careful" and [a.id for a in plan.attempts] == ["eu/m"]
    assert plan.contract is not None and plan.contract.citations == "verify" and plan.contract.required == ("dose",)
    assert "medicine" in plan.review and "marked for review" in plan.explain
    other = decide(ASK, Signals(), recipe, STANDING, list(GATES.values()))
    assert (other.route, other.contract, other.review) == ("all", None, "")
    with pytest.raises(ValueError, match="names 'gone'"):
        Recipe.model_validate({"name": "t", "domains": {"legal": {"route": "gone"}}, "route": [{"name": "r", "try": ["us/m"]}]})


def test_model_lists() -> None:
    assert kept("model_lists", view({"models": {"allow": ["eu/*"]}}), *ALL) == ["eu/m", "local:chat"], (
        "the local lane is always open"
    )
    assert kept("model_lists", view({"models": {"allow": ["*"], "deny": ["us/*", "local:*"]}}), *ALL) == [
        "eu/m",
        "lan/m",
        "box/m",
        "box/big-cloud",
    ]
    assert kept("model_lists", view({"models": {"allow": []}}), *ALL) == ["local:chat"]


def test_size() -> None:
    small = {"limits": {"input_tokens": 100}}
    assert kept("size", view(route=small), "us/m", "local:chat") == ["us/m", "local:chat"]
    assert kept("size", view(route=small, ask=replace(ASK, size=404)), "us/m", "local:chat") == ["local:chat"]
    picture = replace(ASK, size=900_000, unread=("image",), leaves=(Leaf(("x",), "what is this?", "user"),))
    assert kept("size", view(route=small, ask=picture), "us/m") == ["us/m"], (
        "a picture is as large as a book and is billed as a page"
    )
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["us/m"], **small}]})
    plan = decide(replace(ASK, size=3000), Signals(), recipe, STANDING, list(GATES.values()))
    assert plan.error is not None and plan.error.code == "context_length_exceeded", "agents compact when they read this"


def turns(n: int, same: bool = True, calls: int = 1) -> Ask:
    leaves = [Leaf(("messages", 0, "content"), "do it", "user")]
    for i in range(n):
        leaves += [Leaf(("a", i, k), f'{{"path": "x{k}"}}', "tool_arguments") for k in range(calls)]
        leaves += [Leaf(("r", i, k), "no such file" if same else f"try {i}", "tool_result") for k in range(calls)]
    return replace(ASK, leaves=tuple(leaves), needs=Needs(tools=True))


def test_rounds_are_counted_by_calls_and_results() -> None:
    assert rounds(ASK, 20) == 0
    assert rounds(turns(1), 20) == 1
    assert rounds(turns(7), 20) == 7
    assert rounds(turns(7, calls=3), 20) == 7
    assert rounds(turns(7, same=False), 20) == 1, "a poll that sees something new is no loop"
    assert rounds(turns(400), 20) == 21, "the end is looked at, not the whole"
    back = turns(5)
    other = (*back.leaves, Leaf(("a", 9), "{}", "tool_arguments"), Leaf(("r", 9), "done", "tool_result"))
    assert rounds(replace(back, leaves=other), 20) == 1, "it went on"


def test_loop_guard() -> None:
    assert kept("loop_guard", view({"loop": {"same_calls": 3}}, world=replace(STANDING, rounds=3)), *ALL) == list(ALL)
    assert kept("loop_guard", view({"loop": {"same_calls": 3}}, world=replace(STANDING, rounds=4)), *ALL) == [], (
        "a local model would go round too"
    )
    assert kept("loop_guard", view({"loop": {"same_calls": 0}}, world=replace(STANDING, rounds=99)), *ALL) == list(ALL)
    assert kept("loop_guard", view(world=replace(STANDING, repeats=99)), *ALL) == list(ALL), "no limit unless the recipe sets one"
    assert kept("loop_guard", view({"loop": {"same_requests": 5}}, world=replace(STANDING, repeats=6)), *ALL) == []
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["us/m"]}]})
    plan = decide(ASK, Signals(), recipe, replace(STANDING, rounds=40), list(GATES.values()))
    assert (
        plan.error is not None and (plan.error.code, plan.error.status) == ("going_round", 422) and "40 times" in plan.error.text
    )


def test_tool_rate() -> None:
    asks = replace(ASK, needs=Needs(tools=True))
    few = {"tools": {"max_calls_per_minute": 3}}
    made = replace(STANDING, tool_calls={"r": 3, "other": 99})
    assert kept("tool_rate", view(route=few, ask=asks, world=made), *ALL) == [], "who answers makes no difference"
    assert kept("tool_rate", view(route=few, ask=asks, world=replace(STANDING, tool_calls={"r": 2})), *ALL) == list(ALL)
    assert kept("tool_rate", view(route=few, world=made), *ALL) == list(ALL), "it offers no tools"
    assert kept("tool_rate", view(ask=asks, world=made), *ALL) == list(ALL), "no limit unless the route sets one"
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["us/m"], **few}]})
    error = decide(asks, Signals(), recipe, made, list(GATES.values())).error
    assert error is not None and (error.code, error.status, error.retry_after) == ("tools_too_fast", 429, 60.0)


def test_budget() -> None:
    assert kept("budget", view(), "us/m", "us/free", "local:chat") == ["us/m", "local:chat"], "an unknown price is refused"
    poor = view(world=replace(STANDING, remaining=10), prompt_bound=100)
    assert kept("budget", poor, "us/m", "local:chat") == ["local:chat"]
    lowered = asked("budget", "us/m", view(route={"limits": {"cost_usd": "0.0001"}}, world=STANDING))
    assert isinstance(lowered, Candidate), "fifty tokens fit"


def test_what_a_route_lets_one_call_cost_is_no_budget_that_is_spent() -> None:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["us/m"], "limits": {"cost_usd": "0.000001"}}]})
    world = replace(STANDING, remaining=10**9, resets_at=STANDING.now + 3600)
    error = decide(ASK, Signals(prompt_bound=4000), recipe, world, list(GATES.values())).error
    assert error is not None and error.code == "budget_exceeded"
    assert "Route 'r' lets one call cost" in error.text
    assert error.retry_after is None, "no time makes it cheaper"


def test_degraded_hosts_and_models_come_later_before_they_are_cut() -> None:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["us/m", "eu/m", "local:chat"]}]})
    gates = list(GATES.values())

    def order(model_name: str = "localrouter/auto", **health: Health) -> list[str]:
        world = replace(STANDING, health={k.replace("_", "/"): v for k, v in health.items()})
        return [a.id for a in decide(replace(ASK, model=model_name), Signals(), recipe, world, gates).attempts]

    assert order(us_m=Health(calls=50, errors=0.3)) == ["eu/m", "local:chat", "us/m"]
    assert order(us=Health(calls=50, errors=0.3)) == ["eu/m", "local:chat", "us/m"]
    assert order(us_m=Health(calls=50, refusals=0.15, broken=0.1)) == ["eu/m", "local:chat", "us/m"]
    assert order(us_m=Health(calls=50, slow=0.3)) == ["eu/m", "local:chat", "us/m"]
    assert order(us_m=Health(calls=20, first_ms=900.0, usual_ms=300.0)) == ["eu/m", "local:chat", "us/m"]
    assert order(us_m=Health(calls=4, errors=1.0))[0] == "us/m", "four calls say nothing"
    assert order(us_m=Health(calls=50, errors=0.06))[0] == "us/m", "a few faults are chance"
    everybody = {
        "us_m": Health(calls=50, errors=0.3),
        "eu_m": Health(calls=50, errors=0.4),
        "local:chat": Health(calls=50, errors=0.5),
    }
    assert order(**everybody) == ["us/m", "eu/m", "local:chat"], "where nobody does well, the recipe's order holds"
    world = replace(STANDING, health={"us/m": Health(calls=50, errors=0.3)})
    plan = decide(ASK, Signals(), recipe, world, gates)
    assert "comes later: 30 % of its last 50 calls failed" in next(w.why for w in plan.weighed if w.model == "us/m")
    assert "Asked later: us/m (30 % of its last 50 calls failed)." in plan.explain


def test_who_the_client_names_keeps_its_place() -> None:
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["asked", "eu/m"]}]})
    world = replace(STANDING, health={"us/m": Health(calls=50, errors=0.3)})
    plan = decide(replace(ASK, model="us/m"), Signals(), recipe, world, list(GATES.values()))
    assert [a.id for a in plan.attempts] == ["us/m", "eu/m"]
    assert "keeps its place, since the client named it: 30 % of its last 50 calls failed" in plan.weighed[0].why


def test_every_gate_has_a_test_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    elsewhere = {"hosted_tools", "local_model", "key", "virtual_model"}  # tests/dialects, tests/conformance, tests/core
    missing = [name for name in GATES if f'"{name}"' not in text]
    assert set(missing) <= elsewhere, missing
