"""Merge findings of one text: secret over structured over likeness over public attributes, then the longest; no overlaps remain.

Structured is what a pattern has checked (a check digit, an exact syntax). Likeness is a name, and whatever a statistical detector says
(LIKENESS): a number that it takes for a telephone's must not swallow a card.
What a weaker finding covers beside the stronger one stays found where it is a secret or a name (an address around a phone number,
say): of such a value no piece is given back. The rest of a structure is none: `word@db.example.org` behind a password is a host.
Sorting apart, each character of a finding is looked at once or twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import category

from localrouter.core.findings import Finding
from localrouter.core.kinds import ORDER, kind

NAMES = frozenset({"PERSON", "USERNAME", "ORG", "LOCATION", "ADDRESS"})
"""Found by likeness, not by structure."""
LIKENESS = frozenset({"encoder", "spacy_model"})
"""Detectors that guess, whatever type they name."""
REST_MIN = 3
"""Letters and digits that the rest of an overlapped finding must have to be kept."""


def _rank(f: Finding) -> tuple[int, int, int, float, int]:
    of = kind(f.type)
    if of.tier == "seal":
        level = 3
    elif of.data_class == "public":
        level = 0
    else:
        level = 1 if f.type in NAMES or f.detector in LIKENESS else 2
    return (-level, f.start - f.end, -ORDER.index(of.data_class), -f.score, f.start)


def merge(findings: Iterable[Finding], text: str) -> tuple[Finding, ...]:
    """Sorted by start. Spans outside the text or empty are dropped."""
    size = len(text)
    rows = sorted({_whole(f, text) for f in findings if 0 <= f.start < f.end <= size}, key=lambda f: (f.start, f.end))
    out: list[Finding] = []
    cluster: list[Finding] = []
    end = 0
    for f in rows:
        if f.start >= end and cluster:
            out += _apart(cluster, end, text)
            cluster = []
        cluster.append(f)
        end = max(end, f.end)
    return (*out, *_apart(cluster, end, text))


def _whole(f: Finding, text: str) -> Finding:
    """With the marks that stand on its last letter: no model is sent the accent of a name that it is not sent."""
    end = f.end
    while end < len(text) and text[end] > "\u02ff" and category(text[end])[0] == "M":
        end += 1
    return f if end == f.end else Finding(f.start, end, f.type, f.score, f.detector)


def _apart(cluster: list[Finding], end: int, text: str) -> list[Finding]:
    """Findings that overlap one another in a chain, the first one first, none beyond `end`: the strongest whole, and of the others
    what is left."""
    if len(cluster) < 2:
        return cluster
    base = cluster[0].start
    taken = bytearray(end - base)
    out: list[Finding] = []
    for f in sorted(cluster, key=_rank):
        for start, stop in _free(f.start - base, f.end - base, taken):
            start, stop = start + base, stop + base
            if (start, stop) != (f.start, f.end):
                start, stop = _trimmed(text, start, stop)
                if f.type not in NAMES and kind(f.type).tier != "seal":
                    continue
                if sum(map(str.isalnum, text[start:stop])) < REST_MIN:
                    continue
            taken[start - base : stop - base] = b"\1" * (stop - start)
            out.append(Finding(start, stop, f.type, f.score, f.detector))
    return sorted(out)


def _free(start: int, end: int, taken: bytearray) -> list[tuple[int, int]]:
    """The runs of [start, end) that nobody took."""
    out: list[tuple[int, int]] = []
    at = taken.find(0, start, end)
    while at >= 0:
        stop = taken.find(1, at, end)
        stop = end if stop < 0 else stop
        out.append((at, stop))
        at = taken.find(0, stop, end)
    return out


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end
