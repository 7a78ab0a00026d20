"""Views: the same text as another reader would see it, each with the way back to the original offsets.

A detector reads plain text; a value also hides behind JSON escapes, percent-encoding, HTML entities, base64 or hexadecimal words,
full-width forms, zero-width characters and look-alike letters. A view is made only where it would differ in a way that matters
(a *trigger*), and only of the lines around, so that ordinary text costs one look for each kind and pure ASCII none for Unicode.
The replacement is always made in the original: a mapped view gives the exact span, a decoded word the whole word.
Linear in the text.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

WINDOW = 256
"""Characters around a trigger that a view covers at most, to the ends of its line."""
SMALL = 512
"""Characters up to which a text is viewed whole."""
WORD_MIN = 16
"""Characters of base64 or hexadecimal below which a word is not decoded: twelve or eight bytes hold no key and few addresses."""

Edit = tuple[int, int, str, bool]
"""(start, end, what it reads as, whether this alone is worth a view)."""


class View:
    """`text` is what is read; `span` maps a finding in it to the original."""

    __slots__ = ("_edits", "_lo", "_starts", "_whole", "text")

    def __init__(self, text: str, lo: int, edits: list[tuple[int, int, int, int]], whole: tuple[int, int] | None = None) -> None:
        """`edits` are (start in the view, length there, start, end in the original), in order; `whole` stands for all findings."""
        self.text, self._lo, self._edits, self._whole = text, lo, edits, whole
        self._starts = [e[0] for e in edits]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's span of the view's [start, end). An escape sequence is never cut in two."""
        if self._whole is not None:
            return self._whole
        return self._original(start, bisect_right(self._starts, start) - 1, 2), self._original(
            end, bisect_left(self._starts, end) - 1, 3
        )

    def _original(self, at: int, index: int, side: int) -> int:
        if index < 0:
            return self._lo + at
        edit = self._edits[index]
        behind = at - edit[0] - edit[1]
        return edit[3] + behind if behind >= 0 else edit[side]


def _applied(text: str, lo: int, hi: int, edits: Iterable[Edit]) -> View:
    out: list[str] = []
    places: list[tuple[int, int, int, int]] = []
    at, size = lo, 0
    for start, end, new, _ in edits:
        out += (text[at:start], new)
        size += start - at
        places.append((size, len(new), start, end))
        size += len(new)
        at = end
    out.append(text[at:hi])
    return View("".join(out), lo, places)


def _around(text: str, edits: list[Edit]) -> Iterator[View]:
    """Views of the lines that hold a trigger; of the whole text when it is small."""
    triggers = [e for e in edits if e[3]]
    if not triggers:
        return
    if len(text) <= SMALL:
        yield _applied(text, 0, len(text), edits)
        return
    windows: list[tuple[int, int]] = []
    for start, end, _, _ in triggers:
        low = max(text.rfind("\n", max(0, start - WINDOW), start) + 1, start - WINDOW, 0)
        high = text.find("\n", end, end + WINDOW)
        high = min(len(text), end + WINDOW) if high < 0 else high
        if windows and low <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(high, windows[-1][1]))
        else:
            windows.append((low, high))
    starts = [e[0] for e in edits]
    for low, high in windows:
        own = edits[bisect_left(starts, low) : bisect_left(starts, high)]
        # An edit that a window's edge would cut belongs to neither side.
        yield _applied(text, low, max(high, own[-1][1]), own)


def views(text: str) -> Iterator[View]:
    """Every view of a text that differs where it matters."""
    if "\\" in text:
        yield from _around(text, _escapes(text))
    if not text.isascii():
        yield from _around(text, _folds(text))
    if "%" in text:
        yield from _around(text, _percents(text))
    if "&" in text and ";" in text:
        yield from _around(text, _entities(text))
    yield from _words(text)


# --- escapes ------------------------------------------------------------------------------------------------------------

_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\"\\/bfnrt']))"
)
_PLAIN = {'"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_QUOTES = "\"'/"
_BEGINS = re.compile(r"(?!\d{1,3}[.)] )[\w{\[<@+(]|-[\w-]")
_INNER = "\"'nrtux/\\"


def _escapes(text: str) -> list[Edit]:
    """JSON's escapes (RFC 8259 section 7), and `\\xHH` and `\\'` of many languages."""
    out: list[Edit] = []
    size = len(text)
    for m in _ESCAPE.finditer(text):
        start, end = m.span()
        letter = m[5]
        if letter:
            if letter in _QUOTES:
                trigger = True
            elif letter == "\\":
                trigger = end < size and text[end] in _INNER
            else:
                # `\n` before a quote ends a literal, before a list's mark it hides nothing; before a word it hides the word's first edge.
                trigger = _BEGINS.match(text, end) is not None
            out.append((start, end, _PLAIN[letter], trigger))
        elif m[1]:
            code = 0x10000 + ((int(m[1], 16) - 0xD800) << 10) + int(m[2], 16) - 0xDC00
            out.append((start, end, chr(code), True))
        else:
            code = int(m[3] or m[4], 16)
            # A lone surrogate is no character and could not be sent to anyone.
            out.append((start, end, "\ufffd" if 0xD800 <= code < 0xE000 else chr(code), True))
    return out


def unescaped(text: str) -> View | None:
    """The whole text with one level of escapes read; None when there is nothing to read."""
    edits = _escapes(text) if "\\" in text else []
    return _applied(text, 0, len(text), edits) if edits else None


def softened(text: str) -> View | None:
    """JSON text with its escapes read, but for quotes and backslashes, so that it is JSON still: what `\\n` hides in a string is seen
    without reading the text twice. None when there is nothing to read."""
    edits = [e for e in _escapes(text) if e[2] not in "\"'\\"] if "\\" in text else []
    return _applied(text, 0, len(text), edits) if edits else None


_DRIVE = re.compile(r"\b[A-Za-z]:\\\w|\\\\\w")


def readable(text: str) -> View | None:
    """The whole text as a person reads it, for a detector that reads sentences and looks once: escapes, character references,
    percent-encoding and compatibility forms in one view. Quotes and backslashes stay, and so do the letters of a Windows path, whose
    `\\n` is no line's end. None when there is nothing to read."""
    edits: list[Edit] = []
    if "\\" in text:
        drive = _DRIVE.search(text) is not None
        edits += [e for e in _escapes(text) if e[2] not in "\"'\\" and (e[1] - e[0] > 2 or not drive)]
    if not text.isascii():
        edits += _folds(text)
    if "%" in text:
        edits += _percents(text)
    if "&" in text and ";" in text:
        edits += _entities(text)
    if not edits:
        return None
    edits.sort()
    apart: list[Edit] = []
    for edit in edits:
        if not apart or edit[0] >= apart[-1][1]:
            apart.append(edit)
    return _applied(text, 0, len(text), apart)


def behind_backslash(text: str, at: int) -> bool:
    """Whether an offset may lie inside an escape sequence, at whatever level of escaping."""
    return 0 < at < len(text) and text[at - 1] == "\\" and text[at] in "\"'\\/bfnrtux"


# --- Unicode ------------------------------------------------------------------------------------------------------------

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
# Letters that look like Latin ones, each group led by the Latin letter: our own choice from Unicode's confusables.txt (UTS #39),
# Cyrillic, Greek, Armenian and a few Latin extensions; what only resembles in some typefaces is left out.
_ALIKE = (
    "aаαɑ cсϲ dԁ eе gɡց hһհ iіιı jјϳ kкκ lӏǀӀ nո oоοօσ pрρ qԛզ rг sѕ uυս vѵν wԝ xхχ yуүγ "
    "AАΑ BВΒ CСϹ EЕΕ GԌ HНΗ IІΙ JЈ KКΚ MМΜ NΝ OОΟ PРΡ QԚ SЅ TТΤ VѴ WԜ XХΧ YУΥҮ ZΖ 3Зз"
)
_CONFUSABLE = {other: group[0] for group in _ALIKE.split() for other in group[1:]}
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u30fc"
_WIDE_DASHES = "\u2014\u2015\u30fc"
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_QUOTED = re.compile("[=:] ?[\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u2018\u2019\u201a\u201b\u2032]\\w")
_DOUBLE, _SINGLE = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", "\u2018\u2019\u201a\u201b\u2032"
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u3164\uffa0"
_KEPT = "\u2026\u2122\u00ae\u00aa\u00ba\u00b5\u2120"
"""Compatibility characters of ordinary prose whose plain form would hide or make nothing."""
_GLUE = "@._-+:/="


@lru_cache(maxsize=4096)
def _plain(char: str) -> str | None:
    """What a character reads as: "" for an invisible one, None when it is as it seems."""
    if char in _DASHES:
        return "-"
    if char in _SPACES:
        return " "
    if char in _DOUBLE:
        return '"'
    if char in _SINGLE:
        return "'"
    if (
        char in _INVISIBLE
        or unicodedata.category(char) == "Cf"
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
    ):
        return ""
    if char in _KEPT:
        return None
    folded = unicodedata.normalize("NFKC", char)
    return folded if folded != char else None


@lru_cache(maxsize=16384)
def _dull(char: str) -> bool:
    """Whether a character reads as it stands wherever it stands, but for quotes."""
    if char.isascii():
        return True
    if unicodedata.combining(char) or char in _CONFUSABLE:
        return False
    new = _plain(char)
    return new is None or new in ('"', "'")


def _wordy(char: str) -> bool:
    return char != "" and (char.isalnum() or char in _GLUE)


def _folds(text: str) -> list[Edit]:
    """NFKC, invisible characters taken out, marks composed, and look-alikes in words of mixed scripts as the letters they imitate."""
    out: list[Edit] = []
    if all(map(_dull, set(text))) and not _QUOTED.search(text):
        return out  # most prose: accents, other scripts, curly quotes
    size = len(text)
    for m in _NON_ASCII.finditer(text):
        low, high = m.span()
        alike = _imitates(text, low, high)
        at = low
        while at < high:
            char = text[at]
            end = at + 1
            if unicodedata.combining(char):
                while end < high and unicodedata.combining(text[end]):
                    end += 1
                start = max(0, at - 1)
                composed = unicodedata.normalize("NFKC", text[start:end])
                if composed != text[start:end] and not (out and out[-1][1] > start):
                    out.append((start, end, composed, text[start].isalnum()))
                at = end
                continue
            if alike and char in _CONFUSABLE:
                out.append((at, end, _CONFUSABLE[char], True))
                at = end
                continue
            new = _plain(char)
            if new is not None:
                before, after = text[at - 1] if at else "", text[end] if end < size else ""
                if new in "\"'" and before == " ":
                    before = text[at - 2] if at > 1 else ""
                out.append((at, end, new, _matters(char, new, before, after)))
            at = end
    return out


def _imitates(text: str, low: int, high: int) -> bool:
    """Whether the letters of a non-ASCII run all look Latin and stand in a word with ASCII letters, digits or an `@`."""
    run = text[low:high]
    letters = [c for c in run if c.isalpha()]
    if not letters or any(c not in _CONFUSABLE and c.isalpha() and _plain(c) is None for c in letters):
        return False
    if not any(c in _CONFUSABLE for c in letters):
        return False
    return any(map(_latin, _until_blank(text, range(low - 1, max(-1, low - 65), -1)))) or any(
        map(_latin, _until_blank(text, range(high, min(len(text), high + 64))))
    )


def _until_blank(text: str, places: range) -> Iterator[str]:
    for at in places:
        if not _wordy(text[at]):
            return
        yield text[at]


def _latin(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "@")


def _matters(char: str, new: str, before: str, after: str) -> bool:
    if new == "":
        return _wordy(before) or _wordy(after)
    if new in "- ":
        if char in _WIDE_DASHES or new == " ":
            return before.isdigit() and after.isdigit()
        return before.isalnum() and after.isalnum()
    if new in "\"'":
        return before in ("=", ":") and after.isalnum()
    if unicodedata.category(char) == "No":  # one half is a number; circled digits in a row are a telephone's
        return any(c.isdigit() or (c != "" and unicodedata.category(c) == "No") for c in (before, after))
    return any(c.isascii() and (c.isalnum() or c in _GLUE) for c in new)


# --- encodings ----------------------------------------------------------------------------------------------------------

_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DULL = frozenset(["&lt;", "&gt;", "&nbsp;", "&mdash;", "&ndash;", "&hellip;", "&copy;", "&reg;", "&trade;", "&rarr;", "&larr;"])


def _percents(text: str) -> list[Edit]:
    """RFC 3986 section 2.1, as UTF-8."""
    out: list[Edit] = []
    for m in _PERCENT.finditer(text):
        try:
            new = bytes.fromhex(m[0].replace("%", "")).decode()
        except UnicodeDecodeError:
            continue
        if new.isprintable() or new.strip() == "":
            out.append((m.start(), m.end(), new, any(c.isalnum() or c in "@:/=&\"'._-+<%" for c in new)))
    return out


def _entities(text: str) -> list[Edit]:
    """Character references (HTML standard, section 13.5)."""
    out: list[Edit] = []
    for m in _ENTITY.finditer(text):
        new = html.unescape(m[0])
        if new != m[0] and "\x00" not in new:
            out.append((m.start(), m.end(), new, m[0] not in _DULL))
    return out


_LONG_WORD = re.compile(rf"[A-Za-z0-9+/_-]{{{WORD_MIN},}}+={{0,2}}")
_HEX = re.compile(r"(?:0x)?((?:[2-7][0-9a-fA-F]|0[9aAdD]){8,})")


def _words(text: str) -> Iterator[View]:
    """Words that decode to printable text. The first of each four characters of encoded ASCII is one of A to Z and a to f, so a look
    at every fourth character tells an identifier from an encoded text without decoding it."""
    for m in _LONG_WORD.finditer(text):
        word = m[0]
        hexadecimal = _HEX.fullmatch(word)
        if hexadecimal is not None:
            plain = printable(bytes.fromhex(hexadecimal[1]))
            if plain is not None:
                yield View(plain, 0, [], m.span())
            continue
        plain = _said(word)
        if plain is not None:
            yield View(plain, 0, [], m.span())
        elif "/" in word:  # a path, and the word one of its names
            at = m.start()
            for part in word.split("/"):
                if len(part) >= WORD_MIN and (plain := _said(part)) is not None:
                    yield View(plain, 0, [], (at, at + len(part)))
                at += len(part) + 1


def _said(word: str) -> str | None:
    heads = word[:64:4]
    # Text with accents has a few other heads; it is tried when the word looks like no identifier.
    plain_ascii = all("A" <= c <= "Z" or "a" <= c <= "f" for c in heads)
    if not plain_ascii and (word.isalpha() or word.islower() or "_" in word or sum(map(str.isdigit, word)) < 2):
        return None
    return decoded(word)


def decoded(word: str) -> str | None:
    """A base64 word (either alphabet, RFC 4648) as printable text, or None."""
    body = word.rstrip("=")
    if len(body) % 4 == 1:
        return None
    try:
        raw = base64.b64decode(body.replace("-", "+").replace("_", "/") + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return None
    return printable(raw)


def printable(raw: bytes) -> str | None:
    """Bytes as UTF-8 text without control characters, or None."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    flat = text.translate({9: None, 10: None, 13: None})
    return text if flat and flat.isprintable() else None
