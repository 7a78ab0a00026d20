"""OpenAI's messages in the one form that templates get, and the folds for templates that take less.

First `canonical`: roles, one string of content, arguments as an object, reasoning apart. Then `fold`, which moves what a template cannot
show to where it can: a system text into the next user's turn, tools into the system text, calls into the assistant's words and their
results into a user's turn, neighbours of one role into one turn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "model": "assistant"}
_ROLES |= {"tool": "tool", "function": "tool", "ipython": "tool"}
_TEXT = frozenset({"text", "input_text", "output_text", "refusal"})
_THINKING = frozenset({"thinking", "reasoning", "reasoning_text"})
_THINK_OPEN, _THINK_CLOSE = "<think>", "</think>"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class BadMessages(ValueError):
    """The messages cannot be shown to a local model. The text is a whole sentence for the user and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a template can show, as its answers to small conversations told."""

    system: bool = True
    later_system: bool = True
    neighbours: bool = True
    """Two turns of one role, one after the other."""
    begins: bool = True
    """The assistant speaks first."""
    parts: bool = False
    """Content must be a list of parts."""
    tools: bool = True
    calls: bool = True
    parallel: bool = True
    text_arguments: bool = False
    """Arguments must be JSON text, not an object."""
    short_ids: bool = False
    """Call ids must have nine letters or digits (Mistral)."""


def canonical(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The messages with known roles and string content. Raises BadMessages."""
    out: list[Message] = []
    names: dict[str, str] = {}
    for message in messages:
        if not isinstance(message, Mapping):
            raise BadMessages("A message is not an object.")
        role = _ROLES.get(str(message.get("role", "user")), "user")
        text, thought = _content(message.get("content"))
        made: Message = {"role": role, "content": text}
        if role == "assistant":
            thought = thought or next(
                (t for k in ("reasoning_content", "reasoning", "thinking") if (t := _text(message.get(k)))), ""
            )
            if not thought and text.lstrip().startswith(_THINK_OPEN) and _THINK_CLOSE in text:
                thought, made["content"] = _apart(text)
            if thought:
                made["reasoning_content"] = thought
            if calls := _calls(message):
                made["tool_calls"] = calls
                names |= {c["id"]: c["function"]["name"] for c in calls}
        elif role == "tool":
            ident = _text(message.get("tool_call_id"))
            made["tool_call_id"] = ident
            made["name"] = names.get(ident) or _text(message.get("name")) or "tool"
        out.append(made)
    if not out:
        raise BadMessages("The messages are empty.")
    return out


def offered(tools: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """The tools with the fields that templates read without asking: a description and parameters. Raises BadMessages."""
    out = []
    for tool in tools or ():
        function = tool.get("function", tool) if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise BadMessages("A tool in the list is no function with a name.")
        shown = {**function, "description": _text(function.get("description"))}
        if not isinstance(shown.get("parameters"), Mapping):
            shown["parameters"] = {"type": "object", "properties": {}}
        out.append({"type": "function", "function": {k: v for k, v in shown.items() if k != "type"}})
    return out


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _apart(text: str) -> tuple[str, str]:
    thought, _, rest = text.lstrip()[len(_THINK_OPEN) :].partition(_THINK_CLOSE)
    return thought.strip(), rest.lstrip("\n")


def _content(content: Any) -> tuple[str, str]:
    """Content as (text, reasoning)."""
    if content is None:
        return "", ""
    if isinstance(content, str):
        return content, ""
    if not isinstance(content, list):
        raise BadMessages("A message's content must be text.")
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content:
        kind = part.get("type", "text") if isinstance(part, Mapping) else "text" if isinstance(part, str) else ""
        text = part if isinstance(part, str) else part.get("text", part.get(kind)) if kind else None
        if kind in _THINKING and isinstance(text, str):
            thoughts.append(text)
        elif kind in _TEXT and isinstance(text, str):
            texts.append(text)
        else:
            raise BadMessages("The local model reads text only.")
    return "\n".join(texts), "\n".join(thoughts)


def _calls(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = message.get("tool_calls")
    if not given and isinstance(message.get("function_call"), Mapping):
        given = [{"function": message["function_call"]}]
    if not isinstance(given, list):
        return []
    out = []
    for at, call in enumerate(given):
        function = call.get("function", call) if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise BadMessages("A tool call in the messages has no name.")
        ident = _text(call.get("id")) or f"call_{at}"
        shown = {"name": function["name"], "arguments": _arguments(function.get("arguments"))}
        out.append({"id": ident, "type": "function", "function": shown})
    return out


def _arguments(value: Any) -> dict[str, Any]:
    """An object, whatever the client sent: templates loop over it."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else {}
        except (ValueError, RecursionError):
            return {"input": value}
    return value if isinstance(value, dict) else {} if value is None else {"input": value}


def fold(
    messages: Sequence[Message],
    tools: Sequence[Mapping[str, Any]] | None,
    takes: Takes,
    write: Callable[[Sequence[tuple[str, str]]], str],
) -> list[Message]:
    """The messages as the template takes them. `write`: calls, as (name, JSON of the arguments), in the model's own words."""
    out = [dict(m) for m in messages]
    if tools and not takes.tools:
        out = _with_system(out, _told(tools, write))
    if not takes.calls:
        out = [_spoken(m, write) for m in out]
    elif not takes.parallel:
        out = _one_by_one(out)
    if not takes.system or not takes.later_system:
        out = _system_aside(out, keep_first=takes.system)
    if not takes.neighbours:
        out = _merged(out)
    if not takes.begins and next((m["role"] for m in out if m["role"] != "system"), "user") != "user":
        at = next(i for i, m in enumerate(out) if m["role"] != "system")
        out.insert(at, {"role": "user", "content": "(The conversation goes on.)"})
    return [_shaped(m, takes) for m in out]


def _told(tools: Sequence[Mapping[str, Any]], write: Callable[[Sequence[tuple[str, str]]], str]) -> str:
    listed = "\n".join(json.dumps(t, ensure_ascii=False) for t in tools)
    example = write([("function_name", '{"parameter": "value"}')])
    return f"You can call these functions:\n{listed}\n\nTo call one, answer with nothing but this, filled in:\n{example}"


def _with_system(messages: list[Message], text: str) -> list[Message]:
    if messages and messages[0]["role"] == "system":
        first = {**messages[0], "content": f"{messages[0]['content']}\n\n{text}".strip()}
        return [first, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]


def _spoken(message: Message, write: Callable[[Sequence[tuple[str, str]]], str]) -> Message:
    """Calls as the assistant's words, a result as the user's."""
    if message["role"] == "tool":
        return {"role": "user", "content": f"Result of {message['name']}:\n{message['content']}"}
    if calls := message.get("tool_calls"):
        said = write([(c["function"]["name"], json.dumps(c["function"]["arguments"], ensure_ascii=False)) for c in calls])
        rest = {k: v for k, v in message.items() if k != "tool_calls"}
        return {**rest, "content": f"{message['content']}\n{said}".strip()}
    return message


def _one_by_one(messages: list[Message]) -> list[Message]:
    """A turn with several calls as turns with one call each, its result behind it."""
    out: list[Message] = []
    at = 0
    while at < len(messages):
        message = messages[at]
        at += 1
        calls = message.get("tool_calls") or []
        if len(calls) < 2:
            out.append(message)
            continue
        results: list[Message] = []
        while at < len(messages) and messages[at]["role"] == "tool":
            results.append(messages[at])
            at += 1
        for number, call in enumerate(calls):
            out.append({**message, "tool_calls": [call], "content": message["content"] if number == 0 else ""})
            out += [r for r in results if r["tool_call_id"] == call["id"]]
        out += [r for r in results if r["tool_call_id"] not in {c["id"] for c in calls}]
    return out


def _system_aside(messages: list[Message], *, keep_first: bool) -> list[Message]:
    """System texts moved to the front of the next user's turn; the first stays where it is when the template takes one."""
    out: list[Message] = []
    waiting: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "system" and not (at == 0 and keep_first):
            waiting.append(message["content"])
        elif message["role"] == "user" and waiting:
            out.append({**message, "content": "\n\n".join([*waiting, message["content"]])})
            waiting = []
        else:
            out.append(message)
    if waiting:
        out.append({"role": "user", "content": "\n\n".join(waiting)})
    return out


def _merged(messages: Iterable[Message]) -> list[Message]:
    out: list[Message] = []
    for message in messages:
        before = out[-1] if out else None
        plain = message["role"] in ("user", "assistant", "system") and "tool_calls" not in message
        if before is not None and plain and before["role"] == message["role"] and "tool_calls" not in before:
            joined = "\n\n".join(t for t in (before["content"], message["content"]) if t)
            out[-1] = {**before, **message, "content": joined}
        else:
            out.append(message)
    return out


def _shaped(message: Message, takes: Takes) -> Message:
    out = dict(message)
    if takes.parts:
        out["content"] = [{"type": "text", "text": out["content"]}] if out["content"] else []
    if calls := out.get("tool_calls"):
        out["tool_calls"] = [_call(c, takes) for c in calls]
    if takes.short_ids and "tool_call_id" in out:
        out["tool_call_id"] = nine(out["tool_call_id"])
    return out


def _call(call: Mapping[str, Any], takes: Takes) -> dict[str, Any]:
    arguments = call["function"]["arguments"]
    shown = json.dumps(arguments, ensure_ascii=False) if takes.text_arguments else arguments
    ident = nine(call["id"]) if takes.short_ids else call["id"]
    return {**call, "id": ident, "function": {**call["function"], "arguments": shown}}


def nine(ident: str) -> str:
    """A call id of nine letters and digits, the same for the same id."""
    if len(ident) == 9 and ident.isascii() and ident.isalnum():
        return ident
    number = int.from_bytes(hashlib.sha256(ident.encode("utf-8", "replace")).digest()[:8])
    return "".join(_ALPHABET[number // 62**i % 62] for i in range(9))
