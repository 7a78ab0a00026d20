"""Is a position inside an attribute's value, or inside of a script or a style, of HTML that may stand in Markdown?

Whether `<a title="` begins a tag or is plain text is known only later, and differs between renderers. So each `<x` starts a reading
of its own, and a position counts when any reading that is still possible has it in a value: the HTML standard's tokenizer
(section 13.2.5) as a set of states. A reading that began in a code span ends with the span.
"""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[\s/>=\"'<`|\\]")
_NAME, _BEFORE, _ATTRIBUTE, _AFTER, _EQUALS, _DOUBLE, _SINGLE, _BARE = range(8)
_QUOTED = frozenset((_DOUBLE, _SINGLE))
_VALUES = _QUOTED | {_EQUALS, _BARE}
_GONE = -1
_ORDINARY = {_BEFORE: _ATTRIBUTE, _AFTER: _ATTRIBUTE, _EQUALS: _BARE}
_SPACE = {_NAME: _BEFORE, _ATTRIBUTE: _AFTER, _BARE: _BEFORE}
_SLASH = {_NAME: _BEFORE, _ATTRIBUTE: _BEFORE, _AFTER: _BEFORE, _EQUALS: _BARE}
_CLOSE = dict.fromkeys((_NAME, _BEFORE, _ATTRIBUTE, _AFTER, _EQUALS, _BARE), _GONE)
_EQUAL = {_BEFORE: _ATTRIBUTE, _ATTRIBUTE: _EQUALS, _AFTER: _EQUALS, _EQUALS: _BARE}
_QUOTE = {_BEFORE: _ATTRIBUTE, _AFTER: _ATTRIBUTE}
_MOVES = {
    "/": _SLASH,
    ">": _CLOSE,
    "=": _EQUAL,
    '"': {**_QUOTE, _EQUALS: _DOUBLE, _DOUBLE: _BEFORE},
    "'": {**_QUOTE, _EQUALS: _SINGLE, _SINGLE: _BEFORE},
}
_RAW = ("script", "style")


class Tags:
    """One text. `feed` takes pieces of a line, `newline` ends it."""

    __slots__ = ("_lost", "_mark", "_name", "_outer", "_raw", "_run", "_span", "_spanned", "_sure", "base")

    def __init__(self) -> None:
        self._outer: set[int] = set()
        self._spanned: set[int] = set()  # readings that began in what may be a code span
        self._lost = False  # a quote was left open at the end of raw HTML: where a browser closes it cannot be told
        self._raw: set[str] = set()  # "script", "style"; with a leading "`" if it began in a span
        self._mark = False  # the last character was `<`
        self._name = ""
        self._span = 0  # the length of the backticks that opened a span on this line
        self._run = 0  # backticks just seen
        self._sure = True  # spans of this paragraph can be told
        self.base = False
        """A `<base>` was seen: from there on a relative address may lead anywhere."""

    @property
    def idle(self) -> bool:
        """No reading is open: text without `<` and backticks changes nothing."""
        return not (self._outer or self._spanned or self._mark or self._name or self._span or self._run)

    @property
    def value(self) -> bool:
        """Here a client may fetch, submit or run what stands."""
        return bool(self._raw) or self._lost or not _VALUES.isdisjoint(self._outer) or not _VALUES.isdisjoint(self._spanned)

    @property
    def raw(self) -> bool:
        """In a script or a style."""
        return bool(self._raw)

    def feed(self, text: str, html: bool) -> None:
        """The next piece. `html`: it goes on with a block of raw HTML, where backticks mean nothing."""
        if self.idle and "<" not in text and "`" not in text and "\\" not in text:
            return
        at, size = 0, len(text)
        while at < size:
            found = _SPECIAL.search(text, at)
            end = found.start() if found else size
            if end > at:
                self._ordinary(text[at:end])
            if found:
                self._special(found[0], html)
                end += 1
            at = end

    def newline(self, blank: bool, html: bool) -> None:
        """A line is over. `blank`: it was empty, which ends a paragraph. `html`: it stood in a block of raw HTML."""
        if self._run:
            self._ticked()
        if self._name or self._mark:
            self._special("\n", html)
        elif self._outer:
            self._outer = _step(self._outer, _SPACE)
        if self._span:
            self._merge()
            self._sure = False  # a span over lines: which backticks belong together is not followed
        if blank and not html:
            self.leave(html=False)

    def leave(self, *, html: bool) -> None:
        """A block ends. After one of raw HTML, a browser looks for the end of an open quote in what Markdown makes of the rest."""
        self._merge()
        self._lost = self._lost or (html and not _QUOTED.isdisjoint(self._outer))
        self._outer = set()
        self._sure = True

    def _merge(self) -> None:
        """What began in a span that was none."""
        self._outer |= self._spanned
        self._spanned = set()
        self._raw = {r.lstrip("`") for r in self._raw}
        self._span = 0

    def _ordinary(self, run: str) -> None:
        if self._run:
            self._ticked()
        if self._mark or self._name:
            self._named(run)
        if self._outer:
            self._outer = _step(self._outer, _ORDINARY)
        if self._spanned:
            self._spanned = _step(self._spanned, _ORDINARY)

    def _named(self, run: str) -> None:
        first = self._mark
        self._mark = False
        if first and not run[0].isascii():
            return
        if first and run[0].isalpha():
            (self._spanned if self._span else self._outer).add(_NAME)
        self._name = (self._name or "<") + run[:12]

    def _end_name(self) -> None:
        name, self._name = self._name[1:].lower(), ""
        if name == "base":
            self.base = True
        if name in _RAW:
            self._raw.add(("`" if self._span else "") + name)
        elif name[:1] == "/" and name[1:] in _RAW:
            self._raw -= {name[1:], "`" + name[1:]}

    def _special(self, char: str, html: bool) -> None:
        if self._run and char != "`":
            self._ticked()
        if self._mark and char == "/":
            self._mark, self._name = False, "</"
            return
        if self._name:
            self._end_name()
        self._mark = False
        if char == "`":
            self._run += 1
        elif char in "\\|":
            # An escaped backtick, or a table's cell, may end what looks like a span.
            self._sure = self._sure and char == "|" and not self._span
        if char == "<":
            self._mark = True
            self._sure = self._sure and bool(self._span)
        moves = _SPACE if char.isspace() else _MOVES.get(char, _ORDINARY)
        if self._outer:
            self._outer = _step(self._outer, moves)
        if self._spanned:
            self._spanned = _step(self._spanned, moves)
        if html:
            self._sure = False

    def _ticked(self) -> None:
        """A run of backticks is over: it opens a span, closes it, or is part of it."""
        run, self._run = self._run, 0
        if not self._span:
            if self._sure and not self._outer:
                self._span = run
        elif run == self._span:
            if self._sure:
                self._spanned, self._span = set(), 0
                self._raw = {r for r in self._raw if r[0] != "`"}
            else:
                self._merge()


def _step(readings: set[int], moves: dict[int, int]) -> set[int]:
    return {moves.get(s, s) for s in readings} - {_GONE}
