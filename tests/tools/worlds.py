"""Generated worlds for decisions: catalogues, recipes, requests, signals and standings of every shape that the grammar allows.

A world is made from a seed, so that each part is drawn evenly (a world in which everything forbids everything shows nothing) and a failure is
named by one number.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

from localrouter.core.ask import Ask, Caller, Hints, Leaf, Needs
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.kinds import ORDER, strictest
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Health, Standing, Warm
from localrouter.core.words import DOMAINS, RISKS, TASKS

HOSTS = ("lan", "eu", "us", "box")
MODELS = tuple(f"{h}/{m}" for h in HOSTS for m in ("a", "b", "c-cloud"))
TARGETS = (*MODELS, *(f"{h}/*" for h in HOSTS), "local:chat", "local:chat", "local:other", "asked", "asked", "gone/x")
NAMES = (
    "",
    "localrouter/private",
    "localrouter/local",
    "localrouter/cheap",
    "localrouter/best",
    "eu/a",
    "us/b",
    "c-cloud",
    "local:chat",
    "what?",
)
PATTERNS = ("eu/*", "us/a", "*/b", "*/a", "local:*")
World = tuple[Ask, Signals, Recipe, Standing]


def mostly(r: Random, usual: Any, *rare: Any, odds: float = 0.2) -> Any:
    """One of the rare values at these odds."""
    return r.choice(rare) if r.random() < odds else usual


def some(r: Random, **parts: Any) -> dict[str, Any]:
    """Each part at one in four."""
    return {key: make() for key, make in parts.items() if r.random() < 0.25}


def catalogue(r: Random) -> Catalogue:
    """Four hosts in all zones and on all terms; twelve models, some without a price."""
    hosts, models = {}, {}
    for name in HOSTS:
        hosts[name] = Host(
            name, f"https://{name}.invalid/v1", region=r.choice(("", "eu", "eu", "us")), retention_days=r.choice((None, 0, 0, 30)),
            trains_on_data=r.choice((None, False, False, True)), zone=r.choice(("machine", "trusted", "hosted", "hosted")), key_env="K",
        )  # fmt: skip
        for short in ("a", "b", "c-cloud"):
            price = Price(
                r.randrange(9_000_000),
                r.randrange(60_000_000),
                r.choice((None, r.randrange(900_000))),
                r.choice((None, 5_000_000)),
            )
            flags = [mostly(r, True, False) for _ in range(6)]
            models[f"{name}/{short}"] = Model(
                f"{name}/{short}", name, short, mostly(r, price, None), mostly(r, 100_000, 0, 500), mostly(r, 4096, 0, 64),
                tools=flags[0], json_schema=flags[1], vision=flags[2], audio=flags[3], reasoning=flags[4], fim=flags[5],
                languages=mostly(r, (), ("en",), ("*",)), zone=mostly(r, None, "hosted"),
            )  # fmt: skip
    return Catalogue("t", hosts, models)


def recipe(r: Random, routes: int = 3) -> Recipe:
    """Up to `routes` routes; the last one always holds."""

    def request() -> str:
        return str(mostly(r, "hosted", "trusted", "local", "refuse", odds=0.4))

    def rule() -> dict[str, Any]:
        only = some(r, region=lambda: ["eu"], retention_days_max=lambda: r.choice((0, 30)), trains_on_data=lambda: False)
        out = {"values": r.choice(("pass", "veil", "seal")), "request": request(), **({"only": only} if only else {})}
        return out | some(r, otherwise=lambda: r.choice(("local", "refuse")))

    def limits() -> dict[str, Any]:
        return some(
            r, cost_usd=lambda: r.choice(("0.0001", "0.01", "2")), output_tokens=lambda: r.randint(1, 5000),
            input_tokens=lambda: r.choice((10, 10_000)), first_token_ms=lambda: r.choice((100, 2000)),
        )  # fmt: skip

    def match() -> dict[str, Any]:
        return some(
            r, cheap=lambda: r.random() < 0.5, tier=lambda: ["gold"], task=lambda: ["code"], model=lambda: ["eu/*"],
            interaction=lambda: ["background"], headers=lambda: {"x-team": "blue"}, data_class=lambda: ["personal"],
        )  # fmt: skip

    made = [
        {"name": f"r{i}", "match": match(), "try": r.choices(TARGETS, k=r.randint(2, 8)), "limits": limits()}
        for i in range(r.randint(1, routes))
    ]
    made[-1]["match"] = {}

    def domain() -> dict[str, Any]:
        return some(
            r, from_risk=lambda: r.choice(RISKS), targets=lambda: r.choices(PATTERNS, k=2), route=lambda: r.choice(made)["name"],
            review=lambda: True,
        )  # fmt: skip

    return Recipe.model_validate(
        {
            "name": "t",
            "private_keys": request(),
            "classes": {name: rule() for name in ORDER if r.random() < 0.4},
            "domains": {name: domain() for name in DOMAINS if r.random() < 0.4},
            "models": some(
                r, allow=lambda: r.choices(PATTERNS, k=3), deny=lambda: r.choices(PATTERNS, k=1), honour=lambda: ["eu/*"]
            ),
            "loop": {"same_calls": 3, "same_requests": mostly(r, 0, 2)},
            "route": made,
        }
    )


def ask(r: Random) -> Ask:
    """A request without hints."""
    size = mostly(r, 900, 10, 3000, 500_000)
    return Ask(
        "openai_chat", {}, (Leaf(("x",), "x" * min(size, 2000), "user"),), mostly(r, "localrouter/auto", *NAMES, odds=0.5),
        Needs(*(mostly(r, False, True, odds=0.1) for _ in range(7))), r.choice((None, r.randint(1, 5000))), r.randint(1, 3), size,
        unread=mostly(r, (), ("image",)), session="s", endpoint="/v1/chat/completions",
    )  # fmt: skip


def signals(r: Random, of: Ask) -> Signals:
    """What may be known of it."""
    classes = {name for name in ORDER[:5] if r.random() < 0.2} | ({"unreadable"} if of.unread else set())
    ordered = tuple(sorted(classes, key=ORDER.index))
    return Signals(
        findings=r.choice(({}, {"PERSON": 2}, {"PRIVATE_KEY": 1})), data_class=strictest(list(ordered)), classes=ordered,
        keep_local=mostly(r, False, True), unread=of.unread, task=r.choice(TASKS), domain=r.choice(DOMAINS), risk=r.choice(RISKS),
        difficulty=r.random(), language=r.choice(("", "en", "de")), prompt_bound=of.size + 256,
    )  # fmt: skip


def standing(r: Random, known: Catalogue) -> Standing:
    """Any state of the world."""

    def health() -> Health:
        share = [mostly(r, 0.0, 0.02, 0.3, 1.0) for _ in range(4)]
        ms = [r.choice((None, r.uniform(1, 5000))) for _ in range(4)]
        return Health(mostly(r, "closed", "open", "half_open"), 130.0, r.randint(0, 50), *share, *ms, in_a_row=mostly(r, 0, 1, 4))

    local = r.random() < 0.7
    return Standing(
        100.0, known, mostly(r, None, -5, 0, 40, 3000, 90_000, odds=0.5), resets_at=r.choice((None, 500.0)),
        keys=frozenset(mostly(r, HOSTS, HOSTS[:2], ())), local="local:chat" if local else "", local_context=4096 * local,
        locals=r.choice(({}, {"local:other": 8192})), local_languages=mostly(r, (), ("en",)),
        cooling={m: r.uniform(90, 140) for m in MODELS if r.random() < 0.1}, refused={h: r.choice((401, 402)) for h in HOSTS if r.random() < 0.1},
        served=r.choice(("", *MODELS, "local:chat")), served_asked=r.choice(NAMES), served_route=r.choice(("", "r0")),
        warm=r.choice((None, Warm(r.randrange(9000), r.randint(1, 9000), r.randrange(500)))),
        health={name: health() for name in (*HOSTS, *MODELS) if r.random() < 0.3}, minute=r.randrange(1440),
        rounds=mostly(r, 0, 9, odds=0.05), repeats=mostly(r, 0, 5, odds=0.1),
    )  # fmt: skip


def world(seed: int, routes: int = 3) -> World:
    """All that a decision reads."""
    r = Random(seed)
    asked = ask(r)
    return asked, signals(r, asked), recipe(r, routes), standing(r, catalogue(r))


def worlds(routes: int = 3) -> st.SearchStrategy[World]:
    """Worlds, by seed."""
    return st.integers(0, 2**63).map(lambda seed: world(seed, routes))


hints = st.builds(Hints, agent=st.sampled_from(("", "sub")), cheap=st.booleans(), continues=st.booleans())
callers = st.builds(
    Caller,
    tier=st.sampled_from(("", "gold")),
    project=st.sampled_from(("", "apollo")),
    headers=st.sampled_from(({}, {"x-team": "blue"})),
)
