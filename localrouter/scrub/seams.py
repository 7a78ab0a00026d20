"""Seams: the text across the border of two neighbouring leaves, where one value may have been cut in two ("my key is sk-a" and "nt-...").

Only a border inside a word is a seam, and only what crosses it counts; each leaf gets its own part of such a finding. Names are left
out: two words that happen to touch look like one. So are borders where another speaks: nobody goes on with the value that a file ended with
(agents cut the last line's end off what they read), and the next one's first word is no part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from localrouter.core.ask import Leaf, Path, Where
from localrouter.core.findings import Finding
from localrouter.scrub.merge import NAMES, merge

CONTEXT = "seam"
REACH = 160
"""Characters on each side of the border that are read together."""
LEAVES = 4
"""Leaves that one seam reads at most: a value that comes in pieces of a few characters each."""
_TEXT: frozenset[Where] = frozenset({"system", "user", "assistant", "tool_result"})
_DOTTED = frozenset({"EMAIL", "OWN_EMAIL", "HOST", "OWN_HOST", "IP"})
_JOINERS = "-_.:/+=@%#~"


class Seam(NamedTuple):
    """`parts`: where each leaf begins in `text`, as (offset in it, index of the leaf, offset in the leaf). `key` names it in a cache."""

    text: str
    parts: list[tuple[int, int, int]]
    key: bytes


def seams(leaves: Sequence[Leaf], key_of: Callable[[str, str], bytes]) -> list[Seam]:
    """All seams of a request, each under its key."""
    out: list[Seam] = []
    for index in range(len(leaves) - 1):
        left, right = leaves[index], leaves[index + 1]
        if _inside(left.text, right.text) and left.where in _TEXT and _one_voice(left, right):
            text, parts = _across(leaves, index)
            out.append(Seam(text, parts, key_of(text, CONTEXT)))
    return out


def _one_voice(left: Leaf, right: Leaf) -> bool:
    """Whether the same one speaks in both: the system, a person, the model, or one and the same result of a tool in several parts."""
    if left.where != right.where:
        return False
    return left.where != "tool_result" or (_part(right.path) and left.path[:-2] == right.path[:-2])


def _part(path: Path) -> bool:
    """Whether a text is one of a list of parts (`..., 0, "text"`), and no whole content."""
    return len(path) > 1 and path[-1] == "text" and isinstance(path[-2], int)


def _inside(left: str, right: str) -> bool:
    """Whether a word goes on over the border."""
    return bool(left and right) and _inner(left[-1]) and _inner(right[0])


def _inner(char: str) -> bool:
    return char.isalnum() or char in _JOINERS


def _across(leaves: Sequence[Leaf], index: int) -> tuple[str, list[tuple[int, int, int]]]:
    left = leaves[index].text
    start = max(0, len(left) - REACH)
    text, parts = left[start:], [(0, index, start)]
    for other in range(index + 1, min(len(leaves), index + LEAVES)):
        own = leaves[other].text
        if not own or not _one_voice(leaves[index], leaves[other]):
            break
        parts.append((len(text), other, 0))
        text += own[:REACH]
        if len(own) >= REACH:
            break
    return text, parts


def crossed(
    leaves: Sequence[Leaf],
    rows: Sequence[tuple[Finding, ...]],
    found: Sequence[tuple[Seam, Sequence[Finding]]],
) -> list[tuple[Finding, ...]]:
    """The findings of the leaves (`rows`), and in them what stands across their borders."""
    out = list(rows)
    for seam, findings in found:
        whole = [f for f in findings if not _sentence_ends(seam, f, leaves, rows)]
        for index, more in _shares(seam, whole, leaves).items() if whole else ():
            out[index] = merge((*out[index], *more), leaves[index].text)
    return out


def _sentence_ends(seam: Seam, found: Finding, leaves: Sequence[Leaf], rows: Sequence[tuple[Finding, ...]]) -> bool:
    """Whether an address or a host stands whole before the full stop that ends its leaf, and the next leaf begins a sentence: "... to
    jane@roe.org." and "Done." are no address of a domain "Done"."""
    at, index, offset = seam.parts[0]
    left, right = leaves[index].text, leaves[seam.parts[1][1]].text
    if found.type not in _DOTTED or not left.endswith(".") or not right[:1].isupper():
        return False
    start = found.start - at + offset
    return any(f.start == start and f.end == len(left) - 1 for f in rows[index])


def _shares(seam: Seam, findings: Sequence[Finding], leaves: Sequence[Leaf]) -> Mapping[int, list[Finding]]:
    border = seam.parts[1][0]
    out: dict[int, list[Finding]] = {}
    for f in findings:
        if f.type in NAMES or not f.start < border < f.end:
            continue
        for number, (at, index, offset) in enumerate(seam.parts):
            limit = seam.parts[number + 1][0] if number + 1 < len(seam.parts) else at + len(leaves[index].text) - offset
            low, high = max(f.start, at), min(f.end, limit)
            if low < high:
                out.setdefault(index, []).append(Finding(low - at + offset, high - at + offset, f.type, f.score, f.detector))
    return out
