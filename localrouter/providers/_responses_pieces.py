"""Events of a Responses stream, and the whole object, as pieces. Source: OpenAI API reference, "Streaming events"; the SDK's types.

Channels: `index` is the output item; `part` its part: of a summary 0, 1, ..., of the reasoning text itself CONTENT, CONTENT + 1, ...; of a
shell call 1, 2, ... for its commands; 1 for the diff of a patch. A text that comes for the first time in an event that repeats texts
(hosts that stream no deltas) is no repetition. What a host runs by itself (its search, its code, its MCP calls) has no pieces: no client
executes it, and nothing is restored there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from localrouter.core.ask import Path
from localrouter.core.chat import Channel, Finish, Piece
from localrouter.core.money import Usage
from localrouter.providers._responses_uses import uses_of

CONTENT = 1_000_000
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Call items whose arguments are one text."""
_NATIVE = {
    "local_shell_call": ("action", "local_shell"),
    "shell_call": ("action", "shell"),
    "apply_patch_call": ("operation", "apply_patch"),
    "tool_search_call": ("arguments", "tool_search"),
}
"""Call items whose arguments are a value: its field, and the tool's name by which it is restored."""
_TEXTS = {
    "input_text": ("text", "text"),
    "output_text": ("text", "text"),
    "text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
}

_CLIENT_RUN = frozenset({*_CALLS, *_NATIVE, "computer_call"})


def tool_name(item: dict[str, Any]) -> str:
    """A called tool's name; one of a namespace has that in front, and is trusted no more than a tool of any other server."""
    name, space = item.get("name"), item.get("namespace")
    name = name if isinstance(name, str) else ""
    return f"{space}__{name}" if isinstance(space, str) and space else name


class Pieces:
    """Of one answer. Knows the items that began, since most events name an item only by its number."""

    def __init__(self) -> None:
        self._items: dict[int, dict[str, Any]] = {}
        self._open: dict[int, dict[Channel, None]] = {}
        self._told: set[int] = set()
        self._grown: set[Channel] = set()
        self._marked: set[int] = set()

    def of(self, kind: str, event: dict[str, Any]) -> tuple[list[Piece], list[Channel]]:
        """(pieces, channels that end) of one event. An event that is not known has none."""
        index = event.get("output_index")
        index = index if isinstance(index, int) else 0
        name = kind.removeprefix("response.")
        if name == "output_item.added":
            return self._added(index, event.get("item")), []
        if name == "output_item.done":
            return self._done(index, event.get("item"))
        if name in ("content_part.added", "content_part.done", "reasoning_summary_part.added", "reasoning_summary_part.done"):
            return self._part(index, event, done=name.endswith("done"))
        if name == CITED:
            number = event.get("content_index")
            channel = Channel(0, "text", index, number if isinstance(number, int) else 0)
            return citations([event.get("annotation")], channel, ("annotation",)), []
        spec = _EVENTS.get(name)
        if spec is None:
            return [], []
        what, at, field = spec
        number = event.get(at) if at else 0
        number = number if isinstance(number, int) else 0
        part = number if what in ("text", "refusal", "summary") else CONTENT + number if what == "reasoning" else 0
        if what in ("shell", "patch"):
            part = number + 1
        channel = Channel(0, _KIND.get(what, "tool"), index, part)  # type: ignore[arg-type]  # its values are kinds
        text = event.get(field)
        if not isinstance(text, str):
            return [], []
        whole = name.endswith(".done")
        piece = self._once(self._piece(channel, text, (field,), what, whole=whole))
        if whole:
            return [piece], self._end(channel)
        self._open.setdefault(index, {})[channel] = None
        return [piece], []

    def _piece(self, channel: Channel, text: str, path: Path, what: str, *, whole: bool) -> Piece:
        if channel.kind != "tool":
            return Piece(channel, text, path, whole=whole)
        item = self._items.get(channel.index, {})
        custom = what == "custom"
        if channel.part:
            first = channel not in self._open.get(channel.index, {})
            return Piece(channel, text, path, tool=what_tool(what) if first else None, whole=whole)
        # A call whose item never began is told with its first piece.
        told = channel.index in self._told
        self._told.add(channel.index)
        if told:
            return Piece(channel, text, path, custom=custom, whole=whole)
        return Piece(channel, text, path, tool_name(item), _call_id(item), custom=custom, whole=whole)

    def _end(self, channel: Channel) -> list[Channel]:
        self._open.get(channel.index, {}).pop(channel, None)
        return [channel]

    # --- items -------------------------------------------------------------------------------------

    def _added(self, index: int, item: Any) -> list[Piece]:
        if not isinstance(item, dict):
            return []
        self._items[index] = item
        field = _CALLS.get(str(item.get("type")))
        if field is not None:
            self._told.add(index)
            return [self._once(_call(item, index, field, ("item",), whole=False))]
        native = item.get("type") in _NATIVE  # its value comes all at once, again and again
        found = [p for p in pieces_of(item, index, ("item",), whole=native) if p.text and not p.opaque and not p.untouched]
        return [self._once(p) for p in found]

    def _done(self, index: int, item: Any) -> tuple[list[Piece], list[Channel]]:
        if not isinstance(item, dict):
            return [], []
        self._items[index] = item
        self._told.add(index)
        ends = list(self._open.pop(index, {}))
        if item.get("type") in _CLIENT_RUN:
            ends.append(Channel(0, "tool", index))
        return self._repeated(item, index, ("item",)), list(dict.fromkeys(ends))

    def output(self, response: dict[str, Any]) -> list[Piece]:
        """The last event's repetition of the whole output."""
        out: list[Piece] = []
        for index, item in enumerate(response.get("output") or ()):
            if isinstance(item, dict):
                out += self._repeated(item, index, ("response", "output", index))
        return out

    def _repeated(self, item: dict[str, Any], index: int, path: Path) -> list[Piece]:
        out = []
        for piece in pieces_of(item, index, path, whole=True):
            if piece.opaque:
                if index in self._marked:
                    continue
                self._marked.add(index)
            out.append(self._once(piece))
        return out

    def _once(self, piece: Piece) -> Piece:
        if not piece.text or piece.untouched or piece.tree:
            return piece
        fresh = piece.channel not in self._grown
        self._grown.add(piece.channel)
        return replace(piece, whole=False) if piece.whole and fresh else piece

    def _part(self, index: int, event: dict[str, Any], *, done: bool) -> tuple[list[Piece], list[Channel]]:
        part = event.get("part")
        if not isinstance(part, dict):
            return [], []
        if isinstance(event.get("summary_index"), int):
            channel, field = Channel(0, "reasoning", index, event["summary_index"]), "text"
        else:
            number = event.get("content_index")
            number = number if isinstance(number, int) else 0
            if part.get("type") == "reasoning_text":
                channel, field = Channel(0, "reasoning", index, CONTENT + number), "text"
            elif part.get("type") in _TEXTS:
                field, what = _TEXTS[str(part["type"])]
                channel = Channel(0, what, index, number)  # type: ignore[arg-type]  # text or refusal
            else:
                return [], []
        text = part.get(field)
        if not isinstance(text, str) or (not done and not text):
            return [], []
        if not done:
            self._open.setdefault(index, {})[channel] = None
        pieces = [self._once(Piece(channel, text, ("part", field), whole=done))]
        if done:
            pieces += citations(part.get("annotations"), channel, ("part", "annotations"))
        return pieces, self._end(channel) if done else []


_EVENTS: dict[str, tuple[str, str, str]] = {
    "output_text.delta": ("text", "content_index", "delta"),
    "output_text.done": ("text", "content_index", "text"),
    "refusal.delta": ("refusal", "content_index", "delta"),
    "refusal.done": ("refusal", "content_index", "refusal"),
    "reasoning_summary_text.delta": ("summary", "summary_index", "delta"),
    "reasoning_summary_text.done": ("summary", "summary_index", "text"),
    "reasoning_text.delta": ("reasoning", "content_index", "delta"),
    "reasoning_text.done": ("reasoning", "content_index", "text"),
    "function_call_arguments.delta": ("function", "", "delta"),
    "function_call_arguments.done": ("function", "", "arguments"),
    "custom_tool_call_input.delta": ("custom", "", "delta"),
    "custom_tool_call_input.done": ("custom", "", "input"),
    "shell_call_command.added": ("shell", "command_index", "command"),
    "shell_call_command.delta": ("shell", "command_index", "delta"),
    "shell_call_command.done": ("shell", "command_index", "command"),
    "apply_patch_call_operation_diff.delta": ("patch", "", "delta"),
    "apply_patch_call_operation_diff.done": ("patch", "", "diff"),
}
"""Event -> what grows, the field with the number of its part, and the field with its text."""
PASSED = frozenset(
    {
        "audio.delta", "audio.done", "audio.transcript.delta", "audio.transcript.done",
        "code_interpreter_call_code.delta", "code_interpreter_call_code.done", "code_interpreter_call.completed",
        "code_interpreter_call.in_progress", "code_interpreter_call.interpreting", "compaction.compacting",
        "file_search_call.completed", "file_search_call.in_progress", "file_search_call.searching",
        "web_search_call.completed", "web_search_call.in_progress", "web_search_call.searching",
        "image_generation_call.completed", "image_generation_call.generating", "image_generation_call.in_progress",
        "image_generation_call.partial_image", "mcp_call_arguments.delta", "mcp_call_arguments.done", "mcp_call.completed",
        "mcp_call.failed", "mcp_call.in_progress", "mcp_list_tools.completed", "mcp_list_tools.failed", "mcp_list_tools.in_progress",
        "shell_call_output_content.delta", "shell_call_output_content.done",
    }
)  # fmt: skip
"""Events that have no pieces on purpose: what a host does or says by itself, which no client executes. They pass as they came."""
CITED = "output_text.annotation.added"
LIFECYCLE = frozenset({"created", "queued", "in_progress", "completed", "incomplete", "failed"})
_KIND = {"text": "text", "refusal": "refusal", "summary": "reasoning", "reasoning": "reasoning"}


def what_tool(what: str) -> str:
    """The tool's name by which a command or a diff is restored."""
    return "apply_patch" if what == "patch" else "shell"


def _call_id(item: dict[str, Any]) -> str | None:
    call_id = item.get("call_id") or item.get("id")
    return call_id if isinstance(call_id, str) else None


def _call(item: dict[str, Any], index: int, field: str, path: Path, *, whole: bool) -> Piece:
    text = item.get(field)
    return Piece(
        Channel(0, "tool", index),
        text if isinstance(text, str) else "",
        (*path, field),
        tool_name(item),
        _call_id(item),
        custom=field == "input",
        whole=whole,
    )


def citations(found: Any, channel: Channel, path: Path) -> list[Piece]:
    """Citations of a text; `path` leads to their list, or to the only one when it stands alone."""
    out: list[Piece] = []
    for j, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, dict):
            at = path if path == ("annotation",) else (*path, j)
            out.append(Piece(channel, orjson.dumps(item).decode(), at, whole=True, tree=True, cites=True))
    return out


def pieces_of(item: dict[str, Any], index: int, path: Path, *, whole: bool) -> list[Piece]:
    """All texts of an item, and what is signed in it."""
    kind = str(item.get("type"))
    out: list[Piece] = []
    if kind in _CALLS:
        return [_call(item, index, _CALLS[kind], path, whole=whole)]
    if kind in _NATIVE:
        field, tool = _NATIVE[kind]
        if item.get(field) is not None:
            text = orjson.dumps(item[field]).decode()
            channel = Channel(0, "tool", index)
            out.append(Piece(channel, text, (*path, field), tool, _call_id(item), whole=whole, tree=True))
        return out
    if kind == "message":
        for j, part in enumerate(item.get("content") or ()):
            field, what = _TEXTS.get(str(part.get("type")) if isinstance(part, dict) else "", ("", ""))
            if field and isinstance(part.get(field), str):
                channel = Channel(0, what, index, j)  # type: ignore[arg-type]  # text or refusal
                out.append(Piece(channel, part[field], (*path, "content", j, field), whole=whole))
                out += citations(part.get("annotations"), channel, (*path, "content", j, "annotations"))
    elif kind == "reasoning":
        for field, base in (("summary", 0), ("content", CONTENT)):
            for j, part in enumerate(item.get(field) or ()):
                if isinstance(part, dict) and isinstance(part.get("text"), str):
                    channel = Channel(0, "reasoning", index, base + j)
                    out.append(Piece(channel, part["text"], (*path, field, j, "text"), whole=whole))
    elif kind == "program" and isinstance(item.get("code"), str):
        # Its fingerprint signs it: shown as it came.
        again = path[0] == "response"
        out.append(Piece(Channel(0, "reasoning", index), item["code"], (*path, "code"), whole=again, untouched=True))
    mark = item.get({"reasoning": "encrypted_content", "compaction": "encrypted_content", "program": "fingerprint"}.get(kind, ""))
    if isinstance(mark, str) and mark:
        field = "fingerprint" if kind == "program" else "encrypted_content"
        out.append(Piece(Channel(0, "reasoning", index), "", (*path, field), opaque=mark))
    return out


def finish_of(response: dict[str, Any]) -> Finish:
    """Why it ended. A response that calls a tool says no more of it than that the item is there."""
    if response.get("status") == "incomplete":
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return {"max_output_tokens": "length", "content_filter": "content_filter"}.get(str(reason), "stop")  # type: ignore[return-value]  # finishes
    items = [i for i in response.get("output") or () if isinstance(i, dict)]
    if any(i.get("type") in _CLIENT_RUN for i in items):
        return "tool_calls"
    parts = [p for i in items if i.get("type") == "message" for p in i.get("content") or () if isinstance(p, dict)]
    if parts and all(p.get("type") == "refusal" for p in parts):
        return "refusal"
    return "stop"


def usage_of(response: Any) -> Usage | None:
    """Their `input_tokens` include the cached and written ones; ours are split (core/money.py)."""
    usage = response.get("usage") if isinstance(response, dict) else None
    if not isinstance(usage, dict) or ("input_tokens" not in usage and "output_tokens" not in usage):
        return None

    def count(node: Any, key: str) -> int:
        value = node.get(key) if isinstance(node, dict) else None
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

    prompt = count(usage, "input_tokens")
    details = usage.get("input_tokens_details")
    cached = min(prompt, count(details, "cached_tokens"))
    written = min(prompt - cached, count(details, "cache_write_tokens"))
    return Usage(
        input=prompt - cached - written,
        output=count(usage, "output_tokens"),
        cache_read=cached,
        cache_write=written,
        reasoning=count(usage.get("output_tokens_details"), "reasoning_tokens"),
        tools=uses_of(response.get("output")),
    )
