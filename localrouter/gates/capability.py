"""Capability: a model that cannot do what the request needs is not asked."""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.ask import Ask
from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "capability", 30

_BYTES_PER_TOKEN = 4
"""Text and code have some four bytes a token; no prompt is refused that may fit."""
_LOCAL_BYTES_PER_TOKEN = 2
"""A prompt of b bytes is at most b tokens; English and code are near 4. 2 errs to the side of escalating, where there is somewhere to go."""
_ANSWER = 256
"""Tokens that are left for the answer of a local model."""


def _bytes(ask: Ask) -> int:
    """Bytes of what is read as text. Pictures and files are as large as a book and are billed as a page or two."""
    return sum(len(leaf.text.encode("utf-8", "surrogatepass")) for leaf in ask.leaves) if ask.unread else ask.size


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop what lacks tools, vision or context; lower the answer's limit to the model's own."""
    needs, model = view.ask.needs, candidate.model
    if model is None:
        return _local(candidate, view)
    lacks = [
        word
        for wanted, has, word in (
            (needs.tools, model.tools, "tools"),
            (needs.json_schema, model.json_schema, "JSON schemas"),
            (needs.vision, model.vision, "images"),
            (needs.audio, model.audio, "audio"),
        )
        if wanted and not has
    ]
    if lacks:
        return Drop("capability", f"{model.id} lacks {', '.join(lacks)}.", "Choose another model in the recipe.")
    # The limit of bytes first: nearly every request is far below it, and needs no count.
    if model.context and view.ask.size // _BYTES_PER_TOKEN > model.context:
        tokens = _bytes(view.ask) // _BYTES_PER_TOKEN
        if tokens > model.context:
            why = f"The request does not fit the {model.context}-token context of {model.id}."
            return Drop("context", why, limit=model.context, tokens=tokens)
    return replace(candidate, max_output=min(candidate.max_output, model.max_output or candidate.max_output))


def _local(candidate: Candidate, view: View) -> Candidate | Drop:
    if view.ask.needs.vision or view.ask.needs.audio:
        return Drop("capability", f"{candidate.id} reads text only.")
    context = view.standing.locals.get(candidate.id, view.standing.local_context)
    # With nobody else to ask, the engine's own count is the judge of what may fit.
    alone = all(target.startswith("local:") for target in view.route.try_)
    tokens = view.ask.size // (_BYTES_PER_TOKEN if alone else _LOCAL_BYTES_PER_TOKEN)
    if tokens > context - _ANSWER:
        why = f"The request ({view.ask.size} bytes) may not fit the local context."
        return Drop("context", why, limit=max(1, context - _ANSWER), tokens=tokens)
    return replace(candidate, max_output=min(candidate.max_output, max(_ANSWER, context // 2)))
