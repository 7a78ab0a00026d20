"""Cue words near a span: the words before it, a few after it, and the JSON keys or the table column it stands under.

Each look is a bounded window, so a text costs as much as it has candidates (Presidio's own enhancer compares every finding with
every token). Whole words only, in any of `phoneNumber`, `phone_number`, `Phone Number:`; scripts without word edges match inside.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

BEFORE, AFTER = 72, 28
"""Characters. About ten words before and four after: a label stands before its value far more often than behind it."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_RECORD = re.compile(
    r"\b(?:id|ids|uuid|guid|count|total|index|version|status|type|kind|size|length|url|href|hash|timestamp|date|time|year|expiry|expires|at|on)$"
)
"""Last keys that describe a record and are not its value."""
_KEY = re.compile(r"[,{]\s{0,4}[\"']([^\"'\n]{1,40})[\"']\s{0,4}:")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_JOINER = re.compile(r"[_\-.\\/]+")


class Cues:
    """Words and phrases that announce a type. Latin ones are matched without case and diacritics, as whole words."""

    def __init__(self, words: str | Iterable[str]) -> None:
        each = [w.strip() for w in (words.split(",") if isinstance(words, str) else words)]
        folded = sorted({fold(w) for w in each if w}, key=len, reverse=True)
        edged = [re.escape(w).replace(r"\ ", r"\s+") for w in folded if w < "\u2e80"]
        free = [re.escape(w) for w in folded if w >= "\u2e80"]
        parts = ([rf"(?<![^\W_])(?:{'|'.join(edged)})(?![^\W\d_])"] if edged else []) + free
        self._pattern = re.compile("|".join(parts))
        self.words = tuple(folded)
        self._single = frozenset(max(w.split(), key=len) for w in folded)
        self._unspaced = tuple(w for w in folded if w >= "\u2e80")
        # The same few contexts come with every candidate of a text.
        self.named = lru_cache(maxsize=64)(self._named)

    def _named(self, context: str) -> bool:
        """Whether the keys that a text stands under announce it. `phone.id` and `passport.issued_at` are no phone and no passport."""
        own = fold(context.rpartition(".")[2])
        if self._pattern.search(own):
            return True
        return _RECORD.search(own) is None and self._pattern.search(fold(context)) is not None

    def near(self, text: str, start: int, end: int, context: str = "", before: int = BEFORE, after: int = AFTER) -> bool:
        """Whether a cue stands before the span, shortly after it on its line, or in the context."""
        if context and self.named(context):
            return True
        head = _whole(text, max(0, start - before), start)
        # A blank line ends a thought: what stood before it announces nothing.
        cut = head.rfind("\n\n")
        if self._pattern.search(fold(head[cut + 2 :] if cut >= 0 else head)):
            return True
        stop = min(len(text), end + after)
        while stop > end and stop < len(text) and text[stop].isalnum() and text[stop - 1].isalnum():
            stop -= 1
        tail = text[end:stop]
        cut = tail.find("\n")
        return bool(self._pattern.search(fold(tail[:cut] if cut >= 0 else tail)))

    def just_before(self, text: str, start: int, context: str = "", before: int = 40) -> bool:
        """Stricter: a cue on the same line before the span, or in the context."""
        if context and self.named(context):
            return True
        head = _whole(text, max(0, start - before), start)
        # Inside JSON the nearest key speaks, and no key before it.
        keys = _KEY.findall(head) if '"' in head or "'" in head else []
        if keys:
            return bool(self._pattern.search(fold(keys[-1])))
        return bool(self._pattern.search(fold(head[head.rfind("\n") + 1 :])))

    def possible(self, text: str) -> bool:
        """Whether a cue may stand in a text, by the words that it has. False is sure."""
        return not words(text).isdisjoint(self._single) or any(cue in text for cue in self._unspaced)

    def search(self, text: str) -> bool:
        """Whether a cue stands anywhere in a short text."""
        return bool(self._pattern.search(fold(text)))


def _whole(text: str, low: int, high: int) -> str:
    """A window without the tail of a word that it cuts: `address` must not be read as `s`."""
    while 0 < low < high and text[low].isalnum() and text[low - 1].isalnum():
        low += 1
    return text[low:high]


def fold(text: str) -> str:
    """Lower case, without diacritics, humps and joiners of identifiers as spaces."""
    text = _JOINER.sub(" ", _HUMP.sub(" ", text))
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


@lru_cache(maxsize=8)
def words(text: str) -> frozenset[str]:
    """The different words of a text and the humps of its identifiers, folded: what a detector asks before it tries a pattern.

    Several detectors ask the same of one segment, so the last few answers are kept.
    """
    distinct = " ".join(set(text.split()))
    if distinct.isascii():
        return frozenset(w.lower() for w in set(_PIECE.findall(distinct)))
    return frozenset(_LETTERS.findall(fold(distinct)))
