"""Is one of many short strings somewhere in a long text? Exact, without one full search for each.

A projection keeps some characters of a text and drops the rest. If a string stands in a text, its projection stands in the text's
projection, which is a tenth as long; the full text is searched only then. `bytes.translate` projects at memory speed.
"""

from __future__ import annotations

import string
from collections.abc import Iterator

_LETTERS = "jkqvwxyzbfgp"
_SIGNS = "".join(c for c in string.punctuation if c not in ".,\"'()-/")
_KEEP = (
    _SIGNS,
    string.ascii_uppercase,
    _LETTERS + _SIGNS,
    _LETTERS.upper() + string.digits,
    string.ascii_uppercase + string.digits,
    _LETTERS + string.digits,
    _SIGNS + string.digits,
    string.ascii_uppercase + "cdhkmuvwxz",
)
_DROPS = tuple(bytes(b for b in range(128) if chr(b) not in keep) for keep in _KEEP)
ENOUGH = 3
"""Bytes that a needle's projection must have, or searching it would find it everywhere."""
SHORT = 4096
"""Characters; a shorter text is simply searched."""
FEW = 3
"""Needles that are searched at once: making a projection takes as long as two such searches."""
SAMPLE = 4096
"""Bytes by which the projections of a text are put in the order of their size: what is rare in prose is not so in a log."""


class Haystack:
    """One text, searched many times. Projections are made when more than a few needles are looked for."""

    __slots__ = ("_asked", "_bytes", "_order", "_projected", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._asked = 0
        self._bytes = b""
        self._order: list[bytes] = []
        self._projected: dict[bytes, bytes] = {}

    def __contains__(self, needle: str) -> bool:
        return self._may(needle) and needle in self.text

    def places(self, needle: str) -> Iterator[int]:
        """Where a needle begins, overlaps included."""
        at = self.text.find(needle) if needle and self._may(needle) else -1
        while at >= 0:
            yield at
            at = self.text.find(needle, at + 1)

    def _may(self, needle: str) -> bool:
        """False when a projection rules the needle out."""
        self._asked += 1
        if self._asked <= FEW or len(self.text) < SHORT:
            return True
        if not self._order:
            self._bytes = self.text.encode("utf-8", "surrogatepass")
            sample = self._bytes[:: len(self._bytes) // SAMPLE + 1]
            self._order = sorted(_DROPS, key=lambda drop: len(sample.translate(None, drop)))
        own = needle.encode("utf-8", "surrogatepass")
        # One that is there already is searched sooner than a smaller one is made.
        for drop, projected in self._projected.items():
            kept = own.translate(None, drop)
            if len(kept) >= ENOUGH:
                return kept in projected
        for drop in self._order:
            kept = own.translate(None, drop)
            if len(kept) >= ENOUGH:
                self._projected[drop] = self._bytes.translate(None, drop)
                return kept in self._projected[drop]
        return True
