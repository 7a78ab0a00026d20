"""Anthropic Messages, as clients speak it. Source: Anthropic API reference, "Messages" (API versions 2023-06-01 and 2026-10-21) and the
SDK's types; what real clients send is in the notes on clients, 4.1 and 7.2.

Law: the raw tree travels. Known block types are read; an unknown one is refused by name, since nobody can say it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from localrouter.core.ask import Ask, Needs
from localrouter.core.decide import Attempt
from localrouter.core.errors import BadRequest, Unsupported
from localrouter.dialects import Made, _hosted, _uses
from localrouter.dialects._anthropic_chat import chat
from localrouter.dialects._anthropic_edits import EDITS
from localrouter.dialects._anthropic_errors import error_body
from localrouter.dialects._anthropic_leaves import Reading
from localrouter.dialects._anthropic_writer import Writer
from localrouter.dialects._edits import run
from localrouter.dialects._fields import context_ids, integer, read_object
from localrouter.dialects._hints import hints
from localrouter.dialects._needs import fim, reasoning

__all__ = ["COUNT", "NAME", "ROUTES", "WIRE", "Writer", "chat", "counted", "error_body", "outgoing", "read"]

NAME = "anthropic_messages"
WIRE = "anthropic_messages"
ROUTES = (("POST", "/v1/messages"), ("POST", "/messages"), ("POST", "/anthropic/v1/messages"))
COUNT = tuple((method, path + "/count_tokens") for method, path in ROUTES)

_HEAD = ("anthropic-version", "anthropic-beta")


def read(body: bytes, headers: Mapping[str, str]) -> Ask:
    """Bytes to an Ask. `max_tokens` may be missing: the counter's requests have none. Raises BadRequest and Unsupported, each naming
    the field."""
    tree = read_object(body)
    messages = tree.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("'messages' must be a list with at least one message.", "Add one.", param="messages")
    for i, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
            raise BadRequest(
                f"messages[{i}] must be an object with the 'role' user, assistant or system.",
                "Correct it.",
                param=f"messages[{i}]",
            )
    model = tree.get("model", "localrouter/auto")
    if not isinstance(model, str):
        raise BadRequest("'model' must be a string.", "Use 'localrouter/auto' to let the recipe choose.", param="model")
    stream = tree.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise BadRequest("'stream' must be true or false.", "Correct it.", param="stream")
    if tree.get("tools") is not None and not isinstance(tree["tools"], list):
        raise BadRequest("'tools' must be a list.", "Correct it.", param="tools")
    if tree.get("inference_geo") not in (None, "global", "not_available"):
        raise Unsupported(
            "'inference_geo' changes the price, and the catalogue does not know by how much.",
            "Leave it out, and choose the region of the host in the recipe.",
            param="inference_geo",
        )
    reading = Reading()
    reading.request(tree)
    hosted, forced = _hosted.find(tree)
    session, said = hints(headers, tree, NAME)
    last = _last_user(messages)
    return Ask(
        dialect=NAME,
        tree=tree,
        leaves=tuple(reading.leaves),
        model=model,
        needs=Needs(
            tools=_hosted.runs_here(tree),
            json_schema=_has_schema(tree),
            vision="image" in reading.unread,
            stream=bool(stream),
            fim=fim(last),
            reasoning=reasoning(tree),
        ),
        max_output=integer(tree, "max_tokens", 1, 10_000_000),
        n=1,
        size=len(body),
        last_user=last,
        session=session,
        unread=tuple(reading.unread),
        context_ids=context_ids(headers),
        head={name: headers[name] for name in _HEAD if headers.get(name)},
        hints=said,
        signed=tuple(reading.signed),
        hosted=hosted,
        offers=_uses.offers(tree) if hosted else (),
        forced=forced,
        endpoint=ROUTES[0][1],
    )


def _has_schema(tree: dict[str, Any]) -> bool:
    config = tree.get("output_config")
    form = config.get("format") if isinstance(config, dict) else None
    return isinstance(form or tree.get("output_format"), dict)


def _last_user(messages: list[dict[str, Any]]) -> str:
    """What the person last said: results of tools in the same role are not their words."""
    for message in reversed(messages):
        if message["role"] != "user":
            continue
        content = message.get("content")
        if isinstance(content, str):
            return content
        texts = [b["text"] for b in content or () if b.get("type") == "text" and isinstance(b.get("text"), str)]
        if texts:
            return "\n".join(texts)
    return ""


def outgoing(tree: dict[str, Any], ask: Ask, attempt: Attempt, made: list[Made] | None = None) -> dict[str, Any]:
    """The raw plane: the veiled tree with the listed edits."""
    return run(EDITS, tree, ask, attempt, made)


def counted(tokens: int) -> bytes:
    """The answer of the token counter."""
    return orjson.dumps({"input_tokens": tokens})
