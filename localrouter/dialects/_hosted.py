"""Tools that a host would run by itself, in a request of any dialect: which are offered, which is forced, and the request without them.

What is left out and why stands in one table, `core/hosted_tools.py`. A client's own function of the same name is no such tool: what counts is
the type (notes on gateways, 6.6).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.decide import Attempt
from localrouter.core.hosted_tools import LEFT_OUT
from localrouter.dialects._edits import Edit, Tree, edit

_DATED = re.compile(r"_(20\d\d_\d\d_\d\d|\d{8})$")
FIELDS = {
    "web_search_options": "web_search",
    "search_parameters": "web_search",
    "plugins": "web_search",
    "mcp_servers": "mcp_toolset",
}
"""Fields beside `tools` that turn one on: OpenAI's, xAI's and OpenRouter's of chat completions, Anthropic's list of servers."""
_LISTS = frozenset({"additional_tools", "tool_search_output"})
"""Items of a Responses input that hold definitions of tools."""


def base(kind: Any) -> str:
    """A tool's type without the date of its version: `web_search_2025_08_26`, `web_search_20250305`."""
    return _DATED.sub("", kind) if isinstance(kind, str) else ""


def kind_of(tool: Any) -> str:
    """The kind of a hosted tool that is not merely passed, or "" for any other tool."""
    if not isinstance(tool, dict):
        return ""
    kind = base(tool.get("type"))
    if kind == "shell":
        place = tool.get("environment")
        return "container_shell" if isinstance(place, dict) and place.get("type") not in (None, "local") else ""
    return kind if kind in LEFT_OUT else ""


def asks(key: str, value: Any) -> bool:
    """Whether a field beside `tools` turns its tool on."""
    if key == "plugins":
        return isinstance(value, list) and any(is_web(p) for p in value)
    if key == "search_parameters":
        return isinstance(value, dict) and value.get("mode") != "off"
    return bool(value) or isinstance(value, dict)


def is_web(plugin: Any) -> bool:
    return isinstance(plugin, dict) and plugin.get("id") == "web"


def lists(tree: Tree) -> Iterator[list[Any]]:
    if isinstance(tree.get("tools"), list):
        yield tree["tools"]
    items = tree.get("input")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("type") in _LISTS and isinstance(item.get("tools"), list):
            yield item["tools"]


def flat(tools: list[Any]) -> Iterator[Any]:
    for tool in tools:
        yield tool
        if isinstance(tool, dict) and isinstance(tool.get("tools"), list):
            yield from flat(tool["tools"])


def find(tree: Tree) -> tuple[tuple[str, ...], str]:
    """(kinds that are offered, the kind that must be used or "")."""
    kinds = dict.fromkeys(kind for tools in lists(tree) for tool in flat(tools) if (kind := kind_of(tool)))
    kinds |= dict.fromkeys(kind for key, kind in FIELDS.items() if tree.get(key) is not None and asks(key, tree[key]))
    return tuple(kinds), _forced(tree) if kinds else ""


def runs_here(tree: Tree) -> bool:
    """Whether any tool is offered that the client runs."""
    return any(not kind_of(tool) for tools in lists(tree) for tool in tools)


def _forced(tree: Tree) -> str:
    choice, tools = tree.get("tool_choice"), tree.get("tools")
    tools = tools if isinstance(tools, list) else []
    hosted = [kind for tool in tools if (kind := kind_of(tool))]
    only = hosted[0] if hosted and len(hosted) == len(tools) else ""
    if isinstance(choice, str):
        return only if choice in ("required", "any") else ""
    if not isinstance(choice, dict):
        return ""
    kind = base(choice.get("type"))
    if kind == "tool":
        # Messages: by its name, which a client's own tool may bear as well.
        named = [tool for tool in tools if isinstance(tool, dict) and tool.get("name") == choice.get("name")]
        return kind_of(named[0]) if len(named) == 1 else ""
    if kind in ("any", "required"):
        return only
    if kind == "allowed_tools":
        allowed = choice.get("allowed_tools") if isinstance(choice.get("allowed_tools"), dict) else choice
        entries = allowed.get("tools") if isinstance(allowed, dict) else None
        wanted = [base(e.get("type")) for e in entries or () if isinstance(e, dict)]
        must = isinstance(allowed, dict) and allowed.get("mode") == "required"
        return wanted[0] if must and wanted and all(w in LEFT_OUT for w in wanted) else ""
    return kind if kind in LEFT_OUT else ""


# --- the request without them ----------------------------------------------------------------------


def without(tree: Tree, kind: str) -> Tree:
    """The tree without the tools of a kind, and without the words that only they need; the same object when there are none."""
    out = tree
    for key, of in FIELDS.items():
        if of == kind and tree.get(key) is not None and asks(key, tree[key]):
            left = [p for p in tree[key] if not is_web(p)] if key == "plugins" else None
            out = {k: v for k, v in out.items() if k != key or left}
            if left:
                out[key] = left
    tools = tree.get("tools")
    if isinstance(tools, list) and (kept := _kept(tools, kind)) is not tools:
        out = {**out, "tools": kept}
        if not kept:
            # Hosts refuse a choice among no tools.
            out = {k: v for k, v in out.items() if k not in ("tools", "tool_choice", "parallel_tool_calls")}
    items = tree.get("input")
    if isinstance(items, list):
        fresh = [_item(item, kind) for item in items]
        if any(a is not b for a, b in zip(fresh, items, strict=True)):
            out = {**out, "input": fresh}
    return _choice(out, kind) if out is not tree else tree


def _kept(tools: list[Any], kind: str) -> list[Any]:
    out = []
    for tool in tools:
        if kind_of(tool) == kind:
            continue
        inner = tool.get("tools") if isinstance(tool, dict) else None
        left = _kept(inner, kind) if isinstance(inner, list) else inner
        out.append(tool if left is inner else {**tool, "tools": left})
    return tools if len(out) == len(tools) and all(a is b for a, b in zip(out, tools, strict=True)) else out


def _item(item: Any, kind: str) -> Any:
    if not isinstance(item, dict) or item.get("type") not in _LISTS or not isinstance(item.get("tools"), list):
        return item
    kept = _kept(item["tools"], kind)
    return item if kept is item["tools"] else {**item, "tools": kept}


def _choice(tree: Tree, kind: str) -> Tree:
    """`allowed_tools` names them once more."""
    choice = tree.get("tool_choice")
    if not isinstance(choice, dict) or choice.get("type") != "allowed_tools":
        return tree
    nested = isinstance(choice.get("allowed_tools"), dict)
    allowed = choice["allowed_tools"] if nested else choice
    entries = allowed.get("tools")
    if not isinstance(entries, list):
        return tree
    left = [e for e in entries if not isinstance(e, dict) or base(e.get("type")) != kind]
    if len(left) == len(entries):
        return tree
    if not left:
        return {**tree, "tool_choice": "none"}
    fresh = {**allowed, "tools": left}
    return {**tree, "tool_choice": {**choice, "allowed_tools": fresh} if nested else fresh}


def _edit(kind: str, why: str) -> Edit:
    def leave_out(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
        return without(tree, kind) if kind in ask.hosted else tree

    leave_out.__name__ = f"leave_out_{kind}"
    return edit(f"The tool '{kind}' was left out: it {why}. The recipe may allow it (hosted_tools).")(leave_out)


EDITS = tuple(_edit(kind, why) for kind, why in LEFT_OUT.items())
"""One for each kind, so that the trace names it."""
