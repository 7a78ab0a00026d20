"""An engine's frames as chunks: text, reasoning, tool calls, log-probabilities, several choices, the end with its usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localrouter.core.chat import Channel, Chunk, Finish, Piece
from localrouter.core.money import Usage

_FINISH: dict[str, Finish] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}


class Answer:
    """The frames of one request (engine/worker.py), in order. `choices`: how many answers were asked for."""

    def __init__(self, choices: int = 1) -> None:
        self._choices = choices
        self._finish: dict[int, Finish] = {}

    def chunk(self, reply: Mapping[str, Any]) -> Chunk | None:
        """None for what is no part of the answer: progress, and the end of one of several choices, which is said with the last's."""
        choice = int(reply.get("choice") or 0)
        if reply.get("end") is True:
            self._finish.setdefault(0, _finish(reply))
            stop = str(reply.get("stopped") or "")
            return Chunk(usage=usage_of(reply), finish=dict(sorted(self._finish.items())), stop=stop, terminal=True)
        if "finish" in reply:
            self._finish[choice] = _finish(reply)
            return None
        if tool := reply.get("tool"):
            channel = Channel(choice, "tool", int(tool["index"]))
            return Chunk(pieces=(Piece(channel, str(tool["arguments"]), tool=str(tool["name"]), call_id=str(tool["id"])),))
        if "reasoning" in reply:
            return Chunk(pieces=(Piece(Channel(choice, "reasoning"), str(reply["reasoning"])),))
        if "delta" in reply:
            noted = tuple(reply.get("logprobs") or ())
            return Chunk(pieces=(Piece(Channel(choice, "text"), str(reply["delta"]), logprobs=noted),))
        return None


def usage_of(reply: Mapping[str, Any]) -> Usage:
    """Of the last frame; what was still in the model's memory counts as read from a cache."""
    told = reply.get("usage") or {}
    cached = int(told.get("cached", 0))
    return Usage(input=max(0, int(told.get("input", 0)) - cached), output=int(told.get("output", 0)), cache_read=cached)


def _finish(reply: Mapping[str, Any]) -> Finish:
    return "stop_sequence" if reply.get("stopped") else _FINISH.get(str(reply.get("finish")), "stop")
