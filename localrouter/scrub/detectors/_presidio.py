"""Presidio recognizers, hand-picked by `national.py` and asked for their check only: no registry, no language model, no network.

Imported when the first candidate needs one: Presidio costs 0.6 s and 68 MB, and most requests hold no national number.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def recognizer(name: str) -> Any:
    """One recognizer of presidio_analyzer.predefined_recognizers, by class name. Raises AttributeError for an unknown one."""
    import presidio_analyzer.predefined_recognizers as predefined

    return getattr(predefined, name)()


def valid(name: str, value: str) -> bool:
    """Whether a recognizer's own check (a checksum, a table) confirms a value; one without a check confirms nothing."""
    it = recognizer(name)
    return bool(it.validate_result(value)) and not it.invalidate_result(value)
