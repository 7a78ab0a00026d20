"""Merge findings of one text: secret over structured over the rest, then the longest; no overlaps remain."""

from __future__ import annotations

from collections.abc import Iterable

from localrouter.core.findings import Finding
from localrouter.core.kinds import ORDER, kind


def merge(findings: Iterable[Finding], text: str) -> tuple[Finding, ...]:
    """Sorted by start. Spans outside the text or empty are dropped."""
    size = len(text)
    ranked = sorted(
        (f for f in findings if 0 <= f.start < f.end <= size),
        key=lambda f: (-(kind(f.type).tier == "seal"), f.start - f.end, -ORDER.index(kind(f.type).data_class), -f.score, f.start),
    )
    taken: list[Finding] = []
    for f in ranked:
        if all(f.end <= t.start or f.start >= t.end for t in taken):
            taken.append(f)
    return tuple(sorted(taken))
