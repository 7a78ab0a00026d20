"""The JSON Schema (draft 2020-12) of a recorded decision, made from the types that `decide()` reads, so that neither runs ahead of the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import TypeAdapter

from localrouter.core.decision import ASK, PLACE, VERSION, adapters


def schema() -> dict[str, Any]:
    """The JSON Schema of `Decision.whole()`."""
    of_ask, of_signals, of_standing = adapters()
    _, defs = TypeAdapter.json_schemas(
        [("ask", "validation", of_ask), ("signals", "validation", of_signals), ("standing", "validation", of_standing)]
    )
    found: dict[str, Any] = defs["$defs"]

    def part(name: str, keys: Collection[str] | None, more: Mapping[str, Any], drop: Collection[str] = ()) -> dict[str, Any]:
        fields = {k: v for k, v in found[name]["properties"].items() if (keys is None or k in keys) and k not in drop}
        return {"type": "object", "properties": {**fields, **more}, "additionalProperties": False}

    words = {"type": "array", "items": {"type": "string"}}
    attempt = {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "string"}, {"type": "integer"}, {"type": "integer"}],
        "minItems": 4,
        "maxItems": 4,
    }
    plan = {
        "type": "object",
        "properties": {
            "route": {"type": "string"}, "reason": {"type": "string"}, "attempts": {"type": "array", "items": attempt},
            "dropped": {"type": "object", "additionalProperties": words}, "error": {"type": "string"},
        },
        "required": ["route", "reason", "attempts", "dropped", "error"],
        "additionalProperties": False,
    }  # fmt: skip
    tree = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "localrouter decision",
        "description": "What was read when one request was routed, and the plan. Replaying it with the same recipe gives the same plan.",
        "type": "object",
        "properties": {
            "version": {"const": VERSION},
            "recipe": {"type": "string", "description": "name@hash"},
            "catalogue": {"type": "string", "description": "the catalogue's hash"},
            "ask": part("Ask", ASK, {"text_bytes": {"type": "integer"}}),
            "signals": part("Signals", None, {}),
            "standing": part("Standing", None, {}, drop=("catalogue", *PLACE)),
            "place": part("Standing", PLACE, {"gates": words, "wanted": words}),
            "plan": plan,
            "hidden": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "boolean"}}},
        },
        "required": ["version", "recipe", "catalogue", "ask", "signals", "standing", "place", "plan"],
        "additionalProperties": False,
    }
    used: dict[str, Any] = {}
    _collect(tree["properties"], found, used)
    return {**tree, "$defs": dict(sorted(used.items()))}


def _collect(node: Any, found: Mapping[str, Any], used: dict[str, Any]) -> None:
    """The definitions that a schema refers to, and those that they refer to."""
    if isinstance(node, dict):
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name and name not in used:
            used[name] = found[name]
            _collect(found[name], found, used)
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _collect(child, found, used)
