"""A tool that is only the form of the answer.

Programs that want an object ask for it as the arguments of a tool that they never run: they offer that one alone, and force it. Sources:
Anthropic's guide "Tool use", "JSON output"; instructor (`Mode.TOOLS`), LangChain (`with_structured_output(method="function_calling")`),
pydantic-ai (its output tool) and Vercel's AI SDK (`Output.object` on Messages) all do. Such arguments are what a `json_schema` answer would be,
so they are restored by the same row, and not by the one of tools that nobody classified, which would leave the program with placeholders.

Nothing that a model reads can bring this about: the request itself says which tools there are and which is forced. An agent that runs its tools
offers several, or leaves the choice open, as its loop would never end otherwise. A name that is known to send (`web_fetch`), or that another
server gave (`mcp__x__y`), stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localrouter.core.ask import Ask
from localrouter.daemon.tool_names import fitting
from localrouter.scrub.toolclass import ToolClass, tool_class

_ANY = ("any", "required")


def form_of(tree: dict[str, Any]) -> str:
    """The name of the one tool that a request of any dialect offers and forces, else ""."""
    offered = [*_list(tree.get("tools")), *_list(tree.get("functions"))]
    if len(offered) != 1:
        return ""
    name = _name(offered[0])
    choice = tree.get("tool_choice") or tree.get("function_call")
    if isinstance(choice, dict):
        forced = choice.get("type") in _ANY or _name(choice) == name
    else:
        forced = choice in _ANY
    return name if forced else ""


def classes(ask: Ask) -> Callable[[str], ToolClass]:
    """What a tool of this request does with its arguments, by its name."""
    form = form_of(ask.tree)
    if not form or "__" in form or tool_class(form) != "unknown":
        return tool_class
    sent = (form, fitting(form))
    return lambda name: "local" if name in sent else tool_class(name)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(tool: Any) -> str:
    """Of a tool or a choice: beside its type, or in `function`. Hosted tools have a type of their own, and no arguments that come here."""
    if not isinstance(tool, dict) or tool.get("type") not in (None, "function", "custom", "tool"):
        return ""
    inner = tool.get("function")
    found = inner.get("name") if isinstance(inner, dict) else tool.get("name")
    return found if isinstance(found, str) else ""
