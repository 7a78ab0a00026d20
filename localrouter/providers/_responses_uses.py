"""Uses of hosted tools in the output of a Responses host. Sources: OpenAI API reference, Responses (items of `output`); guide "Web search" (a
search is billed, opening a page and finding a text in it are not); pricing page, "Built-in tools" (containers are billed by the session).
"""

from __future__ import annotations

from typing import Any

_ITEMS = {
    "web_search_call": "web_search",
    "file_search_call": "file_search",
    "image_generation_call": "image_generation",
    "mcp_call": "mcp",
    "code_interpreter_call": "code_interpreter",
    "shell_call": "container_shell",
}
_FREE_ACTIONS = frozenset({"open_page", "find_in_page"})


def uses_of(output: Any) -> dict[str, int]:
    """Kind -> how often it ran. Calls in one container are one use of it."""
    seen: dict[str, set[str]] = {}
    for at, item in enumerate(output if isinstance(output, list) else ()):
        kind = _ITEMS.get(str(item.get("type"))) if isinstance(item, dict) else None
        if kind is not None and not _free(item):
            seen.setdefault(kind, set()).add(_container(kind, item) or f"#{at}")
    return {kind: len(uses) for kind, uses in seen.items()}


def _free(item: dict[str, Any]) -> bool:
    action, place = item.get("action"), item.get("environment")
    if item["type"] == "web_search_call":
        return isinstance(action, dict) and action.get("type") in _FREE_ACTIONS
    # A shell on the client's own machine costs nothing.
    return item["type"] == "shell_call" and (not isinstance(place, dict) or place.get("type") in (None, "local"))


def _container(kind: str, item: dict[str, Any]) -> str:
    if kind == "code_interpreter":
        return str(item.get("container_id") or "auto")
    if kind == "container_shell":
        return str(item["environment"].get("container_id") or "auto")
    return ""
