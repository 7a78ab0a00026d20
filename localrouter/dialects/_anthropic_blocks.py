"""Pieces of an answer into the events of a Messages stream, in their one legal order, for an answer that has no raw form.

`message_start`, then for each block start, deltas and stop, one block at a time, then `message_delta` and one `message_stop`; nothing
after it (Anthropic API reference, "Streaming messages"; notes on gateways, 6.22 to 6.28). Two tool calls that a host streams interleaved
are put one behind the other: the first is said as it comes, what belongs to the next waits until the first is complete.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from localrouter.core.chat import Channel, Chunk, Finish, Piece
from localrouter.core.money import Usage
from localrouter.dialects import _anthropic_thoughts as thoughts
from localrouter.dialects._fields import dumps

Event = dict[str, Any]
Key = tuple[str, int, int]
"""What one block says: kind, index, part. The parts of one thought are one block."""

_REASONS: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "stop_sequence": "stop_sequence",
}
_KINDS = {"refusal": "text", "reasoning": "thinking"}
_ID = re.compile(r"[^A-Za-z0-9_-]")
"""Anthropic's API refuses ids of tool calls with other characters, and the client will send them back."""


@dataclass(slots=True)
class _Said:
    """One piece that waits for its block."""

    text: str = ""
    mark: str = ""
    tool: str | None = None
    call_id: str | None = None
    custom: bool = False


@dataclass(slots=True)
class _Block:
    """The open block. `mark`: what it is signed with when no host signed it."""

    key: Key
    kind: str
    index: int
    text: str = ""
    signed: bool = False
    mark: str = thoughts.UNSIGNED
    part: int = 0
    custom: bool = False


_Waiting = tuple[Key, int, _Said]


class Blocks:
    """`piece`, `finish`, then `end`. Each returns the events that can be said now.

    `thinking`: whether thoughts are shown: "shown", "omitted" (the signature alone) or "" (the client said that it wants none).
    """

    def __init__(self, message_id: str, model: str, seed: int, thinking: str) -> None:
        self._id, self._model, self._seed, self._thinking = message_id, model, seed, thinking
        self.started = self.ended = False
        self._open: _Block | None = None
        self._next = 0
        self._queue: list[_Waiting] = []
        self._done: set[Key] = set()
        self._ids: set[str] = set()
        self._tools = self._refused = False
        self._finish: Finish | None = None
        self._stop = ""
        self._usage: Usage | None = None

    # --- what comes in ---------------------------------------------------------------------------

    def start(self) -> list[Event]:
        """The head of the message, once."""
        if self.started:
            return []
        self.started = True
        usage = self._usage or Usage(input=self._seed)
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_of(usage, output=min(usage.output, 1)),
        }
        return [{"type": "message_start", "message": message}]

    def chunk(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> list[Event]:
        """One chunk without raw form: what was held back, its pieces, the channels that end, why it ended."""
        events: list[Event] = []
        if chunk.usage is not None:
            self._usage = chunk.usage
        for channel, text in extra:
            if text:
                events += self._say(channel, _Said(text))
        for piece, text in zip(chunk.pieces, texts, strict=True):
            if piece.channel.choice == 0:
                events += self._piece(piece, text)
        for channel in chunk.ends:
            events += self._ends(channel)
        if 0 in chunk.finish:
            self._finish = chunk.finish[0]
        self._stop = chunk.stop or self._stop
        if chunk.terminal:
            events += self.end()
        return events

    def _piece(self, piece: Piece, text: str) -> list[Event]:
        if piece.cites:
            return []  # a citation of this API names an encrypted result, which no other host has
        if piece.opaque:
            return self._say(piece.channel, _Said(mark=text)) if text else []
        if piece.channel.kind == "refusal" and text:
            self._refused = True
        if not text and not piece.tool and not piece.call_id:
            return []
        return self._say(piece.channel, _Said(text, "", piece.tool, piece.call_id, piece.custom))

    # --- one block at a time ---------------------------------------------------------------------

    def _say(self, channel: Channel, said: _Said) -> list[Event]:
        if channel.kind == "reasoning" and (not self._thinking or (self._thinking == "omitted" and not said.mark)):
            return []
        key: Key = (channel.kind, channel.index, 0 if channel.kind == "reasoning" else channel.part)
        events = self.start()
        if self._open is not None and self._open.key == key:
            return events + self._go_on(self._open, channel.part, said)
        self._queue.append((key, channel.part, said))
        return events + self._advance()

    def _advance(self, *, last: bool = False) -> list[Event]:
        """What waits, in the order in which it came, as far as one open block at a time allows. `last`: nothing more will come."""
        events: list[Event] = []
        while self._queue:
            block = self._open
            if block is not None:
                if block.kind == "tool" and not last and not _complete(block.text):
                    break
                events += self._close()
            key = self._queue[0][0]
            mine = [item for item in self._queue if item[0] == key]
            if key[0] == "tool" and key not in self._done and not any(said.tool for _, _, said in mine):
                if not last:
                    break  # its name has not come yet, and a block cannot begin without one
                self._done.add(key)
            self._queue = [item for item in self._queue if item[0] != key]
            if key[0] != "tool" or key not in self._done:  # else a late piece of a call that is complete
                events += self._enter(key, mine)
        return events

    def _enter(self, key: Key, mine: list[_Waiting]) -> list[Event]:
        kind = _KINDS.get(key[0], key[0])
        block = self._open = _Block(key, kind, self._next, part=mine[0][1], custom=any(said.custom for _, _, said in mine))
        self._next += 1
        head: Event = {"type": "text", "text": ""}
        if kind == "tool":
            self._tools = True
            name = next(said.tool for _, _, said in mine if said.tool)
            call_id = next((said.call_id for _, _, said in mine if said.call_id), None)
            head = {"type": "tool_use", "id": self._call_id(call_id), "name": name, "input": {}}
        elif kind == "thinking":
            head = {"type": "thinking", "thinking": "", "signature": ""}
        events: list[Event] = [{"type": "content_block_start", "index": block.index, "content_block": head}]
        for _, part, said in mine:
            events += self._go_on(block, part, said)
        return events

    def _go_on(self, block: _Block, part: int, said: _Said) -> list[Event]:
        text = said.text
        if block.kind == "thinking" and part != block.part and text:
            block.part, text = part, ("\n\n" if block.text else "") + text
        block.text += text
        if block.custom or (block.kind == "thinking" and self._thinking == "omitted"):
            text = ""
        events = [self._delta(block, text)] if text else []
        if said.mark:
            block.signed = True
            events.append(self._signature(block, said.mark))
        return events

    def _delta(self, block: _Block, text: str) -> Event:
        delta = {
            "tool": {"type": "input_json_delta", "partial_json": text},
            "thinking": {"type": "thinking_delta", "thinking": text},
            "text": {"type": "text_delta", "text": text},
        }[block.kind]
        return {"type": "content_block_delta", "index": block.index, "delta": delta}

    def _signature(self, block: _Block, mark: str) -> Event:
        return {"type": "content_block_delta", "index": block.index, "delta": {"type": "signature_delta", "signature": mark}}

    def _close(self) -> list[Event]:
        block, self._open = self._open, None
        if block is None:
            return []
        self._done.add(block.key)
        events: list[Event] = []
        if block.kind == "thinking" and not block.signed:
            events.append(self._signature(block, block.mark))
        if block.custom:
            # A freeform tool's bare text, for a client that knows tools with JSON arguments only.
            events.append(self._delta(block, dumps({"input": block.text}).decode()))
        events.append({"type": "content_block_stop", "index": block.index})
        return events

    def _ends(self, channel: Channel) -> list[Event]:
        block = self._open
        # A thought stays open: its host's signature may come behind its end.
        if block is not None and block.key[:2] == (channel.kind, channel.index) and block.kind != "thinking":
            return self._close() + self._advance()
        return []

    def _call_id(self, given: str | None) -> str:
        name = _ID.sub("_", given or "") or f"toolu_{uuid.uuid4().hex[:24]}"
        unique, n = name, 1
        while unique in self._ids:
            n += 1
            unique = f"{name}_{n}"
        self._ids.add(unique)
        return unique

    # --- the end ---------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a block is open, so that an empty delta of it is legal."""
        return self._open is not None

    @property
    def count(self) -> int:
        """How many blocks have begun."""
        return self._next

    def pause(self) -> list[Event]:
        """Close the open block: somebody else's blocks follow."""
        return self._close()

    def empty_thought(self) -> list[Event]:
        """A sign of life that every client counts: an empty delta of the open block, else of an empty thought of its own."""
        events = self.start()
        if self._open is None:
            self._open = _Block(("awake", self._next, 0), "thinking", self._next, mark=thoughts.AWAKE)
            self._next += 1
            head = {"type": "thinking", "thinking": "", "signature": ""}
            events.append({"type": "content_block_start", "index": self._open.index, "content_block": head})
        return [*events, self._delta(self._open, "")]

    def end(self) -> list[Event]:
        """Close what is open, say what waits, then why it ended and what it used."""
        if self.ended:
            return []
        events = [*self.start(), *self._advance(last=True), *self._close()]
        self.ended = True
        usage = self._usage or Usage(input=self._seed)
        reason = self._reason()
        delta = {"stop_reason": reason, "stop_sequence": (self._stop or None) if reason == "stop_sequence" else None}
        return [
            *events,
            {"type": "message_delta", "delta": delta, "usage": usage_of(usage, whole=False)},
            {"type": "message_stop"},
        ]

    def _reason(self) -> str:
        finish = self._finish or "stop"
        if self._tools and finish in ("stop", "tool_calls", "stop_sequence"):
            return "tool_use"  # a client runs the tools only when the answer says so
        if finish == "tool_calls":
            return "end_turn"  # there is no call to run
        if self._refused and finish == "stop":
            return "refusal"
        return _REASONS[finish]


def usage_of(usage: Usage, output: int | None = None, *, whole: bool = True) -> dict[str, Any]:
    """Anthropic's counts: `input_tokens` excludes cached ones, `output_tokens` includes thinking. `whole`: with the split of writes."""
    counts: dict[str, Any] = {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output if output is None else output,
    }
    if whole:
        counts["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning and output is None:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return counts


def _complete(text: str) -> bool:
    """Whether the arguments are a whole JSON object."""
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False
