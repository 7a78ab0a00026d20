"""Dialects: how clients speak. ONE FILE PER API; the folder is the registry (`_*.py` are shared parts).

A dialect module has `NAME`, `ROUTES` (method and path of its endpoints), `read(body, headers) -> Ask`,
`outgoing(tree, ask, attempt) -> tree` (the raw plane's edits) and a class `Writer` (chunks and errors to bytes).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, Protocol, cast

from localrouter.core.ask import Ask
from localrouter.core.chat import Chunk
from localrouter.core.decide import Attempt
from localrouter.core.errors import RouterError


class Writer(Protocol):
    """Bytes for one client, in its own dialect. `media` is the content type of a success."""

    media: str

    def __init__(self, ask: Ask, request_id: str) -> None: ...

    def write(self, chunk: Chunk, texts: list[str], extra: list[tuple[Any, str]]) -> bytes: ...

    def error(self, error: RouterError) -> bytes: ...

    def keep_alive(self) -> bytes: ...


class Dialect(Protocol):
    """One client API."""

    NAME: str
    WIRE: str
    ROUTES: tuple[tuple[str, str], ...]
    Writer: type[Writer]

    def read(self, body: bytes, headers: Mapping[str, str]) -> Ask: ...

    def outgoing(self, tree: dict[str, Any], ask: Ask, attempt: Attempt) -> dict[str, Any]: ...

    def messages(self, tree: dict[str, Any], ask: Ask, attempt: Attempt) -> tuple[list[dict[str, Any]], dict[str, Any]]: ...

    def error_body(self, error: RouterError) -> bytes: ...


def all_dialects() -> tuple[Dialect, ...]:
    """Every dialect of the folder, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(cast("Dialect", importlib.import_module(f"{__name__}.{n}")) for n in names)
