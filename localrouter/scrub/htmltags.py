"""Is a position inside an attribute's value, or inside of a script or a style, of HTML that may stand in Markdown?

Whether `<a title="` begins a tag or is plain text is known only later, and differs between renderers. So each `<x` starts a reading
of its own, and a position counts when any reading that is still possible has it in a value: the HTML standard's tokenizer
(section 13.2.5) as a set of states. A reading that began in a code span ends with the span.
"""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[\s/>=\"'<`|\\]")
_NAME, _BEFORE, _ATTRIBUTE, _AFTER, _EQUALS, _DOUBLE, _SINGLE, _BARE = range(8)
_VALUES = frozenset((_EQUALS, _DOUBLE, _SINGLE, _BARE))
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

_Readings = dict[int, bool]
"""State -> whether it began in a block of raw HTML, which a blank line does not end for a browser."""


class Tags:
    """One text. `feed` takes any pieces; `blank` says that a blank line was passed."""

    __slots__ = ("_mark", "_name", "_outer", "_raw", "_run", "_span", "_spanned", "_sure", "base")

    def __init__(self) -> None:
        self._outer: _Readings = {}
        self._spanned: _Readings = {}  # readings that began in what may be a code span
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
        return bool(self._raw) or any(s in _VALUES for s in self._outer) or any(s in _VALUES for s in self._spanned)

    @property
    def raw(self) -> bool:
        """In a script or a style."""
        return bool(self._raw)

    def feed(self, text: str, html: bool) -> None:
        """The next piece. `html`: it stands in a block of raw HTML."""
        if self.idle and "<" not in text and "`" not in text and "\\" not in text:
            return
        at, size = 0, len(text)
        while at < size:
            found = _SPECIAL.search(text, at)
            end = found.start() if found else size
            if end > at:
                self._ordinary(text[at:end], html)
            if found:
                self._special(found[0], html)
                end += 1
            at = end

    def newline(self, blank: bool) -> None:
        """A line is over; `blank`: it was empty, which ends a paragraph."""
        if self._run:
            self._ticked()
        if self._span:
            self._merge()
            self._sure = False  # a span over lines: which backticks belong together is not followed
        if blank:
            self._outer = {s: True for s, block in self._outer.items() if block}
            self._sure = True

    def _merge(self) -> None:
        """What began in a span that was none."""
        for state, block in self._spanned.items():
            self._outer[state] = self._outer.get(state, False) or block
        self._spanned = {}
        self._raw = {r.lstrip("`") for r in self._raw}
        self._span = 0

    def _ordinary(self, run: str, html: bool) -> None:
        if self._run:
            self._ticked()
        if self._mark or self._name:
            self._named(run, html)
        if self._outer:
            self._outer = _step(self._outer, _ORDINARY)
        if self._spanned:
            self._spanned = _step(self._spanned, _ORDINARY)

    def _named(self, run: str, html: bool) -> None:
        first = self._mark
        self._mark = False
        if first and not run[0].isascii():
            return
        if first and run[0].isalpha():
            into = self._spanned if self._span else self._outer
            into[_NAME] = into.get(_NAME, False) or html
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
                self._spanned, self._span = {}, 0
                self._raw = {r for r in self._raw if r[0] != "`"}
            else:
                self._merge()


def _step(readings: _Readings, moves: dict[int, int]) -> _Readings:
    out: _Readings = {}
    for state, block in readings.items():
        to = moves.get(state, state)
        if to != _GONE:
            out[to] = out.get(to, False) or block
    return out
