"""OpenAI Responses, as clients speak it. Source: OpenAI API reference, "Create a model response" and "Streaming events".

Law: the raw tree travels. Items, parts and tools of known types are read; an unknown one is refused by name. Hosts are told to keep
nothing: an answer that a client wants to go on from (`previous_response_id`) is kept on this machine, in memory, and sent again in full.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localrouter.core.ask import Ask, Needs
from localrouter.core.decide import Attempt
from localrouter.core.errors import BadRequest
from localrouter.dialects import Made, Recall, _hosted
from localrouter.dialects._edits import run
from localrouter.dialects._fields import context_ids, integer, read_object
from localrouter.dialects._hints import hints
from localrouter.dialects._responses_edits import EDITS
from localrouter.dialects._responses_leaves import find, texts_of
from localrouter.dialects._responses_neutral import chat as chat
from localrouter.dialects._responses_object import error_body as error_body
from localrouter.dialects._responses_writer import Writer as Writer

NAME = "openai_responses"
WIRE = "openai_responses"
ROUTES = (("POST", "/v1/responses"), ("POST", "/responses"))

_HEAD = ("openai-beta",)
"""The client's headers that its own host may see."""
_ID = re.compile(r"[A-Za-z0-9_\-]{1,128}")


def read(body: bytes, headers: Mapping[str, str]) -> Ask:
    """Bytes to an Ask. Raises BadRequest and Unsupported, each naming the field."""
    tree = read_object(body)
    given = tree.get("input")
    if given is None and tree.get("prompt") is None and tree.get("previous_response_id") is None:
        raise BadRequest("Missing required parameter: 'input'.", "Send a string or a list of items.", param="input")
    if given is not None and not isinstance(given, (str, list)):
        raise BadRequest("'input' must be a string or a list of items.", "Correct it.", param="input")
    model = tree.get("model", "localrouter/auto")
    if not isinstance(model, str):
        raise BadRequest("'model' must be a string.", "Use 'localrouter/auto' to let the recipe choose.", param="model")
    for key, kind, what in (
        ("stream", bool, "true or false"),
        ("store", bool, "true or false"),
        ("instructions", str, "a string"),
    ):
        if tree.get(key) is not None and not isinstance(tree[key], kind):
            raise BadRequest(f"'{key}' must be {what}.", "Correct it.", param=key)
    found = find(tree)
    hosted, forced = _hosted.find(tree)
    session, said = hints(headers, tree, NAME)
    text = tree.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    return Ask(
        dialect=NAME,
        tree=tree,
        leaves=tuple(found.leaves),
        model=model,
        needs=Needs(
            tools=_hosted.runs_here(tree),
            json_schema=isinstance(form, dict) and form.get("type") == "json_schema",
            vision=any(u in ("input_image", "computer_screenshot", "image_generation_call") for u in found.unread),
            audio="input_audio" in found.unread,
            stream=bool(tree.get("stream")),
        ),
        max_output=integer(tree, "max_output_tokens", 1, 10_000_000),
        n=1,
        size=len(body),
        last_user=_last_user(given),
        session=session,
        unread=tuple(found.unread),
        context_ids=context_ids(headers),
        head={name: headers[name] for name in _HEAD if headers.get(name)},
        hints=said,
        signed=tuple(found.signed),
        hosted=hosted,
        forced=forced,
    )


def _last_user(given: Any) -> str:
    if isinstance(given, str):
        return given
    for item in reversed(given or []):
        if item.get("role") == "user":
            return "\n".join(texts_of(item.get("content")))
    return ""


def outgoing(tree: dict[str, Any], ask: Ask, attempt: Attempt, made: list[Made] | None = None) -> dict[str, Any]:
    """The raw plane: the veiled tree with the listed edits."""
    return run(EDITS, tree, ask, attempt, made)


def resume(tree: dict[str, Any], recall: Recall) -> dict[str, Any]:
    """The tree with the stored conversation in front of its input, and without `previous_response_id`. References to stored items are
    left out: what they name stands there already. Raises what `recall` does, and BadRequest for an id that is none."""
    previous = tree.get("previous_response_id")
    if previous is None:
        return tree
    if not isinstance(previous, str) or not _ID.fullmatch(previous):
        raise BadRequest("'previous_response_id' must be the id of an answer.", "Correct it.", param="previous_response_id")
    stored = recall(previous)
    known = {i.get("id") for i in stored if isinstance(i, dict)} - {None}
    own = items_of(tree.get("input"))
    fresh = [i for i in own if not (isinstance(i, dict) and "role" not in i and i.get("id") in known and _refers(i))]
    out = {key: value for key, value in tree.items() if key != "previous_response_id"}
    out["input"] = [*stored, *fresh]
    return out


def _refers(item: dict[str, Any]) -> bool:
    return item.get("type") in (None, "item_reference")


def items_of(given: Any) -> list[Any]:
    """An input as items."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return list(given) if isinstance(given, list) else []


def kept(ask: Ask, answer: dict[str, Any] | None) -> tuple[str, list[Any]] | None:
    """(id, items) to go on from: what was asked and what was answered. None when the client wants nothing stored (`store: false`) or there
    is no whole answer. Instructions are not carried over, as the API says."""
    if answer is None:
        return None
    response_id, output = answer.get("id"), answer.get("output")
    if ask.tree.get("store") is False or answer.get("status") not in ("completed", "incomplete"):
        return None
    if not isinstance(response_id, str) or not isinstance(output, list):
        return None
    return response_id, [*items_of(ask.tree.get("input")), *output]
