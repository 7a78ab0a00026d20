"""OpenAI chat completions, as clients speak it. Source: OpenAI API reference, "Create chat completion" and its stream.

Law: the raw tree travels. Known part types are read; an unknown one is refused by name, since nobody can say it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localrouter.core.ask import Ask, Needs
from localrouter.core.decide import Attempt
from localrouter.core.errors import BadRequest
from localrouter.dialects import Made, _edits, _hosted, _uses
from localrouter.dialects import _chat_leaves as _leaves
from localrouter.dialects._chat_neutral import chat as chat
from localrouter.dialects._chat_writer import Writer as Writer
from localrouter.dialects._chat_writer import error_body as error_body
from localrouter.dialects._fields import context_ids, integer, read_object
from localrouter.dialects._hints import hints
from localrouter.dialects._needs import fim, reasoning

NAME = "openai_chat"
WIRE = "openai_chat"
ROUTES = (("POST", "/v1/chat/completions"), ("POST", "/chat/completions"))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(p["text"] for p in content if isinstance(p, dict) and isinstance(p.get("text"), str))
    return ""


def read(body: bytes, headers: Mapping[str, str]) -> Ask:
    """Bytes to an Ask. Raises BadRequest and Unsupported, each naming the field."""
    tree = read_object(body)
    messages = tree.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("'messages' must be a list with at least one message.", "Add one.", param="messages")
    for i, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise BadRequest(f"messages[{i}] must be an object with a 'role'.", "Correct it.", param=f"messages[{i}]")
    model = tree.get("model", "localrouter/auto")
    if not isinstance(model, str):
        raise BadRequest("'model' must be a string.", "Use 'localrouter/auto' to let the recipe choose.", param="model")
    stream = tree.get("stream", False)
    if stream is not None and not isinstance(stream, bool):
        raise BadRequest("'stream' must be true or false.", "Correct it.", param="stream")
    for key in ("tools", "functions"):
        if tree.get(key) is not None and not isinstance(tree[key], list):
            raise BadRequest(f"'{key}' must be a list.", "Correct it.", param=key)
    unread = _leaves.unread(tree)
    limit = integer(tree, "max_completion_tokens", 1, 10_000_000)
    if limit is None:
        limit = integer(tree, "max_tokens", 1, 10_000_000)
    form = tree.get("response_format")
    users = [_text(m.get("content")) for m in messages if m["role"] == "user"]
    signed = _leaves.signed(tree)
    hosted, forced = _hosted.find(tree)
    session, said = hints(headers, tree, NAME)
    return Ask(
        dialect=NAME,
        tree=tree,
        leaves=_leaves.leaves(tree, signed),
        model=model,
        needs=Needs(
            tools=bool(tree.get("functions")) or _hosted.runs_here(tree),
            json_schema=isinstance(form, dict) and form.get("type") == "json_schema",
            vision=any(u in ("image_url", "video_url") for u in unread),
            audio=any(u in ("input_audio", "audio") for u in unread),
            stream=bool(stream),
            fim=fim(users[-1] if users else ""),
            reasoning=reasoning(tree),
        ),
        max_output=limit,
        n=integer(tree, "n", 1, 128) or 1,
        size=len(body),
        last_user=users[-1] if users else "",
        session=session,
        unread=unread,
        context_ids=context_ids(headers),
        signed=signed,
        hints=said,
        hosted=hosted,
        offers=_uses.offers(tree, shown=False) if hosted else (),
        forced=forced,
        endpoint=ROUTES[0][1],
    )


_EDITS = (
    *_hosted.EDITS,
    _edits.no_empty_tools,
    _edits.name_model,
    _edits.fit_sampling,
    _edits.bound_output,
    _edits.ask_usage,
)


def outgoing(tree: dict[str, Any], ask: Ask, attempt: Attempt, made: list[Made] | None = None) -> dict[str, Any]:
    """The raw plane: the veiled tree with the listed edits."""
    return _edits.run(_EDITS, tree, ask, attempt, made)
