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
    string.digits + _SIGNS,
    string.digits + _LETTERS.upper(),
    string.digits + string.ascii_uppercase,
    string.digits + _LETTERS,
)
_DROPS = tuple(bytes(b for b in range(128) if chr(b) not in keep) for keep in _KEEP)
ENOUGH = 3
"""Bytes that a needle's projection must have, or searching it would find it everywhere."""
SHORT = 4096
"""Characters; a shorter text is simply searched."""


class Haystack:
    """One text, searched many times. Projections are made when the first needle wants them."""

    __slots__ = ("_bytes", "_projected", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._bytes = b""
        self._projected: list[bytes | None] = [None] * len(_DROPS)

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
        if len(self.text) < SHORT:
            return True
        own = needle.encode("utf-8", "surrogatepass")
        for i, drop in enumerate(_DROPS):
            kept = own.translate(None, drop)
            if len(kept) >= ENOUGH:
                projected = self._projected[i]
                if projected is None:
                    self._bytes = self._bytes or self.text.encode("utf-8", "surrogatepass")
                    projected = self._projected[i] = self._bytes.translate(None, drop)
                return kept in projected
        return True
