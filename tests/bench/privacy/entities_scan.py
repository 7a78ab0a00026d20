"""The product's whole detection of one text, in this process: cut into pieces, all detectors over each, joined, as the daemon does it.

`SETTINGS` must be in the environment before numpy is imported: import this module first.
"""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
for _folder in (ROOT, HERE.parent, HERE):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from localrouter.engine.encoder import SETTINGS, Encoder  # noqa: E402  # after the path

os.environ.update({name: os.environ.get(name, value) for name, value in SETTINGS.items()})

from localrouter.core.findings import Finding  # noqa: E402
from localrouter.scrub import detectors  # noqa: E402
from localrouter.scrub.pieces import cut, join  # noqa: E402

SHIPPED = ROOT / "localrouter" / "models" / "encoder.gguf"
Span = tuple[int, int]


def findings(text: str, context: str = "") -> tuple[Finding, ...]:
    """What the privacy scan finds in one text leaf, with shipped thresholds; sorted, no overlaps, offsets of the text."""
    own = cut(text, context)
    return join(own, [detectors.find(piece.text, piece.context) for piece in own.pieces])


def use(model: Path | None) -> Path:
    """Have the detector read this file instead of the shipped one. Returns the file in use. Raises FileNotFoundError, and
    ModuleNotFoundError where there is no detector `encoder`."""
    file = model or SHIPPED
    if not file.is_file():
        raise FileNotFoundError(2, "no encoder", str(file))
    detector = importlib.import_module("localrouter.scrub.detectors.encoder")
    if model is not None:
        # Its one way to the file. Replaced by name, so that a renamed one is an error and not a measurement of another model.
        if not callable(getattr(detector, "_encoder", None)):
            raise ModuleNotFoundError("The detector `encoder` has no `_encoder` to be replaced.")
        detector._encoder = cache(lambda: Encoder(file))  # type: ignore[attr-defined]
    return file


def without_encoder() -> None:
    """Patterns alone, for comparison."""
    own = tuple(d for d in detectors.all_detectors() if d.NAME != "encoder")
    detectors.all_detectors = lambda: own  # type: ignore[assignment]


def iou(a: Span, b: Span) -> float:
    """Intersection over union in characters."""
    both = min(a[1], b[1]) - max(a[0], b[0])
    return both / (max(a[1], b[1]) - min(a[0], b[0])) if both > 0 else 0.0


def covered(span: Span, found: tuple[Finding, ...]) -> float:
    """Share of a span's characters that lie in any finding (findings do not overlap)."""
    inside = sum(max(0, min(span[1], f.end) - max(span[0], f.start)) for f in found)
    return inside / max(1, span[1] - span[0])
