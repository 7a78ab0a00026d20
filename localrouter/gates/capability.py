"""Capability: a model that cannot do what the request needs is not asked."""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.decide import Candidate, Drop, View

NAME, ORDER = "capability", 30

_LOCAL_BYTES_PER_TOKEN = 2
"""A prompt of b bytes is at most b tokens; English and code are near 4. 2 errs to the side of escalating."""


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop what lacks tools, vision or context; lower the answer's limit to the model's own."""
    needs, model = view.ask.needs, candidate.model
    if model is None:
        if needs.vision or needs.audio:
            return Drop("capability", f"{candidate.id} reads text only.")
        if view.ask.size // _LOCAL_BYTES_PER_TOKEN > view.standing.local_context - 256:
            return Drop("context", f"The request ({view.ask.size} bytes) may not fit the local context.")
        return replace(candidate, max_output=min(candidate.max_output, max(256, view.standing.local_context // 2)))
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
    if model.context and view.ask.size // 4 > model.context:
        return Drop("context", f"The request does not fit the {model.context}-token context of {model.id}.")
    return replace(candidate, max_output=min(candidate.max_output, model.max_output or candidate.max_output))
