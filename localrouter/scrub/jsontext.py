"""Where a position stands in JSON text that arrives in pieces: in a string, and how deep in strings that hold JSON themselves.

A tool's arguments are JSON; a file that they write may be JSON too, with strings that hold JSON again. Each level is an automaton
that decodes its strings for the level below. A level that turns out to be no JSON ends the descent. It knows no dialect.
"""

from __future__ import annotations

import json
import re

_SPECIAL = re.compile(r'["\\]')
_OUTSIDE = re.compile(r"[\s\d{}\[\]:,+\-.eEtrufalsn]*")
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
DEPTH_MAX = 8


class JsonText:
    """One text. `feed` moves on; `escape` writes a value for the place reached."""

    __slots__ = ("_below", "_escape", "_level", "inside", "valid")

    def __init__(self, level: int = 0) -> None:
        self._level = level
        self._below: JsonText | None = None
        self._escape = ""  # the beginning of an escape sequence, or of a surrogate pair
        self.inside = False
        self.valid: bool | None = None
        """Whether it is JSON: None while only white space was seen."""

    def feed(self, text: str) -> None:
        """The next piece of the text."""
        if self.valid is False:
            return
        at, size = 0, len(text)
        while at < size:
            if not self.inside:
                if self.valid is None:
                    bare = text[at:].lstrip()
                    if not bare:
                        return
                    self.valid = bare[0] in '{["' and (self._level == 0 or bare[0] != '"')
                    if not self.valid:
                        return
                gap = _OUTSIDE.match(text, at)
                at = gap.end() if gap else at
                if at == size:
                    return
                if text[at] != '"':
                    self.valid, self._below = False, None
                    return
                self.inside, at = True, at + 1
                self._below = JsonText(self._level + 1) if self._level < DEPTH_MAX else None
            elif self._escape:
                at = self._escaped(text, at)
            else:
                special = _SPECIAL.search(text, at)
                end = special.start() if special else size
                self._pass(text[at:end])
                at = end
                if special:
                    at += 1
                    if special[0] == '"':
                        self.inside, self._below = False, None
                    else:
                        self._escape = "\\"

    def _pass(self, decoded: str) -> None:
        if self._below is not None and decoded:
            self._below.feed(decoded)
            if self._below.valid is False:
                self._below = None

    def _escaped(self, text: str, at: int) -> int:
        """Goes on with an escape sequence; returns where it stops."""
        if self._escape == "\\":
            self._escape = "\\u" if text[at] == "u" else ""
            if not self._escape:
                self._pass(_PLAIN.get(text[at], text[at]))
            return at + 1
        take = min(len(text) - at, 6 - len(self._escape))
        self._escape += text[at : at + take]
        if len(self._escape) == 6:
            try:
                self._pass(chr(int(self._escape[2:], 16)))
            except ValueError:
                self.valid, self._below = False, None
            self._escape = ""
        return at + take

    @property
    def depth(self) -> int:
        """In how many strings the position stands: 0 outside of all, 1 in a string, 2 in a string of JSON in a string ..."""
        if not self.valid or not self.inside:
            return 0
        return 1 + (self._below.depth if self._below is not None else 0)

    @property
    def pending(self) -> bool:
        """Amid an escape sequence."""
        return bool(self._escape)

    def escape(self, value: str, raw: bool = False) -> str:
        """A value as it must stand here. `raw`: it is escaped for the innermost string already. So is one that could only have
        come from inside of a deeper string: in a string of a string, `a\\"b` keeps its bytes at the innermost level."""
        depth = self.depth
        if depth and (raw or (depth > 1 and "\\" in value and is_content(value))):
            depth -= 1
        for _ in range(depth):
            value = json.dumps(value, ensure_ascii=False)[1:-1]
        return value


def is_content(text: str) -> bool:
    """Whether a text can stand inside of a JSON string as it is."""
    try:
        json.loads(f'"{text}"')
    except ValueError:
        return False
    return True


def unescape(text: str) -> str:
    """What a piece of a JSON string says; the text itself when it is no such piece."""
    if "\\" not in text:
        return text
    try:
        said = json.loads(f'"{text}"')
    except ValueError:
        return text
    return said if isinstance(said, str) else text
