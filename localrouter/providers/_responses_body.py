"""A request in neutral form as a Responses body.

Source: OpenAI API reference, "Create a model response"; guides "Reasoning models" and "Structured outputs". Rules where the two differ (each
is a sentence of `notes` when it loses something): the system turns in front are the instructions, later ones developer messages; sampling
is left out for models that reason; a schema that strict mode would refuse is asked for without it. Nothing is stored at the host, so
encrypted reasoning is asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from localrouter.core.chat import (
    Chat,
    Document,
    Form,
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
from localrouter.providers import _openai_pairs, _tuning
from localrouter.providers._openai_pairs import ORPHAN, UNANSWERED

ID_MAX = 64
"""Characters of a call id that OpenAI accepts."""
LEAST_OUTPUT = 16
"""The least `max_output_tokens` that the API takes; Claude Code's probes ask for 1."""
_NAME = re.compile(r"[^A-Za-z0-9_-]")
_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")


def body(chat: Chat, attempt: Attempt) -> dict[str, Any]:
    """See `providers.Wire.body`. Raises CannotCross."""
    if chat.stop:
        raise CannotCross(
            "The request has stop sequences, which the Responses API has no word for.",
            "Leave them out, or ask a model that is reached through another API.",
            param="stop",
        )
    _tuning.refuse(chat.tuning)
    model = attempt.model
    reasons = model is not None and model.reasoning
    head, turns = _instructions(chat.turns)
    tree: dict[str, Any] = {"model": model.name} if model is not None else {}
    if head:
        tree["instructions"] = head
    tree["input"] = _Items(turns).all()
    if chat.tools:
        tree["tools"] = [_tool(t) for t in chat.tools]
        if chat.choice is not None:
            tree["tool_choice"] = _choice(chat.choice, chat.tools)
        if chat.parallel is not None:
            tree["parallel_tool_calls"] = chat.parallel
    tree["max_output_tokens"] = max(attempt.max_output, LEAST_OUTPUT)
    if not reasons or chat.effort == "none":
        tree |= {k: v for k, v in (("temperature", chat.temperature), ("top_p", chat.top_p)) if v is not None}
    if chat.form.kind != "text":
        tree["text"] = {"format": _format(chat.form)}
    if reasons:
        tree["reasoning"] = {**({"effort": chat.effort} if chat.effort else {}), "summary": "auto"}
        tree["include"] = ["reasoning.encrypted_content"]
    tree["store"] = False
    if chat.stream:
        tree["stream"] = True
    if chat.session:
        tree["prompt_cache_key"] = chat.session
    if chat.user:
        tree["safety_identifier"] = chat.user
    return tree


def notes(chat: Chat, attempt: Attempt) -> tuple[str, ...]:
    """What `body` leaves out, one sentence each."""
    out = [*_openai_pairs.notes(chat), *_tuning.notes(chat.tuning)]
    reasons = attempt.model is not None and attempt.model.reasoning
    if reasons and chat.effort != "none" and (chat.temperature is not None or chat.top_p is not None):
        out.append("Reasoning models fix their sampling, so temperature and top_p were left out.")
    if not reasons and chat.effort not in (None, "none"):
        out.append("The model does not reason, so the effort was left out.")
    for name, value in (("top_k", chat.top_k), ("seed", chat.seed)):
        if value is not None:
            out.append(f"'{name}' has no counterpart there and was left out.")
    if attempt.max_output < LEAST_OUTPUT:
        out.append(f"The answer may have {LEAST_OUTPUT} tokens, the least that can be asked for there.")
    if chat.form.kind == "schema" and chat.form.strict and not strict_fits(chat.form.schema):
        out.append("The schema is more than strict mode allows there; it was asked for without it.")
    return tuple(out)


def _instructions(turns: tuple[Turn, ...]) -> tuple[str, tuple[Turn, ...]]:
    """The system turns in front, as one text; and the turns behind them."""
    texts: list[str] = []
    at = 0
    for at, turn in enumerate(turns):  # noqa: B007  # where it stops is used
        if turn.role != "system" or not all(isinstance(p, Text) for p in turn.parts):
            break
        texts += [p.text for p in turn.parts if isinstance(p, Text) and p.text]
    else:
        at = len(turns)
    return "\n\n".join(texts), turns[at:]


# --- items -----------------------------------------------------------------------------------------


class _Items:
    """Turns to items, in order. Holds which calls were of freeform tools, whose results are items of their own kind."""

    def __init__(self, turns: tuple[Turn, ...]) -> None:
        self._turns = turns
        self._custom: set[str] = set()

    def all(self) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for turn in self._turns:
            if turn.role == "assistant":
                out += self._assistant(turn)
            elif turn.role == "user":
                out += self._user(turn)
            elif content := _content(turn.parts):
                out.append({"type": "message", "role": "developer", "content": content})
        return _paired(out)

    def _user(self, turn: Turn) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for part in turn.parts:
            if isinstance(part, ToolResult):
                kind = "custom_tool_call_output" if part.call_id in self._custom else "function_call_output"
                out.append({"type": kind, "call_id": _short(part.call_id), "output": _output(part)})
        content = _content(p for p in turn.parts if not isinstance(p, ToolResult))
        if content or not out:
            out.append({"type": "message", "role": "user", "content": content or [{"type": "input_text", "text": ""}]})
        return out

    def _assistant(self, turn: Turn) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for part in turn.parts:
            if isinstance(part, Thought):
                if part.opaque:
                    # Without an id: encrypted content is bound to the one that it was made under, and one of ours would not be it.
                    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
                    out.append({"type": "reasoning", "summary": summary, "encrypted_content": part.opaque})
            elif isinstance(part, ToolCall):
                out.append(self._call(part))
            elif said := _spoken(part):
                # As a string: a list of output_text parts belongs to an item with an id of the host's own.
                out.append({"type": "message", "role": "assistant", "content": said})
        return out

    def _call(self, call: ToolCall) -> dict[str, Any]:
        named = {"call_id": _short(call.id), "name": call.name}
        if call.kind == "custom":
            self._custom.add(call.id)
            return {"type": "custom_tool_call", **named, "input": call.arguments}
        return {"type": "function_call", **named, "arguments": call.arguments.strip() or "{}"}


def _paired(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each call with its output, and no output without a call: the API refuses either. Clients that trim their history leave such halves."""
    called = {i["call_id"] for i in items if i["type"] in _CALLS}
    answered = {i["call_id"] for i in items if i["type"] in _OUTPUTS}
    out: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for item in items:
        if item["type"] in _CALLS:
            if item["call_id"] not in answered:
                waiting.append({"type": f"{item['type']}_output", "call_id": item["call_id"], "output": UNANSWERED})
        elif item["type"] != "reasoning":
            out += waiting
            waiting.clear()
        if item["type"] in _OUTPUTS and item["call_id"] not in called:
            said = item["output"] if isinstance(item["output"], list) else [{"type": "input_text", "text": item["output"]}]
            lead = {"type": "input_text", "text": ORPHAN}
            item = {"type": "message", "role": "user", "content": [lead, *said]}
        out.append(item)
    return out + waiting


def _short(call_id: str) -> str:
    if 0 < len(call_id) <= ID_MAX:
        return call_id
    return "call_" + hashlib.blake2b(call_id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _spoken(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Document) and part.text:
        return part.text
    raise CannotCross(
        f"A {type(part).__name__} stands in an assistant's turn, where the Responses API has no place for it.",
        "Send it as the user.",
    )


def _output(result: ToolResult) -> str | list[dict[str, Any]]:
    if all(isinstance(p, Text) for p in result.parts):
        said = "\n".join(p.text for p in result.parts if isinstance(p, Text))
        if result.error and not said.lower().startswith("error"):
            said = f"Error: {said}" if said else "Error"
        return said
    content = _content(result.parts)
    if result.error:
        content.insert(0, {"type": "input_text", "text": "Error:"})
    return content


def _content(parts: Iterable[Part]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Text):
            if part.text:
                out.append({"type": "input_text", "text": part.text})
        elif isinstance(part, Image):
            url = part.url or f"data:{part.media or 'image/png'};base64,{part.data}"
            out.append({"type": "input_image", "image_url": url, "detail": part.detail or "auto"})
        elif isinstance(part, Document):
            out.append(_document(part))
        elif not isinstance(part, Thought):
            raise CannotCross(
                f"A {type(part).__name__} stands in a turn where the Responses API has no place for it.", "Send it as text."
            )
    return out


def _document(part: Document) -> dict[str, Any]:
    if part.text:
        return {"type": "input_text", "text": f"{part.name}:\n{part.text}" if part.name else part.text}
    if part.url:
        return {"type": "input_file", "file_url": part.url}
    data = f"data:{part.media or 'application/pdf'};base64,{part.data}"
    return {"type": "input_file", "filename": part.name or "document", "file_data": data}


# --- tools and form --------------------------------------------------------------------------------


def _tool(tool: Tool) -> dict[str, Any]:
    named: dict[str, Any] = {"name": tool.name, **({"description": tool.description} if tool.description else {})}
    if tool.kind == "custom":
        grammar = tool.grammar or {}
        nested = grammar.get("grammar")  # chat completions put it one level deeper
        if isinstance(nested, dict):
            grammar = {"type": "grammar", **nested}
        return {"type": "custom", **named, **({"format": grammar} if grammar else {})}
    schema = {k: v for k, v in (tool.schema or {}).items() if k != "$schema"}
    if "type" not in schema and not any(k in schema for k in ("anyOf", "oneOf", "allOf", "$ref")):
        schema = {"type": "object", **schema}
    if schema.get("type") == "object" and "properties" not in schema:
        schema["properties"] = {}
    # Absent means strict in this API, and in no other: a schema that was not written for it would be refused.
    return {"type": "function", **named, "parameters": schema, "strict": bool(tool.strict) and strict_fits(schema)}


def _choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> str | dict[str, Any]:
    if choice.mode == "one":
        kind = next((t.kind for t in tools if t.name == choice.name), "function")
        return {"type": kind, "name": choice.name}
    return "required" if choice.mode == "any" else choice.mode


def _format(form: Form) -> dict[str, Any]:
    if form.kind == "object":
        return {"type": "json_object"}
    schema = form.schema or {"type": "object"}
    strict = form.strict is not False and strict_fits(schema)
    return {
        "type": "json_schema",
        "name": _NAME.sub("_", form.name)[:64] or "answer",
        "schema": {k: v for k, v in schema.items() if k != "$schema"},
        "strict": strict,
    }


_REFUSED = frozenset(
    {
        "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties", "propertyNames",
        "unevaluatedProperties", "unevaluatedItems", "contains", "prefixItems", "default", "uniqueItems",
    }
)  # fmt: skip
"""Keywords that strict mode refuses (guide "Structured outputs", "Supported schemas")."""


def strict_fits(schema: Any, *, top: bool = True) -> bool:
    """Whether strict mode takes a schema: an object at the top, every property required, none beyond them, no refused keyword."""
    if not isinstance(schema, dict):
        return not top
    if top and (schema.get("type") != "object" or "anyOf" in schema):
        return False
    if _REFUSED & schema.keys():
        return False
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        names = set(properties) if isinstance(properties, dict) else set()
        required = schema.get("required")
        listed = {r for r in required if isinstance(r, str)} if isinstance(required, list) else set()
        if schema.get("additionalProperties") is not False or names != listed:
            return False
    inner: list[Any] = []
    for key in ("properties", "$defs", "definitions"):
        if isinstance(schema.get(key), dict):
            inner += schema[key].values()
    inner += [schema[key] for key in ("items",) if key in schema]
    if isinstance(schema.get("anyOf"), list):
        inner += schema["anyOf"]
    return all(strict_fits(s, top=False) for s in inner)
