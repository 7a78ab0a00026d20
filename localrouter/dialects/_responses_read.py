"""A Responses request from bytes to an Ask, and with a stored answer in front of it: shared by the API's routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localrouter.core.ask import Ask, Needs
from localrouter.core.errors import BadRequest
from localrouter.dialects import Recall, RecallItem, _hosted, _uses
from localrouter.dialects._fields import context_ids, integer, read_object
from localrouter.dialects._hints import hints
from localrouter.dialects._needs import fim, reasoning
from localrouter.dialects._responses_leaves import find, texts_of

_HEAD = ("openai-beta",)
"""The client's headers that its own host may see."""
REFERS = (b'"previous_response_id"', b'"item_reference"')
"""A request without one of these needs no second look."""
_ID = re.compile(r"[A-Za-z0-9_\-]{1,128}")


def read_as(name: str, body: bytes, headers: Mapping[str, str]) -> Ask:
    """Bytes to an Ask of the dialect `name`. Raises BadRequest and Unsupported, each naming the field."""
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
    session, said = hints(headers, tree, name)
    last = _last_user(given)
    text = tree.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    return Ask(
        dialect=name,
        tree=tree,
        leaves=tuple(found.leaves),
        model=model,
        needs=Needs(
            tools=_hosted.runs_here(tree),
            json_schema=isinstance(form, dict) and form.get("type") == "json_schema",
            vision=any(u in ("input_image", "computer_screenshot", "image_generation_call") for u in found.unread),
            audio="input_audio" in found.unread,
            stream=bool(tree.get("stream")),
            fim=fim(last),
            reasoning=reasoning(tree),
        ),
        max_output=integer(tree, "max_output_tokens", 1, 10_000_000),
        n=1,
        size=len(body),
        last_user=last,
        session=session,
        unread=tuple(found.unread),
        context_ids=context_ids(headers),
        head={name: headers[name] for name in _HEAD if headers.get(name)},
        hints=said,
        signed=tuple(found.signed),
        hosted=hosted,
        offers=_uses.offers(tree) if hosted else (),
        forced=forced,
    )


def _last_user(given: Any) -> str:
    if isinstance(given, str):
        return given
    for item in reversed(given or []):
        if item.get("role") == "user":
            return "\n".join(texts_of(item.get("content")))
    return ""


def resume(tree: dict[str, Any], recall: Recall, item: RecallItem | None = None) -> dict[str, Any]:
    """The tree with the stored conversation in front of its input, and without `previous_response_id`. References to stored items are
    left out where the conversation holds them already; any other becomes the item that it names (Vercel's AI SDK names the items of
    earlier steps so, unless it is told `store: false`). Raises what `recall` and `item` do, and BadRequest for an id that is none."""
    previous = tree.get("previous_response_id")
    given = tree.get("input")
    if previous is None:
        refers = item is not None and isinstance(given, list) and any(_refers(i) for i in given)
        return {**tree, "input": _named(given, item)} if refers and isinstance(given, list) else tree
    if not isinstance(previous, str) or not _ID.fullmatch(previous):
        raise BadRequest("'previous_response_id' must be the id of an answer.", "Correct it.", param="previous_response_id")
    stored = recall(previous)
    known = {i.get("id") for i in stored if isinstance(i, dict)} - {None}
    fresh = [i for i in items_of(given) if not (_refers(i) and i.get("id") in known)]
    out = {key: value for key, value in tree.items() if key != "previous_response_id"}
    out["input"] = [*stored, *_named(fresh, item)]
    return out


def _named(items: list[Any], item: RecallItem | None) -> list[Any]:
    """Each reference as what it names."""
    if item is None:
        return items
    return [item(i["id"]) if _refers(i) and isinstance(i.get("id"), str) else i for i in items]


def resumed(ask: Ask, before: dict[str, Any]) -> Ask:
    """The Ask of a tree that `resume` made of `before`, which remembers the id: the response repeats it. An edit leaves it out on the way."""
    previous = before.get("previous_response_id")
    return ask if previous is None else replace(ask, tree={**ask.tree, "previous_response_id": previous})


def _refers(item: Any) -> bool:
    """Whether an item only names another. Its type may be left out."""
    return isinstance(item, dict) and "role" not in item and item.get("type") in (None, "item_reference")


def items_of(given: Any) -> list[Any]:
    """An input as items."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return list(given) if isinstance(given, list) else []
