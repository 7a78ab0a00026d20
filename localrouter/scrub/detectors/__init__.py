"""Detectors: ONE FILE PER DETECTOR; the folder is the registry (`_*.py` are shared parts).

A detector module has `NAME` and `find(text, context) -> list[Finding]`. It runs in the inspector child only: this package may
be imported anywhere, its modules only there.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Protocol, cast

from localrouter.core.findings import Finding
from localrouter.scrub.merge import merge
from localrouter.scrub.views import unescaped


class Detector(Protocol):
    """One kind of evidence."""

    NAME: str

    def find(self, text: str, context: str) -> list[Finding]: ...


@cache
def all_detectors() -> tuple[Detector, ...]:
    """Every detector of the folder, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(cast("Detector", importlib.import_module(f"{__name__}.{n}")) for n in names)


def configure(identity: dict[str, str]) -> None:
    """Tell the detectors who the user is; those that do not care have no `configure`."""
    for detector in all_detectors():
        set_ = getattr(detector, "configure", None)
        if set_ is not None:
            set_(identity)


def find(text: str, context: str = "") -> tuple[Finding, ...]:
    """All detectors over the text and over its unescaped view, merged."""
    found = [f for d in all_detectors() for f in d.find(text, context)]
    view = unescaped(text)
    if view is not None:
        plain, at = view
        for d in all_detectors():
            found.extend(Finding(at[f.start], at[f.end], f.type, f.score, f.detector) for f in d.find(plain, context))
    return merge(found, text)
