"""A Responses host's own events, emitted again with the restored texts: byte for byte where nothing was changed.

The numbers of the events stay. A delta of which something is held back waits for the next event, so that the rest of its text travels in it
and no event has to be put between two numbers; where one must be (a sign of life, a rest without a carrier), those behind it move up.
"""

from __future__ import annotations

from typing import Any

import orjson

from localrouter.core.ask import replace
from localrouter.core.chat import Channel, Chunk
from localrouter.dialects._fields import dumps
from localrouter.dialects._responses_object import echoed

_CREATED = ("response.created", "response.queued", "response.in_progress")
_CONTENT = 1_000_000
"""Channel parts of a reasoning item's own text begin here; below are those of its summary (providers/_responses_pieces.py)."""
_FINAL = ("response.completed", "response.incomplete", "response.failed")


def frame(tree: dict[str, Any]) -> bytes:
    """One server-sent event, its name as the API writes it."""
    return b"event: " + str(tree.get("type", "message")).encode() + b"\ndata: " + dumps(tree) + b"\n\n"


def restored(chunk: Chunk, texts: list[str]) -> dict[str, Any]:
    """The chunk's tree with the texts that were restored; the same object when none was."""
    tree = chunk.tree or {}
    edits: list[tuple[tuple[str | int, ...], Any]] = []
    for piece, text in zip(chunk.pieces, texts, strict=True):
        if piece.opaque or text == piece.text:
            continue
        edits.append((piece.path, _value(text, piece.text) if piece.tree else text))
    return replace(tree, edits) if edits else tree


def _value(text: str, before: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # cannot be put back as a value: it stays as it came
        return orjson.loads(before)


class Again:
    """The stream's state: the last number that went out, the response as it stands, the items that are over, and a delta that waits."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self._tree = tree
        self._wait: tuple[Channel, dict[str, Any], Chunk] | None = None
        self._items: dict[int, dict[str, Any]] = {}
        self._done: dict[int, dict[str, Any]] = {}
        self.last = -1
        self.base: dict[str, Any] | None = None
        self.alias = ""
        self.final: dict[str, Any] | None = None

    @property
    def output(self) -> list[dict[str, Any]]:
        """The items that are over."""
        return [self._done[i] for i in sorted(self._done)]

    def number(self, tree: dict[str, Any]) -> bytes:
        """An event of our own, under the next number."""
        self.last += 1
        kind = tree.pop("type")
        return frame({"type": kind, "sequence_number": self.last, **tree})

    def settle(self) -> bytes:
        """What waits, as it is: its rest will not come before something else goes out."""
        wait, self._wait = self._wait, None
        if wait is None or (not wait[1].get("delta") and not wait[1].get("logprobs")):
            return b""
        _, tree, chunk = wait
        same = chunk.tree is not None and tree.get("delta") == chunk.tree.get("delta")
        return self._send(tree, chunk.raw if same else None)

    def write(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes:
        """One event of the host."""
        if chunk.tree is None:  # a comment
            return self.settle() + chunk.raw
        tree = restored(chunk, texts)
        kind = str(tree.get("type"))
        delta = kind.endswith(".delta") and len(chunk.pieces) == 1 and not chunk.pieces[0].whole
        out: list[bytes] = []
        for channel, text in extra:
            if not text:
                continue
            if self._wait is not None and self._wait[0] == channel:
                held = self._wait[1]
                self._wait = (channel, {**held, "delta": str(held.get("delta", "")) + text}, self._wait[2])
            elif delta and chunk.pieces[0].channel == channel:
                tree = {**tree, "delta": text + str(tree.get("delta", ""))}
            else:
                out += [self.settle(), self._rest(channel, text)]
        out.append(self.settle())
        self._follow(kind, tree)
        if isinstance(tree.get("response"), dict):
            tree = self._lifecycle(kind, tree)
            if self.alias and kind in _CREATED and self._early(kind):
                return b"".join(out)
        if delta and tree is not chunk.tree:
            self._wait = (chunk.pieces[0].channel, tree, chunk)
        else:
            out.append(self._send(tree, chunk.raw if tree is chunk.tree else None))
        return b"".join(out)

    def _early(self, kind: str) -> bool:
        """With our own beginning out already, the host's is not said again."""
        return kind != "response.in_progress" or not self._items

    def _send(self, tree: dict[str, Any], raw: bytes | None) -> bytes:
        number = tree.get("sequence_number")
        if isinstance(number, int):
            if number <= self.last:
                number, raw = self.last + 1, None
                tree = {**tree, "sequence_number": number}
            self.last = number
        return raw if raw is not None else frame(tree)

    def _follow(self, kind: str, tree: dict[str, Any]) -> None:
        index, item = tree.get("output_index"), tree.get("item")
        if isinstance(index, int) and isinstance(item, dict):
            self._items[index] = item
            if kind == "response.output_item.done":
                self._done[index] = item

    def _lifecycle(self, kind: str, tree: dict[str, Any]) -> dict[str, Any]:
        response = echoed(tree["response"], self._tree)
        if self.alias and response.get("id") != self.alias:
            response = {**response, "id": self.alias}
        self.base = response
        if kind in _FINAL:
            # Some hosts leave the output of the last event empty; what was streamed is the answer all the same.
            self.final = response if response.get("output") or not self._done else {**response, "output": self.output}
        return tree if response is tree["response"] else {**tree, "response": response}

    def _rest(self, channel: Channel, text: str) -> bytes:
        """A rest whose own delta is out already: a delta of ours."""
        item = self._items.get(channel.index, {})
        at: dict[str, Any] = {"item_id": item.get("id", ""), "output_index": channel.index}
        if channel.kind == "text":
            return self.number(
                {"type": "response.output_text.delta", **at, "content_index": channel.part, "delta": text, "logprobs": []}
            )
        if channel.kind == "refusal":
            return self.number({"type": "response.refusal.delta", **at, "content_index": channel.part, "delta": text})
        if channel.kind == "reasoning" and channel.part >= _CONTENT:
            return self.number(
                {"type": "response.reasoning_text.delta", **at, "content_index": channel.part - _CONTENT, "delta": text}
            )
        if channel.kind == "reasoning":
            return self.number(
                {"type": "response.reasoning_summary_text.delta", **at, "summary_index": channel.part, "delta": text}
            )
        if item.get("type") == "shell_call":
            at = {"output_index": channel.index, "command_index": channel.part - 1}
            return self.number({"type": "response.shell_call_command.delta", **at, "delta": text})
        if item.get("type") == "apply_patch_call":
            return self.number({"type": "response.apply_patch_call_operation_diff.delta", **at, "delta": text})
        kind = "custom_tool_call_input" if item.get("type") == "custom_tool_call" else "function_call_arguments"
        return self.number({"type": f"response.{kind}.delta", **at, "delta": text})
