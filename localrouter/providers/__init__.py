"""Providers: how hosts speak. ONE FILE PER WIRE; the folder is the registry (`_*.py` are shared parts).

A wire module has `NAME`, `prepare(model, tree) -> Upstream`, `auth(key) -> headers`, `fault(status, headers, body) -> HostFault`
and a class `Reader` (bytes of the answer to chunks).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from localrouter.core.chat import Chunk
from localrouter.core.errors import HostFault
from localrouter.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Upstream:
    """A request to a host, but for its origin and its key: those are egress's."""

    path: str
    headers: dict[str, str]
    body: bytes


class Reader(Protocol):
    """Feed the answer's bytes; `end` gives what is left at its end."""

    def __init__(self, stream: bool) -> None: ...

    def feed(self, data: bytes) -> list[Chunk]: ...

    def end(self) -> list[Chunk]: ...


class Wire(Protocol):
    """One host API."""

    NAME: str
    Reader: type[Reader]

    def prepare(self, tree: dict[str, Any], stream: bool) -> Upstream: ...

    def auth(self, key: Secret) -> dict[str, str]: ...

    def fault(self, host: str, status: int, headers: Mapping[str, str], body: bytes) -> HostFault: ...


def all_wires() -> dict[str, Wire]:
    """Every wire of the folder, by name."""
    names = (m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    wires = (cast("Wire", importlib.import_module(f"{__name__}.{n}")) for n in names)
    return {w.NAME: w for w in wires}
