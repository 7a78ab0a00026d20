"""Presidio recognizers, hand-picked and called directly: no registry, no language model, no network.

Imported when the first candidate needs one: Presidio costs 0.8 s and 60 MB, and most requests hold no national number.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from localrouter.core.findings import Finding


@cache
def recognizer(name: str) -> Any:
    """One recognizer of presidio_analyzer.predefined_recognizers, by class name. Raises AttributeError for an unknown one."""
    import presidio_analyzer.predefined_recognizers as predefined

    return getattr(predefined, name)()


def valid(name: str, value: str) -> bool:
    """Whether a recognizer's own check (a checksum, a table) confirms a value; one without a check confirms nothing."""
    it = recognizer(name)
    return bool(it.validate_result(value)) and not it.invalidate_result(value)


def spans(name: str, text: str, kind: str, detector: str) -> list[tuple[Finding, bool]]:
    """What one recognizer finds in a short text, each with whether its own check confirmed it."""
    it = recognizer(name)
    rows = it.analyze(text=text, entities=it.supported_entities, nlp_artifacts=None)
    return [(Finding(r.start, r.end, kind, float(r.score), detector), r.score >= 1.0) for r in rows]
