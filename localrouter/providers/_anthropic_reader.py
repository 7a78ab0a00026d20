"""The answer of a Messages host: bytes to chunks. Source: Anthropic API reference, "Streaming messages" and "Messages", the response.

A block's number is the index of its channel. A signed thought is shown as it came, since it is signed as a whole; hosts that only emulate this
API sign none. A stream tells by the `signature` that its block begins with, and without that only at the block's end. What the host's own
tools were asked is not ours to restore, and has no pieces. Usage: `message_start` says what went in, `message_delta` what it knows better
(its own values win); compaction passes are billed too, and are counted by `iterations`, which the totals leave out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from localrouter.core.ask import Path
from localrouter.core.chat import Channel, Chunk, Finish, Piece
from localrouter.core.errors import HostBroken, HostFault
from localrouter.core.money import Usage
from localrouter.core.sse import ServerEvent
from localrouter.providers._anthropic_body import ANSWER
from localrouter.providers._anthropic_faults import reported
from localrouter.providers._anthropic_turns import REDACTED
from localrouter.providers._reading import Reading

_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "refusal",
}
_CITED = ("cited_text", "document_title", "title")
_RUNS = {
    "web_search": "web_search",
    "web_fetch": "web_fetch",
    "code_execution": "code_execution",
    "bash_code_execution": "code_execution",
    "text_editor_code_execution": "code_execution",
    "advisor": "advisor",
}
"""Names of `server_tool_use` blocks -> kinds of hosted tools."""
_REQUESTS = (("web_search_requests", "web_search"), ("web_fetch_requests", "web_fetch"))
"""What `usage.server_tool_use` counts."""


class Reader(Reading):
    """See `providers.Reader`. A stream is complete only with `message_stop`; a body only when it is one message."""

    def __init__(self, stream: bool) -> None:
        super().__init__(stream)
        self._open: dict[int, Channel] = {}
        self._given: dict[
            int, str | None
        ] = {}  # tool calls whose arguments came with their start: the name, until it is repeated
        self._doubtful: set[int] = set()  # thoughts that may be signed at their end
        self._shape = False  # the answer comes as the arguments of a tool of ours
        self._cited = 0
        self._counts: dict[str, int] = {}
        self._said = 0  # bytes of the answer so far
        self._told = False  # the host has said what the answer cost

    def _whole(self, tree: Any, body: bytes) -> Chunk:
        if not isinstance(tree, dict) or not isinstance(tree.get("content"), list):
            fault = reported(tree) if isinstance(tree, dict) else None
            return Chunk(error=fault or HostBroken("The host's answer has no content.", "Ask again."))
        pieces: list[Piece] = []
        for i, block in enumerate(tree["content"]):
            if isinstance(block, dict):
                pieces += self._start(i, block, ("content", i))
        finish = self._finish(tree)
        uses = tuple(kind for block in tree["content"] for kind in _runs(block))
        usage = self._usage(tree.get("usage"))
        return Chunk(tuple(pieces), body, tree, usage, finish, terminal=True, stop=_stop(tree), uses=uses)

    # --- events ----------------------------------------------------------------------------------

    def _event(self, tree: dict[str, Any], event: ServerEvent) -> Chunk:
        index = tree.get("index")
        at = index if isinstance(index, int) else 0
        match tree.get("type"):
            case "message_start":
                message = tree.get("message")
                usage = self._usage(message.get("usage")) if isinstance(message, dict) else None
                return Chunk(raw=event.raw, tree=tree, usage=usage, guess=True)
            case "content_block_start":
                block = tree.get("content_block")
                pieces = self._start(at, block, ("content_block",)) if isinstance(block, dict) else []
                return Chunk(tuple(pieces), event.raw, tree, uses=_runs(block))
            case "content_block_delta":
                pieces = self._delta(at, tree.get("delta"))
                return Chunk(tuple(pieces), event.raw, tree, self._so_far(pieces), guess=True)
            case "content_block_stop":
                return Chunk(raw=event.raw, tree=tree, ends=self._stop(at))
            case "message_delta":
                delta = tree.get("delta")
                delta = delta if isinstance(delta, dict) else {}
                self._told = self._told or isinstance(tree.get("usage"), dict)
                finish = self._finish(delta)
                return Chunk(raw=event.raw, tree=tree, usage=self._usage(tree.get("usage")), finish=finish, stop=_stop(delta))
            case "message_stop":
                return Chunk(raw=event.raw, tree=tree, terminal=True)
            case "ping":
                return Chunk(raw=event.raw, pings=True)
            case "error":
                return Chunk(raw=event.raw, tree=tree, error=reported(tree) or _broken())
            case _ if tree.get("error"):
                return Chunk(raw=event.raw, tree=tree, error=reported(tree) or _broken())
        return Chunk(raw=event.raw, tree=tree)  # an event of tomorrow: it travels as it is

    def _stop(self, index: int) -> tuple[Channel, ...]:
        channel = self._open.pop(index, None)
        again = (Channel(0, "tool", index, 1),) if index in self._given else ()
        return (channel, *again) if channel is not None else ()

    def _finish(self, node: dict[str, Any]) -> dict[int, Finish]:
        reason = node.get("stop_reason")
        if not isinstance(reason, str):
            return {}
        return {0: "stop" if self._shape and reason == "tool_use" else _FINISH.get(reason, "stop")}

    # --- blocks ----------------------------------------------------------------------------------

    def _start(self, index: int, block: dict[str, Any], path: Path) -> list[Piece]:
        """The pieces of a block that begins, or of a whole one."""
        match block.get("type"):
            case "text":
                channel = self._open[index] = Channel(0, "text", index)
                return [*_text(channel, block.get("text"), (*path, "text")), *self._citations(index, block, path)]
            case "thinking":
                channel = self._open[index] = Channel(0, "reasoning", index)
                mark = _mark(channel, block.get("signature"), (*path, "signature"))
                signs = bool(mark) or (self._stream and isinstance(block.get("signature"), str))
                if self._stream and not signs:
                    self._doubtful.add(index)
                return [*self._thought(index, block.get("thinking"), (*path, "thinking"), signs), *mark]
            case "redacted_thinking":
                channel = self._open[index] = Channel(0, "reasoning", index)
                data = block.get("data")
                return _mark(channel, REDACTED + data if isinstance(data, str) else None, (*path, "data"))
            case "tool_use":
                return self._tool(index, block, (*path, "input"))
        return []

    def _thought(self, index: int, text: Any, path: Path, signs: bool) -> list[Piece]:
        if not isinstance(text, str):
            return []
        return [Piece(Channel(0, "reasoning", index), text, path, untouched=signs, doubtful=index in self._doubtful)]

    def _tool(self, index: int, block: dict[str, Any], path: Path) -> list[Piece]:
        name, call_id, given = block.get("name"), block.get("id"), block.get("input")
        text = orjson.dumps(given).decode() if given else ""
        if not self._stream and not text:
            text = "{}"
        if name == ANSWER:
            self._shape = True
            channel = self._open[index] = Channel(0, "text", index)
            return [Piece(channel, text, path, tree=True)] if text else []
        channel = self._open[index] = Channel(0, "tool", index)
        tool = name if isinstance(name, str) and name else None
        if text and self._stream:
            self._given[index] = tool
        return [Piece(channel, text, path, tool, call_id if isinstance(call_id, str) else None, tree=bool(text))]

    def _delta(self, index: int, delta: Any) -> list[Piece]:
        channel = self._open.get(index)
        if not isinstance(delta, dict) or channel is None:
            return []
        match delta.get("type"):
            case "text_delta":
                return _text(channel, delta.get("text"), ("delta", "text"))
            case "thinking_delta":
                return self._thought(index, delta.get("thinking"), ("delta", "thinking"), index not in self._doubtful)
            case "signature_delta":
                return _mark(channel, delta.get("signature"), ("delta", "signature"))
            case "input_json_delta":
                return self._arguments(index, channel, delta.get("partial_json"))
            case "citations_delta":
                citation = delta.get("citation")
                return self._citation(index, citation, ("delta", "citation")) if isinstance(citation, dict) else []
        return []

    def _arguments(self, index: int, channel: Channel, text: Any) -> list[Piece]:
        path = ("delta", "partial_json")
        if index not in self._given or not isinstance(text, str):
            return _text(channel, text, path)
        # Some hosts say the arguments at the start of the block and once more in deltas.
        name, self._given[index] = self._given[index], None
        return [Piece(Channel(0, "tool", index, 1), text, path, name, mirror=True)]

    def _citations(self, index: int, block: dict[str, Any], path: Path) -> list[Piece]:
        citations = block.get("citations")
        return [
            piece
            for k, citation in enumerate(citations if isinstance(citations, list) else ())
            if isinstance(citation, dict)
            for piece in self._citation(index, citation, (*path, "citations", k))
        ]

    def _citation(self, index: int, citation: dict[str, Any], path: Path) -> list[Piece]:
        """What a citation quotes of the request, restored as a text of its own."""
        pieces: list[Piece] = []
        for key in _CITED:
            text = citation.get(key)
            if isinstance(text, str) and text:
                self._cited += 1
                pieces.append(Piece(Channel(0, "text", index, self._cited), text, (*path, key), whole=True, mirror=True))
        return pieces

    # --- usage -----------------------------------------------------------------------------------

    def _so_far(self, pieces: list[Piece]) -> Usage | None:
        """A guess: until the host says what the answer cost, a byte counts as a token, which flatters no budget. A stream that is cut is
        billed by what `message_start` said of its input, and by this."""
        self._said += sum(len(piece.text.encode()) for piece in pieces if not piece.mirror)
        if self._told or not self._counts or not pieces:
            return None
        known = self._known()
        return replace(known, output=max(known.output, self._said))

    def _usage(self, tree: Any) -> Usage | None:
        """What is known so far: each event's own values over those before."""
        if not isinstance(tree, dict):
            return None
        self._counts |= _counts(tree)
        return self._known()

    def _known(self) -> Usage:
        seen = self._counts
        written = seen.get("cache_creation_input_tokens", seen.get("5m", 0) + seen.get("1h", 0))
        long = min(written, seen.get("1h", 0))
        return Usage(
            input=seen.get("input_tokens", 0),
            output=seen.get("output_tokens", 0),
            cache_read=seen.get("cache_read_input_tokens", 0),
            cache_write=written - long,
            cache_write_1h=long,
            reasoning=min(seen.get("output_tokens", 0), seen.get("thinking_tokens", 0)),
            tools={kind: seen[key] for key, kind in _REQUESTS if key in seen},
        )


_TOTALS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def _counts(tree: Mapping[str, Any]) -> dict[str, int]:
    counts = {key: tree[key] for key in _TOTALS if _is_count(tree.get(key))}
    passes = tree.get("iterations")
    for key in _TOTALS:
        # Each pass is billed, and the totals leave those of a compaction out ("Compaction", usage). They are never added twice.
        billed = sum(p[key] for p in passes if isinstance(p, dict) and _is_count(p.get(key))) if isinstance(passes, list) else 0
        if billed > counts.get(key, 0):
            counts[key] = billed
    split = tree.get("cache_creation")
    for key, name in (("ephemeral_5m_input_tokens", "5m"), ("ephemeral_1h_input_tokens", "1h")):
        if isinstance(split, dict) and _is_count(split.get(key)):
            counts[name] = split[key]
    ran = tree.get("server_tool_use")
    if isinstance(ran, dict):
        counts |= {key: ran[key] for key, _ in _REQUESTS if _is_count(ran.get(key))}
    details = tree.get("output_tokens_details")
    if isinstance(details, dict) and _is_count(details.get("thinking_tokens")):
        counts["thinking_tokens"] = details["thinking_tokens"]
    return counts


def _runs(block: Any) -> tuple[str, ...]:
    """The kind of hosted tool that a block is a use of."""
    if not isinstance(block, dict):
        return ()
    kind = _RUNS.get(str(block.get("name")), "") if block.get("type") == "server_tool_use" else ""
    return (kind,) if kind else ("mcp_toolset",) if block.get("type") == "mcp_tool_use" else ()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(channel: Channel, text: Any, path: Path) -> list[Piece]:
    return [Piece(channel, text, path)] if isinstance(text, str) else []


def _mark(channel: Channel, mark: Any, path: Path) -> list[Piece]:
    return [Piece(channel, "", path, opaque=mark)] if isinstance(mark, str) and mark else []


def _stop(node: dict[str, Any]) -> str:
    stop = node.get("stop_sequence")
    return stop if isinstance(stop, str) else ""


def _broken() -> HostFault:
    return HostBroken("The host reported an error inside its answer.", "Ask again.")
