"""A decision as tables that an engineer can check: the route and its conditions, the candidates, the attempts, the fallback steps, the checks."""

from __future__ import annotations

import json
from typing import Any

import click

from localrouter.cli import _show
from localrouter.core.catalogue import Catalogue
from localrouter.core.decision import Decision, catalogue_read, replay, summary
from localrouter.core.expecting import Expected, expected
from localrouter.core.recipe import Recipe
from localrouter.core.standing import Standing
from localrouter.core.steps import outlook
from localrouter.core.unrecorded import CannotReplay
from localrouter.core.wording import conditions, passed_over
from localrouter.daemon.client import Client, Refused

Tree = dict[str, Any]


def decided(client: Client, record: Tree) -> Tree | None:
    """The decision of a trace; None where none is kept. Raises RouterError."""
    try:
        return client.get(f"decisions/{record['id']}") if record.get("decision") else None
    except Refused as exc:
        if exc.status == 404:
            return None
        raise


def _of(tree: Tree | None) -> tuple[Decision, Recipe, Catalogue] | None:
    """(decision, recipe, catalogue) of then; None where one is not kept, or was kept by another localrouter."""
    if tree is None or not tree.get("recipe"):
        return None
    try:
        catalogue = catalogue_read(tree["catalogue"]) if tree.get("catalogue") else Catalogue("")
        return Decision.read(tree["decision"]), Recipe.model_validate(json.loads(tree["recipe"])), catalogue
    except ValueError:
        return None


def route(tree: Tree | None) -> None:
    """Which routes were passed over and by which condition, and what made the taken one match."""
    found = _of(tree)
    if found is None:
        return
    decision, recipe, _ = found
    try:
        rows = []
        for one in passed_over(recipe, decision):
            if one.failed is not None:
                c = one.failed
                rows.append((one.route, "no" if c.held is False else "?", _spoken(c.key), c.wanted, c.had))
                continue
            taken = next((r for r in recipe.route if r.name == one.route), None)
            held = conditions(taken.match, decision, recipe.models) if taken is not None else []
            rows += [(one.route, "yes" if c.held else "no", _spoken(c.key), c.wanted, c.had) for c in held]
            if not held:
                rows.append((one.route, "yes", "always", "", ""))
    except CannotReplay:
        return
    click.echo("Routes, up to the one that was taken:")
    _show.table(("route", "holds", "condition", "wants", "was"), rows)


def _spoken(key: str) -> str:
    return key.replace("_", " ")


def candidates(rows: list[Tree], tree: Tree | None) -> None:
    """Every candidate, kept or dropped, and why."""
    if not rows:
        return
    found = _of(tree)
    plan = found[0].plan["attempts"] if found else []
    most = {a[0]: a for a in plan}
    click.echo("Candidates:")
    _show.table(
        ("model", "", "gate", "why", "expected"),
        (
            (w["model"], "kept" if w["kept"] else "dropped", w["gate"], w["why"], _expected(found, most.get(w["model"])))
            for w in rows
        ),
    )


def _expect(found: tuple[Decision, Recipe, Catalogue] | None, model: str, most: int) -> Expected | None:
    if found is None:
        return None
    decision, _, catalogue = found
    entry = catalogue.models.get(model)
    if entry is None and not model.startswith("local"):
        return None
    return expected(decision, model, most, entry.price if entry is not None else None)


def _expected(found: tuple[Decision, Recipe, Catalogue] | None, attempt: list[Any] | None) -> str:
    if attempt is None:
        return ""
    one = _expect(found, attempt[0], attempt[2])
    if one is None:
        return ""
    micro = "" if one.micro is None else f"{_show.usd(one.micro)}, "
    wait = "" if one.first_ms is None else f", first word after {one.first_ms:.0f} ms"
    return f"{micro}{one.tokens_in} tokens in, {one.tokens_out} out{wait}"


def attempts(rows: list[Tree], tree: Tree | None) -> None:
    """What was tried: expected, allowed and actual."""
    if not rows:
        return
    found = _of(tree)
    most = {a[0]: a[2] for a in found[0].plan["attempts"]} if found else {}

    def line(a: Tree) -> tuple[str, ...]:
        one = _expect(found, a["model"], most.get(a["model"], 0))
        money = "-" if one is None or one.micro is None else _show.usd(one.micro)
        first = "-" if one is None or one.first_ms is None else f"{one.first_ms:.0f}"
        actual = _show.usd(a.get("cost_micro", 0)) + (" (estimated)" if a.get("estimated") else "")
        what = a.get("outcome", "answered" if a["lane"] == "local" else "no cost") + (f": {a['error']}" if "error" in a else "")
        return (
            a["model"],
            what,
            money,
            _show.usd(a["reserved_micro"]),
            actual,
            first,
            f"{a['first_ms']:.0f}" if "first_ms" in a else "-",
        )

    click.echo("Attempts:")
    _show.table(
        ("model", "outcome", "expected", "at most", "cost", "expected ms", "first ms"),
        map(line, rows),
        right=("expected", "at most", "cost", "expected ms", "first ms"),
    )
    # Tried again, the same is changed again.
    for name, why in dict.fromkeys((edit["name"], edit["why"]) for a in rows for edit in a.get("edits", ())):
        click.echo(_show.clean(f"  {name}: {why}"))


def failing(tree: Tree | None) -> None:
    """What the route does when its first model fails, by the kind of failure."""
    from localrouter.gates import all_gates

    found = _of(tree)
    if found is None:
        return
    decision, recipe, catalogue = found
    try:
        plan = replay(decision, recipe, catalogue, all_gates())
    except CannotReplay:
        return
    taken = next((r for r in recipe.route if r.name == plan.route), None)
    if taken is None or not plan.attempts:
        return
    click.echo(f"If {plan.attempts[0].id} fails before its first word:")
    rows = [
        (then, ", ".join(map(_spoken, kinds)))
        for then, kinds in outlook(taken.fallback, plan.attempts, Standing(0.0, catalogue, None))
    ]
    _show.table(("then", "after"), rows)


def walked(record: Tree) -> None:
    """The fallback steps, and what the contract said."""
    for step in record.get("walked") or ():
        then = f"{step['step']}" + (f" -> {step['target']}" if step["target"] else "") if step["step"] else "no step was left"
        click.echo(_show.clean(f"Fallback: {step['failed']} ({_spoken(step['kind'])}): {then}"))
    for check in record.get("checks") or ():
        said = "the answer holds" if check["held"] else f"{check.get('error', 'broken')}: {check.get('why', '')}"
        click.echo(_show.clean(f"Contract, {check['model']}: {said}"))


def replayed(tree: Tree | None) -> str:
    """Whether the record replays to its plan: it does where recipe, catalogue and gates of then are here."""
    from localrouter.gates import all_gates

    found = _of(tree)
    if found is None or tree is None:
        return ""
    decision, recipe, catalogue = found
    gates = all_gates()
    if not tree.get("whole", True):
        return " The decision's record was changed outside localrouter."
    if [g.NAME for g in gates] != decision.place.get("gates") or catalogue.version != decision.catalogue:
        return ""
    try:
        plan = replay(decision, recipe, catalogue, gates)
    except CannotReplay:
        return ""
    return " Replayed: the same plan." if summary(plan) == decision.plan else " Replayed: ANOTHER PLAN; please report it."
