"""Structure inside a text: JSON values with the path of their keys, and tables with the header of each column.

Tolerant by need: a tool's result is often JSON lines, JSON after a log's prefix, a dict as Python prints it, or cut off in the
middle. What does not read as structure is simply not in the answer; the text itself is scanned anyway. Offsets are those of the
text. Linear: each token and each line is read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

DEPTH = 64
"""Open brackets that are followed; deeper text is scanned as text."""
PATH = 6
"""Last keys of a path that make its context."""
KEY = 64
"""Characters of a key that count."""

Span = tuple[int, int]


@dataclass(slots=True)
class Column:
    """Values of one meaning: those under one JSON path, or one column of a table. `quoted` values hold JSON escapes."""

    context: str
    cells: list[Span] = field(default_factory=list)
    quoted: bool = False


# --- JSON ---------------------------------------------------------------------------------------------------------------

_STRING = r"\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\"|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'"
_START = re.compile(r"\{\s{0,64}(?:\"[^\"\\\n]{1,128}\"|'[^'\\\n]{1,128}')\s{0,8}:")
_TOKEN = re.compile(
    rf"\s*+(?:({_STRING})|(-?\d[\d.eE+-]*+)|([{{}}\[\],:])|(?:true|false|null|True|False|None|NaN|-?Infinity)\b)", re.S
)
BIG = 7
"""Digits of a number that can identify someone (DESIGN law 1)."""


def json_columns(text: str) -> tuple[list[Column], int]:
    """The string values and the big numbers of all JSON objects in a text, by path; and how many characters are JSON."""
    columns: dict[str, Column] = {}
    at = size = 0
    while (m := _START.search(text, at)) is not None:
        at = _object(text, m.start(), columns)
        size += at - m.start()
    return list(columns.values()), size


def _object(text: str, at: int, columns: dict[str, Column]) -> int:
    """Read one value from its opening brace; returns where it ended or stopped to be JSON. What was read so far counts."""
    keys: list[str] = []  # of the open objects, "" while none was read
    kinds: list[str] = []
    key_next = False
    match = _TOKEN.match
    while (m := match(text, at)) is not None:
        at = m.end()
        string, number, mark = m.group(1, 2, 3)
        if string is not None:
            if key_next:
                keys[-1] = string[1:-1][:KEY]
                key_next = False
            elif at - m.start(1) > 4:  # two characters and more
                _add(columns, keys, m.start(1) + 1, at - 1)
        elif number is not None:
            if len(number) >= BIG and len(number.lstrip("-").split(".")[0]) >= BIG:
                _add(columns, keys, m.start(2), at)
        elif mark is None:
            continue
        elif mark in "{[":
            if len(kinds) >= DEPTH:
                return at
            kinds.append(mark)
            keys.append("" if mark == "{" else keys[-1] if keys else "")
            key_next = mark == "{"
        elif mark in "}]":
            if kinds.pop() != ("{" if mark == "}" else "["):
                return at
            keys.pop()
            if not kinds:
                return at
            key_next = False
        elif mark == ",":
            key_next = kinds[-1] == "{"
    return at + 1


def _add(columns: dict[str, Column], keys: list[str], start: int, end: int) -> None:
    path: list[str] = []
    for key in keys:
        if key and (not path or path[-1] != key):
            path.append(key)
    context = ".".join(path[-PATH:])
    column = columns.get(context)
    if column is None:
        column = columns[context] = Column(context, quoted=True)
    column.cells.append((start, end))


# --- tables -------------------------------------------------------------------------------------------------------------

ROWS = 3
"""Lines with the same number of separators that make a table: a header and two rows."""
_RULE = re.compile(r"[\s|:+=─-]+")
_HEADER = re.compile(r"[\"'*_` ]*[^\W\d_](?:[\w #/%-]|\.(?=\w)|\([\w %/-]*\)){0,39}[\"'*_` ]*")
_CSV_QUOTED = re.compile(r'"[^"\n]*+"')
_CELLS = {
    "|": re.compile(r"[^|\n]+"),
    "\t": re.compile(r"[^\t\n]+"),
    ",": re.compile(r'\s*+(?:"(?:[^"\n]|"")*+"(?=\s*(?:,|$))|[^,\n]*)(?:,|$)'),
    ";": re.compile(r'\s*+(?:"(?:[^"\n]|"")*+"(?=\s*(?:;|$))|[^;\n]*)(?:;|$)'),
}
_LEAST = {"|": 1, "\t": 1, ",": 1, ";": 1}


def table_columns(text: str) -> list[Column]:
    """The columns of all tables in a text: CSV, TSV, markdown, and what database clients print."""
    out: list[Column] = []
    lines: list[str] = []
    for mark in _CELLS:
        if text.count(mark) < ROWS:
            continue
        lines = lines or text.split("\n")
        for first, rows in _runs(lines, mark):
            out += _columns(first, rows, mark)
    return out


def _runs(lines: list[str], mark: str) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """(offset of the first line, its rows with their offsets) of each run of lines with the same number of separators."""
    run: list[tuple[int, str]] = []
    count = at = 0
    for line in lines:
        own = line.count(mark)
        if own and '"' in line:
            own = _CSV_QUOTED.sub("", line).count(mark)
        if own != count or not own:
            if not (run and line and _RULE.fullmatch(line)):
                if len(run) >= ROWS:
                    yield run[0][0], run
                run, count = [], own
                if own >= _LEAST[mark]:
                    run.append((at, line))
        elif not _RULE.fullmatch(line):
            run.append((at, line))
        at += len(line) + 1
    if len(run) >= ROWS:
        yield run[0][0], run


def _columns(first: int, rows: list[tuple[int, str]], mark: str) -> list[Column]:
    heads = [rows[0][1][a:b] for a, b in _cells(rows[0][1], mark)]
    named = [h for h in heads if h]
    if not named or not all(_HEADER.fullmatch(h) for h in named) or len(set(named)) < len(named):
        return []
    columns = [Column(h.strip("\"'*_` ")[:KEY]) for h in heads]
    for at, line in rows[1:]:
        for column, (start, end) in zip(columns, _cells(line, mark), strict=False):
            if end > start and column.context:
                column.cells.append((at + start, at + end))
    return [c for c in columns if c.cells]


def _cells(line: str, mark: str) -> list[Span]:
    """Spans of the cells, without blanks, separators and quotes around them. A cell that is empty is an empty span."""
    out: list[Span] = []
    line = line.rstrip("\r")
    if mark in ",;":
        at = 0
        while at <= len(line):
            m = _CELLS[mark].match(line, at)
            if m is None:
                break
            end = m.end() - (1 if m[0].endswith(mark) else 0)
            out.append(_bare(line, at, end))
            if not m[0].endswith(mark):
                break
            at = m.end()
        return out
    at = 0
    for part in line.split(mark):
        out.append(_bare(line, at, at + len(part)))
        at += len(part) + 1
    return out


def _bare(line: str, start: int, end: int) -> Span:
    while start < end and line[start] in ' "`*':
        start += 1
    while end > start and line[end - 1] in ' "`*':
        end -= 1
    return start, end
