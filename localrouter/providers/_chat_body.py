"""A request in neutral form as a chat completions body.

Source: OpenAI API reference, "Create chat completion". Rules where the two differ (each is a sentence of `notes` when it loses something):
tool results come right behind their calls, before what the user says in the same turn (`_openai_pairs.py`); images and files of a result
follow in a user turn; a custom tool is a function with one `input` string; of the stop sequences the first four are sent; effort is one of
low, medium, high, which every reasoning model knows; cache marks are left out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Any

import orjson

from localrouter.core.chat import (
    Chat,
    Document,
    Effort,
    Image,
    Part,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from localrouter.core.decide import Attempt
from localrouter.core.errors import CannotCross
from localrouter.providers import _openai_pairs
from localrouter.providers._openai_pairs import paired

STOPS = 4
"""OpenAI: "up to 4 sequences"."""
ID_MAX = 40
"""Characters of a tool call's id that OpenAI accepts; Mistral wants exactly nine letters and digits."""
_MISTRAL = re.compile(r"[A-Za-z0-9]{9}")
_EFFORT: dict[Effort, str] = {
    "none": "low",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_WANTS_THOUGHTS = re.compile(r"deepseek|kimi|qwen|glm|minimax", re.IGNORECASE)
"""Model families that refuse a tool turn, or forget why they called, without their own `reasoning_content` (notes on gateways, 6.43)."""


def body(chat: Chat, attempt: Attempt) -> dict[str, Any]:
    """See `providers.Wire.body`. Raises CannotCross."""
    model, host = attempt.model, attempt.model.host if attempt.model is not None else ""
    tree: dict[str, Any] = {"model": model.name} if model is not None else {}
    tree["messages"] = paired(_Messages(chat, attempt).all())
    if chat.tools:
        tree["tools"] = [_tool(t) for t in chat.tools]
        if chat.choice is not None:
            tree["tool_choice"] = _choice(chat.choice)
        if chat.parallel is not None:
            tree["parallel_tool_calls"] = chat.parallel
    tree["max_completion_tokens" if host == "openai" else "max_tokens"] = attempt.max_output
    if chat.stream:
        tree |= {"stream": True, "stream_options": {"include_usage": True}}
    fixed = _fixed(attempt)
    for key, value in (
        ("temperature", chat.temperature if not fixed or chat.temperature == 1 else None),
        ("top_p", chat.top_p if not fixed or chat.top_p == 1 else None),
        ("top_k", chat.top_k if host != "openai" else None),
        ("seed", chat.seed),
        ("stop", list(chat.stop[:STOPS]) if not fixed else None),
        ("reasoning_effort", _EFFORT[chat.effort] if chat.effort and model is not None and model.reasoning else None),
        ("user", chat.user if host != "mistral" else None),
    ):
        if value not in (None, "", []):
            tree[key] = value
    tree |= chat.tuning
    if chat.form.kind == "object":
        tree["response_format"] = {"type": "json_object"}
    elif chat.form.kind == "schema":
        inner: dict[str, Any] = {"name": chat.form.name or "answer", "schema": _schema(chat.form.schema)}
        if chat.form.strict is not None:
            inner["strict"] = chat.form.strict
        tree["response_format"] = {"type": "json_schema", "json_schema": inner}
    return tree


def notes(chat: Chat, attempt: Attempt) -> tuple[str, ...]:
    """What `body` leaves out, one sentence each."""
    out = _openai_pairs.notes(chat)
    fixed, openai = _fixed(attempt), attempt.model is not None and attempt.model.host == "openai"
    if fixed and (chat.temperature not in (None, 1) or chat.top_p not in (None, 1)):
        out.append("Reasoning models fix their sampling, so temperature and top_p were left out.")
    if fixed and chat.stop:
        out.append("Reasoning models know no stop sequences, so they were left out.")
    elif len(chat.stop) > STOPS:
        out.append(f"Of {len(chat.stop)} stop sequences the first {STOPS} were sent.")
    if openai and chat.top_k is not None:
        out.append("'top_k' has no counterpart there and was left out.")
    if any(t.grammar is not None for t in chat.tools):
        out.append("The grammar of a custom tool has no counterpart there; its text is asked for as one string.")
    return tuple(out)


def _fixed(attempt: Attempt) -> bool:
    return attempt.model is not None and attempt.model.fixes_sampling


# --- messages ------------------------------------------------------------------------------------


class _Messages:
    """Turns to messages, in order. Holds the ids of the calls, for results that name none."""

    def __init__(self, chat: Chat, attempt: Attempt) -> None:
        self._turns = chat.turns
        self._mistral = attempt.model is not None and attempt.model.host == "mistral"
        self._thoughts = attempt.model is not None and _WANTS_THOUGHTS.search(attempt.model.name) is not None
        self._open: list[str] = []
        self._made = 0
        # The current tool loop: since the user last said something of their own.
        self._loop = max((i for i, t in enumerate(chat.turns) if _speaks(t)), default=-1)

    def all(self) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for i, turn in enumerate(self._turns):
            if turn.role == "assistant":
                out.append(self._assistant(turn, i > self._loop))
            elif turn.role == "user":
                out += self._user(turn)
            else:
                out.append({"role": "system", "content": _texts(turn.parts)})
        return out

    def _user(self, turn: Turn) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        rest: list[Part] = []
        for part in turn.parts:
            if not isinstance(part, ToolResult):
                continue
            call_id = self._answered(part.call_id)
            texts = [p for p in part.parts if isinstance(p, Text) or (isinstance(p, Document) and _readable(p) is not None)]
            media = [p for p in part.parts if p not in texts]
            said = _texts(texts)
            if part.error and not said.lower().startswith("error"):
                said = f"Error: {said}" if said else "Error"
            if media and not said:
                said = "The result follows in the next message."
            out.append({"role": "tool", "tool_call_id": call_id, "content": said})
            if media:
                rest += [Text(f"What the tool call {call_id} returned:"), *media]
        rest += [p for p in turn.parts if not isinstance(p, ToolResult)]
        if rest or not out:
            out.append({"role": "user", "content": _content(rest)})
        return out

    def _assistant(self, turn: Turn, looping: bool) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": None}
        calls: list[dict[str, Any]] = []
        details: list[dict[str, Any]] = []
        signature = ""
        self._open.clear()
        for part in turn.parts:
            if isinstance(part, Thought) and part.opaque:
                kind, _, mark = part.opaque.partition(":")
                if kind == "call":
                    signature = mark
                elif kind == "signature":
                    details.append({"type": "reasoning.text", "text": part.text, "signature": mark})
                else:
                    details.append({"type": "reasoning.encrypted", "data": mark})
            elif isinstance(part, ToolCall):
                call = self._call(part)
                if signature:
                    call["extra_content"] = {"google": {"thought_signature": signature}}
                    signature = ""
                calls.append(call)
        said = _texts(p for p in turn.parts if isinstance(p, (Text, Document)))
        if said or not calls:
            message["content"] = said
        thought = "\n\n".join(p.text for p in turn.parts if isinstance(p, Thought) and p.text)
        if thought and calls and looping and self._thoughts:
            message["reasoning_content"] = thought
        if details:
            message["reasoning_details"] = details
        if calls:
            message["tool_calls"] = calls
        return message

    def _call(self, call: ToolCall) -> dict[str, Any]:
        self._made += 1
        call_id = self._short(call.id or f"call_{self._made}")
        self._open.append(call_id)
        arguments = call.arguments
        if call.kind == "custom":
            arguments = orjson.dumps({"input": arguments}).decode()
        function = {"name": call.name, "arguments": arguments.strip() or "{}"}
        return {"id": call_id, "type": "function", "function": function}

    def _answered(self, call_id: str) -> str:
        """The id of the call that a result belongs to; one that names none belongs to the first that waits."""
        call_id = self._short(call_id) if call_id else (self._open[0] if self._open else "call_0")
        if call_id in self._open:
            self._open.remove(call_id)
        return call_id

    def _short(self, call_id: str) -> str:
        if self._mistral and not _MISTRAL.fullmatch(call_id):
            return hashlib.blake2b(call_id.encode(), digest_size=8).hexdigest()[:9]
        if len(call_id) > ID_MAX:
            return "call_" + hashlib.blake2b(call_id.encode(), digest_size=16).hexdigest()
        return call_id


def _speaks(turn: Turn) -> bool:
    return turn.role == "user" and any(not isinstance(p, ToolResult) for p in turn.parts)


def _readable(document: Document) -> str | None:
    """What a document says, when it is text."""
    if document.text:
        return document.text
    if document.media.startswith("text/") and document.data:
        try:
            return base64.b64decode(document.data, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _texts(parts: Iterable[Part]) -> str:
    """The texts of parts as one string. Hosts beside OpenAI take a list of parts only from the user."""
    out: list[str] = []
    for part in parts:
        if isinstance(part, Text):
            out.append(part.text)
        elif isinstance(part, Document):
            said = _readable(part) or ""
            out.append(f"{part.name}:\n{said}" if part.name else said)
    return "\n".join(t for t in out if t)


def _content(parts: list[Part]) -> str | list[dict[str, Any]]:
    if all(isinstance(p, Text) or (isinstance(p, Document) and _readable(p) is not None) for p in parts):
        return _texts(parts)
    return [item for p in parts if (item := _part(p)) is not None]


def _part(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text} if part.text else None
    if isinstance(part, Image):
        url = part.url or f"data:{part.media or 'image/png'};base64,{part.data}"
        return {"type": "image_url", "image_url": {"url": url, **({"detail": part.detail} if part.detail else {})}}
    if isinstance(part, Document):
        if _readable(part) is not None:
            return {"type": "text", "text": _texts([part])}
        if part.data:
            media = part.media or "application/pdf"
            return {"type": "file", "file": {"filename": part.name or "file", "file_data": f"data:{media};base64,{part.data}"}}
        raise CannotCross(
            "The request names a document by its address, which chat completions have no word for.",
            "Send the document itself, or its text.",
        )
    raise CannotCross(
        f"A {type(part).__name__} stands in a turn where chat completions have no place for it.", "Send it as text."
    )


# --- tools ---------------------------------------------------------------------------------------


def _tool(tool: Tool) -> dict[str, Any]:
    if tool.kind == "custom":
        inner = {"input": {"type": "string", "description": "The whole input of the tool, as plain text."}}
        schema: dict[str, Any] = {"type": "object", "properties": inner, "required": ["input"], "additionalProperties": False}
    else:
        schema = _schema(tool.schema)
    function: dict[str, Any] = {"name": tool.name, "description": _described(tool), "parameters": schema}
    if not function["description"]:
        del function["description"]
    if tool.strict is not None and tool.kind == "function":
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _described(tool: Tool) -> str:
    if tool.grammar is None:
        return tool.description
    nested = tool.grammar.get("grammar")
    inner = nested if isinstance(nested, dict) else tool.grammar
    rules = inner.get("definition")
    if not isinstance(rules, str) or not rules:
        return tool.description
    # Without the constraint the model at least reads what the tool accepts.
    return f"{tool.description}\n\nThe input must follow this grammar ({inner.get('syntax') or 'lark'}):\n{rules}".strip()


def _schema(schema: dict[str, Any] | None) -> dict[str, Any]:
    """A schema that every host takes: an object with properties, without the `$schema` that some refuse."""
    out = {k: v for k, v in (schema or {}).items() if k != "$schema"}
    if "type" not in out and not any(k in out for k in ("anyOf", "oneOf", "allOf", "$ref")):
        out = {"type": "object", **out}
    if out.get("type") == "object" and "properties" not in out:
        out["properties"] = {}
    return out


def _choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.mode == "one":
        return {"type": "function", "function": {"name": choice.name}}
    return "required" if choice.mode == "any" else choice.mode
