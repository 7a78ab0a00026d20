"""The only edits that are made to a same-dialect request, each with its reason (law 5). Unknown fields survive.

An edit is a function of the tree that gives the same object when there is nothing to do, and has a reason that the trace shows when there
was. What all dialects share stands here; their own stand in `_*_edits.py`. Order matters only in that a later edit sees the earlier one's
tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from localrouter.core.ask import Ask
from localrouter.core.decide import Attempt
from localrouter.dialects import Made

Tree = dict[str, Any]
Change = Callable[[Tree, Ask, Attempt], Tree]


class Edit(NamedTuple):
    """`said` is its name and the reason for the trace, neither of which quotes the request; `make` does it."""

    said: Made
    make: Change

    def __call__(self, tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
        return self.make(tree, ask, attempt)


def edit(why: str) -> Callable[[Change], Edit]:
    """A function becomes an edit of its name. `why`: one sentence for people."""

    def named(make: Change) -> Edit:
        return Edit(Made(make.__name__, why), make)

    return named


def run(edits: Sequence[Edit], tree: Tree, ask: Ask, attempt: Attempt, made: list[Made] | None) -> Tree:
    """The tree after all edits; those that changed something are added to `made`."""
    for one in edits:
        after = one.make(tree, ask, attempt)
        if after is not tree and made is not None:
            made.append(one.said)
        tree = after
    return tree


@edit("The host knows its model by its own name.")
def name_model(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """Not by `host/model` or `localrouter/auto`."""
    assert attempt.model is not None
    return tree if tree.get("model") == attempt.model.name else {**tree, "model": attempt.model.name}


_LIMIT = {"openai": "max_completion_tokens", "mistral": "max_tokens"}
"""OpenAI's reasoning models refuse max_tokens; Mistral refuses what it does not know. Other hosts know max_tokens, and mostly both."""
_SAMPLING = frozenset({"temperature", "top_p"})
_UNKNOWN_THERE = frozenset({"stop", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs"})


def _another(ask: Ask, attempt: Attempt) -> bool:
    """Whether the recipe chose another model than the client named, which therefore cannot know what it takes."""
    return attempt.model is not None and ask.model not in (attempt.model.name, attempt.model.id)


@edit("The model that the recipe chose fixes its sampling, and knows neither penalties nor stop sequences.")
def fit_sampling(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """It would refuse the request. For the model that the client named, that is for the client to hear."""
    if attempt.model is None or not attempt.model.fixes_sampling or not _another(ask, attempt):
        return tree
    left = {k: v for k, v in tree.items() if k not in _UNKNOWN_THERE and (k not in _SAMPLING or v == 1)}
    return left if len(left) < len(tree) else tree


@edit("The host is told the limit of the answer, or the reservation would be no ceiling.")
def bound_output(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """In the client's own field, but where the recipe chose a model whose host refuses it."""
    host = attempt.model.host if attempt.model is not None else ""
    said = next((k for k in ("max_completion_tokens", "max_tokens") if tree.get(k) is not None), None)
    field = said if said is not None and not (host in _LIMIT and _another(ask, attempt)) else _LIMIT.get(host, "max_tokens")
    if said is not None and field != said:
        return {field if k == said else k: attempt.max_output if k == said else v for k, v in tree.items() if k != field}
    return tree if tree.get(field) == attempt.max_output else {**tree, field: attempt.max_output}


@edit("Exact money needs the host's own count of tokens; a client that did not ask for it does not see it.")
def ask_usage(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """The extra chunk of a stream."""
    if not ask.needs.stream:
        return tree
    options = tree.get("stream_options")
    options = options if isinstance(options, dict) else {}
    return tree if options.get("include_usage") is True else {**tree, "stream_options": {**options, "include_usage": True}}


@edit("An empty list of tools says nothing, and some hosts refuse it.")
def no_empty_tools(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """vLLM, DeepSeek and OpenAI do; Strands and Ollama's client send one where they have no tools. What only a list of tools needs goes with it."""
    if tree.get("tools") != []:
        return tree
    return {k: v for k, v in tree.items() if k not in ("tools", "tool_choice", "parallel_tool_calls")}
