"""The row that is kept of a decision beside its trace: what was read, by names and numbers, and what became of it."""

from __future__ import annotations

import functools
import hashlib
import re
from typing import TYPE_CHECKING, Any

import orjson

from localrouter.core.catalogue import Catalogue
from localrouter.core.decision import hashed, record
from localrouter.core.unrecorded import HIDABLE, SERVED
from localrouter.daemon.services import Services
from localrouter.store.decisions import Kept

if TYPE_CHECKING:
    from localrouter.daemon.noting import Story

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}")
NUMBER = re.compile(r"[a-z]?\d{1,6}[a-z]{0,2}|20\d{6}")
"""Parts of a model's name: a version, a size ("70b"), a day."""
_SAID = """
gpt chatgpt o claude opus sonnet haiku gemini gemma llama mistral mixtral ministral codestral devstral magistral pixtral qwen qwq deepseek grok phi
kimi glm command nova granite olmo mini nano micro pro max plus ultra turbo flash lite fast high low latest preview exp experimental beta codex code
coder chat instruct it base thinking reasoner reasoning vision audio large medium small tiny online cloud free auto openai anthropic google meta
microsoft xai cohere amazon openrouter ollama router localrouter
"""
WORDS = frozenset(_SAID.split())
"""Words of which makers form names. A name with any other word in it may be a customer's or a person's (fine-tuned models bear their owner's
name: OpenAI API reference, `ft:gpt-4o:my-org:custom`), and is not recorded."""


@functools.lru_cache(maxsize=8)
def _words(catalogue: str, names: tuple[str, ...]) -> frozenset[str]:
    """WORDS, and those of a catalogue's own names."""
    return WORDS | {part for name in names for part in _PARTS.split(name.lower())}


_PARTS = re.compile(r"[._:/@+-]")


def is_maker_s(name: str, catalogue: Catalogue) -> bool:
    """Whether a model's name says nothing but what makers say: it may be recorded."""
    if not NAME.fullmatch(name):
        return False
    known = _words(catalogue.version, tuple(catalogue.models))
    return all(not part or part in known or NUMBER.fullmatch(part) for part in _PARTS.split(name.lower()))


async def decision_of(services: Services, story: Story, trace: dict[str, Any]) -> tuple[Kept, bytes] | None:
    """(the row, its place), for the store; None where nothing was decided. Raises RouterError."""
    if story.plan is None or story.standing is None or story.recipe is None:
        return None
    ask = story.ask
    hidden = await _hidden(services, story)
    decision = record(
        ask, story.signals, story.standing, story.recipe, story.plan, services.gates, hidden, version=story.recipe_version
    )
    place = decision.place
    kept = orjson.dumps(place)
    name = _name(kept)
    first = next((a["first_ms"] for a in trace["attempts"] if "first_ms" in a), None)
    outcome = {
        "model": trace["model"], "lane": trace["lane"], "outcome": trace["outcome"], "status": trace["status"],
        "cost_micro": trace["cost_micro"], "usage": trace["usage"], "ms": trace["ms"], "first_ms": first,
        "attempts": len(trace["attempts"]),
    }  # fmt: skip
    body = orjson.dumps({**decision.whole(), "place": name})
    row = Kept(story.id, story.at, ask.who, ask.session, decision.recipe, decision.catalogue, name, body, orjson.dumps(outcome))
    return row, kept


@functools.lru_cache(maxsize=8)
def _name(place: bytes) -> str:
    """It stays the same from request to request."""
    return hashed(orjson.loads(place))


def hashed_bytes(body: bytes) -> str:
    """How a trace names its decision, so that the chain of traces covers it: 16 hex digits of SHA-256."""
    return hashlib.sha256(body).hexdigest()[:16]


async def _hidden(services: Services, story: Story) -> set[str]:
    """The keys whose values the client made up and may not be recorded: names of models that no maker gives, and what the scan finds something
    in, or could not scan."""
    from localrouter.daemon.noting import scrubbed

    ask, out = story.ask, set()
    before = story.standing.served_asked if story.standing is not None else ""
    for key, name in (("model", ask.model), (SERVED, before)):
        if name and services.catalogue.find(name) is None and not is_maker_s(name, services.catalogue):
            out.add(key)
    for key, field in HIDABLE.items():
        value = getattr(ask.caller, field) if field else ""
        texts = list(value.values()) if isinstance(value, dict) else [value] if isinstance(value, str) else list(value)
        text = "\n".join(t for t in texts if t)
        if text and await scrubbed(services, story, text) != text:
            out.add(key)
    return out
