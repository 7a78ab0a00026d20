"""The tools of a Messages request in neutral form, to cross to a host of another API.

Rules: a tool that loads on demand (`defer_loading`) crosses when a tool reference names it; when the host would have searched them, which
no other host does, all of them cross. Claude Code's placeholder is no tool. Tools that the host runs are left out with a note, and refused
when the request forces one. Anthropic's own client-run tools cross with the parameters of their reference pages ("Bash tool", "Text editor
tool", "Memory tool"); the computer's and the browser's are refused, since no other model has learned them.
"""

from __future__ import annotations

import re
from typing import Any

from localrouter.core.chat import Tool, ToolChoice
from localrouter.core.errors import BadRequest, CannotCross

PLACEHOLDER = "DeferredToolPlaceholder"
"""Claude Code 2.1.329 sends it so that its list of tools is never without a deferred one."""

_SEARCH = re.compile(r"tool_search_tool_(regex|bm25)(_[0-9]{8})?")
_HOSTED = re.compile(r"(web_search|web_fetch|code_execution|advisor|mcp_toolset)(_[0-9]{8})?|tool_search_tool_.*")
_TEXT = {"type": "string"}
_RANGE = {"type": "array", "items": {"type": "integer"}}
_LINE = {"type": "integer"}


def _schema(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split()}


def _commands(*names: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(names)}


_OWN: dict[str, tuple[str, dict[str, Any]]] = {
    "bash": (
        "Run a command in a persistent bash session. `restart` starts the session anew.",
        _schema("", command=_TEXT, restart={"type": "boolean"}),
    ),
    "text_editor": (
        "View, create and edit text files.",
        _schema(
            "command path",
            command=_commands("view", "create", "str_replace", "insert"),
            path=_TEXT,
            file_text=_TEXT,
            old_str=_TEXT,
            new_str=_TEXT,
            insert_line=_LINE,
            insert_text=_TEXT,
            view_range=_RANGE,
        ),
    ),
    "memory": (
        "Read and keep notes in the folder /memories.",
        _schema(
            "command",
            command=_commands("view", "create", "str_replace", "insert", "delete", "rename"),
            path=_TEXT,
            file_text=_TEXT,
            old_str=_TEXT,
            new_str=_TEXT,
            insert_line=_LINE,
            insert_text=_TEXT,
            old_path=_TEXT,
            new_path=_TEXT,
            view_range=_RANGE,
        ),
    ),
}


def tools_of(tree: dict[str, Any], named: set[str], added: list[Any], notes: dict[str, None]) -> tuple[Tool, ...]:
    """The tools that cross. `named`: tools that references name; `added`: definitions from the middle of the conversation."""
    listed = [tool for tool in [*(tree.get("tools") or ()), *added] if isinstance(tool, dict)]
    searched = any(_SEARCH.fullmatch(str(tool.get("type"))) for tool in listed)
    out: dict[str, Tool] = {}
    waiting = 0
    for tool in listed:
        kind, name = tool.get("type") or "custom", tool.get("name")
        if _HOSTED.fullmatch(kind):
            notes[f"The tool '{kind}' runs at hosts of its own API and was left out."] = None
            continue
        if not isinstance(name, str) or not name:
            if kind != "custom":
                raise CannotCross(f"The tools of type '{kind}' exist in the Messages API only.", "Choose a model that speaks it.")
            raise BadRequest("A tool has no 'name'.", "Name it.", param="tools")
        if name == PLACEHOLDER or name in out:
            continue
        if tool.get("defer_loading") and name not in named and not searched:
            waiting += 1
            continue
        if tool.get("input_examples"):
            notes["Examples of a tool's input have no counterpart there and were left out."] = None
        out[name] = _tool(tool, kind, name)
    if waiting:
        notes[f"{waiting} tools that load on demand were left out until they are asked for."] = None
    return tuple(out.values())


def _tool(tool: dict[str, Any], kind: str, name: str) -> Tool:
    cache = tool.get("cache_control")
    cache = cache if isinstance(cache, dict) else None
    strict = tool.get("strict")
    if kind == "custom":
        schema = tool.get("input_schema")
        text = tool.get("description")
        return Tool(
            name,
            text if isinstance(text, str) else "",
            schema if isinstance(schema, dict) else None,
            strict=strict if isinstance(strict, bool) else None,
            cache=cache,
        )
    own = _OWN.get(kind.rsplit("_", 1)[0])
    if own is None:
        raise CannotCross(f"The tools of type '{kind}' exist in the Messages API only.", "Choose a model that speaks it.")
    return Tool(name, own[0], own[1], cache=cache)


def choice_of(tree: dict[str, Any], tools: tuple[Tool, ...], notes: dict[str, None]) -> tuple[ToolChoice | None, bool | None]:
    """(which tool must be called, whether several may be called at once). Raises BadRequest and CannotCross."""
    choice = tree.get("tool_choice")
    if isinstance(choice, str):
        choice = {"type": choice}
    if not isinstance(choice, dict):
        return None, None
    parallel = False if choice.get("disable_parallel_tool_use") is True else None
    match choice.get("type"):
        case "auto":
            return ToolChoice(), parallel
        case "any":
            return ToolChoice("any"), parallel
        case "none":
            return ToolChoice("none"), None
        case "tool":
            name = choice.get("name")
            if not isinstance(name, str) or not name:
                raise BadRequest("'tool_choice' has no 'name'.", "Name the tool.", param="tool_choice.name")
            if name not in {tool.name for tool in tools}:
                raise CannotCross("The tool that must be called does not exist at this host.", "Choose a model of its own API.")
            return ToolChoice("one", name), parallel
        case _:
            notes["The tool choice is of an unknown kind, and was left to the model."] = None
            return ToolChoice(), parallel
