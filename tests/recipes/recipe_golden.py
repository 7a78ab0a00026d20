"""What each shipped recipe decides on forty requests, as tables for people. To write them again: `python tests/recipes/recipe_golden.py --write`.

The requests go through the dialects' own readers, the classifier by rules, all gates and the shipped catalogue; only what the privacy scan
would find and the state of the world are stated. The engine is not asked and nothing is sent.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localrouter.config.catalogue import load_catalogue
from localrouter.config.recipes import load_recipe, names
from localrouter.core.ask import Ask
from localrouter.core.decide import Plan, decide
from localrouter.core.findings import Finding
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Health, Standing
from localrouter.daemon.reading import signals
from localrouter.dialects import all_dialects
from localrouter.dialects._caller import caller
from localrouter.gates import all_gates

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parents[1] / "recipes"
GOLDEN = HERE / "golden"
SITUATIONS = (
    "PII present", "structured output needed", "bulk low-stakes work", "tool call required", "provider degraded", "high-stakes domain",
    "interactive", "quality uncertain", "other",
)  # fmt: skip

_CATALOGUE = load_catalogue()
_HOSTS = {**_CATALOGUE.hosts, "mistral": replace(_CATALOGUE.hosts["mistral"], retention_days=0, trains_on_data=False)}
_BASE = Standing(
    now=1_000_000.0, catalogue=_CATALOGUE, remaining=5_000_000, budget="day budget", resets_at=1_040_000.0,
    keys=frozenset({"openai", "anthropic", "google", "mistral"}), local="local:chat", local_context=8192,
    local_why_not="No local chat model is set. Start with `localrouter up --local FILE.gguf`.", minute=600,
)  # fmt: skip
WORLDS: dict[str, Standing] = {
    "": _BASE,
    "no-local": replace(_BASE, local="", local_context=0),
    "night": replace(_BASE, minute=1380),
    "contract": replace(_BASE, catalogue=replace(_CATALOGUE, hosts=_HOSTS)),
    "one-key": replace(_BASE, keys=frozenset({"mistral"})),
    "budget-low": replace(_BASE, remaining=4_000),
    "openai-down": replace(_BASE, health={"openai": Health("open", until=1_000_030.0, calls=10, errors=1.0)}),
    "openai-degraded": replace(_BASE, health={"openai": Health(calls=60, errors=0.33)}),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of the file. `signed`: Mistral's terms are those that a contract can have."""

    id: str
    situation: str
    world: str
    row: dict[str, Any]
    signed: bool = False


def samples() -> list[Sample]:
    rows = tomllib.loads((HERE / "requests.toml").read_text())["request"]
    return [Sample(r["id"], r["situation"], r.get("world", ""), r) for r in rows]


def _tool(name: str, dialect: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"value": {"type": "string"}}}
    if dialect == "openai_chat":
        return {"type": "function", "function": {"name": name, "parameters": schema}}
    if dialect == "openai_responses":
        return {"type": "function", "name": name, "parameters": schema}
    return {"name": name, "input_schema": schema}


def body(row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(dialect, tree), as a client of that dialect writes it."""
    dialect = row.get("dialect", "openai_chat")
    tree: dict[str, Any] = {"model": row.get("model", "localrouter/auto")}
    tools = [_tool(name, dialect) for name in row.get("tools", ())]
    tree |= {"tools": tools} if tools else {}
    if dialect == "openai_responses":
        return dialect, {**tree, "input": [{"role": "user", "content": row["user"]}], "store": False}
    content: Any = row["user"]
    if row.get("image"):
        content = [{"type": "text", "text": content}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    turns: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if dialect == "anthropic_messages":
        tree["max_tokens"] = row.get("max_tokens", 4096)
        if "system" in row:
            tree["system"] = row["system"]
        if "tool_result" in row:
            called = {"type": "tool_use", "id": "toolu_1", "name": row["tools"][0], "input": {"value": "x"}}
            result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": row["tool_result"]}
            turns += [{"role": "assistant", "content": [called]}, {"role": "user", "content": [result]}]
        return dialect, {**tree, "messages": turns}
    if "system" in row:
        turns.insert(0, {"role": "system", "content": row["system"]})
    if "max_tokens" in row:
        tree["max_tokens"] = row["max_tokens"]
    if "schema" in row:
        schema = {"type": "object", "properties": {n: {"type": "string"} for n in row["schema"]}, "required": row["schema"]}
        tree["response_format"] = {"type": "json_schema", "json_schema": {"name": "fields", "schema": schema}}
    return dialect, {**tree, "messages": turns}


def world(sample: Sample) -> Standing:
    found = WORLDS[sample.world]
    return replace(found, catalogue=replace(_CATALOGUE, hosts=_HOSTS)) if sample.signed else found


def read(sample: Sample, recipe: Recipe) -> tuple[Ask, Signals, Standing]:
    """What is decided on."""
    name, tree = body(sample.row)
    dialect = next(d for d in all_dialects() if name == d.NAME)
    headers = {str(k): str(v) for k, v in sample.row.get("headers", {}).items()}
    ask = dialect.read(json.dumps(tree).encode(), headers)
    ask = replace(ask, caller=caller(headers, ask, recipe.wanted), endpoint=dialect.ROUTES[0][1])
    findings: list[tuple[Finding, ...]] = [() for _ in ask.leaves]
    findings[-1] = tuple(Finding(0, 1, kind) for kind in sample.row.get("findings", ()))
    return ask, signals(ask, findings, inherited="public", density=None), world(sample)


def decided(sample: Sample, recipe: Recipe) -> Plan:
    ask, found, standing = read(sample, recipe)
    return decide(ask, found, recipe, standing, all_gates())


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(r[i]) for r in (head, *rows)) for i in range(len(head))]
    for row in (head, tuple("-" * w for w in widths), *rows):
        yield "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()


def _band(difficulty: float) -> str:
    """By the thresholds of the shipped recipes."""
    return "easy" if difficulty < 0.35 else "middling" if difficulty < 0.7 else "hard"


def told() -> str:
    """What is known of the requests: the same for every recipe."""
    recipe = load_recipe("balanced", [SHIPPED])
    rows = []
    for i, sample in enumerate(samples(), 1):
        ask, s, _ = read(sample, recipe)
        risk = s.risk if s.domain == "general" else f"{s.domain} {s.risk}"
        flags = ", ".join(name for name, yes in (("chore", s.cheap), ("goes on", s.continues), ("tools", ask.needs.tools)) if yes)
        rows.append(
            (
                f"{i:02}",
                sample.id,
                sample.situation,
                s.data_class,
                s.task,
                _band(s.difficulty),
                s.interaction,
                s.language or "-",
                risk,
                flags,
            )
        )
    head = ("", "request", "situation", "class", "task", "looks", "interaction", "lang", "risk", "marks")
    return "\n".join(_table(head, rows)) + "\n"


def table(recipe: Recipe, requests: list[Sample], more: str = "") -> str:
    """What a recipe decides: who is asked, in order, and why others are not."""
    rows = []
    for i, sample in enumerate(requests, 1):
        plan = decided(sample, recipe)
        first = plan.attempts[0].id if plan.attempts else f"refused: {plan.error.code if plan.error else ''}"
        gates: dict[str, int] = {}
        for w in plan.weighed:
            if not w.kept:
                gates[w.gate] = gates.get(w.gate, 0) + 1
        out = ", ".join(f"{gate} {n}" for gate, n in gates.items())
        then = " > ".join(a.id for a in plan.attempts[1:])
        rows.append((f"{i:02}", sample.id, plan.route, first, then, out + (" (review)" if plan.review else "")))
    lines = [f"{recipe.name}: {recipe.description}{more}", ""]
    lines += _table(("", "request", "route", "asked first", "then", "left out by"), rows)
    return "\n".join(lines) + "\n"


def tables() -> dict[str, str]:
    """File name -> its text."""
    shipped = [load_recipe(name, [SHIPPED]) for name in names([SHIPPED]) if name != "coding"]
    out = {"requests.txt": told(), **{f"{recipe.name}.txt": table(recipe, samples()) for recipe in shipped}}
    regulated, signed = load_recipe("regulated", [SHIPPED]), [replace(s, signed=True) for s in samples()]
    return out | {"regulated-contract.txt": table(regulated, signed, " Here Mistral is under contract.")}


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: recipe_golden.py --write")
    GOLDEN.mkdir(exist_ok=True)
    for file, text in tables().items():
        (GOLDEN / file).write_text(text)
