"""The last look before the wire: does an original value still stand in what leaves?

Law: a hit is reported by type, never by value. Looked for raw, JSON-escaped, URL-encoded, and in base64 at its three alignments.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from localrouter.scrub.tokens import TokenTable
from localrouter.scrub.veil import LOOSE_MIN, _alone, spellings

BASE64_MIN = 6
VALUE_MIN = 3


def leaks(texts: Sequence[str], table: TokenTable, allowed: frozenset[str]) -> list[str]:
    """The types of the values that still stand in the outgoing texts, each once."""
    joined = "\0".join(texts)
    found: dict[str, None] = {}
    for entry in table:
        value = entry.value
        if value in allowed or entry.type in found or len(value) < VALUE_MIN:
            continue
        if any(_stands(joined, form) for form in spellings(value)) or any(
            core in joined for core in base64_cores(value.encode("utf-8", "surrogatepass"))
        ):
            found[entry.type] = None
    return list(found)


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


def _stands(text: str, form: str) -> bool:
    at = text.find(form)
    while at >= 0:
        if len(form) >= LOOSE_MIN or _alone(text, at, at + len(form)):
            return True
        at = text.find(form, at + 1)
    return False
