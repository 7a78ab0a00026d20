"""Tools of the Responses API in neutral form, and the names of their calls back again.

Other APIs know function tools, and some freeform ones, in one flat list. So a namespace's tools get its name in front (`crm__find`), and
the API's own client-run tools (`local_shell`, `shell`, `apply_patch`, `tool_search`) become functions with the arguments that their items
have. A call comes back under the flat name and is written as the item that the client's own tool would have given.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal

from localrouter.core.chat import Tool
from localrouter.dialects._hosted import base, kind_of

Shape = Literal["function", "custom", "local_shell", "shell", "apply_patch", "tool_search"]

NAME_MAX = 64
"""Characters of a tool's name, with OpenAI and Anthropic."""
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")

_STRINGS = {"type": "array", "items": {"type": "string"}}
NATIVE: dict[str, Tool] = {
    "local_shell": Tool(
        "local_shell",
        "Runs a command in the user's shell and returns its output.",
        {
            "type": "object",
            "properties": {
                "command": {**_STRINGS, "description": "The command and its arguments."},
                "working_directory": {"type": "string"},
                "timeout_ms": {"type": "integer"},
                "env": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            "required": ["command"],
        },
    ),
    "shell": Tool(
        "shell",
        "Runs shell commands and returns their output.",
        {
            "type": "object",
            "properties": {
                "commands": {**_STRINGS, "description": "Commands, run in this order."},
                "timeout_ms": {"type": "integer"},
                "max_output_length": {"type": "integer"},
            },
            "required": ["commands"],
        },
    ),
    "apply_patch": Tool(
        "apply_patch",
        "Creates, updates or deletes one file. `diff` is a V4A diff: lines that begin with a space, '+' or '-', under '@@' anchors.",
        {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
                "path": {"type": "string"},
                "diff": {"type": "string"},
            },
            "required": ["type", "path"],
        },
    ),
    "tool_search": Tool(
        "tool_search",
        "Looks for further tools by what they shall do.",
        {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    ),
}
"""What the API's own client-run tools take; source: the SDK's types of their items."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a flat name stands for."""

    shape: Shape
    name: str
    namespace: str = ""


def flat(name: str, namespace: str = "") -> str:
    """A name that every host takes. The same in every turn, whatever else is offered."""
    full = f"{namespace}__{name}" if namespace else name
    fit = _UNFIT.sub("_", full)
    if fit == full and len(fit) <= NAME_MAX:
        return fit
    mark = hashlib.blake2b(full.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{fit[: NAME_MAX - 9]}_{mark}"


class Toolbox:
    """The tools of one request by flat name, in the client's order; what is hosted stays out and is named in `hosted`."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tools: dict[str, Tool] = {}
        self.origins: dict[str, Origin] = {}
        self.hosted: dict[str, None] = {}
        self.deferred = False
        self.add(tree.get("tools"))
        items = tree.get("input")
        for item in items if isinstance(items, list) else ():
            # Found or announced on the way: they are offered from the start, since other APIs have one list.
            if isinstance(item, dict) and item.get("type") in ("additional_tools", "tool_search_output"):
                self.add(item.get("tools"))

    def add(self, tools: Any, namespace: str = "") -> None:
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict):
                self._one(tool, namespace)

    def _one(self, tool: dict[str, Any], namespace: str) -> None:
        kind = base(tool.get("type"))
        name = tool.get("name")
        if kind == "namespace":
            self.add(tool.get("tools"), name if isinstance(name, str) else "")
            return
        if kind_of(tool):
            self.hosted[kind_of(tool)] = None
            return
        if kind in NATIVE:
            native = NATIVE[kind]
            parameters, description = tool.get("parameters"), tool.get("description")
            self._put(
                kind,
                Tool(
                    kind,
                    description if isinstance(description, str) and description else native.description,
                    parameters if isinstance(parameters, dict) and parameters else native.schema,
                ),
                Origin(kind, kind),  # type: ignore[arg-type]  # its keys are shapes
            )
            return
        if kind not in ("function", "custom"):
            self.hosted[kind] = None
            return
        if not isinstance(name, str) or not name:
            return
        self.deferred = self.deferred or tool.get("defer_loading") is True
        description = tool.get("description")
        own = flat(name, namespace)
        said = description if isinstance(description, str) else ""
        if kind == "custom":
            form = tool.get("format")
            made = Tool(own, said, kind="custom", grammar=form if isinstance(form, dict) else None)
        else:
            schema, strict = tool.get("parameters"), tool.get("strict")
            made = Tool(
                own, said, schema if isinstance(schema, dict) else None, strict=strict if isinstance(strict, bool) else None
            )
        self._put(own, made, Origin(kind, name, namespace))  # type: ignore[arg-type]  # function or custom

    def _put(self, name: str, tool: Tool, origin: Origin) -> None:
        self.tools.setdefault(name, tool)
        self.origins.setdefault(name, origin)

    def origin(self, name: str) -> Origin:
        """Of a name that the model called; one that nobody offered is a function of that name."""
        return self.origins.get(name) or Origin("function", name)
