"""The main provider is dark for 48 hours: what users see, hour by hour. `python tests/bench/dark_run.py [RECIPE ...] [--sum]`.

A simulated clock, the shipped recipes and catalogue, the real decision, relay, health and gates (tests/tools/simulated.py). Two users, thirty
requests an hour: chat for which the recipe chooses, a coding agent that names the provider's models, extractions with a schema, questions
about personal data, the clients' own chores. The provider refuses connections for 16 hours, answers 503 for 16, says nothing for 16.
There is a key for each host of the catalogue, and a local model.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from simulated import Act, Seen, Simulation

from localrouter.config.catalogue import load_catalogue
from localrouter.config.recipes import load_recipe
from localrouter.core.ask import Ask, Hints, Needs
from localrouter.core.signals import Signals

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600.0
LEAD, DARK, TAIL = 1, 48, 2
"""Hours before, during, after."""
PER_HOUR = 30
MAIN = {"default": "openai", "coding-agents": "anthropic", "regulated": "mistral"}
NAMED = {"openai": "openai/gpt-5.1", "anthropic": "anthropic/claude-sonnet-5-5", "mistral": "mistral/mistral-medium-latest"}
SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}}


def phase(hour: float) -> str:
    """What the provider does so many hours after the darkness began."""
    return "well" if not 0 <= hour < DARK else "refused" if hour < 16 else "http_500" if hour < 32 else "silent"


@dataclass
class Hour:
    """What users saw in one. `by`: how often who answered; `waits`: seconds to the first word; `wasted`: calls of the dark provider."""

    number: int
    by: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    wasted: int = 0

    @property
    def requests(self) -> int:
        return sum(self.by.values()) + sum(self.failed.values())

    def quantile(self, q: float) -> float:
        waits = sorted(self.waits)
        return waits[min(len(waits) - 1, int(q * len(waits)))] if waits else 0.0


def requests(main: str, r: Random) -> Iterator[tuple[Ask, Signals]]:
    """What the two users ask, without end."""
    bare = Ask("openai_chat", {}, (), "localrouter/auto", Needs(stream=True), 400, 1, 1200, endpoint="/v1/chat/completions")
    n = 0
    while True:
        n += 1
        draw = r.random()
        bound = Signals(prompt_bound=1500, language="en")
        of = {**{k: getattr(bare, k) for k in bare.__slots__}, "session": f"s{n // 6}"}
        if draw < 0.3:
            yield Ask(**of), _with(bound, task="chat", difficulty=r.random())
        elif draw < 0.6:
            yield (
                Ask(**{**of, "model": NAMED[main], "needs": Needs(tools=True, stream=True)}),
                _with(bound, task="agent_step", continues=r.random() < 0.7),
            )
        elif draw < 0.75:
            yield (
                Ask(**{**of, "tree": SCHEMA, "needs": Needs(json_schema=True, stream=True)}),
                _with(bound, task="extract", difficulty=0.5),
            )
        elif draw < 0.9:
            yield Ask(**of), _with(bound, findings={"PERSON": 1}, data_class="personal", classes=("personal",), difficulty=0.6)
        else:
            yield Ask(**{**of, "hints": Hints(cheap=True)}), _with(bound, cheap=True, task="summarise")


def _with(base: Signals, **more: object) -> Signals:
    return replace(base, **more)  # type: ignore[arg-type]


def run(name: str, *, seed: int = 3, local: bool = True, keys: frozenset[str] | None = None) -> list[Hour]:
    """One recipe through the dark. Hour 0 is the first dark one."""
    catalogue = load_catalogue(ROOT / "models.toml")
    main = MAIN.get(name, MAIN["default"])
    begun = 1_700_000_000.0

    def behaves(id_: str, now: float, r: Random) -> Act:
        hour = (now - begun) / HOUR - LEAD
        if id_.startswith(main + "/") and phase(hour) != "well":
            return Act(phase(hour))  # type: ignore[arg-type]
        if r.random() < 0.005:
            return Act("http_500")
        return Act(first_s=r.uniform(0.4, 1.2), rest_s=r.uniform(0.5, 3.0))

    sim = Simulation(
        load_recipe(name, [ROOT / "recipes"]), catalogue, behaves, keys=keys or frozenset(catalogue.hosts), local=local, seed=seed
    )
    r = Random(seed)
    asking = requests(main, r)
    hours = [Hour(i - LEAD) for i in range(LEAD + DARK + TAIL)]
    for i in range(PER_HOUR * len(hours)):
        due = begun + (i + r.random()) * HOUR / PER_HOUR
        sim.now = max(sim.now, due)
        at = int((due - begun) // HOUR)
        _count(hours[at], sim.request(*next(asking)), main)
    return hours


def _count(hour: Hour, seen: Seen, main: str) -> None:
    hour.wasted += sum(m.startswith(main + "/") for m in seen.tried) if phase(hour.number) != "well" else 0
    if seen.outcome == "done":
        hour.by["main" if seen.by.startswith(main + "/") else "local" if seen.by.startswith("local:") else "others"] += 1
        hour.waits.append(seen.waited)
    else:
        hour.failed[seen.code or seen.outcome] += 1


def lines(hours: list[Hour]) -> Iterator[str]:
    """A row for each hour."""
    yield f"{'hour':>5} {'provider':<9} {'asked':>5} {'main':>5} {'others':>6} {'local':>5} {'failed':>6} {'p50 s':>6} {'p95 s':>7} {'most s':>7} {'calls in the dark':>17}"
    for h in hours:
        failed = sum(h.failed.values())
        why = "  " + ", ".join(f"{n} {code}" for code, n in h.failed.items()) if failed else ""
        yield (
            f"{h.number:>5} {phase(h.number):<9} {h.requests:>5} {h.by['main']:>5} {h.by['others']:>6} {h.by['local']:>5} {failed:>6} "
            f"{h.quantile(0.5):>6.1f} {h.quantile(0.95):>7.1f} {h.quantile(1.0):>7.1f} {h.wasted:>17}{why}"
        )


def summary(name: str, hours: list[Hour]) -> str:
    """The dark hours in one line."""
    dark = [h for h in hours if phase(h.number) != "well"]
    asked, failed = sum(h.requests for h in dark), sum(sum(h.failed.values()) for h in dark)
    waits = sorted(w for h in dark for w in h.waits)
    long = sum(w > 10 for w in waits)
    before = any(h.by["main"] for h in hours if h.number < 0)
    back = next((h.number - DARK for h in hours if h.number >= DARK and h.by["main"]), None)
    return (
        f"{name:<14} {asked} requests in the dark, {100 * (asked - failed) / asked:.1f} % answered "
        f"({sum(h.by['others'] for h in dark)} by others, {sum(h.by['local'] for h in dark)} here), {failed} failed, {long} waited over 10 s, "
        f"{sum(h.wasted for h in dark)} calls went to the dark provider; "
        + ("it is not used when it is well" if not before else "not back" if back is None else f"back in hour {back} after it")
    )


def main(argv: list[str] | None = None) -> int:
    """Prints each recipe's table and the sums."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("recipe", nargs="*")
    args.add_argument("--sum", action="store_true", help="only the sums")
    opts = args.parse_args(argv)
    names = opts.recipe or sorted(f.stem for f in (ROOT / "recipes").glob("*.toml"))
    sums = []
    for name in names:
        hours = run(name)
        if not opts.sum:
            print(f"--- {name}: {MAIN.get(name, MAIN['default'])} is dark from hour 0 to {DARK}")
            print("\n".join(lines(hours)))
        sums.append(summary(name, hours))
    print("\n".join(sums))
    return 0


if __name__ == "__main__":
    sys.exit(main())
