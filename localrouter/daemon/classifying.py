"""A line or a file to what is said of it: `localrouter classify`, without a daemon and without a network.

A line is `{"id", "prompt"}` (with a `suffix`: code in the middle of a text) or a request of any served dialect: `messages` (chat completions or
Messages, told by their fields) or `input` (Responses). `id` comes back as it is.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from localrouter.classify import Classified, Classifier, classify
from localrouter.core.ask import Ask, Leaf, Needs
from localrouter.core.errors import BadRequest, RouterError
from localrouter.core.words import FIM_MARKS

_ANTHROPIC = ("system", "anthropic_version", "thinking", "stop_sequences", "output_config", "context_management")
"""Top-level fields that Messages has and chat completions has not."""
_BLOCKS = ("tool_use", "tool_result", "thinking", "redacted_thinking", "document", "search_result", "image")


def asked(text: str, suffix: str = "") -> Ask:
    """A prompt alone, as the person's words."""
    size = len(text.encode("utf-8", "surrogatepass"))
    return Ask(
        dialect="",
        tree={},
        leaves=(Leaf(("messages", 0, "content"), text, "user", "content"),),
        model="",
        needs=Needs(fim=bool(suffix) or any(mark in text for mark in FIM_MARKS)),
        max_output=None,
        n=1,
        size=size,
        last_user=text,
    )


def read(tree: Any) -> Ask:
    """Of a parsed line. Raises BadRequest and Unsupported, each naming the field."""
    if not isinstance(tree, dict):
        raise BadRequest("A line must be a JSON object.", 'Write {"id": ..., "prompt": ...} or a chat request.')
    if "messages" in tree or "input" in tree:
        return _request({k: v for k, v in tree.items() if k != "id"})
    prompt = tree.get("prompt")
    if not isinstance(prompt, str):
        raise BadRequest("There is neither a 'prompt' (a string) nor 'messages' nor 'input'.", "Add one.", param="prompt")
    suffix = tree.get("suffix")
    if suffix is not None and not isinstance(suffix, str):
        raise BadRequest("'suffix' must be a string.", "Correct it.", param="suffix")
    return asked(prompt, suffix or "")


def _request(tree: dict[str, Any]) -> Ask:
    from localrouter.dialects import anthropic_messages, openai_chat, openai_responses

    body = orjson.dumps(tree)
    if "messages" not in tree:
        return openai_responses.read(body, {})
    readers = (anthropic_messages.read, openai_chat.read)
    first, second = readers if _is_anthropic(tree) else reversed(readers)
    try:
        return first(body, {})
    except RouterError as error:
        try:
            return second(body, {})
        except RouterError:
            raise error from None


def _is_anthropic(tree: dict[str, Any]) -> bool:
    if any(key in tree for key in _ANTHROPIC):
        return True
    tools = tree.get("tools")
    if isinstance(tools, list) and any(isinstance(t, dict) and "input_schema" in t for t in tools):
        return True
    messages = tree["messages"]
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict) and block.get("type") in _BLOCKS:
                return True
    return False


def answer(raw: bytes, number: int, by: Classifier = classify) -> dict[str, Any]:
    """One line's answer: what `shown` says with its id, or `{"id", "error"}`. Raises nothing."""
    name: Any = None
    try:
        try:
            tree = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return {"id": None, "error": f"Line {number} is no JSON."}
        name = tree.get("id") if isinstance(tree, dict) else None
        return {"id": name, **shown(by(read(tree)))}
    except RouterError as error:
        return {"id": name, "error": error.text}
    except (RecursionError, ValueError, TypeError) as error:
        return {"id": name, "error": f"Line {number} cannot be read ({type(error).__name__})."}


def file(raw: bytes) -> Ask:
    """A file: a request in JSON, or a plain prompt."""
    if raw.lstrip()[:1] == b"{":
        try:
            tree = orjson.loads(raw)
        except orjson.JSONDecodeError:
            tree = None
        if isinstance(tree, dict) and any(key in tree for key in ("messages", "input", "prompt")):
            return read(tree)
    return asked(raw.decode("utf-8", "replace"))


def shown(found: Classified) -> dict[str, Any]:
    """As JSON: each signal, then the shares of each."""
    said = asdict(found)
    return {
        "task": found.task,
        "domain": found.domain,
        "risk": found.risk,
        "difficulty": found.difficulty,
        "injection": found.injection,
        "language": found.language,
        "interaction": found.interaction,
        "probabilities": {
            "task": said["tasks"],
            "domain": said["domains"],
            "risk": said["risks"],
            "language": said["languages"],
            "interaction": said["interactions"],
        },
        "method": found.method,
        "ms": found.ms,
    }
