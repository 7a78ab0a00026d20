"""The last look before the wire: does an original value still stand in what leaves?

Law: a hit is reported by type, never by value. Looked for raw, JSON-escaped, URL-encoded, and in base64 at its three alignments.
"""

from __future__ import annotations

import base64
import string
from collections.abc import Sequence

from localrouter.core.ask import Leaf
from localrouter.core.findings import Finding
from localrouter.scrub.looked import Look
from localrouter.scrub.needles import Haystack
from localrouter.scrub.tokens import TokenTable
from localrouter.scrub.veil import LOOSE_MIN, _alone, spellings

BASE64_MIN = 6
VALUE_MIN = 3
_WORD64 = frozenset(string.ascii_letters + string.digits + "+/=_-")


def leaks(texts: Sequence[str], table: TokenTable, allowed: frozenset[str], look: Look | None = None) -> list[str]:
    """The types of the values that still stand in the outgoing texts, each once. `look`: at these texts."""
    look = Look(texts) if look is None else look
    found: dict[str, None] = {}
    for entry in table:
        value = entry.value
        if value in allowed or entry.type in found or len(value) < VALUE_MIN:
            continue
        if any(_stands(texts, look, form) for form in spellings(value)) or any(
            core in look for core in base64_cores(value.encode("utf-8", "surrogatepass"))
        ):
            found[entry.type] = None
    return list(found)


def still_standing(leaves: Sequence[Leaf], table: TokenTable, allowed: frozenset[str]) -> list[tuple[Finding, ...]]:
    """Where `leaks` would find a value in the original leaves, as findings: the value itself, or the whole base64 word."""
    joined = Haystack("\0".join(leaf.text for leaf in leaves))
    wanted: list[tuple[str, bool, str]] = []
    for entry in table:
        if entry.value in allowed or len(entry.value) < VALUE_MIN:
            continue
        cores = base64_cores(entry.value.encode("utf-8", "surrogatepass"))
        for form, word in (*((f, False) for f in spellings(entry.value)), *((c, True) for c in cores)):
            if form in joined:
                wanted.append((form, word, entry.type))
    return [_places(leaf.text, wanted) for leaf in leaves]


def _places(text: str, wanted: Sequence[tuple[str, bool, str]]) -> tuple[Finding, ...]:
    here: dict[tuple[int, int], Finding] = {}
    for form, word, kind in wanted:
        at = text.find(form)
        while at >= 0:
            start, end = at, at + len(form)
            while word and start > 0 and text[start - 1] in _WORD64:
                start -= 1
            while word and end < len(text) and text[end] in _WORD64:
                end += 1
            here[start, end] = Finding(start, end, kind, 1.0, "last_check")
            at = text.find(form, end)
    return tuple(here.values())


def base64_cores(raw: bytes) -> list[str]:
    """The characters of base64 that depend on these bytes alone, for each of three alignments, in both alphabets."""
    if len(raw) < BASE64_MIN:
        return []
    cores: dict[str, None] = {}
    for shift in range(3):
        first = (shift * 8 + 5) // 6  # the first character with no bit of the bytes before
        last = (shift + len(raw)) * 8 // 6
        padded = bytes(shift) + raw
        for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
            cores[encode(padded).decode()[first:last]] = None
    return list(cores)


def _stands(texts: Sequence[str], look: Look, form: str) -> bool:
    return any(len(form) >= LOOSE_MIN or _alone(texts[number], at, at + len(form)) for number, at in look.places(form))
