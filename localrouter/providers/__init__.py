"""Providers: how hosts speak. ONE FILE PER WIRE; the folder is the registry (`_*.py` are shared parts).

Raw plane: `prepare` sends the tree that the dialect of the same name made. Neutral plane: `body` writes a `Chat` into this wire's own tree
first. Either way a `Reader` turns the answer's bytes into chunks, whose pieces both planes use.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from localrouter.core.chat import Chat, Chunk
from localrouter.core.decide import Attempt
from localrouter.core.errors import HostFault
from localrouter.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Upstream:
    """A request to a host, but for its origin and its key: those are egress's."""

    path: str
    headers: dict[str, str]
    body: bytes


class Reader(Protocol):
    """Feed the answer's bytes; `end` gives what is left at its end. A stream that ends without the wire's terminal event yields no
    terminal chunk: the relay makes an error of it. An error inside the stream is a chunk with `error`."""

    def __init__(self, stream: bool) -> None: ...

    def feed(self, data: bytes) -> list[Chunk]: ...

    def end(self) -> list[Chunk]: ...


class Wire(Protocol):
    """One host API. A wire may also have:

    `notes(chat: Chat, attempt: Attempt) -> tuple[str, ...]`: what `body` degrades or leaves out for this model, one sentence each, for the
    trace. It quotes nothing of the request but names of its API's own fields.

    `marked(tree: dict, attempt: Attempt) -> str`: sets the marks of its hosts' prompt cache in what `body` made, in place, where the recipe's
    `cache_marks` allows it. Why, for the edits of the trace; "" where nothing was marked.
    """

    NAME: str
    Reader: type[Reader]

    def body(self, chat: Chat, attempt: Attempt) -> dict[str, Any]:
        """A request in neutral form as this wire's tree, the attempt's model and output limit included. Raises CannotCross."""
        ...

    def prepare(self, tree: dict[str, Any], stream: bool, head: Mapping[str, str]) -> Upstream:
        """`head`: what the client's dialect lets through of the client's headers (`Ask.head`: API version, beta flags), already without
        anything local; {} on the neutral plane. The wire filters what its host does not know."""
        ...

    def auth(self, key: Secret) -> dict[str, str]: ...

    def fault(self, host: str, status: int, headers: Mapping[str, str], body: bytes) -> HostFault:
        """A status that is not 200 as a typed error. HostRejected carries a `code` in OpenAI's words where there is one
        (`context_length_exceeded` above all, with the numbers in the text when the host gives them)."""
        ...


def all_wires() -> dict[str, Wire]:
    """Every wire of the folder, by name."""
    names = (m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    wires = (cast("Wire", importlib.import_module(f"{__name__}.{n}")) for n in names)
    return {w.NAME: w for w in wires}
