"""The row that is kept of a decision beside its trace: what was read, by names and numbers, and what became of it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import orjson

from localrouter.core.decision import hashed, record
from localrouter.core.unrecorded import HIDABLE, SERVED
from localrouter.daemon.services import Services
from localrouter.store.decisions import Kept

if TYPE_CHECKING:
    from localrouter.daemon.noting import Story

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}")
"""What a name of a model looks like; anything else that a client writes there may be a text."""


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
    name = hashed(place)
    first = next((a["first_ms"] for a in trace["attempts"] if "first_ms" in a), None)
    outcome = {
        "model": trace["model"], "lane": trace["lane"], "outcome": trace["outcome"], "status": trace["status"],
        "cost_micro": trace["cost_micro"], "usage": trace["usage"], "ms": trace["ms"], "first_ms": first,
        "attempts": len(trace["attempts"]),
    }  # fmt: skip
    body = orjson.dumps({**decision.whole(), "place": name})
    row = Kept(story.id, story.at, ask.who, ask.session, decision.recipe, decision.catalogue, name, body, orjson.dumps(outcome))
    return row, orjson.dumps(place)


def hashed_bytes(body: bytes) -> str:
    """How a trace names its decision, so that the chain of traces covers it: 16 hex digits of SHA-256."""
    return hashlib.sha256(body).hexdigest()[:16]


async def _hidden(services: Services, story: Story) -> set[str]:
    """The keys whose values the client made up and in which something private is found, or which could not be scanned."""
    ask, out = story.ask, set()
    before = story.standing.served_asked if story.standing is not None else ""
    for key, name in (("model", ask.model), (SERVED, before)):
        if name and services.catalogue.find(name) is None and await _private(services, story, name, guesses=False):
            out.add(key)
    for key, field in HIDABLE.items():
        value = getattr(ask.caller, field) if field else ""
        texts = list(value.values()) if isinstance(value, dict) else [value] if isinstance(value, str) else list(value)
        text = "\n".join(t for t in texts if t)
        if text and await _private(services, story, text, guesses=True):
            out.add(key)
    return out


async def _private(services: Services, story: Story, text: str, *, guesses: bool) -> bool:
    """`guesses`: also by what only looks like a name to the encoder, which takes names of models for people's."""
    from localrouter.daemon.noting import scrubbed

    if not guesses and not NAME.fullmatch(text):
        return True
    return await scrubbed(services, story, text, guesses=guesses) != text
