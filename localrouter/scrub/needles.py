"""Is one of many short strings somewhere in a long text? Exact, without one full search for each.

A projection keeps some characters of a text and drops the rest. If a string stands in a text, its projection stands in the text's
projection, which is a tenth as long; the full text is searched only then. `bytes.translate` projects at memory speed.
"""

from __future__ import annotations

import string

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

    __slots__ = ("_projected", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._projected: list[tuple[bytes, bytes]] = []

    def __contains__(self, needle: str) -> bool:
        if len(self.text) < SHORT:
            return needle in self.text
        if not self._projected:
            raw = self.text.encode("utf-8", "surrogatepass")
            self._projected = sorted(((raw.translate(None, drop), drop) for drop in _DROPS), key=lambda p: len(p[0]))
        own = needle.encode("utf-8", "surrogatepass")
        for projected, drop in self._projected:
            kept = own.translate(None, drop)
            if len(kept) >= ENOUGH:
                return kept in projected and needle in self.text
        return needle in self.text
