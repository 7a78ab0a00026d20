"""Capability: a model that cannot do what the request needs is not asked.

Reasoning is a wish, not a need: a host without it leaves it out, and such models come later (core/ordering.py).
"""

from __future__ import annotations

from dataclasses import replace

from localrouter.core.candidates import LEAST_OUTPUT
from localrouter.core.decide import Candidate, Drop, View
from localrouter.gates._bytes import BYTES_PER_TOKEN, text_bytes

NAME, ORDER = "capability", 30

_LONGEST_TOKEN = 128
"""Bytes: the longest token of Llama 3's, Qwen's and OpenAI's vocabularies (a run of blanks). A prompt has at least one token for so many. What
is shorter than that the engine counts with the model's own vocabulary, before it computes anything and before a model is loaded for it; where
it does not fit, the route's fallback for `context_length` goes on."""
_CHOOSE = "Choose another model in the recipe."


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop what lacks tools, pictures, the language or context; lower the answer's limit to the model's own."""
    needs, model = view.ask.needs, candidate.model
    if model is None:
        return _local(candidate, view)
    wanted = view.memo.get(NAME)
    if wanted is None:
        wanted = view.memo[NAME] = [
            (flag, word)
            for want, flag, word in (
                (needs.tools, "tools", "tools"),
                (needs.json_schema, "json_schema", "JSON schemas"),
                (needs.vision, "vision", "images"),
                (needs.audio, "audio", "audio"),
                (needs.fim, "fim", "completion between two texts"),
            )
            if want
        ]
    lacks = [word for flag, word in wanted if not getattr(model, flag)]
    if model.languages and _unspoken(view.signals.language, model.languages):
        lacks.append(f"the language '{view.signals.language}'")
    if lacks:
        return Drop("capability", f"{model.id} lacks {', '.join(lacks)}.", _CHOOSE)
    # The limit of bytes first: nearly every request is far below it, and needs no count.
    if model.context and view.ask.size // BYTES_PER_TOKEN > model.context:
        tokens = text_bytes(view) // BYTES_PER_TOKEN
        if tokens > model.context:
            why = f"The request does not fit the {model.context}-token context of {model.id}."
            return Drop("context", why, limit=model.context, tokens=tokens)
    return candidate if not 0 < model.max_output < candidate.max_output else replace(candidate, max_output=model.max_output)


def _local(candidate: Candidate, view: View) -> Candidate | Drop:
    if view.ask.needs.vision or view.ask.needs.audio:
        return Drop("capability", f"{candidate.id} reads text only.", _CHOOSE)
    context = view.standing.locals.get(candidate.id, view.standing.local_context)
    if view.ask.size // _LONGEST_TOKEN > context and (size := text_bytes(view)) // _LONGEST_TOKEN > context:
        why = f"The request ({size} bytes) does not fit the {context}-token context of {candidate.id}."
        return Drop("context", why, limit=context, tokens=size // BYTES_PER_TOKEN)
    most = min(candidate.max_output, max(LEAST_OUTPUT, context // 2))
    candidate = candidate if most == candidate.max_output else replace(candidate, max_output=most)
    spoken = _languages(candidate, view)
    if not spoken or not _unspoken(view.signals.language, spoken):
        return candidate
    why = f"is not said to be good at the language '{view.signals.language}'"
    if all(target.startswith("local:") for target in view.route.try_):  # a poor answer is better than none
        return replace(candidate, notes=(*candidate.notes, f"it {why}"))
    return Drop("capability", f"{candidate.id} {why}.", _CHOOSE)


def _languages(candidate: Candidate, view: View) -> tuple[str, ...]:
    if candidate.id == "local:chat":
        return view.standing.local_languages
    known = view.standing.catalogue.local.get(candidate.id.removeprefix("local:"))
    return known.languages if known is not None else ()


def _unspoken(language: str, spoken: tuple[str, ...]) -> bool:
    return bool(language) and "*" not in spoken and language not in spoken
