"""Which model of the catalogue to begin with on a machine: the largest chat model that leaves the machine to its user. Pure.

The catalogue's models are of one quality of quantisation (four bits), so that more parameters answer better; of as many, the one that takes less
memory is the newer. What is free at the moment is not what counts: a model is chosen once, and programs come and go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from localrouter.core.catalogue import LocalModel

SHARE = 0.55
"""Of the machine's memory, for a model with 8 192 tokens of context: a desktop with a browser and an editor takes some 3 to 4 of 8 GB."""
_BILLIONS = re.compile(r"(\d+(?:\.\d+)?)B")


def suggested(models: Iterable[LocalModel], total: int) -> LocalModel | None:
    """`total`: bytes of memory that this machine has for programs. None: no chat model of the catalogue is that small."""
    fits = [m for m in models if "chat" in m.roles and m.size and 0 < m.ram_gb * 1e9 <= total * SHARE]
    return max(fits, key=lambda m: (_billions(m), -m.ram_gb, m.name), default=None)


def _billions(model: LocalModel) -> float:
    """Parameters in billions, as the catalogue writes them (`4B`, `21B, 3.6B active`)."""
    found = _BILLIONS.match(model.parameters)
    return float(found[1]) if found else 0.0
