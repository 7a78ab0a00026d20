"""The user's own lists: what is never private (allow) and what always is (deny). Entries are texts, or `/regular expressions/`.

A text matches a whole value, case and outer blanks aside. An expression must match the whole value for `allow` (so that one for a name does not
free a line that holds it) and is searched for `deny`. Each look at an expression has a time limit: past it an allow entry frees nothing, and a
deny entry raises TimeoutError, which the inspector turns into no verdict. Pure but for the lists it is told.
"""

from __future__ import annotations

from collections.abc import Iterable

import regex

SECONDS = 0.05
"""For one expression over one value or segment (2 KB). A sane expression needs a thousandth of it."""

_texts: set[str] = set()
_patterns: list[regex.Pattern[str]] = []


def compiled(entry: str) -> regex.Pattern[str] | None:
    """The expression of a `/.../` entry, or None for a plain text. Raises ValueError with the entry's fault."""
    if len(entry) < 3 or not (entry.startswith("/") and entry.endswith("/")):
        return None
    try:
        pattern: regex.Pattern[str] = regex.compile(entry[1:-1])
    except regex.error as exc:
        raise ValueError(f"{entry} is no regular expression: {exc}") from exc
    return pattern


def configure(allow: Iterable[str]) -> None:
    """Replace the allow list. Raises ValueError for an expression that does not compile; the old list then stays."""
    texts: set[str] = set()
    patterns: list[regex.Pattern[str]] = []
    for entry in allow:
        pattern = compiled(entry)
        if pattern is not None:
            patterns.append(pattern)
        elif entry.strip():
            texts.add(entry.strip().casefold())
    _texts.clear()
    _texts.update(texts)
    _patterns[:] = patterns


def allowed(value: str) -> bool:
    """Whether the user says that this value is not private."""
    if not _texts and not _patterns:
        return False
    value = value.strip()
    if value.casefold() in _texts:
        return True
    for pattern in _patterns:
        try:
            if pattern.fullmatch(value, timeout=SECONDS):
                return True
        except TimeoutError:
            continue
    return False
