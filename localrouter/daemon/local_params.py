"""What the local engine takes of a chat completions request: one table, for what is passed on, noted and refused. Nothing is dropped in silence.

The engine's process reads these names in its `chat` frames (engine/worker.py); whoever teaches it another adds the name here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localrouter.core.chat import Chat
from localrouter.providers import _tuning

TAKES = frozenset(
    {"tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k", "min_p", "seed", "stop", "response_format"}
)


def fitted(chat: Chat, params: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(the parameters that the engine takes, a sentence for each that it does not). `params`: those of the chat completions wire. Raises
    CannotCross for several answers or log-probabilities while the engine gives none."""
    _tuning.refuse(chat.tuning, TAKES)
    notes = _tuning.notes(chat.tuning, TAKES)
    if chat.effort not in (None, "none"):
        notes.append("The local model has no word for how much to reason, so the effort was left out.")
    if chat.parallel is False and chat.tools and "parallel_tool_calls" not in TAKES:
        notes.append("The local model is not kept to one tool call at a time.")
    out = {key: value for key, value in params.items() if key in TAKES}
    if chat.stop:
        out["stop"] = list(chat.stop)  # hosts take four, the engine any number
    return out, tuple(notes)
