"""One line of the privacy table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`published`: what others are measured at, with its source in `note`; `met` is None where there is no goal."""

    name: str
    published: str
    goal: str
    value: str
    met: bool | None
    note: str = ""
