"""The only edits that are made to a Messages request for a host of the same API, each with its reason (law 5). Unknown fields survive.

A recipe may choose another Claude than the client named, and the host refuses what that one does not take: another way of thinking, a word
for effort, samplers, system turns in the middle. The client's own choice of model is sent as it came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.claude import Traits, traits
from localrouter.core.decide import Attempt
from localrouter.dialects import _anthropic_thoughts as thoughts
from localrouter.dialects import _hosted, _uses
from localrouter.dialects._edits import Change, Tree, edit, name_model

LEAST_THINKING = 1024
"""Tokens. Anthropic, "Extended thinking": `budget_tokens` must be at least 1 024 and less than `max_tokens`."""


@edit("The host is told the limit of the answer, or the reservation would be no ceiling.")
def bound_output(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """In the field of this API."""
    return tree if tree.get("max_tokens") == attempt.max_output else {**tree, "max_tokens": attempt.max_output}


@edit("The thinking budget was lowered below the limit of the answer, or thinking left out where none fits.")
def fit_thinking(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """The host refuses a thinking budget that is not below the limit of the answer, which may just have been lowered."""
    thinking: Any = tree.get("thinking")
    limit = tree.get("max_tokens")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if not isinstance(budget, int) or not isinstance(limit, int) or budget < limit:
        return tree
    if limit > LEAST_THINKING:
        return {**tree, "thinking": {**thinking, "budget_tokens": max(LEAST_THINKING, limit // 2)}}
    return {**tree, "thinking": {"type": "disabled"}}


def _for_another(change: Callable[[Tree, Traits], Tree]) -> Change:
    """A change that is made only when the recipe chose another Claude than the client named."""

    def fitted(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
        assert attempt.model is not None
        name = attempt.model.name
        return tree if "claude" not in name or ask.model in (name, attempt.model.id) else change(tree, traits(name))

    fitted.__name__ = change.__name__
    return fitted


@edit("The model that the recipe chose thinks in another way than the one that the client named, or not at all.")
@_for_another
def fit_way_of_thinking(tree: Tree, can: Traits) -> Tree:
    thinking: Any = tree.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind == "enabled" and can.thinking == "adaptive" and can.samplers == 0:
        shown = {"display": thinking["display"]} if "display" in thinking else {}
        return {**tree, "thinking": {"type": "adaptive", **shown}}
    unknown = kind in ("adaptive", "between_tools") and can.thinking != "adaptive"
    if not unknown and not (kind == "enabled" and not can.thinking) and not (kind == "disabled" and can.always):
        return tree
    left = {k: v for k, v in tree.items() if k != "thinking"}
    return left if kind == "disabled" else _without_clearing(left)


def _without_clearing(tree: Tree) -> Tree:
    """Thoughts are cleared only where there may be some: the host refuses the edit without thinking."""
    management: Any = tree.get("context_management")
    edits = management.get("edits") if isinstance(management, dict) else None
    if not isinstance(edits, list):
        return tree
    kept = [e for e in edits if not (isinstance(e, dict) and str(e.get("type")).startswith("clear_thinking"))]
    if len(kept) == len(edits):
        return tree
    if kept:
        return {**tree, "context_management": {**management, "edits": kept}}
    return {k: v for k, v in tree.items() if k != "context_management"}


@edit("The model that the recipe chose does not know this word for effort.")
@_for_another
def fit_effort(tree: Tree, can: Traits) -> Tree:
    config = tree.get("output_config")
    if not isinstance(config, dict) or config.get("effort") is None or config["effort"] in can.efforts:
        return tree
    fitted = {k: v for k, v in config.items() if k != "effort"} | ({"effort": "high"} if can.efforts else {})
    if fitted:
        return {**tree, "output_config": fitted}
    return {k: v for k, v in tree.items() if k != "output_config"}


@edit("The model that the recipe chose does not take all of temperature, top_p and top_k.")
@_for_another
def fit_samplers(tree: Tree, can: Traits) -> Tree:
    drop: tuple[str, ...] = ()
    if can.samplers == 0:
        drop = ("temperature", "top_p", "top_k")
    elif can.samplers == 1 and tree.get("temperature") is not None:
        drop = ("top_p",)
    return {k: v for k, v in tree.items() if k not in drop} if any(key in tree for key in drop) else tree


@edit("The model that the recipe chose takes system turns at the head only; they were said as the user's.")
@_for_another
def fit_system(tree: Tree, can: Traits) -> Tree:
    messages = tree.get("messages")
    if can.system_inside or not isinstance(messages, list) or not any(m.get("role") == "system" for m in messages):
        return tree
    return {
        **tree,
        "messages": [{"role": "user", "content": m.get("content")} if m.get("role") == "system" else m for m in messages],
    }


@edit("The host's own fallback to another model and its dearer fast mode were left out: the reservation knows one price.")
def one_price(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """Falling back is what recipes are for, and a slower answer is the same answer."""
    if tree.get("fallbacks") is None and tree.get("speed") in (None, "standard"):
        return tree
    return {k: v for k, v in tree.items() if k not in ("fallbacks", "speed")}


@edit("Thoughts that no host signed were left out: a host that checks signatures refuses them.")
def drop_own_thoughts(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """They were shown under marks of our own."""
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


EDITS = (
    *_hosted.EDITS, _uses.limit_uses, name_model, bound_output, fit_way_of_thinking, fit_effort, fit_samplers, fit_system, fit_thinking,
    one_price, drop_own_thoughts,
)  # fmt: skip


def _blocks(message: Any) -> list[Any]:
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, list) else []


def _own(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "thinking" and thoughts.is_own(thoughts.mark_of(block))
