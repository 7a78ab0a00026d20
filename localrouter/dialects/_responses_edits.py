"""The only edits that are made to a Responses request for a Responses host, each with its reason (law 5). Unknown fields survive.

Order matters only in that a later edit sees the earlier one's tree.
"""

from __future__ import annotations

from typing import Any

from localrouter.core.ask import Ask, replace
from localrouter.core.decide import Attempt
from localrouter.dialects import _hosted, _uses
from localrouter.dialects._edits import edit, fit_sampling, name_model

ENCRYPTED = "reasoning.encrypted_content"


@edit("The host is told the limit of the answer, or the reservation would be no ceiling.")
def bound_output(tree: dict[str, Any], ask: Ask, attempt: Attempt) -> dict[str, Any]:
    """In the field of this API."""
    return tree if tree.get("max_output_tokens") == attempt.max_output else {**tree, "max_output_tokens": attempt.max_output}


@edit("The conversation that is gone on from was kept here, and stands in the input.")
def write_out(tree: dict[str, Any], ask: Ask, attempt: Attempt) -> dict[str, Any]:
    """The id names an answer of this machine's; the host would look for one of its own."""
    return {k: v for k, v in tree.items() if k != "previous_response_id"} if "previous_response_id" in tree else tree


@edit("The host shall not keep the answer.")
def keep_nothing(tree: dict[str, Any], ask: Ask, attempt: Attempt) -> dict[str, Any]:
    """A host keeps an answer for thirty days unless it is told not to; what a client wants to go on from is kept here."""
    return tree if tree.get("store") is False else {**tree, "store": False}


@edit("The host keeps nothing, so the model's encrypted thoughts travel with the conversation.")
def ask_thoughts(tree: dict[str, Any], ask: Ask, attempt: Attempt) -> dict[str, Any]:
    """A client that has its answers stored does not ask for encrypted reasoning, since the host would look it up. This host keeps nothing,
    so without it the model would lose its thoughts between two tool calls. A model that does not reason refuses the word."""
    include = tree.get("include")
    include = include if isinstance(include, list) else []
    if tree.get("store") is False or ENCRYPTED in include or attempt.model is None or not attempt.model.reasoning:
        return tree
    return {**tree, "include": [*include, ENCRYPTED]}


@edit("A reference to a thought that the host was told not to keep was left out.")
def drop_references(tree: dict[str, Any], ask: Ask, attempt: Attempt) -> dict[str, Any]:
    """A reasoning item with nothing in it but its id refers to what the host was told not to keep; the host would answer that it is not found."""
    items = tree.get("input")
    if not isinstance(items, list):
        return tree
    kept = [i for i in items if not _only_id(i)]
    return tree if len(kept) == len(items) else {**tree, "input": kept}


def _only_id(item: Any) -> bool:
    if not isinstance(item, dict) or item.get("type") != "reasoning" or not str(item.get("id") or "").startswith("rs_"):
        return False
    return not item.get("encrypted_content") and not item.get("content")


@edit("Log probabilities of an earlier answer were left out: they repeat its text in pieces that nobody can veil.")
def drop_logprobs(tree: dict[str, Any], ask: Ask, attempt: Attempt) -> dict[str, Any]:
    """Log probabilities of an earlier answer repeat its text in pieces, in which no value would be found. Hosts do not read them."""
    items = tree.get("input")
    edits: list[tuple[tuple[str | int, ...], Any]] = []
    for i, item in enumerate(items if isinstance(items, list) else ()):
        content = item.get("content") if isinstance(item, dict) else None
        for j, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, dict) and part.get("logprobs"):
                edits.append((("input", i, "content", j, "logprobs"), []))
    return replace(tree, edits) if edits else tree


EDITS = (
    *_hosted.EDITS, _uses.limit_calls, name_model, fit_sampling, write_out, bound_output, ask_thoughts, keep_nothing, drop_references,
    drop_logprobs,
)  # fmt: skip
