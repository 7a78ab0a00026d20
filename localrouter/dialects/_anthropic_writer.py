"""Bytes for one Messages client: a host's own events as they came, or events made from pieces.

Raw: an event whose texts did not change is written byte for byte; where one was restored, the event's tree is written with the new
text at its path. From pieces: `_anthropic_blocks.py`. In both, silence is kept alive by pings, and before 300 s of it, at which older
versions of Claude Code give up however many pings they saw, by an empty delta (notes on clients, 5.1).
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import orjson

from localrouter.core.ask import Ask, replace
from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.errors import RouterError
from localrouter.dialects import _anthropic_thoughts as thoughts
from localrouter.dialects._anthropic_blocks import Blocks, Event
from localrouter.dialects._anthropic_errors import error_body
from localrouter.dialects._anthropic_fold import fold
from localrouter.dialects._fields import dumps

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
SILENCE_S = 240.0
"""Seconds without an event other than a ping after which an empty delta is written: a minute before Claude Code 2.1.197 gives up."""
_BYTES_PER_TOKEN = 4
_DELTAS = {
    "tool": ("input_json_delta", "partial_json"),
    "reasoning": ("thinking_delta", "thinking"),
    "text": ("text_delta", "text"),
    "refusal": ("text_delta", "text"),
}


class Writer:
    """See `dialects.Writer`."""

    def __init__(self, ask: Ask, request_id: str) -> None:
        self._stream = ask.needs.stream
        self._request_id = request_id
        thinking = ask.tree.get("thinking")
        thinking = thinking if isinstance(thinking, dict) else {}
        self._thinks = thinking.get("type") in ("enabled", "adaptive", "between_tools")
        shown = "omitted" if thinking.get("display") == "omitted" else "shown"
        message_id = f"msg_{request_id}" if request_id else f"msg_{uuid.uuid4().hex[:24]}"
        seed = max(1, ask.size // _BYTES_PER_TOKEN)
        self._blocks = Blocks(message_id, ask.model, seed, "" if thinking.get("type") == "disabled" else shown)
        self._message: Event | None = None
        self._raw = False  # a host's own events are being written
        self._headed = False  # the host's head was written
        self._open: tuple[int, str] | None = None  # the host's open block: its index there, the kind of its deltas
        self._shift = 0  # blocks of ours in front of the host's
        self._awake = -1  # the index of our open empty thought
        self._next = 0  # the index of the client's next block, on the raw plane
        self._over = False
        self._spoke = time.monotonic()
        self.media = "text/event-stream" if self._stream else "application/json"

    # --- chunks ----------------------------------------------------------------------------------

    def write(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes:
        """One chunk. See `dialects.Writer.write`."""
        if self._over:
            return b""
        self._over = chunk.terminal
        if chunk.pings and not chunk.raw:
            return PING if self._stream else b""
        if chunk.tree is None and not chunk.raw:
            return self._neutral(self._blocks.chunk(chunk, texts, extra))
        if not self._stream:
            return _whole(chunk, texts)
        self._raw = True
        self._spoke = self._spoke if chunk.pings else time.monotonic()
        return b"".join(self._held(channel, text) for channel, text in extra if text) + self._event(chunk, texts)

    def _neutral(self, events: list[Event]) -> bytes:
        if self._stream:
            if events:
                self._spoke = time.monotonic()
            return b"".join(map(_frame, events))
        for event in events:
            self._message = fold(self._message, event)
        return dumps(self._message) if self._blocks.ended else b""

    # --- a host's own events ---------------------------------------------------------------------

    def _held(self, channel: Channel, text: str) -> bytes:
        kind, name = _DELTAS[channel.kind]
        event = {"type": "content_block_delta", "index": channel.index + self._shift, "delta": {"type": kind, name: text}}
        return _frame(event)

    def _event(self, chunk: Chunk, texts: list[str]) -> bytes:
        tree = chunk.tree
        if tree is None or chunk.pings:
            return chunk.raw
        kind = tree.get("type")
        if kind == "message_start" and self._headed:
            return b""  # the SDKs raise on a second one ("Unexpected event order")
        if kind == "content_block_start" and self._open is not None and self._open[0] == tree.get("index"):
            return b""  # the SDKs add another block, which stays empty, and an empty one is refused when it is sent back
        self._headed = self._headed or kind == "message_start"
        if kind == "message_start" and self._blocks.started:
            # Ours stands already: it carried the signs of life, in a block that is in front of the host's.
            events = self._blocks.pause()
            self._shift = self._next = self._blocks.count
            return b"".join(map(_frame, events))
        before = self._end_awake() if kind in ("content_block_start", "message_delta", "message_stop") else b""
        self._follow(str(kind), tree)
        edits = [(p.path, _value(p, t)) for p, t in zip(chunk.pieces, texts, strict=True) if _changed(p, t)]
        if edits and kind == "content_block_delta" and not any(texts) and _only_text(tree):
            return before  # all of it is held back, and it says nothing else
        if self._shift and isinstance(tree.get("index"), int):
            edits.append((("index",), tree["index"] + self._shift))
        return before + (_frame(replace(tree, edits)) if edits else chunk.raw)

    def _follow(self, kind: str, tree: dict[str, Any]) -> None:
        index = tree.get("index")
        if not isinstance(index, int):
            return
        if kind == "content_block_start":
            self._next = index + self._shift + 1
            block = tree.get("content_block")
            of = block.get("type") if isinstance(block, dict) else None
            deltas = {"text": "text", "thinking": "reasoning", "tool_use": "tool", "server_tool_use": "tool"}
            self._open = (index, deltas.get(str(of), ""))
        elif kind == "content_block_stop":
            self._open = None

    def _end_awake(self) -> bytes:
        if self._awake < 0:
            return b""
        index, self._awake = self._awake, -1
        mark = {"type": "signature_delta", "signature": thoughts.AWAKE}
        return _frame({"type": "content_block_delta", "index": index, "delta": mark}) + _frame(
            {"type": "content_block_stop", "index": index}
        )

    # --- silence and errors ----------------------------------------------------------------------

    def keep_alive(self) -> bytes:
        """A ping; after `SILENCE_S` an empty delta: of the open block, else of an empty thought where the client asked for thinking."""
        if self._over or not self._stream:
            return b""
        if time.monotonic() - self._spoke < SILENCE_S:
            return PING
        alive = self._raw_delta() if self._raw else self._thought()
        return alive or PING

    def _thought(self) -> bytes:
        if not self._thinks and not self._blocks.busy:
            return b""
        events = self._blocks.empty_thought()
        return b"".join(map(_frame, events))

    def _raw_delta(self) -> bytes:
        if self._open is not None:
            index, kind = self._open
            return self._empty(index + self._shift, kind) if kind else b""
        if not self._thinks:
            return b""
        before = b""
        if self._awake < 0:
            self._awake, self._next, self._shift = self._next, self._next + 1, self._shift + 1
            head = {"type": "thinking", "thinking": "", "signature": ""}
            before = _frame({"type": "content_block_start", "index": self._awake, "content_block": head})
        return before + self._empty(self._awake, "reasoning")

    @staticmethod
    def _empty(index: int, kind: str) -> bytes:
        word, name = _DELTAS[kind]
        return _frame({"type": "content_block_delta", "index": index, "delta": {"type": word, name: ""}})

    def error(self, error: RouterError) -> bytes:
        """`event: error` in a stream: the SDKs raise on it, and the stream ends there. Else the body of an error."""
        if self._over:
            return b""
        self._over = True
        body = error_body(error, self._request_id)
        return b"event: error\ndata: " + body + b"\n\n" if self._stream else body


def _frame(event: Event) -> bytes:
    return b"event: " + str(event.get("type")).encode() + b"\ndata: " + dumps(event) + b"\n\n"


def _changed(piece: Piece, text: str) -> bool:
    return not piece.opaque and bool(piece.path) and text != piece.text


def _value(piece: Piece, text: str) -> Any:
    return orjson.loads(text) if piece.tree else text


def _only_text(tree: dict[str, Any]) -> bool:
    delta = tree.get("delta")
    return set(tree) <= {"type", "index", "delta"} and isinstance(delta, dict) and len(delta) == 2


def _whole(chunk: Chunk, texts: list[str]) -> bytes:
    edits = [(p.path, _value(p, t)) for p, t in zip(chunk.pieces, texts, strict=True) if _changed(p, t)]
    assert chunk.tree is not None
    return dumps(replace(chunk.tree, edits)) if edits else chunk.raw
