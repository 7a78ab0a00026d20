"""What a request says of itself: its findings and its surface to Signals. Shared by the runner and the dry run, so that a dry run
cannot tell another story."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localrouter.classify import Classifier, classify
from localrouter.core.ask import Ask
from localrouter.core.findings import Finding
from localrouter.core.kinds import ORDER, DataClass, kind, strictest
from localrouter.core.signals import Signals

GROWTH = 32
"""Bytes that a token may be longer than what it replaces; the longest kinds stay below it."""
MARGIN = 1.25
"""DESIGN law 2: observed tokens per byte, times this."""


def classes_of(ask: Ask, findings: Sequence[Sequence[Finding]]) -> set[DataClass]:
    """The data classes that stand in the request."""
    found: set[DataClass] = {kind(f.type).data_class for row in findings for f in row}
    if ask.unread:
        found.add("unreadable")
    return found


def signals(
    ask: Ask, findings: Sequence[Sequence[Finding]], *, inherited: DataClass, density: float | None, by: Classifier = classify
) -> Signals:
    """`inherited` is the session's class so far; `density` its tokens per byte, None before its first settlement; `by` says what is asked."""
    counts: dict[str, int] = {}
    for row in findings:
        for f in row:
            counts[f.type] = counts.get(f.type, 0) + 1
    classes = classes_of(ask, findings)
    if inherited != "public":
        classes.add(inherited)
    ordered = tuple(sorted(classes, key=ORDER.index))
    outgoing = ask.size + GROWTH * sum(counts.values()) + 256
    said = by(ask)
    return Signals(
        findings=counts,
        data_class=strictest(list(ordered)),
        classes=ordered,
        keep_local=any(kind(t).keep_local for t in counts),
        unread=ask.unread,
        task=said.task,
        domain=said.domain,
        risk=said.risk,
        difficulty=said.difficulty,
        injection=said.injection,
        language=said.language,
        interaction=said.interaction,
        cheap=ask.hints.cheap,
        continues=ask.hints.continues,
        prompt_bound=outgoing if density is None else min(outgoing, int(outgoing * density * MARGIN) + 64),
    )


def told(read: Signals) -> dict[str, Any]:
    """What was understood of a request, for its trace and for a dry run: names, counts and scores, no text."""
    return {
        "task": read.task,
        "domain": read.domain,
        "risk": read.risk,
        "difficulty": read.difficulty,
        "injection": read.injection,
        "language": read.language,
        "interaction": read.interaction,
        "prompt_bound": read.prompt_bound,
        "cheap": read.cheap,
        "continues": read.continues,
    }
