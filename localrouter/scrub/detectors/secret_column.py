"""Tables with a column of secrets: CSV, TSV and Markdown whose header names one.

The header's cell is read as a field name; each cell below it, in rows of the same number of cells, is its value.
"""

from __future__ import annotations

import csv
import re
from itertools import pairwise

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._fields import names
from localrouter.scrub.detectors._key_names import KIND, Sense, sense
from localrouter.scrub.detectors._placeholder import placeholder
from localrouter.scrub.detectors._shape import noise, random

NAME = "secret_column"
_RULE = re.compile(r"[\s|:+-]+")
_EDGES = frozenset(["", *"\"' \t|,;\r\n*_`"])
_WORDS = 4
"""Words of a header's cell: more are a sentence."""


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    done = 0
    for name in names(text):
        if text[name.end : name.end + 1] not in _EDGES or (name.start and text[name.start - 1] not in _EDGES):
            continue
        line = text.rfind("\n", 0, name.start) + 1
        if line < done or name.sense == "maybe" or name.start - line > 400:
            continue
        stop = text.find("\n", line)
        if stop < 0:
            break
        header = text[line : min(stop, line + 800)]
        done = stop
        mark = next((m for m in "|\t;," if header.count(m) >= 1), "")
        columns = _columns(header, mark) if mark else {}
        if columns:
            out += _below(text, stop + 1, mark, len(_cells(header, mark)), columns)
    return out


def _columns(header: str, mark: str) -> dict[int, Sense]:
    """The columns that hold secrets, by place; none when the line is no header (`password=x, y` has values in it)."""
    out: dict[int, Sense] = {}
    cells = _cells(header, mark)
    if sum(bool(header[a:b].strip("\"' ")) for a, b in cells) < 2:
        return {}  # a list in code: `'PASSWORD',`
    for at, (start, end) in enumerate(cells):
        cell = header[start:end].strip("\"' *_`")
        if any(c in cell for c in "=:(){}<>;$") or len(cell.split()) > _WORDS:
            return {}
        meaning = sense(cell.replace(" ", "_")) if cell else None
        if meaning is not None and meaning != "maybe":
            out[at] = meaning
    return out


def _cells(row: str, mark: str) -> list[tuple[int, int]]:
    """(start, end) of each cell, quotes respected (RFC 4180), outer bars of Markdown dropped."""
    if mark == "," and '"' in row:
        spans: list[tuple[int, int]] = []
        at = 0
        for cell in next(csv.reader([row]), []):
            raw = row.find(cell.replace('"', '""'), at)
            raw = at if raw < 0 else raw
            spans.append((raw, raw + len(cell)))
            at = raw + len(cell)
        return spans
    cuts = [-1, *(i for i, c in enumerate(row) if c == mark), len(row)]
    spans = [(a + 1, b) for a, b in pairwise(cuts)]
    if mark == "|" and row.strip().startswith("|"):
        spans = spans[1:-1] if row.rstrip().endswith("|") else spans[1:]
    return spans


def _below(text: str, at: int, mark: str, width: int, columns: dict[int, Sense]) -> list[Finding]:
    out: list[Finding] = []
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        row = text[at:stop].rstrip("\r")
        if mark not in row:
            break
        cells = _cells(row, mark) if len(row) < 4000 else []
        if len(cells) == width and not _RULE.fullmatch(row):
            for place, meaning in columns.items():
                start, end = cells[place]
                value = row[start:end].strip(" \t\"'`*")
                begin = at + row.find(value, start) if value else at
                if value and _believable(value, meaning):
                    out.append(Finding(begin, begin + len(value), KIND[meaning], 0.85, NAME))
        at = stop + 1
    return out


def _believable(value: str, meaning: Sense) -> bool:
    if placeholder(value) or " " in value:
        return noise(value)
    if meaning in ("password", "phrase"):
        return len(value) >= 4 and any(c.isdigit() or not (c.isalnum() or c in "._-*") for c in value)
    return random(value, 10, 2.6)
