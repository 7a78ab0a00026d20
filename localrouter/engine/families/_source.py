"""The text of an answer that is still being written, read by generators.

A reader is a generator: it yields when it needs more text and returns what it read, so a grammar is written as if all text were
there, and every cut of the text gives the same reading. Each reader goes over a character once.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Reading: TypeAlias = Generator[None, None, T]
"""Yields None for "more text, please"; returns what was read."""

MAX_DEPTH = 128
"""Of brackets in a call. Deeper text is no call: the parsers after us recurse."""

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[\w.:/\-]+")
_JSON_STRING = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_JSON_PLAIN = re.compile(r"[\s,:0-9A-Za-z.+\-]*")
_PYTHON_PLAIN = re.compile(r"[^()\[\]{}'\"#]*")


class Source:
    """The text so far, and how far it was read. `ended` says that no more will come."""

    __slots__ = ("at", "ended", "text")

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.ended = False

    def add(self, text: str) -> None:
        """Append, and forget what was read."""
        self.text += text

    def forget(self, upto: int) -> None:
        """Drop the text before `upto`. Only the driver may call it: positions move."""
        self.text = self.text[upto:]
        self.at -= upto

    def more(self) -> Reading[bool]:
        """Wait for text behind what is there. False: there is no more."""
        size = len(self.text)
        while len(self.text) == size:
            if self.ended:
                return False
            yield
        return True

    def looks_at(self, literal: str) -> Reading[bool]:
        """Does `literal` come next? Consumes nothing."""
        while True:
            have = self.text[self.at : self.at + len(literal)]
            if have == literal:
                return True
            if not literal.startswith(have):
                return False
            if not (yield from self.more()):
                return False

    def take(self, literal: str) -> Reading[bool]:
        """Consume `literal` when it comes next."""
        if (yield from self.looks_at(literal)):
            self.at += len(literal)
            return True
        return False

    def take_any(self, *literals: str) -> Reading[str]:
        """Consume the first of the literals that comes next, "" when none does."""
        for literal in literals:
            if (yield from self.take(literal)):
                return literal
        return ""

    def space(self) -> Reading[None]:
        """Consume white space."""
        while True:
            self.at = _end(_SPACE, self.text, self.at)
            if self.at < len(self.text) or not (yield from self.more()):
                return

    def word(self) -> Reading[str]:
        """Consume a name: letters, digits and `_ . : / -`. "" when there is none."""
        start = end = self.at
        while True:
            found = _WORD.match(self.text, end)
            end = found.end() if found else end
            if end < len(self.text) or not (yield from self.more()):
                self.at = end
                return self.text[start:end]

    def until(self, *markers: str) -> Reading[tuple[str, str] | None]:
        """Consume up to and with the first of the markers: (text before it, marker). None: the text ends before one comes."""
        start = seen = self.at
        longest = max(map(len, markers))
        while True:
            found = [(i, -len(m), m) for m in markers if (i := self.text.find(m, seen)) >= 0]
            if found:
                at, _, marker = min(found)
                # A longer marker that begins at the same place may still be coming.
                if not any(m != marker and m.startswith(self.text[at:]) for m in markers) or self.ended:
                    self.at = at + len(marker)
                    return self.text[start:at], marker
            seen = max(start, len(self.text) - longest + 1) if not found else seen
            if not (yield from self.more()):
                if found:
                    continue
                return None

    def json(self) -> Reading[str | None]:
        """Consume one JSON object or array and return its text, unchecked but for its brackets and strings. None: it is none."""
        start = self.at
        if not (yield from self._open("{[")):
            return None
        closers: list[str] = []
        at = start
        while True:
            at = _end(_JSON_PLAIN, self.text, at)
            if at >= len(self.text):
                if not (yield from self.more()):
                    return None
                continue
            mark = self.text[at]
            if mark == '"':
                done = yield from self._string(at + 1, _JSON_STRING, '"')
                if done is None:
                    return None
                at = done
            elif mark in "{[":
                closers.append("}" if mark == "{" else "]")
                if len(closers) > MAX_DEPTH:
                    return None
                at += 1
            elif not closers or mark != closers.pop():
                return None
            else:
                at += 1
                if not closers:
                    self.at = at
                    return self.text[start:at]

    def python(self) -> Reading[str | None]:
        """Consume a bracketed Python expression and return its text, unchecked but for its brackets and strings."""
        start = self.at
        if not (yield from self._open("([{")):
            return None
        closers: list[str] = []
        at = start
        while True:
            at = _end(_PYTHON_PLAIN, self.text, at)
            if at >= len(self.text):
                if not (yield from self.more()):
                    return None
                continue
            mark = self.text[at]
            if mark in "'\"":
                while len(self.text) < at + 3 and (yield from self.more()):
                    pass
                quote = mark * 3 if self.text.startswith(mark * 3, at) else mark
                if quote == mark and self.text.startswith(mark * 2, at):
                    at += 2
                    continue
                done = yield from self._quoted(at + len(quote), quote)
                if done is None:
                    return None
                at = done
            elif mark in "([{":
                closers.append(")]}"["([{".index(mark)])
                if len(closers) > MAX_DEPTH:
                    return None
                at += 1
            elif mark == "#" or not closers or mark != closers.pop():
                return None
            else:
                at += 1
                if not closers:
                    self.at = at
                    return self.text[start:at]

    def _open(self, brackets: str) -> Reading[bool]:
        while self.at >= len(self.text):
            if not (yield from self.more()):
                return False
        return self.text[self.at] in brackets

    def _string(self, at: int, inside: re.Pattern[str], quote: str) -> Reading[int | None]:
        """The position behind a string's closing quote. A backslash at the end waits for what it escapes."""
        while True:
            at = _end(inside, self.text, at)
            if self.text.startswith(quote, at):
                return at + len(quote)
            if not (yield from self.more()):
                return None

    def _quoted(self, at: int, quote: str) -> Reading[int | None]:
        inside = re.compile(rf"[^\\{quote[0]}]*(?:\\.[^\\{quote[0]}]*)*", re.DOTALL)
        while True:
            at = _end(inside, self.text, at)
            if self.text.startswith(quote, at):
                return at + len(quote)
            if at < len(self.text) and self.text[at] == quote[0] and (len(self.text) - at >= len(quote) or self.ended):
                at += 1  # one quote inside a triple-quoted string
                continue
            if not (yield from self.more()):
                return None


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
