"""Where a citation's words stand once the values before them are restored: a name is longer or shorter than what stood for it.

OpenAI's `url_citation` and `container_file_citation` say from which character to which of the text (`start_index`, `end_index`; OpenAI API
reference, "The chat completion object" and "The response object"). The place in the restored text is as long as what is restored of the
veiled text up to it.
"""

from __future__ import annotations

from typing import Any

import orjson

from localrouter.core.chat import Channel, Piece
from localrouter.scrub.unveil import Unveiler

_PLACES = ("start_index", "end_index")
_APART = -2_000_000
"""Parts of a text's channel on which its beginnings are restored once more."""


class Citations:
    """The texts of one answer as the host said them, and its citations with the places that hold in the restored text."""

    def __init__(self, unveiler: Unveiler | None) -> None:
        self._unveiler = unveiler
        self._said: dict[Channel, list[str]] = {}

    def heard(self, piece: Piece) -> None:
        """A piece of a text, as it came."""
        if piece.channel.kind == "text" and not piece.whole and not piece.mirror:
            self._said.setdefault(piece.channel, []).append(piece.text)

    def moved(self, piece: Piece) -> str:
        """The citation's JSON with its places moved; unchanged where nothing is restored before them."""
        text = "".join(self._said.get(piece.channel, ()))
        tree = orjson.loads(piece.text)
        fresh = self._moved(tree, piece.channel, text)
        return piece.text if fresh == tree else orjson.dumps(fresh).decode()

    def _moved(self, tree: Any, channel: Channel, text: str) -> Any:
        if not isinstance(tree, dict):
            return tree
        out = dict(tree)
        for key, value in tree.items():
            if key in _PLACES and isinstance(value, int) and not isinstance(value, bool) and value > 0:
                out[key] = self._place(channel, text, value)
            elif isinstance(value, dict):
                out[key] = self._moved(value, channel, text)
        return out

    def _place(self, channel: Channel, text: str, at: int) -> int:
        unveiler = self._unveiler
        if unveiler is None:
            return at
        before = text[:at]
        apart = Channel(channel.choice, channel.kind, channel.index, _APART - channel.part)
        counts = unveiler.counts.copy()
        restored = unveiler.feed(apart, before, None) + unveiler.flush(apart)
        unveiler.counts.clear()
        unveiler.counts.update(counts)  # it was counted when it was said
        return at + len(restored) - len(before)
