"""Merge findings of one text: secret over structured over names, then the longest; no overlaps remain.

What a weaker finding covers beside the stronger one stays found where it is a secret or a name (an address around a phone number,
say): of such a value no piece is given back. The rest of a structure is none: `word@db.example.org` behind a password is a host.
n log n in the findings.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable

from localrouter.core.findings import Finding
from localrouter.core.kinds import ORDER, kind

NAMES = frozenset({"PERSON", "USERNAME", "ORG", "LOCATION", "ADDRESS"})
"""Found by likeness, not by structure."""
REST_MIN = 3
"""Letters and digits that the rest of an overlapped finding must have to be kept."""


def _rank(f: Finding) -> tuple[int, int, int, float, int]:
    of = kind(f.type)
    level = 2 if of.tier == "seal" else 0 if f.type in NAMES else 1
    return (-level, f.start - f.end, -ORDER.index(of.data_class), -f.score, f.start)


def merge(findings: Iterable[Finding], text: str) -> tuple[Finding, ...]:
    """Sorted by start. Spans outside the text or empty are dropped."""
    size = len(text)
    rows = sorted({f for f in findings if 0 <= f.start < f.end <= size}, key=_rank)
    if len(rows) < 2:
        return tuple(rows)
    starts: list[int] = []  # of the taken spans, which never overlap
    taken: dict[int, Finding] = {}
    for f in rows:
        for start, end in _free(f.start, f.end, starts, taken):
            if (start, end) != (f.start, f.end):
                start, end = _trimmed(text, start, end)
                if f.type not in NAMES and kind(f.type).tier != "seal":
                    continue
                if sum(map(str.isalnum, text[start:end])) < REST_MIN:
                    continue
            insort(starts, start)
            taken[start] = Finding(start, end, f.type, f.score, f.detector)
    return tuple(taken[s] for s in starts)


def _free(start: int, end: int, starts: list[int], taken: dict[int, Finding]) -> list[tuple[int, int]]:
    """What of [start, end) no taken span covers."""
    out: list[tuple[int, int]] = []
    index = max(0, bisect_right(starts, start) - 1)
    at = start
    while index < len(starts) and starts[index] < end:
        other = taken[starts[index]]
        if other.end > at:
            if other.start > at:
                out.append((at, other.start))
            at = other.end
        index += 1
    if at < end:
        out.append((at, end))
    return out


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end
