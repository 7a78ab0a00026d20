"""Gates: one file per rule. The folder is the registry; a file whose name starts with `_` is not a gate."""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

from localrouter.core.decide import Gate


def all_gates() -> tuple[Gate, ...]:
    """Every gate of the folder, in the order they are asked."""
    modules = (
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")
    )
    return tuple(sorted((cast("Gate", m) for m in modules), key=lambda g: (g.ORDER, g.NAME)))
