"""The answer of one attempt on its way to the client: what was veiled is restored, what was signed is kept as it is.

Raw plane: the chunk keeps its raw form, and the texts of its pieces are restored. Neutral plane: the raw form is taken away, because the
client speaks another dialect; a piece that only repeats its channel (`whole`) is left out unless nothing of the channel came before, and
what the host signed is sealed for the client to keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.daemon.origins import Origins, Sealed
from localrouter.scrub.unveil import Unveiler

Extra = list[tuple[Channel, str]]


class Restorer:
    """Chunks of one attempt, in order. `unveiler` is None when nothing was veiled; `crosses`: neutral plane; `names`: what the client
    calls the tools that were sent under other names (tool_names.py)."""

    def __init__(
        self,
        unveiler: Unveiler | None,
        origins: Origins,
        *,
        host: str,
        wire: str,
        crosses: bool,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.unveiler = unveiler
        self._origins, self._host, self._wire, self._crosses = origins, host, wire, crosses
        self._names = names or {}
        self._open: dict[Channel, None] = {}
        self._tools: dict[Channel, str] = {}
        self._grown: set[Channel] = set()
        self._marks: set[str] = set()
        self._signed: dict[Channel, list[str]] = {}

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.unveiler.counts) if self.unveiler is not None else {}

    @property
    def unresolved(self) -> bool:
        """Whether a placeholder that stands for nothing would be written into a file."""
        return self.unveiler is not None and bool(self.unveiler.unresolved)

    def restore(self, chunk: Chunk) -> tuple[Chunk, list[str], Extra]:
        """The chunk to write, the texts of its pieces, and what was held back of other channels and belongs before it."""
        if self._crosses:
            chunk = self._crossed(chunk)
        last = {piece.channel: i for i, piece in enumerate(chunk.pieces)}
        texts = [self._text(piece) for piece in chunk.pieces]
        extra: Extra = []
        for channel in self._closing(chunk):
            self._open.pop(channel, None)
            rest = self.unveiler.flush(channel) if self.unveiler is not None else ""
            at = last.get(channel)
            if rest and at is not None and not _alone(chunk.pieces[at]):
                texts[at] += rest
            elif rest:
                extra.append((channel, rest))
        return chunk, texts, extra

    def _closing(self, chunk: Chunk) -> list[Channel]:
        if chunk.terminal:
            return list(self._open)
        ended = set(chunk.ends)
        return [c for c in self._open if c in ended or c.choice in chunk.finish]

    def _crossed(self, chunk: Chunk) -> Chunk:
        pieces: list[Piece] = []
        for piece in chunk.pieces:
            if piece.mirror or (piece.whole and piece.channel in self._grown and not piece.opaque):
                continue
            if piece.opaque in self._marks:
                continue  # the final object says it again
            if piece.opaque:
                self._marks.add(piece.opaque)
            elif piece.text or piece.tool:
                self._grown.add(piece.channel)
            tool = self._names.get(piece.tool, piece.tool) if piece.tool else piece.tool
            pieces.append(replace(piece, path=(), whole=False, tool=tool))
        return replace(chunk, pieces=tuple(pieces), raw=b"", tree=None)

    def _text(self, piece: Piece) -> str:
        channel = piece.channel
        if piece.opaque:
            return self._kept(piece)
        if piece.untouched:
            if not piece.whole:
                self._signed.setdefault(channel, []).append(piece.text)
            return piece.text
        if piece.tool:
            self._tools[channel] = piece.tool
        if self.unveiler is None:
            return piece.text
        if _alone(piece):
            # It stands for itself: nothing of it may wait for what comes next on its channel.
            apart = replace(channel, part=-1 - channel.part)
            text = self.unveiler.feed(apart, piece.text, self._tools.get(channel))
            return text + self.unveiler.flush(apart)
        self._open[channel] = None
        return self.unveiler.feed(channel, piece.text, piece.tool)

    def _kept(self, piece: Piece) -> str:
        """What the client gets of a mark: on the raw plane it stands in the tree, on the neutral one it is sealed."""
        text = "".join(self._signed.get(piece.channel, ()))
        if not self._crosses:
            self._origins.note(piece.opaque, text, self._host)
            return ""
        return self._origins.seal(Sealed(self._host, self._wire, piece.opaque, text))


def _alone(piece: Piece) -> bool:
    return piece.whole or piece.tree
