"""A chat completions request in neutral form, to cross to a host of another wire or to the local engine.

What has no counterpart: a field that only tunes (`logit_bias`, penalties, `verbosity` ...) is left out with a note that names it; a field
that asks for another kind of answer (`n` above 1, log-probs, audio) is refused by name. Of those that some API has a word for, the host's
wire says which it is (`Chat.tuning`). Source: OpenAI API reference, "Create chat completion"; for `reasoning`, `reasoning_details` and
`cache_control` in it, OpenRouter's guides.
"""

from __future__ import annotations

from typing import Any, cast, get_args

from localrouter.core.ask import Ask
from localrouter.core.chat import (
    Chat,
    Document,
    Effort,
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
from localrouter.core.errors import CannotCross
from localrouter.dialects._chat_leaves import call_mark, mark_of
from localrouter.dialects._fields import dumps

_SAID = frozenset(
    {
        "model", "messages", "stream", "stream_options", "tools", "functions", "tool_choice", "function_call", "parallel_tool_calls",
        "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "seed", "stop", "response_format", "reasoning_effort",
        "reasoning", "user", "safety_identifier",
    }
)  # fmt: skip
"""Fields that the neutral form has a word for."""
_SILENT = frozenset({"n", "store", "prompt_cache_key", "prompt_cache_retention", "modalities", "logprobs", "service_tier"})
"""Fields whose absence changes no answer (or that were refused before): nothing is worth a note."""
_PENALTIES = ("presence_penalty", "frequency_penalty")
_TUNING = (
    *_PENALTIES, "min_p", "typical_p", "top_a", "repetition_penalty", "repeat_penalty", "logit_bias", "n", "logprobs", "top_logprobs",
)  # fmt: skip
"""What a wire may have a word for, and the local engine too (daemon/local_params.py)."""
_EFFORTS = frozenset(get_args(Effort))


class _Notes(dict[str, None]):
    """Sentences, each once, in the order in which they came up."""

    def say(self, sentence: str) -> None:
        self[sentence] = None


def chat(tree: dict[str, Any], ask: Ask) -> Chat:
    """The veiled tree in neutral form. Raises CannotCross."""
    _refuse(tree)
    notes = _Notes()
    tuning = _tuning(tree)
    tools, choice = _tools(tree, notes)
    for key, value in tree.items():
        if key not in _SAID and key not in _SILENT and key not in _TUNING and value is not None:
            notes.say(f"'{key[:60]}' has no counterpart there and was left out.")
    effort = _effort(tree)
    if effort is None and isinstance(tree.get("reasoning_effort"), str):
        notes.say("The word in 'reasoning_effort' is not known there and was left out.")
    return Chat(
        turns=_turns(tree["messages"], notes),
        tools=tools,
        choice=choice,
        parallel=_flag(tree, "parallel_tool_calls"),
        max_output=ask.max_output,
        temperature=_number(tree, "temperature"),
        top_p=_number(tree, "top_p"),
        top_k=_whole(tree, "top_k"),
        seed=_whole(tree, "seed"),
        stop=_stop(tree),
        form=_form(tree.get("response_format")),
        effort=effort,
        user=next((tree[k] for k in ("safety_identifier", "user") if isinstance(tree.get(k), str)), ""),
        stream=ask.needs.stream,
        notes=tuple(notes),
        session=ask.session,
        tuning=tuning,
    )


def _refuse(tree: dict[str, Any]) -> None:
    modalities = tree.get("modalities")
    if isinstance(modalities, list) and "audio" in modalities:
        raise CannotCross(
            "The request asks for an answer as audio, which the host's API has no word for.",
            "Leave it out, or ask another model.",
            param="modalities",
        )


# --- messages ------------------------------------------------------------------------------------


def _turns(messages: list[dict[str, Any]], notes: _Notes) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    calls: dict[str, str] = {}  # of the deprecated `function_call`, which has no id: name -> the id that it was given
    for i, message in enumerate(messages):
        role = message["role"]
        where = f"messages[{i}]"
        if message.get("name") and role in ("user", "assistant", "system", "developer"):
            notes.say("The names of participants ('name') have no counterpart there and were left out.")
        if role in ("tool", "function"):
            name = str(message.get("name") or "")
            call_id = message.get("tool_call_id") if role == "tool" else calls.get(name, name)
            parts = cast("tuple[Text | Image | Document, ...]", _content(message.get("content"), where))
            result = ToolResult(call_id if isinstance(call_id, str) else "", parts, cache=_cache(message))
            _join(turns, Turn("user", (result,)))
        elif role == "assistant":
            turns.append(Turn("assistant", _assistant(message, where, calls, i)))
        elif role in ("system", "developer"):
            turns.append(Turn("system", _content(message.get("content"), where)))
        elif role == "user":
            _join(turns, Turn("user", _content(message.get("content"), where)))
        else:
            raise CannotCross(
                f"{where} has the role {role[:40]!r}, which the host's API has no word for.",
                "Use user, assistant, system or tool.",
            )
    return tuple(turns)


def _join(turns: list[Turn], turn: Turn) -> None:
    """Results of one turn stand together, and what the user says after them stands behind them in the same turn."""
    last = turns[-1] if turns else None
    if last is not None and last.role == "user" and last.parts and isinstance(last.parts[-1], ToolResult):
        turns[-1] = Turn("user", (*last.parts, *turn.parts))
    else:
        turns.append(turn)


def _assistant(message: dict[str, Any], where: str, calls: dict[str, str], i: int) -> tuple[Part, ...]:
    parts: list[Part] = [*_thoughts(message)]
    parts += _content(message.get("content"), where)
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        parts.append(Text(message["refusal"]))
    listed = message.get("tool_calls")
    for call in listed if isinstance(listed, list) else ():
        if not isinstance(call, dict):
            continue
        if mark := call_mark(call):
            parts.append(Thought(sealed=_bare(mark)))
        inner = call.get("custom") if call.get("type") == "custom" else call.get("function")
        inner = inner if isinstance(inner, dict) else {}
        custom = call.get("type") == "custom"
        said = inner.get("input" if custom else "arguments")
        parts.append(
            ToolCall(
                str(call.get("id") or ""),
                str(inner.get("name") or ""),
                said if isinstance(said, str) else "" if said is None else dumps(said).decode(),
                "custom" if custom else "function",
                _cache(call),
            )
        )
    old = message.get("function_call")
    if isinstance(old, dict):
        name = str(old.get("name") or "")
        calls[name] = f"call_{i}"
        parts.append(ToolCall(calls[name], name, str(old.get("arguments") or "")))
    return tuple(parts)


def _thoughts(message: dict[str, Any]) -> list[Thought]:
    text = next((message[k] for k in ("reasoning_content", "reasoning") if isinstance(message.get(k), str)), "")
    details = message.get("reasoning_details")
    sealed = [_bare(mark) for item in (details if isinstance(details, list) else ()) if (mark := mark_of(item))]
    if not sealed:
        return [Thought(text)] if text else []
    return [Thought(text, sealed[0]), *(Thought(sealed=mark) for mark in sealed[1:])]


def _bare(mark: str) -> str:
    return mark.partition(":")[2]


def _content(content: Any, where: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    parts: list[Part] = []
    for j, part in enumerate(content if isinstance(content, list) else ()):
        parts.append(_part(part, f"{where}.content[{j}]"))
    return tuple(parts)


def _part(part: dict[str, Any], where: str) -> Part:
    kind, cache = part.get("type"), _cache(part)
    if kind in ("text", "input_text", "output_text", "refusal"):
        said = part.get("refusal" if kind == "refusal" else "text")
        return Text(said if isinstance(said, str) else "", cache)
    if kind == "image_url":
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, dict) else image
        detail = image.get("detail") if isinstance(image, dict) else ""
        if isinstance(url, str) and url:
            media, data = _data_url(url)
            hint = detail if isinstance(detail, str) else ""
            return Image(media, data, detail=hint, cache=cache) if data else Image(url=url, detail=hint, cache=cache)
    if kind == "file":
        file = part.get("file")
        held = file.get("file_data") if isinstance(file, dict) else None
        if isinstance(file, dict) and isinstance(held, str) and held:
            media, encoded = _data_url(held)
            name = file.get("filename")
            return Document(media or "application/pdf", encoded or held, name=name if isinstance(name, str) else "", cache=cache)
    raise CannotCross(
        f"{where} is of the type {str(kind)[:40]!r} in a form that the host's API has no word for.",
        "Send its content as text, or ask a model that is reached through chat completions.",
        param=where,
    )


def _data_url(url: str) -> tuple[str, str]:
    """(media type, base64) of a data URL (RFC 2397), or two empty strings."""
    if url[:5].lower() != "data:" or "," not in url:
        return "", ""
    head, _, data = url[5:].partition(",")
    media, _, coding = head.partition(";")
    return (media.lower(), data) if coding.lower().endswith("base64") else ("", "")


def _cache(block: dict[str, Any]) -> dict[str, Any] | None:
    found = block.get("cache_control")
    return found if isinstance(found, dict) else None


# --- tools ---------------------------------------------------------------------------------------


def _tools(tree: dict[str, Any], notes: _Notes) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    tools: list[Tool] = []
    for tool in tree.get("tools") or ():
        kind = tool.get("type", "function")
        inner = tool.get("custom" if kind == "custom" else "function")
        if kind not in ("function", "custom") or not isinstance(inner, dict):
            notes.say("A tool that the host itself would run has no counterpart there and was left out.")
            continue
        tools.append(_tool(inner, kind, _cache(tool) or _cache(inner)))
    for function in tree.get("functions") or ():
        if isinstance(function, dict):
            tools.append(_tool(function, "function", None))
    choice = tree.get("tool_choice")
    if choice is None:
        choice = tree.get("function_call")
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools")
        allowed = allowed if isinstance(allowed, dict) else {}
        names = {_name(entry) for entry in allowed.get("tools") or () if isinstance(entry, dict)}
        notes.say("Of the tools only the allowed ones were sent ('allowed_tools').")
        return tuple(t for t in tools if t.name in names), ToolChoice("any" if allowed.get("mode") == "required" else "auto")
    chosen = _choice(choice)
    if chosen is not None and chosen.mode == "any" and tree.get("tools") and not tools:
        raise CannotCross(
            "The request wants a tool to be called that the host itself would run, which the host's API has no word for.",
            "Leave the choice to the model, or ask another one.",
            param="tool_choice",
        )
    return tuple(tools), chosen


def _tool(inner: dict[str, Any], kind: str, cache: dict[str, Any] | None) -> Tool:
    schema, grammar = inner.get("parameters"), inner.get("format")
    description, strict = inner.get("description"), inner.get("strict")
    return Tool(
        str(inner.get("name") or ""),
        description if isinstance(description, str) else "",
        schema if isinstance(schema, dict) and kind == "function" else None,
        "custom" if kind == "custom" else "function",
        strict if isinstance(strict, bool) else None,
        grammar if isinstance(grammar, dict) and kind == "custom" else None,
        cache,
    )


def _name(choice: dict[str, Any]) -> str:
    inner = choice.get("function") or choice.get("custom") or choice
    return str(inner.get("name") or "") if isinstance(inner, dict) else ""


def _choice(choice: Any) -> ToolChoice | None:
    if isinstance(choice, dict):
        name = _name(choice)
        if not name:
            raise CannotCross("'tool_choice' names no tool.", "Give it a function's name.", param="tool_choice")
        return ToolChoice("one", name)
    if choice is None:
        return None
    # A word that nobody knows leaves the choice to the model, as an absent one does.
    return ToolChoice({"none": "none", "required": "any", "any": "any"}.get(str(choice), "auto"))  # type: ignore[arg-type]


# --- settings ------------------------------------------------------------------------------------


def _number(tree: dict[str, Any], key: str) -> float | None:
    value = tree.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _whole(tree: dict[str, Any], key: str) -> int | None:
    value = tree.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(tree: dict[str, Any], key: str) -> bool | None:
    value = tree.get(key)
    return value if isinstance(value, bool) else None


def _tuning(tree: dict[str, Any]) -> dict[str, Any]:
    """Settings that few APIs have, as the client wrote them; those that say what is so anyway are none."""
    found = {key: tree[key] for key in _TUNING if tree.get(key) is not None}
    if found.get("n") == 1:
        del found["n"]
    if not found.get("logprobs"):
        found.pop("logprobs", None)
    if not found.get("top_logprobs"):
        found.pop("top_logprobs", None)
    return {key: value for key, value in found.items() if value not in ({}, []) and not (key in _PENALTIES and value == 0)}


def _stop(tree: dict[str, Any]) -> tuple[str, ...]:
    stop = tree.get("stop")
    if isinstance(stop, str):
        return (stop,)
    return tuple(s for s in stop if isinstance(s, str)) if isinstance(stop, list) else ()


def _effort(tree: dict[str, Any]) -> Effort | None:
    effort = tree.get("reasoning_effort")
    reasoning = tree.get("reasoning")
    if effort is None and isinstance(reasoning, dict):
        effort = "none" if reasoning.get("enabled") is False else reasoning.get("effort")
    return cast("Effort", effort) if isinstance(effort, str) and effort in _EFFORTS else None


def _form(form: Any) -> Form:
    if not isinstance(form, dict):
        return Form()
    if form.get("type") == "json_object":
        return Form("object")
    inner = form.get("json_schema") if form.get("type") == "json_schema" else None
    if not isinstance(inner, dict):
        return Form()
    schema, strict = inner.get("schema"), inner.get("strict")
    return Form(
        "schema",
        str(inner.get("name") or ""),
        schema if isinstance(schema, dict) else None,
        strict if isinstance(strict, bool) else None,
    )
