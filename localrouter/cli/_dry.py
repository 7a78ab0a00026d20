"""`recipe dry-run`: the recorded decisions fetched, replayed here (not in the daemon, whose requests would wait), and what changes printed."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import click

from localrouter.cli import _recipes, _show
from localrouter.cli._desk import Desk
from localrouter.config.paths import Paths
from localrouter.config.settings import load_settings
from localrouter.core.catalogue import Catalogue
from localrouter.core.decision import Decision
from localrouter.core.dry_run import Compared, Recorded, Report, dry_run
from localrouter.core.errors import NotFound
from localrouter.core.unrecorded import CannotReplay

SHOWN, ROWS = 12, 5
"""Kinds of change that are printed, and requests; --json has all."""


def run(paths: Paths, one: _recipes.Named, days: float, requests: int) -> tuple[Report, float]:
    """(what would change, seconds it took with reading). Raises RouterError."""
    from localrouter.daemon.serve import checked_catalogue
    from localrouter.gates import all_gates

    begun = time.monotonic()
    catalogue = checked_catalogue(load_settings(paths))
    desk = Desk(paths)
    rows: list[Recorded] = []
    for page, places in desk.decisions(time.time() - days * 86400, requests):
        for row in page:
            try:
                decision = Decision.read(row["decision"], places[row["decision"]["place"]])
            except CannotReplay as exc:
                raise NotFound(str(exc), "Choose fewer days with --days.") from None
            rows.append(Recorded(row["id"], row["at"], row["who"], row["session"], decision, row["outcome"]))
    rows.reverse()
    report = dry_run(rows, one.recipe, catalogue, all_gates(), name=one.version, keys=_keys(desk, catalogue))
    return report, time.monotonic() - begun


def _keys(desk: Desk, catalogue: Catalogue) -> frozenset[str] | None:
    """The hosts that may be asked now, as the daemon sees them; None where none runs."""
    found = desk.keys()
    if found is None:
        return None
    have = {row["host"] for row in found["keys"] if row["from"]}
    return frozenset(have | {h.name for h in catalogue.hosts.values() if not h.key_env})


def told(report: Report, name: str, days: float, seconds: float) -> None:
    """For people."""
    if not report.rows:
        click.echo(f"No request of the last {days:g} days is recorded, so there is nothing to compare.")
        return
    by = ", ".join(f"{n} by {recipe}" for recipe, n in report.recipes.most_common(3)) + (
        " ..." if len(report.recipes) > 3 else ""
    )
    click.echo(f"{len(report.rows)} requests of the last {days:g} days under {report.recipe}. Nothing was sent.")
    click.echo(f"They were decided {by}. Models, prices and keys are as they are now, budgets and health as they were.\n")
    kinds = report.kinds
    for kind, text in (
        ("same", "as before"), ("model", "another model is asked first"), ("route", "another route, the same model"),
        ("refused", "would be refused, and were not"), ("answered", "would be answered, and were refused"),
        ("unknown", "cannot be known: what the recipe asks for was not recorded"),
    ):  # fmt: skip
        if kinds[kind]:  # type: ignore[index]  # the literals of Kind
            click.echo(f"  {kinds[kind]:>6}  {text}")  # type: ignore[index]
    _totals(report)
    _groups(report)
    _rows("Requests that would change", report.changed)
    _rows("Requests of which it cannot be known", [r for r in report.rows if r.kind == "unknown"])
    word = _recipes.quoted(name)
    click.echo(f"Took {seconds:.1f} s. Put it in force: localrouter recipe apply {word}")


def _totals(report: Report) -> None:
    before, after = report.lanes(after=False), report.lanes(after=True)
    rows: list[tuple[str, str, str]] = [
        (label, str(before[lane]), str(after[lane]))
        for lane, label in (("hosted", "leave this machine"), ("local", "answered here"), ("none", "answered by nobody"))
        if before[lane] or after[lane]
    ]
    rows.append(("cost", _show.usd(report.cost(after=False)), _show.usd(report.cost(after=True)) + " expected"))
    was, now = report.models(after=False), report.models(after=True)
    rows += [
        (model, str(was[model]), str(now[model])) for model in sorted({*was, *now}, key=lambda m: (-now[m], m)) if model != "none"
    ]
    _show.table(("", "recorded", "with it"), rows, right=("recorded", "with it"))
    if report.unpriced:
        click.echo(
            f"Of {report.unpriced} requests nobody can say what they would have cost: no usage is recorded. They count as 0.\n"
        )
    if report.uncounted:
        many = f"Of {report.uncounted} requests nobody counted how often they came, or how many tools were called"
        click.echo(f"{many}: the recipe's limits on that (same_requests, max_calls_per_minute) are taken as not reached.\n")


def _groups(report: Report) -> None:
    groups: Counter[tuple[str, str, str]] = Counter()
    for row in report.changed:
        groups[_side(row.before), _side(row.after), row.why] += 1
    if groups:
        click.echo("What would change, and why:")
    for (was, now, why), n in groups.most_common(SHOWN):
        click.echo(_show.clean(f"  {n:>6}  {was} -> {now}: {why}"))
    if len(groups) > SHOWN:
        click.echo(f"          and {len(groups) - SHOWN} more kinds")


def _side(side: Any) -> str:
    if side is None:
        return "?"
    return f"refused ({side.error})" if side.error else f"{side.route}, {side.model}"


def _rows(title: str, rows: list[Compared]) -> None:
    if not rows:
        return
    click.echo(f"\n{title}:")
    for row in rows[-ROWS:]:
        costs = (
            f", {_show.usd(row.before.cost or 0)} -> {_show.usd(row.after.cost)}"
            if row.after and row.after.cost is not None
            else ""
        )
        what = f"{_side(row.before)} -> {_side(row.after)}{costs}" if row.after else row.why
        click.echo(_show.clean(f"  {row.id}  {_show.clock(row.at)}  {what}"))
    if len(rows) > ROWS:
        click.echo(f"  and {len(rows) - ROWS} earlier ones; --json lists all")
    click.echo()
