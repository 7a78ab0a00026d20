"""One model degrades: when does the router notice, and what does it do? `python tests/bench/degrade_run.py [--calls N]`.

A simulated clock, the real decision, relay, health and gates (tests/tools/simulated.py). A model answers well for 200 requests, one every two
seconds; then 30 % of its calls go wrong in one way for 300 requests; then it is well again. Its own noise is 1 %. The route's second model
answers as it always does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from simulated import Act, Seen, Simulation

from localrouter.core.ask import Ask, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals

MAIN, SPARE = "one/main", "two/spare"
SHARE, NOISE = 0.30, 0.01
GAP_S = 2.0
BEFORE, DURING, AFTER = 200, 300, 500

Degrading = Callable[[Random], Act]
KINDS: dict[str, Degrading] = {
    "30 % of its calls fail (HTTP 500)": lambda r: Act("http_500") if r.random() < SHARE else Act(),
    "30 % of its answers decline": lambda r: Act("declines") if r.random() < SHARE else Act(),
    "30 % of its answers break their schema": lambda r: Act("bad_schema") if r.random() < SHARE else Act(),
    "30 % of its calls take ten times as long": lambda r: Act(first_s=r.uniform(4, 6)) if r.random() < SHARE else Act(),
    "all of its calls take three times as long": lambda r: Act(first_s=r.uniform(1.3, 1.7)),
    "all of its calls take 30 % longer": lambda r: Act(first_s=r.uniform(0.6, 0.7)),
    "30 % of its calls time out, of which the route waits 2 s": lambda r: Act("silent") if r.random() < SHARE else Act(),
    "all of its calls fail": lambda r: Act("refused"),
}


@dataclass
class Report:
    """`noticed`: requests after the beginning until the first one that the model did not get first; `said`: the plan's reason; `to_it`: its
    share of the requests; `bad`: share of requests that went wrong or slowly, `bad_late` of those after it was noticed; `back_s`: seconds
    after the end until it leads again; `told`: when and what status said of it first."""

    kind: str
    noticed: int | None
    noticed_s: float | None
    said: str
    to_it: float
    bad: float
    bad_late: float
    back_s: float | None
    told: str


def simulation(kind: Degrading, seed: int = 7) -> tuple[Simulation, dict[str, bool]]:
    """A route of two models, the first of which does as `kind` says while `state["sick"]`."""
    state = {"sick": False}

    def behaves(id_: str, now: float, r: Random) -> Act:
        if id_ == MAIN and state["sick"]:
            return kind(r)
        if r.random() < NOISE:
            return Act("http_500")
        return Act(first_s=r.uniform(0.4, 0.6))

    hosts = {h: Host(h, f"https://{h}.invalid/v1") for h in ("one", "two")}
    models = {m: Model(m, m[:3], m[4:], Price(250_000, 2_000_000), 100_000, 1000) for m in (MAIN, SPARE)}
    recipe = Recipe.model_validate(
        {
            "name": "degrading",
            "route": [
                {
                    "name": "r",
                    "try": [MAIN, SPARE],
                    "contract": {"required": ["answer"]},
                    "limits": {"first_token_ms": 8000},
                    "fallback": {"refusal": "stop"},
                }
            ],
        }
    )
    return Simulation(recipe, Catalogue("t", hosts, models), behaves, keys=frozenset(hosts), local=False, seed=seed), state


def bad(seen: Seen) -> bool:
    """What a person calls a bad answer: none, a refusal, a long wait, or a first model that had to be replaced."""
    return seen.outcome != "done" or seen.declined or seen.waited > 3.4 or len(seen.tried) > 1


def run(kind: str, seed: int = 7) -> Report:
    """One way of degrading, from well to well."""
    degrading = KINDS[kind]
    sim, state = simulation(degrading, seed)
    if "the route waits 2 s" in kind:
        route = sim.recipe.route[0].model_copy(
            update={"limits": sim.recipe.route[0].limits.model_copy(update={"first_token_ms": 2000})}
        )
        sim.recipe = sim.recipe.model_copy(update={"route": (route,)})
    seen: list[Seen] = []
    marks = [0.0, 0.0]
    told = ""
    for i in range(BEFORE + DURING + AFTER):
        if i in (BEFORE, BEFORE + DURING):
            state["sick"] = i == BEFORE
            marks[i > BEFORE] = sim.now
        ask = Ask("openai_chat", {}, (), "localrouter/auto", Needs(), 200, 1, 800)
        begun = sim.now
        seen.append(sim.request(ask, Signals(prompt_bound=900)))
        sim.now = max(sim.now, begun + GAP_S)
        if not told and state["sick"]:
            words = next((str(h["words"]) for h in sim.health.table(sim.now) if h["name"] == MAIN and h["words"]), "")
            told = f"after {i - BEFORE + 1} requests: {words}" if words else ""
    assert all(s.plan is not None for s in seen)
    leads = [s.plan is not None and bool(s.plan.attempts) and s.plan.attempts[0].id == MAIN for s in seen]
    during = range(BEFORE, BEFORE + DURING)
    first = next((i for i in during if not leads[i]), None)
    back = next((seen[i].at for i in range(BEFORE + DURING, len(seen)) if leads[i] and leads[min(i + 20, len(seen) - 1)]), None)
    plan = seen[first].plan if first is not None else None
    said = next((w.why.rpartition("comes later: ")[2] for w in plan.weighed if w.model == MAIN), "") if plan is not None else ""
    return Report(
        kind,
        first - BEFORE if first is not None else None,
        seen[first].at - marks[0] if first is not None else None,
        said,
        sum(MAIN in seen[i].tried for i in during) / DURING,
        sum(bad(seen[i]) for i in during) / DURING,
        sum(bad(seen[i]) for i in during if first is not None and i > first) / max(1, DURING - (first or 0) + BEFORE),
        back - marks[1] if back is not None else None,
        told,
    )


def main(argv: list[str] | None = None) -> int:
    """Prints each way of degrading."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--seed", type=int, default=7)
    opts = args.parse_args(argv)
    for kind in KINDS:
        r = run(kind, opts.seed)
        print(f"{kind}")
        if r.noticed is None:
            print(f"    not asked later: {100 * r.to_it:.0f} % of requests still begin with it; {100 * r.bad:.0f} % were bad")
            print(f"    `localrouter status` says so {r.told}")
            continue
        print(f"    noticed after {r.noticed} requests ({r.noticed_s:.0f} s): {r.said}")
        print(
            f"    asked later from then on; it got {100 * r.to_it:.0f} % of the requests; {100 * r.bad:.0f} % of all were bad, {100 * r.bad_late:.0f} % after that"
        )
        print(
            f"    well again: it leads {r.back_s:.0f} s later" if r.back_s is not None else "    well again: it does not lead yet"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
