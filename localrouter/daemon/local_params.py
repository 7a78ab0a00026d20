"""What the local engine takes of a chat completions request: one table, for what is passed on, noted and refused. Nothing is dropped in silence.

The engine's process reads these names in its `chat` frames (engine/worker.py); whoever teaches it another adds the name here.
`grammar` is the daemon's own: a route's contract (contracts.py), or what clients of local servers ask for (local_forms.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.chat import Chat
from localrouter.daemon.local_forms import form_of
from localrouter.providers import _tuning

TAKES = frozenset(
    {
        "tools", "tool_choice", "parallel_tool_calls", "response_format", "grammar", "reasoning", "max_tokens", "stop", "n", "seed",
        "temperature", "top_p", "top_k", "min_p", "typical_p", "logit_bias", "logprobs", "top_logprobs",
        "presence_penalty", "frequency_penalty", "repeat_penalty",
    }
)  # fmt: skip
_SAME = {"repetition_penalty": "repeat_penalty"}
"""vLLM's and OpenRouter's word, llama.cpp's word."""


def fitted(
    chat: Chat, params: Mapping[str, Any], said: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(the parameters that the engine takes, a sentence for each that it does not). `params`: those of the chat completions wire; `said`: the
    request in the client's own words. Raises CannotCross for another kind of answer that the engine does not give, and BadRequest."""
    chat = replace(chat, tuning={_SAME.get(key, key): value for key, value in chat.tuning.items()})
    _tuning.refuse(chat.tuning, TAKES)
    notes = _tuning.notes(chat.tuning, TAKES)
    out = {_SAME.get(key, key): value for key, value in params.items() if _SAME.get(key, key) in TAKES}
    if chat.effort is not None:
        out["reasoning"] = chat.effort != "none"
        if chat.effort != "none":
            notes.append("The local model reasons or does not; how much is its own affair.")
    if chat.stop:
        out["stop"] = list(chat.stop)  # hosts take four, the engine any number
    if (form := form_of(said or {})) is not None:
        out["grammar"] = form
    return out, tuple(notes)


def in_background(ask: Ask) -> bool:
    """Whether others go first: a chore of the client (a title, a summary), or what it calls "flex" (OpenAI API reference, `service_tier`)."""
    return ask.hints.cheap or ask.tree.get("service_tier") == "flex"
