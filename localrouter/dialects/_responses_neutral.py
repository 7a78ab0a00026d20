"""A Responses request in neutral form, to cross to a host of another wire or to the local engine.

What has no counterpart: tools that the host itself would run are left out with a note that names them; a setting that only tunes is left out
with a note; what asks for another kind of answer (log probabilities, a compacted or stored conversation, computer use) is refused by name.
Source: OpenAI API reference, "Create a model response"; for namespaces, tool search and freeform tools, the types of its SDK and Codex.
"""

from __future__ import annotations

from typing import Any, cast, get_args

from localrouter.core.ask import Ask
from localrouter.core.chat import Chat, Effort, Form, Text, Tool, ToolChoice, Turn
from localrouter.dialects import _responses_kinds as k
from localrouter.dialects._responses_tools import NATIVE, Toolbox, flat
from localrouter.dialects._responses_turns import Turns, cannot

_SAID = k.words(
    "model input instructions tools tool_choice parallel_tool_calls max_output_tokens temperature top_p text reasoning stream user "
    "safety_identifier truncation"
)
"""Fields that the neutral form has a word for, or that get a note of their own."""
_SILENT = k.words(
    "store include metadata client_metadata prompt_cache_key prompt_cache_options prompt_cache_retention service_tier stream_options "
    "max_tool_calls background access_programs image moderation top_logprobs previous_response_id"
)
"""Fields whose absence changes no answer, or that were refused before: nothing is worth a note."""
_EFFORTS = frozenset(get_args(Effort))
_LOGPROBS = "message.output_text.logprobs"


def chat(tree: dict[str, Any], ask: Ask) -> Chat:
    """The veiled tree in neutral form. Raises CannotCross."""
    notes: dict[str, None] = {}
    _refuse(tree)
    box = Toolbox(tree)
    for kind in box.hosted:
        notes[f"The tool '{kind}' is run by the host that offers it; it has no counterpart there and was left out."] = None
    if box.deferred:
        notes["Tools that were to be loaded when needed were sent with the others."] = None
    for key, value in tree.items():
        if key not in _SAID and key not in _SILENT and value is not None:
            notes[f"'{key[:60]}' has no counterpart there and was left out."] = None
    if tree.get("truncation") == "auto":
        notes["A conversation that is too long is not shortened there ('truncation')."] = None
    tools, choice = _choice(tree.get("tool_choice"), box, notes)
    shape = _Shape(tree, notes)
    turns = Turns(shape.take, notes)
    if isinstance(tree.get("instructions"), str) and tree["instructions"]:
        turns.out.append(Turn("system", (Text(tree["instructions"]),)))
    turns.all(tree.get("input"))
    return Chat(
        turns=tuple(turns.out),
        tools=tools,
        choice=choice,
        parallel=tree["parallel_tool_calls"] if isinstance(tree.get("parallel_tool_calls"), bool) else None,
        max_output=ask.max_output,
        temperature=_number(tree, "temperature"),
        top_p=_number(tree, "top_p"),
        form=shape.form,
        effort=shape.effort,
        user=next((tree[f] for f in ("safety_identifier", "user") if isinstance(tree.get(f), str)), ""),
        stream=ask.needs.stream,
        session=ask.session,
        notes=tuple(notes),
    )


def _refuse(tree: dict[str, Any]) -> None:
    include = tree.get("include")
    if tree.get("prompt") is not None:
        raise cannot("a prompt that lies at a host ('prompt')", "prompt")
    if tree.get("top_logprobs") or (isinstance(include, list) and _LOGPROBS in include):
        raise cannot("log probabilities", "top_logprobs")


def _number(tree: dict[str, Any], key: str) -> float | None:
    value = tree.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


class _Shape:
    """The form of the answer and the effort, which an item on the way may change (`configuration_update`)."""

    def __init__(self, tree: dict[str, Any], notes: dict[str, None]) -> None:
        self.form, self.effort = Form(), cast("Effort | None", None)
        self.take(tree)
        text = tree.get("text")
        if isinstance(text, dict) and text.get("verbosity") is not None:
            notes["'text.verbosity' has no counterpart there and was left out."] = None

    def take(self, tree: dict[str, Any]) -> None:
        text, reasoning = tree.get("text"), tree.get("reasoning")
        form = text.get("format") if isinstance(text, dict) else None
        if isinstance(form, dict):
            self.form = _form(form)
        effort = reasoning.get("effort") if isinstance(reasoning, dict) else None
        if isinstance(effort, str) and effort in _EFFORTS:
            self.effort = cast("Effort", effort)


def _form(form: dict[str, Any]) -> Form:
    if form.get("type") == "json_object":
        return Form("object")
    if form.get("type") != "json_schema":
        return Form()
    schema, strict, name = form.get("schema"), form.get("strict"), form.get("name")
    return Form(
        "schema",
        name if isinstance(name, str) else "",
        schema if isinstance(schema, dict) else None,
        strict if isinstance(strict, bool) else None,
    )


def _choice(choice: Any, box: Toolbox, notes: dict[str, None]) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    tools = tuple(box.tools.values())
    if choice is None:
        return tools, None
    if not isinstance(choice, dict):
        # A word that nobody knows leaves the choice to the model, as an absent one does.
        words = {"none": "none", "required": "any", "any": "any"}
        mode = words.get(str(choice), "auto")
        if mode == "any" and box.hosted and not tools:
            raise cannot(f"the tool '{next(iter(box.hosted))}' to be called", "tool_choice")
        return tools, ToolChoice(mode)  # type: ignore[arg-type]  # its values are modes
    if choice.get("type") == "allowed_tools":
        names = {_named(entry) for entry in choice.get("tools") or () if isinstance(entry, dict)}
        notes["Of the tools only the allowed ones were sent ('allowed_tools')."] = None
        kept = tuple(t for t in tools if t.name in names or box.origin(t.name).namespace in names - {""})
        return kept, ToolChoice("any" if choice.get("mode") == "required" else "auto")
    name = _named(choice)
    if name not in box.tools:
        raise cannot(f"the tool of the type {str(choice.get('type'))[:40]!r} to be called", "tool_choice")
    return tools, ToolChoice("one", name)


def _named(choice: dict[str, Any]) -> str:
    kind, name, space = choice.get("type"), choice.get("name"), choice.get("namespace")
    if isinstance(name, str):
        return name if kind == "namespace" else flat(name, space if isinstance(space, str) else "")
    return kind if isinstance(kind, str) and kind in NATIVE else ""
