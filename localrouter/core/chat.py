"""Chunks: what a model says, piece by piece, in a form both planes can carry.

A chunk keeps its raw form (`raw`, `tree`), so a same-dialect stream is re-emitted unchanged but for the texts that were
restored. A chunk of the local engine has no raw form and is written by the client's dialect from its pieces.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from localrouter.core.ask import Path
from localrouter.core.errors import RouterError
from localrouter.core.money import Usage


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """One text that grows: choice number, what it is, and the tool call's index in that choice."""

    choice: int
    kind: Literal["text", "reasoning", "refusal", "tool"]
    index: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of one channel. `path` is where it stands in the chunk's tree. `tool` and `call_id` come with the first piece
    of a tool call."""

    channel: Channel
    text: str
    path: Path = ()
    tool: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event of a stream, or a whole answer. `finish` maps choice -> reason. `terminal` marks the dialect's last event;
    `content` says whether the client would show something of it."""

    pieces: tuple[Piece, ...] = ()
    raw: bytes = b""
    tree: dict[str, Any] | None = None
    usage: Usage | None = None
    finish: dict[int, str] = field(default_factory=dict)
    terminal: bool = False
    error: RouterError | None = None

    @property
    def content(self) -> bool:
        return any(p.text or p.tool for p in self.pieces)
