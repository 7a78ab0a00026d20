"""The pages about recipes: what one does, what two do differently, what recorded traffic would have become. Pure: records in, texts out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from localrouter_tui.clock import Clock
from localrouter_tui.palette import BAD, FAINT, GOOD, INK, SOFT, WARN
from localrouter_tui.recipe_records import Change, Checked, Difference, InForce, Replay, Side, Version
from localrouter_tui.text import aligned, joined, untrusted, usd

GROUPS, REQUESTS = 12, 25
"""Kinds of change and requests that a page shows; `localrouter recipe dry-run --json` has all."""
LINES = 2_000
"""Of a unified diff; more is no page."""
KINDS = {
    "same": "go the same way",
    "model": "would be asked of another model first",
    "route": "would take another route to the same model",
    "refused": "would be refused, and were not",
    "answered": "would be answered, and were refused",
    "unknown": "cannot be known: what the recipe asks for was not recorded",
}
_LANES = (("hosted", "leave this machine"), ("local", "answered on this machine"), ("none", "answered by nobody"))
_BY = {
    "cli": "a command", "tui": "the TUI", "api": "a program", "file": "a changed file", "rollback": "a rollback",
    "rollback cli": "a rollback (command)", "rollback tui": "a rollback (TUI)", "rollback api": "a rollback (program)",
}  # fmt: skip
"""Who put a version in force, as the history has it. `rollback` alone is of a time when it did not say whose."""


def lines(parts: Iterable[Text]) -> Text:
    """One under the other."""
    return joined(list(parts), "\n")


def page(*parts: RenderableType) -> Group:
    """One under the other, each on a line of its own; an empty text that came of nothing is left out."""
    out: list[RenderableType] = []
    for part in parts:
        if isinstance(part, Text):
            if not part.plain and not part.end:
                continue
            part = part.copy()
            part.end = "\n"
        out.append(part)
    return Group(*out)


def version_line(version: Version, place: int, clock: Clock) -> Text:
    """One line of the history."""
    name = "in force" if place == 0 else f"{place} ago"
    parts = [
        untrusted(name.ljust(8), f"bold {GOOD}" if place == 0 else SOFT),
        untrusted(clock.full(version.at)[:16], SOFT),
        untrusted(version.version.ljust(22), INK),
        untrusted(f"{version.decisions:>5,} request{' ' if version.decisions == 1 else 's'}", SOFT),
    ]
    if version.note:
        parts.append(untrusted(version.note, FAINT))
    return joined(parts, "  ")


def about(version: Version, clock: Clock, place: int) -> Text:
    """Who put a version in force, when and why."""
    since = "In force since" if place == 0 else "Was put in force on"
    said = f"{version.version}. {since} {clock.full(version.at)} by {_BY.get(version.by, version.by)}; it decided {version.decisions:,} requests."
    note = [untrusted(f"Note: {version.note}", SOFT)] if version.note else []
    return lines([untrusted(said, INK), *note])


def in_force(recipe: InForce) -> RenderableType:
    """What the recipe in force does: its classes and its routes."""
    classes = [
        [untrusted(name, INK), untrusted(f"values {values or '-'}", SOFT), untrusted(f"may go: {request or '-'}", SOFT)]
        for name, values, request in recipe.classes
    ]
    routes = [
        [untrusted(r.name, f"bold {INK}"), untrusted(r.when, SOFT), untrusted(", then ".join(r.targets), SOFT)]
        for r in recipe.routes
    ]
    parts: list[RenderableType] = [untrusted(recipe.description, INK)] if recipe.description else []
    parts += [Text("\nClasses of data", style="bold"), aligned(classes)]
    parts += [Text("\nRoutes: the first that fits is taken", style="bold"), aligned(routes)]
    return page(*parts)


def difference(found: Difference) -> RenderableType:
    """In words, then line by line. Marks stand before the colours, so that it reads alike without them."""
    if found.before == found.after:
        return untrusted(f"{found.before} is what is in force.", SOFT)
    head = lines([untrusted(f"From  {found.before}", SOFT), untrusted(f"to    {found.after}", SOFT)])
    said = [untrusted(f"• {words}", INK) for words in found.words] or [Text("They decide alike.", style=INK)]
    shown = found.lines[:LINES]
    colours = {"+": GOOD, "-": BAD, "@": FAINT}
    diff = [untrusted(line, colours.get(line[:1], SOFT)) for line in shown]
    if len(found.lines) > LINES:
        diff.append(untrusted(f"... {len(found.lines) - LINES:,} more lines", WARN))
    parts: list[RenderableType] = [head, Text(""), lines(said)]
    if diff:
        parts += [Text("\nLine by line", style="bold"), lines(diff)]
    return page(*parts)


def checked(found: Checked) -> Text:
    """What is wrong with a recipe, and what is odd."""
    said = [untrusted(fault, BAD) for fault in found.faults] + [untrusted(f"! {words}", WARN) for words in found.warnings]
    return lines(said) if said else Text("", end="")


def replay(found: Replay, name: str, days: float, clock: Clock) -> RenderableType:
    """What would have become of the recorded requests."""
    if not found.requests:
        return untrusted(f"No request of the last {days:g} days is recorded, so there is nothing to compare.", SOFT)
    parts: list[RenderableType] = [
        untrusted(f"{found.requests:,} requests of the last {days:g} days under {found.recipe}. Nothing was sent.", INK),
        untrusted("They were decided " + ", ".join(f"{n:,} by {recipe}" for recipe, n in found.recorded_by[:3]) + ".", SOFT),
        Text(""),
        aligned([untrusted(f"{n:,}", f"bold {INK}"), untrusted(KINDS.get(kind, kind), SOFT)] for kind, n in found.kinds),
        Text(""),
        _totals(found),
    ]
    if found.unpriced:
        parts.append(untrusted(f"What {found.unpriced:,} of them would have cost nobody can say; they count as 0.", WARN))
    if found.uncounted:
        parts.append(
            untrusted(
                f"How often {found.uncounted:,} of them came was not counted; the loop limit is taken as not reached.", WARN
            )
        )
    changed = [c for c in found.changed if c.kind != "unknown"]
    parts += [*_groups(changed), *_requests("Requests that would change", changed, clock)]
    parts += _requests("Requests of which it cannot be known", [c for c in found.changed if c.kind == "unknown"], clock)
    parts.append(untrusted(f"\nTook {found.seconds:.1f} s. `a` puts {name} in force.", SOFT, lines=True))
    return page(*parts)


def _totals(found: Replay) -> Table:
    before, after = dict(found.before.lanes), dict(found.after.lanes)
    rows = [
        (words, f"{before.get(lane, 0):,}", f"{after.get(lane, 0):,}")
        for lane, words in _LANES
        if before.get(lane) or after.get(lane)
    ]
    rows.append(("cost", usd(found.before.cost), f"{usd(found.after.cost)}"))
    was, now = dict(found.before.models), dict(found.after.models)
    for model in sorted({*was, *now} - {"none"}, key=lambda m: (-now.get(m, 0), m)):
        rows.append((model, f"{was.get(model, 0):,}", f"{now.get(model, 0):,}"))
    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "right", "right"):
        table.add_column(justify=justify)
    table.add_row(Text(""), Text("recorded", style=FAINT), Text("with it", style=FAINT))
    for label, left, right in rows:
        table.add_row(untrusted(label, INK), untrusted(left, SOFT), untrusted(right, INK if left == right else f"bold {WARN}"))
    return table


def _groups(changed: list[Change]) -> list[RenderableType]:
    groups = Counter((_side(c.before), _side(c.after), c.why) for c in changed)
    if not groups:
        return []
    rows = [
        [untrusted(f"{n:,}", f"bold {INK}"), lines([untrusted(f"{was} → {now}", INK), untrusted(why, SOFT)])]
        for (was, now, why), n in groups.most_common(GROUPS)
    ]
    more = [untrusted(f"and {len(groups) - GROUPS:,} more kinds", FAINT)] if len(groups) > GROUPS else []
    return [Text("\nWhat would change, and why", style="bold"), aligned(rows), *more]


def _requests(title: str, changed: list[Change], clock: Clock) -> list[RenderableType]:
    if not changed:
        return []
    rows = []
    for change in changed[-1 : -REQUESTS - 1 : -1]:
        cost = (
            f"{usd(change.before.cost or 0)} → {usd(change.after.cost)}" if change.after and change.after.cost is not None else ""
        )
        what = f"{_side(change.before)} → {_side(change.after)}" if change.after is not None else change.why
        rows.append(
            [
                lines([untrusted(change.id, INK), untrusted(clock.full(change.at), FAINT)]),
                lines([untrusted(what, SOFT), untrusted(cost, SOFT)]),
            ]
        )
    more = (
        [untrusted(f"and {len(changed) - REQUESTS:,} earlier ones; `localrouter recipe dry-run --json` lists all", FAINT)]
        if len(changed) > REQUESTS
        else []
    )
    return [untrusted(f"\n{title}", "bold", lines=True), aligned(rows), *more]


def _side(side: Side | None) -> str:
    if side is None:
        return "?"
    return f"refused ({side.error})" if side.error else f"{side.model} by '{side.route}'"
