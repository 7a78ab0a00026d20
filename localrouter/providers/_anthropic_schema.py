"""JSON Schemas as the Messages API takes them: for the parameters of tools, and for the shape of an answer.

Sources: Anthropic API reference, "Messages", `tools.input_schema` (an object, no combination at its top); "Structured outputs", the
limits of schemas, and `transform_schema` of the anthropic SDK, which moves what is not enforced into the description.
"""

from __future__ import annotations

from typing import Any

import orjson

_COMBINED = ("anyOf", "oneOf", "allOf")
_UNENFORCED = frozenset(
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems",
        "maxItems", "uniqueItems", "minProperties", "maxProperties", "patternProperties", "propertyNames", "contains", "default",
        "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType",
        "if", "then", "else", "not", "dependentRequired", "dependentSchemas", "unevaluatedProperties", "prefixItems",
    }
)  # fmt: skip
_SILENT = frozenset({"$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly", "title"})
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})


def of_tool(schema: dict[str, Any] | None) -> dict[str, Any]:
    """The parameters of a tool: an object, also when none are described; what is combined at the top is joined."""
    if not schema:
        return {"type": "object", "properties": {}}
    if not any(key in schema for key in _COMBINED) and schema.get("type") == "object":
        return schema
    properties: dict[str, Any] = {}
    always = _names(schema)
    for key in _COMBINED:
        branches = [branch for branch in schema.get(key) or () if isinstance(branch, dict)]
        for branch in branches:
            properties |= branch.get("properties") or {}
        needed = [_names(branch) for branch in branches]
        if needed:
            always |= set.union(*needed) if key == "allOf" else set.intersection(*needed)
    properties |= schema.get("properties") or {}
    joined: dict[str, Any] = {k: v for k, v in schema.items() if k not in (*_COMBINED, "required")}
    joined |= {"type": "object", "properties": properties}
    if always:
        joined["required"] = [name for name in properties if name in always]
    return joined


def _names(schema: dict[str, Any]) -> set[str]:
    required = schema.get("required")
    return {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()


def of_answer(schema: Any) -> Any:
    """The shape of an answer: closed objects, and what is not enforced said in the description."""
    if isinstance(schema, list):
        return [of_answer(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "definitions") and isinstance(value, dict):
            out[key] = {name: of_answer(inner) for name, inner in value.items()}
        elif key == "format" and value not in _FORMATS:
            told[key] = value
        elif key == "minItems" and value in (0, 1):
            out[key] = value
        elif key in _UNENFORCED:
            if key not in _SILENT:
                told[key] = value
        elif key == "oneOf":
            out["anyOf"] = of_answer(value)
        elif key in ("items", "anyOf", "allOf"):
            out[key] = of_answer(value)
        else:
            out[key] = value
    if out.get("type") == "object" or "properties" in out:
        out["additionalProperties"] = False
    if told:
        said = orjson.dumps(told).decode()
        before = out.get("description")
        out["description"] = f"{before}\n\n{said}" if isinstance(before, str) and before else said
    return out
