"""An answer of another kind of host, written as Responses events: one item a text, a thought or a call, in the order in which they began.

Source of the order: OpenAI API reference, "Streaming events". Texts and thoughts end when something else begins; calls may grow side by
side, since hosts say several at once, and end when the host says so or at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from localrouter.core.chat import Channel, Chunk, Finish, Piece
from localrouter.dialects._responses_tools import Origin, Toolbox

Event = dict[str, Any]

_PREFIX = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "local_shell_call": "lsh",
    "shell_call": "sh",
    "apply_patch_call": "apc",
    "tool_search_call": "tsc",
}
"""The API's own prefixes of item ids."""
_REFUSED = "The model declined to answer."


@dataclass(slots=True)
class _Part:
    """One text in an item."""

    channel: Channel
    texts: list[str] = field(default_factory=list)
    citations: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class _Item:
    """One item under way. `parts` of a message or a thought, in order; only the last still grows. `arguments` of a call."""

    item: dict[str, Any]
    index: int
    parts: list[_Part] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    origin: Origin | None = None
    wrapped: bool = False

    @property
    def key(self) -> tuple[int, int]:
        first = self.parts[0].channel
        return first.choice, first.index


class Said:
    """Pieces in, events out (without numbers). `output` holds what is over, in the order of its beginning."""

    def __init__(self, tree: dict[str, Any], mark: str) -> None:
        self._box = Toolbox(tree)
        self._mark = mark
        self._open: _Item | None = None
        self._calls: dict[Channel, _Item] = {}
        self._nameless: dict[Channel, list[str]] = {}
        self._gone: set[Channel] = set()
        self._done: dict[int, dict[str, Any]] = {}
        self._count = 0
        self._refusal = False

    @property
    def output(self) -> list[dict[str, Any]]:
        return [self._done[i] for i in sorted(self._done)]

    @property
    def _last(self) -> Channel | None:
        return self._open.parts[-1].channel if self._open is not None and self._open.parts else None

    def take(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> list[Event]:
        out: list[Event] = []
        for channel, text in extra:
            self._grow(Piece(channel, text), text, out)
        for piece, text in zip(chunk.pieces, texts, strict=True):
            if piece.cites:
                self._cite(piece.channel, orjson.loads(text), out)
            elif piece.opaque:
                self._seal(piece.channel, text, out)
            else:
                self._grow(piece, text, out)
        for channel in chunk.ends:
            self._end(channel, out)
        return out

    def finish(self, finish: Finish | None) -> list[Event]:
        """All that is still open is over. A refusal that came without words gets some, so that an empty answer is no riddle."""
        out: list[Event] = []
        cut = finish in ("length", "content_filter")
        for channel, texts in self._nameless.items():
            self._call(Piece(channel, "", tool=""), "".join(texts), out)
        self._nameless.clear()
        for item in [*([self._open] if self._open else []), *self._calls.values()]:
            self._close(item, out, cut=cut)
        self._open = None
        self._calls.clear()
        if finish == "refusal" and not self._refusal:
            self._grow(Piece(Channel(0, "refusal", self._count), _REFUSED), _REFUSED, out)
            assert self._open is not None
            self._close(self._open, out)
            self._open = None
        return out

    # --- texts and thoughts ------------------------------------------------------------------------

    def _grow(self, piece: Piece, text: str, out: list[Event]) -> None:
        channel = piece.channel
        if channel.kind == "tool":
            self._call(piece, text, out)
            return
        if not text:
            return
        item = self._item_for(channel, out)
        part = item.parts[-1] if item.parts else None
        if part is None or part.channel != channel:
            self._end_part(item, out)
            part = _Part(channel)
            item.parts.append(part)
            out.append(self._part_event(item, "added", self._part(channel, "")))
        part.texts.append(text)
        at = self._at(item)
        if channel.kind == "reasoning":
            out.append({"type": "response.reasoning_summary_text.delta", **at, "delta": text})
        elif channel.kind == "refusal":
            self._refusal = True
            out.append({"type": "response.refusal.delta", **at, "delta": text})
        else:
            out.append({"type": "response.output_text.delta", **at, "delta": text, "logprobs": []})

    def _item_for(self, channel: Channel, out: list[Event]) -> _Item:
        kind = "reasoning" if channel.kind == "reasoning" else "message"
        item = self._open
        same = item is not None and item.item["type"] == kind and item.parts and item.key == (channel.choice, channel.index)
        if item is not None and same and "encrypted_content" not in item.item:
            return item
        self._leave(out)
        if kind == "reasoning":
            self._open = self._begin({"type": kind, "summary": []}, out)
        else:
            self._open = self._begin({"type": kind, "status": "in_progress", "role": "assistant", "content": []}, out)
        return self._open

    def _cite(self, channel: Channel, tree: Any, out: list[Event]) -> None:
        """A citation of the text that is under way; of one that is over, nobody would look for it."""
        inner = tree.get("url_citation", tree) if isinstance(tree, dict) else None
        if not isinstance(inner, dict) or tree.get("type") != "url_citation" or self._open is None or self._last != channel:
            return
        part = self._open.parts[-1]
        entry = {"start_index": 0, "end_index": 0, "title": "", "url": "", **inner, "type": "url_citation"}
        at = {**self._at(self._open), "annotation_index": len(part.citations)}
        part.citations.append(entry)
        out.append({"type": "response.output_text.annotation.added", **at, "annotation": entry})

    def _seal(self, channel: Channel, text: str, out: list[Event]) -> None:
        """What a host signed or encrypted, as the client shall send it back."""
        if not text:
            return
        item = self._open
        same = item is not None and item.item["type"] == "reasoning" and item.parts and "encrypted_content" not in item.item
        if not same or item is None or (channel.kind == "reasoning" and item.key != (channel.choice, channel.index)):
            self._leave(out)
            item = self._open = self._begin({"type": "reasoning", "summary": []}, out)
        item.item["encrypted_content"] = text

    def _begin(self, item: dict[str, Any], out: list[Event]) -> _Item:
        index, self._count = self._count, self._count + 1
        made = _Item({"id": f"{_PREFIX[item['type']]}_{self._mark}{index:03d}", **item}, index)
        out.append({"type": "response.output_item.added", "output_index": index, "item": dict(made.item)})
        return made

    def _leave(self, out: list[Event]) -> None:
        if self._open is not None:
            self._close(self._open, out)
            self._open = None

    @staticmethod
    def _part(channel: Channel, text: str) -> dict[str, Any]:
        if channel.kind == "reasoning":
            return {"type": "summary_text", "text": text}
        if channel.kind == "refusal":
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}

    @staticmethod
    def _at(item: _Item) -> dict[str, Any]:
        field_ = "summary_index" if item.item["type"] == "reasoning" else "content_index"
        return {"item_id": item.item["id"], "output_index": item.index, field_: len(item.parts) - 1}

    def _part_event(self, item: _Item, what: str, part: dict[str, Any]) -> Event:
        name = "reasoning_summary_part" if item.item["type"] == "reasoning" else "content_part"
        return {"type": f"response.{name}.{what}", **self._at(item), "part": part}

    def _end_part(self, item: _Item, out: list[Event]) -> None:
        if not item.parts:
            return
        last = item.parts[-1]
        text = "".join(last.texts)
        at, part = self._at(item), self._part(last.channel, text)
        if last.citations:
            part["annotations"] = last.citations
        if last.channel.kind == "reasoning":
            out.append({"type": "response.reasoning_summary_text.done", **at, "text": text})
            item.item["summary"] = [*item.item["summary"], part]
        else:
            if last.channel.kind == "refusal":
                out.append({"type": "response.refusal.done", **at, "refusal": text})
            else:
                out.append({"type": "response.output_text.done", **at, "text": text, "logprobs": []})
            item.item["content"] = [*item.item["content"], part]
        out.append(self._part_event(item, "done", part))

    def _end(self, channel: Channel, out: list[Event]) -> None:
        if channel in self._calls:
            self._close(self._calls.pop(channel), out)
            self._gone.add(channel)
        elif channel == self._last and channel.kind != "reasoning":
            self._leave(out)  # of a thought the signature may still follow, so it is open until something else begins

    def _close(self, item: _Item, out: list[Event], *, cut: bool = False) -> None:
        if item.origin is not None:
            self._end_call(item, out, cut=cut)
            return
        self._end_part(item, out)
        if "status" in item.item:
            item.item["status"] = "incomplete" if cut else "completed"
        self._over(item, out)

    def _over(self, item: _Item, out: list[Event]) -> None:
        self._done[item.index] = item.item
        out.append({"type": "response.output_item.done", "output_index": item.index, "item": item.item})

    # --- calls -------------------------------------------------------------------------------------

    def _call(self, piece: Piece, text: str, out: list[Event]) -> None:
        channel = piece.channel
        if channel in self._gone:
            return  # a late piece of a call that is over
        call = self._calls.get(channel)
        if call is None:
            if piece.tool is None:
                if text:
                    self._nameless.setdefault(channel, []).append(text)
                return
            self._leave(out)
            call = self._calls[channel] = self._begin_call(piece, out)
            text = "".join(self._nameless.pop(channel, [])) + text
        if not text:
            return
        call.arguments.append(text)
        if call.item["type"] == "function_call":
            out.append({"type": "response.function_call_arguments.delta", **self._of(call), "delta": text})
        elif call.item["type"] == "custom_tool_call" and not call.wrapped:
            out.append({"type": "response.custom_tool_call_input.delta", **self._of(call), "delta": text})

    @staticmethod
    def _of(call: _Item) -> dict[str, Any]:
        return {"item_id": call.item["id"], "output_index": call.index}

    def _begin_call(self, piece: Piece, out: list[Event]) -> _Item:
        origin = self._box.origin(piece.tool or "")
        call_id = piece.call_id or f"call_{self._mark}{self._count:03d}"
        named: dict[str, Any] = {"call_id": call_id, "name": origin.name}
        if origin.namespace:
            named["namespace"] = origin.namespace
        if origin.shape == "custom" or (piece.custom and (piece.tool or "") not in self._box.tools):
            item = {"type": "custom_tool_call", "status": "in_progress", **named, "input": ""}
        elif origin.shape == "function":
            item = {"type": "function_call", "status": "in_progress", **named, "arguments": ""}
        else:
            # Its arguments are an object, which is known only at the end; so the item begins and ends there.
            index, self._count = self._count, self._count + 1
            made = {"id": f"{_PREFIX[origin.shape + '_call']}_{self._mark}{index:03d}", "type": f"{origin.shape}_call"}
            return _Item({**made, "call_id": call_id, "status": "completed"}, index, origin=origin)
        call = self._begin(item, out)
        call.origin, call.wrapped = origin, origin.shape == "custom" and not piece.custom
        return call

    def _end_call(self, call: _Item, out: list[Event], *, cut: bool) -> None:
        item, said = call.item, "".join(call.arguments)
        kind = item["type"]
        if kind == "function_call":
            if not said:
                said = "{}"
                out.append({"type": "response.function_call_arguments.delta", **self._of(call), "delta": said})
            item |= {"status": "incomplete" if cut else "completed", "arguments": said}
            out.append(
                {"type": "response.function_call_arguments.done", **self._of(call), "arguments": said, "name": item["name"]}
            )
        elif kind == "custom_tool_call":
            if call.wrapped:
                said = _unwrapped(said)
                out.append({"type": "response.custom_tool_call_input.delta", **self._of(call), "delta": said})
            item |= {"status": "incomplete" if cut else "completed", "input": said}
            out.append({"type": "response.custom_tool_call_input.done", **self._of(call), "input": said})
        else:
            self._end_native(call, said, out)
            return
        self._over(call, out)

    def _end_native(self, call: _Item, said: str, out: list[Event]) -> None:
        assert call.origin is not None
        item, shape = call.item, call.origin.shape
        value = _object(said)
        if value is None:  # no object: the client is told what was said, under the tool's name
            call.item = item = {
                "id": item["id"],
                "type": "function_call",
                "status": "incomplete",
                "call_id": item["call_id"],
                "name": shape,
                "arguments": said,
            }
        elif shape == "local_shell":
            item["action"] = {"type": "exec", "command": [], "env": {}, **value}
        elif shape == "shell":
            item["action"] = {"commands": [], "timeout_ms": None, "max_output_length": None, **value}
        elif shape == "apply_patch":
            inner = value.get("operation")
            item["operation"] = {"type": "update_file", "path": "", **(inner if isinstance(inner, dict) else value)}
        else:
            item |= {"arguments": value, "execution": "client"}
        out.append({"type": "response.output_item.added", "output_index": call.index, "item": dict(item)})
        self._over(call, out)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _unwrapped(text: str) -> str:
    """The bare text of a freeform tool that was asked for as a function with one `input` string."""
    value = _object(text)
    inner = value.get("input") if value is not None else None
    return inner if isinstance(inner, str) else text
