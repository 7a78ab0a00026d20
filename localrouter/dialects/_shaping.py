"""A request with a text behind its own instructions, and without some of its tools: for prompts and tool sets that a recipe names.

Both work on the raw tree of any dialect, and give the same object when there is nothing to do. Where the instructions stand: a leading `system`
or `developer` message (chat completions), `system` (Messages), `instructions` (Responses). The text comes behind them, so that the prefix
that a host caches for the client's own words stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tree = dict[str, Any]
Shows = Callable[[str], bool]

_GAP = "\n\n"


def with_instructions(tree: Tree, dialect: str, text: str) -> Tree:
    """`dialect`: its NAME. The same tree for a dialect that has no instructions (a compaction)."""
    if dialect == "openai_chat":
        return _chat(tree, text)
    if dialect == "anthropic_messages":
        return {**tree, "system": _behind(tree.get("system"), text)}
    if dialect == "openai_responses":
        return {**tree, "instructions": _behind(tree.get("instructions"), text)}
    return tree


def _behind(own: Any, text: str) -> Any:
    if isinstance(own, list):
        return [*own, {"type": "text", "text": text}]
    return f"{own}{_GAP}{text}" if isinstance(own, str) and own else text


def _chat(tree: Tree, text: str) -> Tree:
    turns = list(tree["messages"])
    lead = 0
    while lead < len(turns) and turns[lead].get("role") in ("system", "developer"):
        lead += 1
    if lead:
        last = turns[lead - 1]
        turns[lead - 1] = {**last, "content": _behind(last.get("content"), text)}
    else:
        turns.insert(0, {"role": "system", "content": text})
    return {**tree, "messages": turns}


# --- tools -----------------------------------------------------------------------------------------


def tool_name(tool: Any) -> str:
    """By which a tool set knows it: its own name, that of its function, or its type."""
    if not isinstance(tool, dict):
        return ""
    for holder in (tool, tool.get("function"), tool.get("custom")):
        name = holder.get("name") if isinstance(holder, dict) else None
        if isinstance(name, str):
            return name
    kind = tool.get("type")
    return kind if isinstance(kind, str) else ""


def without_tools(tree: Tree, shows: Shows) -> tuple[Tree, int]:
    """(the tree, how many tools were taken out). A choice that names one of them goes with it, and hosts refuse a choice among none."""
    gone: list[str] = []
    out = dict(tree)
    for key in ("tools", "functions"):
        if isinstance(tree.get(key), list):
            out[key] = _shown(tree[key], shows, gone)
    items = tree.get("input")
    if isinstance(items, list):
        out["input"] = [
            {**i, "tools": _shown(i["tools"], shows, gone)} if isinstance(i, dict) and isinstance(i.get("tools"), list) else i
            for i in items
        ]
    if not gone:
        return tree, 0
    for key, choice in (("tools", "tool_choice"), ("functions", "function_call")):
        if out.get(key) == []:
            del out[key]
            out = {k: v for k, v in out.items() if k not in (choice, "parallel_tool_calls")}
        elif choice in out and _names(out[choice], set(gone)):
            del out[choice]
    return out, len(gone)


def _shown(tools: list[Any], shows: Shows, gone: list[str]) -> list[Any]:
    """A group of tools (`namespace`) is shown with those of its tools that are."""
    out = []
    for tool in tools:
        inner = tool.get("tools") if isinstance(tool, dict) else None
        if isinstance(inner, list):
            left = _shown(inner, shows, gone)
            if left or not inner:
                out.append({**tool, "tools": left})
        elif shows(tool_name(tool)):
            out.append(tool)
        else:
            gone.append(tool_name(tool))
    return out


def _names(choice: Any, gone: set[str]) -> bool:
    if isinstance(choice, dict):
        return any(value in gone if isinstance(value, str) else _names(value, gone) for value in choice.values())
    return isinstance(choice, list) and any(_names(one, gone) for one in choice)
