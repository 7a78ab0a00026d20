"""The only edits that are made to a same-dialect request, each with its reason (law 5). Unknown fields survive.

Order matters only in that a later edit sees the earlier one's tree.
"""

from __future__ import annotations

from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.decide import Attempt


def name_model(tree: dict[str, Any], attempt: Attempt) -> dict[str, Any]:
    """The host knows its model by its own name, not by `host/model` or `localrouter/auto`."""
    assert attempt.model is not None
    return tree if tree.get("model") == attempt.model.name else {**tree, "model": attempt.model.name}


def bound_output(tree: dict[str, Any], attempt: Attempt) -> dict[str, Any]:
    """A reservation is a ceiling only when the host is told the limit of the answer. The client's own field is kept."""
    field = next((k for k in ("max_completion_tokens", "max_tokens") if tree.get(k) is not None), None)
    if field is None:
        # OpenAI's reasoning models refuse max_tokens; compatible hosts know nothing else.
        field = "max_completion_tokens" if attempt.model is not None and attempt.model.host == "openai" else "max_tokens"
    return tree if tree.get(field) == attempt.max_output else {**tree, field: attempt.max_output}


def ask_usage(tree: dict[str, Any], ask: Ask) -> dict[str, Any]:
    """Exact money needs the host's own count; the extra chunk is hidden from a client that did not ask for it."""
    if not ask.needs.stream:
        return tree
    options = tree.get("stream_options")
    options = options if isinstance(options, dict) else {}
    return tree if options.get("include_usage") is True else {**tree, "stream_options": {**options, "include_usage": True}}
