"""Where digits stand close together: the gate that cards, phone numbers and national numbers share.

One pass over the text; most of code has no such place, and a pattern is tried inside one only.
"""

from __future__ import annotations

import re
from functools import lru_cache

SEPARATOR = " .\\-/()\u00a0\u2007\u2009\u202f\u2010-\u2015\u2212"
"""For a character class: what people put between the digits of one number (blanks, dots, slashes, brackets, all dashes)."""

LETTER = r"[^\W\u2e80-\uffff]"
"""A letter, digit or `_` of a script that puts blanks between words: `\\w` would see no edge between 是 and a number."""

LEAST = 6
"""Digits. A local phone number has six; every other number of interest has more."""

_PLACE = re.compile(rf"\d(?:[{SEPARATOR}]{{0,3}}\d){{{LEAST - 1},}}+")
_OTHER = re.compile(r"[^0-9]+")
MARGIN = 4
"""Characters before and after that may belong to the number: `+`, `(`, a country's letters."""


@lru_cache(maxsize=4)
def places(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of each run of six digits and more with at most three separators between two of them."""
    return tuple(m.span() for m in _PLACE.finditer(text))


def digits(text: str) -> str:
    """The ASCII digits of a text, in order (other scripts' digits as theirs)."""
    if text.isascii():
        return _OTHER.sub("", text)
    return "".join(str(int(c)) for c in text if c.isdecimal())


def luhn(number: str) -> bool:
    """The check digit of ISO/IEC 7812-1 annex B."""
    total = 0
    for at, char in enumerate(reversed(number)):
        digit = ord(char) - 48
        if at & 1:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0
