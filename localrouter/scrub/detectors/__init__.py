"""Detectors: ONE FILE PER DETECTOR; the folder is the registry (`_*.py` are shared parts).

A detector module has `NAME` and `find(text, context) -> list[Finding]`, and `configure(options)` when it wants the user's settings:
`identity` (user, host, name, email), `allow` and `deny` (values, or `/regex/`), `packs` (national ids), `thresholds` (type to least
score), `spacy` (which of its models). One that is slow sets `VIEWS = False` and has `find_all(items)`: it is asked once about all texts, each as a person reads it
(views.readable), and not about their views. One that needs a file has `check()`, which raises when it cannot work; one that takes long has `polite(asked)`.
It runs in the inspector child only: this package may be imported anywhere, its modules only there.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, cast

from localrouter.core.findings import Finding
from localrouter.scrub.allowlist import allowed
from localrouter.scrub.merge import merge
from localrouter.scrub.views import behind_backslash, readable, views

DEPTH = 3
"""Views of views that are read: a percent-encoded address in a JSON string in base64."""
BUDGET = 3
"""Characters of views read for each character of text (and SPARE more). What is nested beyond that is scanned as it stands."""
SPARE = 4096


_ESCAPED = re.compile(r"\\.")


class DetectorFault(Exception):
    """A detector cannot work. Its text is for the user and quotes nothing that was scanned."""


class Detector(Protocol):
    """One kind of evidence."""

    NAME: str

    def find(self, text: str, context: str) -> list[Finding]: ...


@cache
def all_detectors() -> tuple[Detector, ...]:
    """Every detector of the folder, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(cast("Detector", importlib.import_module(f"{__name__}.{n}")) for n in names)


class Reader(Detector, Protocol):
    """A detector that is asked about many texts at once (`VIEWS = False`)."""

    def find_all(self, items: Sequence[tuple[str, str]]) -> list[list[Finding]]: ...


_thresholds: dict[str, float] = {}


def configure(options: Mapping[str, Any]) -> None:
    """The user's settings, for all detectors; those that do not care have no `configure`."""
    _thresholds.clear()
    _thresholds.update(options.get("thresholds") or {})
    for detector in all_detectors():
        set_ = getattr(detector, "configure", None)
        if set_ is not None:
            set_(options)


_listeners: list[Callable[[], None]] = []


def on_progress(told: Callable[[], None]) -> None:
    """Have somebody told whenever a piece of the work is done: who waits for a long text learns that it is not lost. What is told may itself call
    `find_all`, for somebody who is in a hurry."""
    _listeners[:] = [told]


def progress() -> None:
    """A piece of the work is done."""
    for told in _listeners:
        told()


def polite(asked: Callable[[], bool] | None) -> None:
    """The work from now on hurries nobody: a detector that takes long uses one thread, and stops for `progress` when `asked` says that somebody
    waits. None: as fast as it can."""
    for detector in all_detectors():
        own = getattr(detector, "polite", None)
        if own is not None:
            own(asked)


def check() -> None:
    """Have every detector that needs a file show that it works. Raises its fault."""
    for detector in all_detectors():
        own = getattr(detector, "check", None)
        if own is not None:
            own()


def find(text: str, context: str = "") -> tuple[Finding, ...]:
    """All detectors over the text and over its views, merged. For texts of a few KB; longer ones are cut first (pieces)."""
    return find_all([(text, context)])[0]


def find_all(items: Sequence[tuple[str, str]]) -> list[tuple[Finding, ...]]:
    """`find` of each (text, context). The slow detectors read all of them together."""
    quick = tuple(d for d in all_detectors() if getattr(d, "VIEWS", True))
    rows: list[list[Finding]] = []
    for text, context in items:
        rows.append(_scan(quick, text, context, DEPTH, BUDGET * len(text) + SPARE)[0])
        progress()
    readers = [cast("Reader", d) for d in all_detectors() if d not in quick]
    if readers:
        seen = [readable(text) for text, _ in items]
        plain = [(text if view is None else view.text, context) for view, (text, context) in zip(seen, items, strict=True)]
        for reader in readers:
            for row, found, view, (text, _) in zip(rows, reader.find_all(plain), seen, items, strict=True):
                if view is not None:
                    found = [Finding(*view.span(f.start, f.end), f.type, f.score, f.detector) for f in found]
                row += _wanted(text, found)
    return [merge(row, text) if row else () for row, (text, _) in zip(rows, items, strict=True)]


def _wanted(text: str, found: list[Finding]) -> list[Finding]:
    """Without what the user's thresholds and list let pass."""
    return [f for f in found if f.score >= _thresholds.get(f.type, 0.0) and not allowed(text[f.start : f.end])]


def _scan(quick: Sequence[Detector], text: str, context: str, depth: int, budget: int) -> tuple[list[Finding], int]:
    """(findings in the text and its views, what is left of the budget)."""
    # A detector module is called by attribute, so that a test or a person can replace its `find`.
    found = [f for d in quick for f in d.find(text, context)]
    if found:
        found = _wanted(text, found)
    if depth == 0:
        return found, budget
    seen: list[Finding] = []
    for view in views(text):
        budget -= len(view.text)
        if budget < 0:
            break
        inner, budget = _scan(quick, view.text, context, depth - 1, budget)
        seen += [Finding(*view.span(f.start, f.end), f.type, f.score, f.detector) for f in inner]
    if seen and "\\" in text:
        # `\njane@x.org` read as it stands is the address njane@x.org; the view knows better.
        found = [f for f in found if not (_misread(text, f) and any(_same(f, s) for s in seen))]
    return found + seen, budget


def _misread(text: str, f: Finding) -> bool:
    """Whether a finding in the text as it stands begins, ends or goes on across an escape sequence of a string. Outside of strings a
    backslash inside a value is one (`PASSWORD=a\\nb`)."""
    return (
        behind_backslash(text, f.start)
        or behind_backslash(text, f.end)
        or ("\\" in text[f.start : f.end] and _in_string(text[text.rfind("\n", 0, f.start) + 1 : f.start]))
    )


def _in_string(line: str) -> bool:
    """Whether the start of a line leaves a quote open."""
    bare = _ESCAPED.sub("", line)
    return bare.count('"') % 2 == 1 or bare.count("'") % 2 == 1


def _same(a: Finding, b: Finding) -> bool:
    return a.start < b.end and b.start < a.end and (a.type == b.type or a.detector == b.detector)
