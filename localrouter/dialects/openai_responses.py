"""OpenAI Responses, as clients speak it. Source: OpenAI API reference, "Create a model response" and "Streaming events".

Law: the raw tree travels. Items, parts and tools of known types are read; an unknown one is refused by name. Hosts are told to keep
nothing: an answer that a client wants to go on from (`previous_response_id`) is kept on this machine, in memory, and sent again in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.decide import Attempt
from localrouter.dialects import Made
from localrouter.dialects._edits import run
from localrouter.dialects._responses_edits import EDITS
from localrouter.dialects._responses_neutral import chat as chat
from localrouter.dialects._responses_object import error_body as error_body
from localrouter.dialects._responses_read import REFERS as REFERS
from localrouter.dialects._responses_read import items_of, read_as
from localrouter.dialects._responses_read import resume as resume
from localrouter.dialects._responses_read import resumed as resumed
from localrouter.dialects._responses_writer import Writer as Writer

NAME = "openai_responses"
WIRE = "openai_responses"
ROUTES = (("POST", "/v1/responses"), ("POST", "/responses"))


def read(body: bytes, headers: Mapping[str, str]) -> Ask:
    """Bytes to an Ask. Raises BadRequest and Unsupported, each naming the field."""
    return replace(read_as(NAME, body, headers), endpoint=ROUTES[0][1])


def outgoing(tree: dict[str, Any], ask: Ask, attempt: Attempt, made: list[Made] | None = None) -> dict[str, Any]:
    """The raw plane: the veiled tree with the listed edits."""
    return run(EDITS, tree, ask, attempt, made)


def kept(ask: Ask, answer: dict[str, Any] | None) -> tuple[str, list[Any], list[Any]] | None:
    """(id, items, said) to go on from: what was asked and what was answered, and the latter alone. None when the client wants nothing
    stored (`store: false`) or there is no whole answer. Instructions are not carried over, as the API says."""
    if answer is None:
        return None
    response_id, output = answer.get("id"), answer.get("output")
    if ask.tree.get("store") is False or answer.get("status") not in ("completed", "incomplete"):
        return None
    if not isinstance(response_id, str) or not isinstance(output, list):
        return None
    return response_id, [*items_of(ask.tree.get("input")), *output], output
