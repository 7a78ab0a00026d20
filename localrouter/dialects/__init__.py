"""Dialects: how clients speak. ONE FILE PER API; the folder is the registry (`_*.py` are shared parts).

Raw plane, when a host's wire is this dialect's `WIRE`: `read -> Ask`, leaves edited in place, `outgoing` (the listed edits of `_edits.py`),
and a `Writer` that re-emits the host's chunks. Neutral plane, when they differ, and for the local engine: `chat` turns the veiled tree
into the neutral form for another wire, and the same `Writer` writes chunks that have no raw form. Nothing here knows a host.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, cast

from localrouter.core.ask import Ask
from localrouter.core.chat import Channel, Chat, Chunk
from localrouter.core.decide import Attempt
from localrouter.core.errors import RouterError


class Writer(Protocol):
    """Bytes for one client, in its own dialect. `media` is the content type of a success.

    `write`: `texts` are the restored texts of `chunk.pieces`, in order (of a `tree` piece: JSON text; of an `opaque` piece: what the client
    shall keep of it, which the Writer puts where its dialect has a signature or encrypted content); `extra` is what was held back of other
    channels and belongs before this chunk. A chunk with a `tree` is the host's own and is re-emitted with the changed texts put at their
    paths, byte for byte where none changed; one without is written from its pieces. Events come out in the dialect's legal order,
    and after a terminal chunk or `error` nothing more. `keep_alive` is what clients of this dialect survive silence on (notes on
    clients, 5.1), legal at this point of the stream; it may be b"". `answer` (after the end): the whole answer as the client got it, as
    the tree of a non-streamed one, or None; for what keeps answers (Responses).
    """

    media: str

    def __init__(self, ask: Ask, request_id: str) -> None: ...

    def write(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes: ...

    def error(self, error: RouterError) -> bytes: ...

    def keep_alive(self) -> bytes: ...


class Made(NamedTuple):
    """An edit that was made to a request on the raw plane, for the trace: its name and why. It quotes nothing of the request."""

    name: str
    why: str


class Dialect(Protocol):
    """One client API. A dialect may also have:

    `COUNT`: routes of its token counter, and `counted(tokens: int) -> bytes`, its answer (`read` reads the request, without `max_tokens`).
    `REFERS`: bytes, one of which stands in each request that refers to what was stored. `resume(tree, recall, item) -> tree`: the tree of
    such a request, with what was stored in front of its input and in the place of each reference to an item; `recall(id)` gives the stored
    list of items, `item(id)` one of an answer, or each raises. `resumed(ask, before) -> ask`: the Ask of that tree, with what its answer
    repeats of the request as it came. `kept(ask, answer) -> (id, items, said) | None`: what to store after an answer: the whole
    conversation, and the items of it that the answer said.
    `error_headers(error) -> dict[str, str]`: headers that its clients read on errors.
    """

    NAME: str
    WIRE: str
    ROUTES: tuple[tuple[str, str], ...]
    Writer: type[Writer]

    def read(self, body: bytes, headers: Mapping[str, str]) -> Ask:
        """Raises BadRequest and Unsupported, each naming the field."""
        ...

    def outgoing(self, tree: dict[str, Any], ask: Ask, attempt: Attempt, made: list[Made] | None = None) -> dict[str, Any]:
        """The raw plane: the veiled tree with the listed edits, those that changed something added to `made`."""
        ...

    def chat(self, tree: dict[str, Any], ask: Ask) -> Chat:
        """The neutral plane: the veiled tree in neutral form. Raises CannotCross for what can be neither said nor degraded by a rule."""
        ...

    def error_body(self, error: RouterError) -> bytes:
        """An error in the dialect's own shape, for an answer that has not begun."""
        ...


Recall = Callable[[str], list[Any]]
RecallItem = Callable[[str], dict[str, Any]]


def all_dialects() -> tuple[Dialect, ...]:
    """Every dialect of the folder, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(cast("Dialect", importlib.import_module(f"{__name__}.{n}")) for n in names)
