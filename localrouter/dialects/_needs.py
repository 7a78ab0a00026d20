"""What a request needs beyond words, where it stands in fields or marks of its own: code in the middle of a text, and thought.

Sources: core/words.py for the marks; OpenAI API reference, `reasoning_effort` and `reasoning`; Anthropic API reference, `thinking` and
`output_config.effort`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localrouter.core.words import FIM_MARKS

_EFFORTS = frozenset({"high", "xhigh", "max"})
"""More than any client asks for by default: Codex and Claude Code send `medium` and `adaptive` with each request, to every model."""


def fim(text: str) -> bool:
    """Whether a prompt asks for what stands between two texts, in the words of a model that was trained to."""
    return any(mark in text for mark in FIM_MARKS)


def reasoning(tree: Mapping[str, Any]) -> bool:
    """Whether more thought is asked for than a client's default, in the words of any dialect."""
    said = [tree.get("reasoning_effort")]
    for key in ("reasoning", "output_config"):
        given = tree.get(key)
        said.append(given.get("effort") if isinstance(given, Mapping) else None)
    thinking = tree.get("thinking")
    if isinstance(thinking, Mapping) and thinking.get("type") == "enabled":
        return True
    return any(isinstance(word, str) and word in _EFFORTS for word in said)
