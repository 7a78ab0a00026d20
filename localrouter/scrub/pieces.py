"""A leaf in the pieces that are scanned, and the findings of pieces as findings of the leaf.

Law: every character of the text is in at least one piece, as it stands or as what it decodes to; only blobs of a known binary format
are in none. Pure: the same text gives the same pieces, so that a piece seen before need not be scanned again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from localrouter.core.findings import Finding
from localrouter.scrub.merge import merge
from localrouter.scrub.opaque import blobs
from localrouter.scrub.segments import segments
from localrouter.scrub.shapes import Column, Span, json_columns, table_columns
from localrouter.scrub.views import View, softened, unescaped

NESTED = 4
"""Levels of text inside text (JSON in a string of JSON ...) that are opened; what lies deeper is scanned as it stands."""
JSON_SHARE = 0.8
"""Of a text, from which it is read as JSON: `\\n` is a line's end in it. In code it may be part of a path."""
LONG = 256
"""Characters from which a JSON string is a text of its own, in lines and blocks, and no cell."""
SAMPLE = 48
"""Different cells of a column that are scanned each by itself. The rest is scanned as part of the text, and takes the column's type."""
MAJORITY = 0.6
"""Share of a column's cells that must hold one type for the others to take it."""
CONTEXT = 256
"""Characters of a context, counted from its end."""
TYPED = 2
"""Cells of one type below which a column has none."""


class Source:
    """A text inside the leaf and its way back: the leaf itself, or a string of it with its escapes or its base64 read."""

    __slots__ = ("end", "parent", "start", "text", "view")

    def __init__(self, text: str, parent: Source | None = None, start: int = 0, end: int = 0, view: View | None = None) -> None:
        self.text, self.parent, self.start, self.end, self.view = text, parent, start, end, view

    def span(self, start: int, end: int) -> Span:
        """A span of this text in the leaf's own offsets."""
        if self.parent is None:
            return start, end
        if self.view is not None:
            start, end = self.view.span(start, end)
        return self.parent.span(self.start + start, self.start + end)


class Piece(NamedTuple):
    """`text` stands at `start` of `source`, under `context`."""

    text: str
    context: str
    source: Source
    start: int


@dataclass(slots=True)
class Cut:
    """A leaf's pieces, and the columns whose cells speak for each other (spans in the leaf, whether each was scanned by itself)."""

    text: str
    pieces: list[Piece] = field(default_factory=list)
    columns: list[list[tuple[Span, bool]]] = field(default_factory=list)


def cut(text: str, context: str) -> Cut:
    """The pieces of one leaf."""
    out = Cut(text)
    _cut(out, Source(text), context, 0)
    return out


def _cut(out: Cut, source: Source, context: str, level: int) -> None:
    text = source.text
    own: list[Span] = []  # what is scanned as something else, or not at all
    for blob in blobs(text) if level < NESTED else ():
        own.append((blob.start, blob.end))
        if blob.text is not None:
            whole = View(blob.text, 0, [], (0, blob.end - blob.start))
            _cut(out, Source(blob.text, source, blob.start, blob.end, whole), context, level + 1)
    json = False
    if level < NESTED:
        columns, size = json_columns(text) if "{" in text and ":" in text else ([], 0)
        json = size >= JSON_SHARE * len(text)
        for column in columns:
            _cells(out, source, column, _joined(context, column.context), own, level)
        if "\n" in text:
            for column in table_columns(text):
                _cells(out, source, column, _joined(context, column.context), own, level)
    at = 0
    for start, end in sorted(own):
        if start > at:
            _lines(out, source, at, start, context, json)
        at = max(at, end)
    if at < len(text):
        _lines(out, source, at, len(text), context, json)


_FRAME = frozenset(["content", "text", "arguments", "function", "input", "output", "parts", "messages", "metadata"])


def _joined(outer: str, inner: str) -> str:
    """One path of keys; a protocol's own field names say nothing of a value."""
    own = [key for key in outer.split(".") if key and key not in _FRAME]
    return ".".join([*own, inner] if inner else own)[-CONTEXT:]


def _lines(out: Cut, source: Source, start: int, end: int, context: str, json: bool) -> None:
    text = source.text if end - start == len(source.text) else source.text[start:end]
    view = softened(text) if json else None
    if view is not None:
        source, text, start = Source(view.text, source, start, end, view), view.text, 0
    for low, high in segments(text):
        out.pieces.append(Piece(text[low:high], context, source, start + low))


def _cells(out: Cut, source: Source, column: Column, context: str, own: list[Span], level: int) -> None:
    text = source.text
    sampled: set[str] = set()
    spans: list[tuple[Span, bool]] = []
    for start, end in column.cells:
        raw = text[start:end]
        view = unescaped(raw) if column.quoted and "\\" in raw else None
        plain = raw if view is None else view.text
        if column.quoted and (end - start > LONG or plain.lstrip()[:1] in ("{", "[")):
            if end - start > LONG:
                own.append((start, end))
            _cut(out, Source(plain, source, start, end, view), context, level + 1)
            continue
        scanned = plain in sampled
        if not scanned and len(sampled) < SAMPLE:
            sampled.add(plain)
            scanned = True
            inner = source if view is None else Source(plain, source, start, end, view)
            out.pieces.append(Piece(plain, context, inner, start if view is None else 0))
        spans.append((source.span(start, end), scanned))
    if len(spans) > TYPED:
        out.columns.append(spans)


def join(cut: Cut, rows: Sequence[Sequence[Finding]], allowed: Callable[[str], bool] | None = None) -> tuple[Finding, ...]:
    """Findings of the pieces (in order) as findings of the leaf, merged; and what a column's majority says of its other cells, but for
    those that the user's own list lets pass (the detectors asked it already)."""
    found: list[Finding] = []
    for piece, row in zip(cut.pieces, rows, strict=True):
        for f in row:
            start, end = piece.source.span(piece.start + f.start, piece.start + f.end)
            found.append(Finding(start, end, f.type, f.score, f.detector))
    if not found:
        return ()
    merged = merge(found, cut.text)
    more = [f for column in cut.columns for f in _consistent(cut.text, column, merged)]
    if allowed is not None:
        more = [f for f in more if not allowed(cut.text[f.start : f.end])]
    return merge((*merged, *more), cut.text) if more else merged


_EMPTY = frozenset(
    ["", "-", "--", "n/a", "na", "nan", "none", "null", "nil", "unknown", "true", "false", "yes", "no", "tbd", "?", "localhost"]
)


def _consistent(text: str, column: list[tuple[Span, bool]], found: Sequence[Finding]) -> list[Finding]:
    """The column's type for the cells of like shape that have none."""
    starts = [f.start for f in found]
    held: dict[str, list[float]] = {}
    held_sampled: dict[str, int] = {}
    types: list[str | None] = []
    full = full_sampled = 0
    for (start, end), scanned in column:
        if text[start:end].strip().lower() in _EMPTY:
            types.append("")
            continue
        full += 1
        full_sampled += scanned
        own, score = None, 0.0
        for f in found[max(0, bisect_left(starts, start) - 1) : bisect_left(starts, end)]:
            if min(f.end, end) - max(f.start, start) >= MAJORITY * (end - start):
                own, score = f.type, f.score
        types.append(own)
        if own is not None:
            held.setdefault(own, []).append(score)
            if scanned:
                held_sampled[own] = held_sampled.get(own, 0) + 1
    if not held:
        return []
    best = max(held, key=lambda t: len(held[t]))
    share = max(len(held[best]) / full, held_sampled.get(best, 0) / max(1, full_sampled))
    if len(held[best]) < TYPED or share < MAJORITY:
        return []
    shapes = {_shape(text[a:b]) for ((a, b), _), t in zip(column, types, strict=True) if t == best}
    longest = max(b - a for ((a, b), _), t in zip(column, types, strict=True) if t == best)
    # As sure as the least sure of those that speak for it: all of them passed the user's threshold.
    return [
        Finding(start, end, best, min(held[best]), "column")
        for ((start, end), _), t in zip(column, types, strict=True)
        if t is None and end - start <= 2 * longest and _shape(text[start:end]) in shapes
    ]


def _shape(cell: str) -> tuple[bool, bool, bool]:
    """Letters, digits, an `@`: enough to tell a name from a number and both from an address."""
    return any(map(str.isalpha, cell)), any(map(str.isdigit, cell)), "@" in cell
