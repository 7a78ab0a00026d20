"""A finding: where a private value stands in one text. Counts and types are recorded; values never are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A span in code points, `start` inclusive, `end` exclusive; `score` in [0, 1]; `detector` is the file's name."""

    start: int
    end: int
    type: str
    score: float = 1.0
    detector: str = ""
