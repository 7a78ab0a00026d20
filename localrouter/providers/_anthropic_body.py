"""A request in neutral form as a Messages body.

Rules where the two differ (each that loses something is a sentence of `notes`): turns of one role are joined and begin with a user's; results
stand first and answer the turn before them; a system turn in the middle stays one where the model takes it there, else it is said as text of the
user; at most four cache marks; ours (`_anthropic_marks.py`) only where the client set none; a thinking budget stays below the limit of the
answer, and thinking excludes sampling parameters and a forced tool. Source: Anthropic API reference, "Messages"; notes on gateways, 6.
"""

from __future__ import annotations

from typing import Any

import orjson

from localrouter.core.chat import Chat, Effort, Tool
from localrouter.core.claude import Traits, traits
from localrouter.core.decide import Attempt
from localrouter.providers import _tuning
from localrouter.providers._anthropic_schema import of_answer, of_tool
from localrouter.providers._anthropic_turns import Turns, cached, name_of

ANSWER = "localrouter_answer"
"""A tool of ours, for models that keep to a shape only when they call a tool; the Reader gives its arguments as text."""

_BUDGETS: dict[Effort, int] = {
    "minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 32_000,
}  # fmt: skip
_LEAST = 1024
"""Tokens. Anthropic, "Extended thinking": the least budget."""
_MARKS = 4
"""Anthropic, "Prompt caching": up to four cache breakpoints, the longer-lived ones first."""
_USER_MAX = 256
_JSON = "Answer with one JSON object and nothing else."


def body(chat: Chat, attempt: Attempt) -> dict[str, Any]:
    """See `providers.Wire.body`. Raises CannotCross."""
    assert attempt.model is not None
    _tuning.refuse(chat.tuning)
    can = traits(attempt.model.name)
    turns = Turns(chat.turns, can)
    system = list(turns.system)
    tree: dict[str, Any] = {"model": attempt.model.name, "max_tokens": attempt.max_output}
    tools = [_tool(tool.name, tool.description, _parameters(tool), tool.cache) for tool in chat.tools]
    choice = _choice(chat)
    shape = _shape(chat, attempt)
    if chat.form.kind == "schema" and "format" not in shape and not tools and _is_object(chat):
        tools = [_tool(ANSWER, "Say your answer with this tool.", of_tool(chat.form.schema), None)]
        choice = {"type": "tool", "name": ANSWER}
    elif chat.form.kind != "text" and "format" not in shape:
        system.append({"type": "text", "text": _told(chat)})
    if not tools and turns.called:
        # Calls of tools that nobody describes any more are refused without a description.
        tools = [_tool(name, "", of_tool(None), None) for name in turns.called]
        choice = {"type": "none"}
    if system:
        tree["system"] = system[0]["text"] if len(system) == 1 and len(system[0]) == 2 else system
    tree["messages"] = turns.messages
    if tools:
        tree["tools"] = tools
        if choice is not None:
            tree["tool_choice"] = choice
    forced = choice is not None and choice["type"] in ("any", "tool")
    thinking = None if forced else _thinking(chat, attempt, can, turns)
    if thinking is not None:
        tree["thinking"] = thinking
    if shape:
        tree["output_config"] = shape
    tree |= _sampling(chat, can, thinks=thinking is not None and thinking["type"] != "disabled")
    if stop := [s for s in chat.stop if s.strip()]:
        tree["stop_sequences"] = stop
    if chat.user and len(chat.user) <= _USER_MAX:
        tree["metadata"] = {"user_id": chat.user}
    if chat.stream:
        tree["stream"] = True
    _bound_marks(tree)
    return tree


def notes(chat: Chat, attempt: Attempt) -> tuple[str, ...]:
    """What `body` leaves out, one sentence each."""
    assert attempt.model is not None
    can = traits(attempt.model.name)
    out = _tuning.notes(chat.tuning)
    if chat.seed is not None:
        out.append("'seed' has no counterpart there and was left out.")
    sampled = [name for name in ("temperature", "top_p", "top_k") if getattr(chat, name) is not None]
    if len(_sampling(chat, can, thinks=_thinks(chat, attempt))) < len(sampled):
        out.append(f"This model does not take all of {', '.join(sampled)}, so some were left out.")
    if chat.temperature is not None and chat.temperature > 1:
        out.append("The temperature was lowered to 1, the highest that there is.")
    if any(tool.strict for tool in chat.tools):
        out.append("'strict' was left out: the parameters of the tools are checked by the client.")
    if any(tool.grammar is not None for tool in chat.tools):
        out.append("The grammar of a custom tool has no counterpart there; its text is asked for as one string.")
    if chat.effort in _BUDGETS and _forced(chat):
        out.append("Thinking was left out: it excludes that a tool must be called.")
    return tuple(out)


def _forced(chat: Chat) -> bool:
    return chat.choice is not None and chat.choice.mode in ("any", "one")


def _thinks(chat: Chat, attempt: Attempt) -> bool:
    return chat.effort in _BUDGETS and attempt.model is not None and attempt.model.reasoning and not _forced(chat)


# --- tools ---------------------------------------------------------------------------------------


def _tool(name: str, description: str, schema: dict[str, Any], cache: dict[str, Any] | None) -> dict[str, Any]:
    tool: dict[str, Any] = {"name": name_of(name)}
    if description:
        tool["description"] = description
    return cached({**tool, "input_schema": schema}, cache)


def _parameters(tool: Tool) -> dict[str, Any]:
    if tool.kind != "custom":
        return of_tool(tool.schema)
    text: dict[str, Any] = {"type": "string"}
    definition = tool.grammar.get("definition") if isinstance(tool.grammar, dict) else None
    if isinstance(definition, str) and definition:
        text["description"] = f"It keeps to this grammar:\n{definition}"
    return {"type": "object", "properties": {"input": text}, "required": ["input"]}


def _choice(chat: Chat) -> dict[str, Any] | None:
    if not chat.tools:
        return None
    mode = chat.choice.mode if chat.choice is not None else None
    choice: dict[str, Any]
    if mode == "one":
        assert chat.choice is not None
        choice = {"type": "tool", "name": name_of(chat.choice.name)}
    elif mode in ("any", "none"):
        choice = {"type": mode}
    elif mode == "auto" or chat.parallel is False:
        choice = {"type": "auto"}
    else:
        return None
    if chat.parallel is False and mode != "none":
        choice["disable_parallel_tool_use"] = True
    return choice


# --- the shape of the answer, thinking, sampling -------------------------------------------------


def _is_object(chat: Chat) -> bool:
    return isinstance(chat.form.schema, dict) and chat.form.schema.get("type") == "object"


def _told(chat: Chat) -> str:
    if chat.form.schema is None:
        return _JSON
    return f"Answer with JSON that keeps to this schema, and nothing else:\n{orjson.dumps(chat.form.schema).decode()}"


def _shape(chat: Chat, attempt: Attempt) -> dict[str, Any]:
    assert attempt.model is not None
    can = traits(attempt.model.name)
    shape: dict[str, Any] = {}
    if chat.effort in _BUDGETS and can.efforts:
        word = "low" if chat.effort == "minimal" else str(chat.effort)
        # The word above what a model knows is its highest but `max`, which is meant when it is said.
        shape["effort"] = word if word in can.efforts else "high"
    if (
        chat.form.kind == "schema"
        and chat.form.schema is not None
        and attempt.model.json_schema
        and "claude" in attempt.model.name
    ):
        shape["format"] = {"type": "json_schema", "schema": of_answer(chat.form.schema)}
    return shape


def _thinking(chat: Chat, attempt: Attempt, can: Traits, turns: Turns) -> dict[str, Any] | None:
    if chat.effort == "none" and can.switch:
        return {"type": "disabled"}
    if not _thinks(chat, attempt) or not can.thinking:
        return None
    if can.thinking == "adaptive":
        # Newer models leave their thoughts out unless they are asked for.
        return {"type": "adaptive", "display": "summarized"} if can.samplers == 0 else {"type": "adaptive"}
    assert chat.effort is not None
    budget = min(_BUDGETS[chat.effort], attempt.max_output // 2)
    if budget < _LEAST or turns.loop_without_thought:
        return None
    return {"type": "enabled", "budget_tokens": budget}


def _sampling(chat: Chat, can: Traits, *, thinks: bool) -> dict[str, Any]:
    if thinks or can.samplers == 0:
        return {}
    out: dict[str, Any] = {}
    if chat.temperature is not None:
        out["temperature"] = min(chat.temperature, 1.0)
    if chat.top_p is not None and (can.samplers > 1 or not out):
        out["top_p"] = chat.top_p
    if chat.top_k is not None:
        out["top_k"] = chat.top_k
    return out


def _bound_marks(tree: dict[str, Any]) -> None:
    """At most four cache marks: the last two of tools and system, then the last of the messages; one that lives longer is not behind one
    that lives shorter."""
    system = tree.get("system")
    heads = [*tree.get("tools", ()), *(system if isinstance(system, list) else ())]
    tails = [b for m in tree["messages"] if isinstance(m["content"], list) for b in m["content"]]
    first = [b for b in heads if "cache_control" in b]
    last = [b for b in tails if "cache_control" in b]
    keep_first = first[-2:] if last else first[-_MARKS:]
    keep_last = last[-(_MARKS - len(keep_first)) :]
    kept = {id(b) for b in (*keep_first, *keep_last)}
    short = False
    for block in (*first, *last):
        if id(block) not in kept:
            del block["cache_control"]
        elif block["cache_control"].get("ttl") != "1h":
            short = True
        elif short:
            block["cache_control"] = {"type": "ephemeral"}
