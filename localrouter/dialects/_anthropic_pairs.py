"""Calls and results in pairs: clients that trim their history leave calls without a result and results without a call, which every host
refuses (notes on gateways, 6.35). A missing result is said to be missing; a result of no call is told as text."""

from __future__ import annotations

from localrouter.core.chat import Part, Text, ToolCall, ToolResult, Turn

MISSING = "No result of this call was recorded."
STRAY = "Result of a call that is not in this conversation:"


def paired(turns: list[Turn]) -> list[Turn]:
    """The turns with one result for each call, in the user's turn behind it."""
    out: list[Turn] = []
    waiting: list[str] = []
    for turn in turns:
        if turn.role == "system":
            out.append(turn)
            continue
        if turn.role == "assistant":
            if waiting:
                out.append(Turn("user", tuple(_missing(call) for call in waiting)))
            waiting = [part.id for part in turn.parts if isinstance(part, ToolCall)]
            out.append(turn)
            continue
        given = {part.call_id: part for part in reversed(turn.parts) if isinstance(part, ToolResult)}
        results: list[Part] = [given.get(call) or _missing(call) for call in waiting]
        rest = [part for part in turn.parts if not isinstance(part, ToolResult)]
        stray = [inner for call, part in given.items() if call not in waiting for inner in _told(part)]
        waiting = []
        if parts := (*results, *stray, *rest):
            out.append(Turn("user", parts))
    if waiting:
        out.append(Turn("user", tuple(_missing(call) for call in waiting)))
    return out


def _missing(call: str) -> ToolResult:
    return ToolResult(call, (Text(MISSING),), error=True)


def _told(result: ToolResult) -> list[Part]:
    return [Text(STRAY), *(result.parts or (Text("(nothing)"),))]
