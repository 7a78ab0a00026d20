"""How sure a detector must be, by type; the user may move each one.

A detector that scores its findings takes `configure` and `passes` from here. The defaults keep what a checksum, a fixed
form or a cue word near it confirms, and drop a bare shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEAST = 0.5
"""Score in [0, 1]. Presidio's own usual threshold; its scale is kept: a bare shape is under it, a cue lifts by 0.35."""

CUE = 0.35
"""What a cue word adds (Presidio, `LemmaContextAwareEnhancer.context_similarity_factor`)."""

_own: dict[str, float] = {}


def configure(options: Mapping[str, Any]) -> None:
    """`options["thresholds"]`: type -> least score. A value that is no number in [0, 1] raises ValueError."""
    chosen = {str(kind): float(least) for kind, least in (options.get("thresholds") or {}).items()}
    for kind, least in chosen.items():
        if not 0 <= least <= 1:
            raise ValueError(f"threshold of {kind} must lie between 0 and 1")
    _own.clear()
    _own.update(chosen)


def passes(kind: str, score: float) -> bool:
    """Whether a finding of this type counts."""
    return score >= _own.get(kind, LEAST)
