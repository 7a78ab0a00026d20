"""The only edits that are made to a Messages request for a host of the same API, each with its reason (law 5). Unknown fields survive."""

from __future__ import annotations

from typing import Any

from localrouter.core.decide import Attempt
from localrouter.dialects import _anthropic_thoughts as thoughts

LEAST_THINKING = 1024
"""Tokens. Anthropic, "Extended thinking": `budget_tokens` must be at least 1 024 and less than `max_tokens`."""


def bound_output(tree: dict[str, Any], attempt: Attempt) -> dict[str, Any]:
    """A reservation is a ceiling only when the host is told the limit of the answer."""
    return tree if tree.get("max_tokens") == attempt.max_output else {**tree, "max_tokens": attempt.max_output}


def fit_thinking(tree: dict[str, Any]) -> dict[str, Any]:
    """The host refuses a thinking budget that is not below the limit of the answer, which may just have been lowered."""
    thinking, limit = tree.get("thinking"), tree.get("max_tokens")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if not isinstance(budget, int) or not isinstance(limit, int) or budget < limit:
        return tree
    if limit > LEAST_THINKING:
        return {**tree, "thinking": {**thinking, "budget_tokens": max(LEAST_THINKING, limit // 2)}}
    return {**tree, "thinking": {"type": "disabled"}}


def one_price(tree: dict[str, Any]) -> dict[str, Any]:
    """A reservation knows one price: the host's own fallback to another model and its dearer fast mode are left out. Falling back is
    what recipes are for, and a slower answer is the same answer."""
    if tree.get("fallbacks") is None and tree.get("speed") in (None, "standard"):
        return tree
    return {k: v for k, v in tree.items() if k not in ("fallbacks", "speed")}


def drop_own_thoughts(tree: dict[str, Any]) -> dict[str, Any]:
    """Thoughts that no host signed, shown under marks of our own: a host that checks signatures refuses them."""
    messages = tree.get("messages")
    if not isinstance(messages, list) or not any(_own(block) for message in messages for block in _blocks(message)):
        return tree
    kept = []
    for message in messages:
        if any(_own(block) for block in _blocks(message)):
            message = {**message, "content": [block for block in message["content"] if not _own(block)]}
            if not message["content"]:
                continue  # the host refuses an empty message, and there is nothing in this one
        kept.append(message)
    return {**tree, "messages": kept}


def _blocks(message: Any) -> list[Any]:
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, list) else []


def _own(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "thinking" and thoughts.is_own(thoughts.mark_of(block))
