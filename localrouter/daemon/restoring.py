"""The answer of one attempt on its way to the client: what was veiled is restored, what was signed is kept as it is.

Raw plane: the chunk keeps its raw form, and the texts of its pieces are restored; a thought that the host signs is shown as it came. Where
only its end tells whether it is signed, it is shown up to its first token, and the rest with its end: restored, or as it came.
Neutral plane: the raw form is taken away, because the client speaks another dialect; a piece that only repeats its channel (`whole`) is left
out unless nothing of the channel came before, and thoughts that a host says in its text are told apart (providers/_think_tags.py). What the
host signed is sealed for the client to keep, with the thought as the host said it; the client itself is shown the restored one, since no
signature of its dialect covers it.

A tool is called by the client's own name for it on either plane: in the piece, and in the tree beside its arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from localrouter.core.ask import get
from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.daemon.citations import Citations
from localrouter.daemon.origins import Origins, Sealed
from localrouter.providers._think_tags import ThinkTags
from localrouter.scrub.unveil import Unveiler

Extra = list[tuple[Channel, str]]

_BESIDE = ("name", "namespace")
"""Each API names a call's tool beside its arguments: `function.name`, `name` of a `tool_use`, `name` and `namespace` of a `function_call`."""
_NAME = -1000
"""Parts of a call's channel that are its names."""


class Restorer:
    """Chunks of one attempt, in order. `unveiler` is None when nothing was veiled; `crosses`: neutral plane; `names`: what the client
    calls the tools that were sent under other names (tool_names.py); `veiled`: those of them that hold private values; `request`: its id,
    under which it is remembered who signed what."""

    def __init__(
        self,
        unveiler: Unveiler | None,
        origins: Origins,
        *,
        host: str,
        wire: str,
        crosses: bool,
        names: Mapping[str, str] | None = None,
        veiled: Mapping[str, str] | None = None,
        request: str = "",
    ) -> None:
        self.unveiler = unveiler
        self._origins, self._host, self._wire, self._crosses = origins, host, wire, crosses
        self._names = names or {}
        self._veiled = veiled or {}
        self._request = request
        self._open: dict[Channel, None] = {}
        self._tools: dict[Channel, str] = {}
        self._grown: set[Channel] = set()
        self._marks: set[str] = set()
        self._signed: dict[Channel, list[str]] = {}
        self._doubts: dict[Channel, _Doubt] = {}
        self._tags = ThinkTags() if crosses and wire == "openai_chat" else None
        self._citations = Citations(unveiler)
        self._cited: set[tuple[Channel, str]] = set()

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
            chunk = self._crossed(chunk if self._tags is None else self._tags.split(chunk))
        texts: list[str] = []
        extra: Extra = []
        last: dict[Channel, int] = {}
        for piece in chunk.pieces:
            if piece.opaque:
                self._close(piece.channel, last, texts, extra, signed=True)  # a thought is over before it is signed
            elif not _alone(piece):
                last[piece.channel] = len(texts)
            texts.append(self._text(piece))
        for channel in self._closing(chunk):
            self._close(channel, last, texts, extra)
        if self._names and not self._crosses:
            chunk, more = self._called(chunk)
            texts += more
        return chunk, texts, extra

    def _close(
        self, channel: Channel, last: Mapping[Channel, int], texts: list[str], extra: Extra, *, signed: bool = False
    ) -> None:
        """Say what is held back of a channel: with the last piece of it in this chunk, else before the chunk."""
        if channel not in self._open:
            return
        del self._open[channel]
        rest = self.unveiler.flush(channel) if self.unveiler is not None else ""
        if channel in self._doubts:
            rest = self._doubts.pop(channel).rest(rest, signed=signed)
        if rest and channel in last:
            texts[last[channel]] += rest
        elif rest:
            extra.append((channel, rest))

    def recorded(self, name: str) -> str:
        """A called tool's name as a record may have it: the veiled one."""
        for sent, own in self._veiled.items():
            name = name.replace(own, sent)
        return name

    def _called(self, chunk: Chunk) -> tuple[Chunk, list[str]]:
        """Raw plane: the chunk with a piece for each name that is called otherwise by the client, and the client's names."""
        pieces: list[Piece] = []
        names: list[Piece] = []
        texts: list[str] = []
        for piece in chunk.pieces:
            tool = piece.tool
            for k, key in enumerate(_BESIDE if tool and piece.path else ()):
                beside = get(chunk.tree, piece.path[:-1])
                sent = beside.get(key) if isinstance(beside, dict) else None
                own = self._names.get(sent) if isinstance(sent, str) else None
                if own is not None and tool:
                    channel = replace(piece.channel, part=_NAME - k)
                    names.append(Piece(channel, str(sent), (*piece.path[:-1], key), whole=True, mirror=True))
                    texts.append(own)
            pieces.append(replace(piece, tool=self._own(tool)) if tool else piece)
        return replace(chunk, pieces=(*pieces, *names)), texts

    def _own(self, tool: str) -> str:
        """The client's name of a tool; one in a namespace is `namespace__name`, either of which may have been changed."""
        if tool in self._names:
            return self._names[tool]
        space, mark, name = tool.partition("__")
        return f"{self._names.get(space, space)}__{self._names.get(name, name)}" if mark else tool

    def _closing(self, chunk: Chunk) -> list[Channel]:
        if chunk.terminal:
            return list(self._open)
        ended = set(chunk.ends)
        return [c for c in self._open if c in ended or c.choice in chunk.finish]

    def _crossed(self, chunk: Chunk) -> Chunk:
        pieces: list[Piece] = []
        for piece in chunk.pieces:
            if piece.cites:
                if (piece.channel, piece.text) not in self._cited:
                    self._cited.add((piece.channel, piece.text))
                    pieces.append(replace(piece, path=()))
                continue
            if piece.mirror or (piece.whole and piece.channel in self._grown and not piece.opaque):
                continue
            if piece.opaque in self._marks:
                continue  # the final object says it again
            if piece.opaque:
                self._marks.add(piece.opaque)
            elif piece.text or piece.tool:
                self._grown.add(piece.channel)
            pieces.append(replace(piece, path=(), whole=False, tool=self._own(piece.tool) if piece.tool else piece.tool))
        return replace(chunk, pieces=tuple(pieces), raw=b"", tree=None)

    def _text(self, piece: Piece) -> str:
        channel = piece.channel
        if piece.opaque:
            return self._kept(piece)
        if (piece.untouched or piece.doubtful) and not piece.whole:
            self._signed.setdefault(channel, []).append(piece.text)
        if piece.untouched and not self._crosses:
            return piece.text
        tool = self._own(piece.tool) if piece.tool else piece.tool
        if tool:
            self._tools[channel] = tool
        if self.unveiler is None:
            return piece.text
        if piece.cites:
            return self._citations.moved(piece)
        self._citations.heard(piece)
        if _alone(piece):
            # It stands for itself: nothing of it may wait for what comes next on its channel.
            apart = replace(channel, part=-1 - channel.part)
            text = self.unveiler.feed(apart, piece.text, self._tools.get(channel))
            return text + self.unveiler.flush(apart)
        self._open[channel] = None
        said = self.unveiler.feed(channel, piece.text, tool)
        if piece.doubtful and not self._crosses:
            return self._doubts.setdefault(channel, _Doubt()).shown(piece.text, said)
        return said

    def _kept(self, piece: Piece) -> str:
        """What the client gets of a mark: on the raw plane it stands in the tree, on the neutral one it is sealed."""
        text = "".join(self._signed.get(piece.channel, ()))
        if not self._crosses:
            self._origins.note(piece.opaque, text, self._host, self._request)
            return ""
        return self._origins.seal(Sealed(self._host, self._wire, piece.opaque, text))


class _Doubt:
    """A thought that may be signed at its end. `raw`: as it came, from the first character on that was not shown; `restored`: the same, restored,
    once the two differ."""

    def __init__(self) -> None:
        self.raw = ""
        self.restored: list[str] = []

    def shown(self, came: str, said: str) -> str:
        """What may be shown now of what came, where `said` is what the unveiler says by now."""
        self.raw += came
        if self.restored or not self.raw.startswith(said):
            self.restored.append(said)
            return ""
        self.raw = self.raw[len(said) :]
        return said

    def rest(self, said: str, *, signed: bool) -> str:
        """At its end; `said` is what the unveiler held back."""
        return self.raw if signed else "".join(self.restored) + said


def _alone(piece: Piece) -> bool:
    return piece.whole or piece.tree
