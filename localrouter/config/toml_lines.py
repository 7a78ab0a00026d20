"""Where each key of a TOML file stands, so that a complaint names its line. `tomllib` and tomlkit parse values and keep no positions.

The text is known to be TOML (`tomllib` has read it), so this walk checks nothing: it follows headers, keys, tables and lists (TOML v1.0.0,
toml.io/en/v1.0.0) and notes the line of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Path = tuple[str | int, ...]

_KEY = re.compile(r"[ \t]*(?:\"((?:[^\"\\\n]|\\.)*)\"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.S)
_PLAIN = re.compile(r"[^,\]}\n#]*")


class _Walk:
    """One walk over a text."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Path, int] = {}
        self._line, self._counted = 1, 0
        self._lists: dict[Path, int] = {}

    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def key(self) -> Path:
        """A dotted key."""
        steps: list[str | int] = []
        while (found := _KEY.match(self.text, self.at)) is not None:
            steps.append(next(g for g in found.groups() if g is not None))
            self.at = found.end()
            if not self.text.startswith(".", self.at):
                break
            self.at += 1
        return tuple(steps)

    def note(self, path: Path) -> None:
        for depth in range(1, len(path) + 1):
            self.found.setdefault(path[:depth], self.line())

    def placed(self, path: Path) -> Path:
        """The path of a header, with the number of the list's item that it belongs to."""
        out: Path = ()
        for step in path:
            out = (*out, step)
            if out in self._lists:
                out = (*out, self._lists[out])
        return out

    def value(self, path: Path) -> None:
        self.space()
        if self.text.startswith("{", self.at):
            self.items(path, "}", keyed=True)
        elif self.text.startswith("[", self.at):
            self.items(path, "]", keyed=False)
        else:
            found = _STRING.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
            self.at = found.end() if found else self.at + 1

    def items(self, path: Path, end: str, *, keyed: bool) -> None:
        self.at += 1
        number = 0
        while self.at < len(self.text):
            self.space()
            if self.text.startswith(end, self.at):
                self.at += 1
                return
            if self.text.startswith(",", self.at):
                self.at += 1
                continue
            if keyed:
                inner: Path = (*path, *self.key())
                self.note(inner)
                self.at += 1  # the =
            else:
                inner = (*path, number)
                self.note(inner)
                number += 1
            before = self.at
            self.value(inner)
            self.at = max(self.at, before + 1)

    def run(self) -> dict[Path, int]:
        table: Path = ()
        while True:
            self.space()
            if self.at >= len(self.text):
                return self.found
            if self.text.startswith("[[", self.at):
                self.at += 2
                bare = self.key()
                parent = self.placed(bare[:-1])
                place: Path = (*parent, bare[-1])
                self._lists[place] = self._lists.get(place, -1) + 1
                table = (*place, self._lists[place])
                self.note(table)
                self.at += 2
            elif self.text.startswith("[", self.at):
                self.at += 1
                table = self.placed(self.key())
                self.note(table)
                self.at += 1
            else:
                before = self.at
                path: Path = (*table, *self.key())
                self.note(path)
                self.at += 1  # the =
                self.value(path)
                self.at = max(self.at, before + 1)


def lines(text: str) -> dict[Path, int]:
    """Key path -> its first line, counted from 1. A list's items have their number for a step."""
    return _Walk(text).run()


def line_of(found: dict[Path, int], path: Iterable[str | int]) -> int:
    """The line of a path, or of the nearest part of it that stands in the file; 1 where none does."""
    whole = tuple(path)
    return next((found[whole[:n]] for n in range(len(whole), 0, -1) if whole[:n] in found), 1)
