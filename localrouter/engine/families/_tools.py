"""The tools of a request, and how a model's text becomes a call of one: its JSON checked, its untyped values typed by the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]  # the C scanner, exported without a stub
from typing import Any, NamedTuple

MAX_REFS = 16
"""Steps through `$ref` before a schema is taken as saying nothing."""


class Raw(NamedTuple):
    """A call as the model wrote it. `arguments` is a JSON object's text."""

    name: str
    arguments: str


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


_STRICT = json.JSONDecoder(parse_constant=_refuse)
_LENIENT = json.JSONDecoder(parse_constant=_refuse, strict=False)


def dumps(value: Any) -> str:
    """JSON text as the families' templates write it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def loads(text: str) -> Any:
    """The value of a JSON text. Small models put raw line breaks into strings: that alone is forgiven. Raises ValueError."""
    try:
        return _STRICT.decode(text)
    except RecursionError as exc:
        raise ValueError("too deep") from exc
    except ValueError:
        return _LENIENT.decode(text)


def exact(text: str) -> str:
    """The same JSON text where it is correct, else the text of the value that was meant. Raises ValueError."""
    try:
        _STRICT.decode(text)
    except ValueError:
        return dumps(loads(text))
    return text.strip()


class Tools:
    """The offered functions by name. `tools` is OpenAI's list (`{"type": "function", "function": {...}}`)."""

    def __init__(self, tools: Sequence[Mapping[str, Any]] | None) -> None:
        self._functions: dict[str, Mapping[str, Any]] = {}
        for tool in tools or ():
            function = tool.get("function", tool)
            if isinstance(function, Mapping) and isinstance(function.get("name"), str):
                self._functions[str(function["name"])] = function

    def __bool__(self) -> bool:
        return bool(self._functions)

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def schema(self, name: str) -> Mapping[str, Any]:
        """The JSON Schema of a tool's arguments; {"type": "object"} when it has none."""
        found = self._functions.get(name, {}).get("parameters")
        return {"type": "object", **found} if isinstance(found, Mapping) else {"type": "object"}

    def kinds(self, name: str, key: str) -> frozenset[str]:
        """The JSON types that an argument may have; empty when the schema does not say."""
        whole = self.schema(name)
        properties = _follow(whole, whole).get("properties")
        field = properties.get(key) if isinstance(properties, Mapping) else None
        return _types(field, whole) if isinstance(field, Mapping) else frozenset()

    @staticmethod
    def follow(schema: Any, whole: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema behind a local `$ref`; {} for what is none."""
        return _follow(schema, whole)

    @staticmethod
    def types(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> frozenset[str]:
        """The JSON types that a part of a tool's schema allows; empty when it does not say."""
        return _types(schema, whole)

    def typed(self, name: str, key: str, text: str) -> Any:
        """An argument that the model wrote as bare text, in the type that the tool's schema gives it."""
        return _typed(text, self.kinds(name, key))


def _follow(schema: Any, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a local `$ref`."""
    for _ in range(MAX_REFS):
        ref = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(ref, str) or not ref.startswith("#"):
            break
        found: Any = whole
        for step in ref[1:].split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        schema = found
    return schema if isinstance(schema, Mapping) else {}


def _types(schema: Mapping[str, Any], whole: Mapping[str, Any], depth: int = 0) -> frozenset[str]:
    """The JSON types a schema allows; empty when it does not say."""
    schema = _follow(schema, whole)
    said = schema.get("type")
    if isinstance(said, str):
        return frozenset({said})
    if isinstance(said, list):
        return frozenset(t for t in said if isinstance(t, str))
    values = schema["enum"] if isinstance(schema.get("enum"), list) else [schema["const"]] if "const" in schema else []
    found = {_type(v) for v in values}
    if depth < MAX_REFS:
        for key in ("anyOf", "oneOf", "allOf"):
            for part in schema.get(key) or () if isinstance(schema.get(key), list) else ():
                if isinstance(part, Mapping):
                    found |= _types(part, whole, depth + 1)
    return frozenset(found)


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


_WORDS = {"true": True, "false": False, "null": None, "none": None}


def _typed(text: str, allowed: frozenset[str]) -> Any:
    if allowed == {"string"}:
        return text
    bare = text.strip()
    value: Any = text
    try:
        value = loads(bare)
    except ValueError:
        if bare.lower() in _WORDS:
            value = _WORDS[bare.lower()]
    kind = _type(value)
    if kind == "integer" and "number" in allowed:
        return value
    if kind == "number" and "integer" in allowed and "number" not in allowed and value.is_integer():
        return int(value)
    if not allowed or kind in allowed:
        # A schema that says nothing: JSON where it is JSON, except for a quoted string, whose quotes may be meant.
        return text if kind == "string" else value
    return text


def from_json(text: str, *, keys: tuple[str, ...] = ("arguments", "parameters")) -> Raw | None:
    """`{"name": ..., "arguments": {...}}` as a call; its arguments keep the model's own spelling. None: it is no call."""
    try:
        fields = _fields(text)
    except ValueError:
        return None
    if "function" in fields and "name" not in fields and fields["function"].startswith("{"):
        return from_json(fields["function"], keys=keys)
    try:
        name = loads(fields.get("name", fields.get("tool_name", "null")))
        arguments = next((fields[k] for k in keys if k in fields), "{}")
        return Raw(name, object_text(arguments)) if isinstance(name, str) else None
    except ValueError:
        return None


def to_json(call: Raw, key: str = "arguments") -> str:
    """A call as most templates write it."""
    return f'{{"name": {dumps(call.name)}, "{key}": {call.arguments}}}'


def object_text(text: str) -> str:
    """The text of a JSON object from an object, from a string that holds one, or from null. Raises ValueError."""
    value = loads(text)
    if isinstance(value, str):
        text, value = value, loads(value)
    if value is None:
        return "{}"
    if not isinstance(value, dict):
        raise ValueError("arguments are an object")
    return exact(text)


def calls_from_json(text: str) -> list[Raw] | None:
    """One call, or a list of calls, from a JSON text. None when any of it is no call."""
    if text.startswith("{"):
        call = from_json(text)
        return [call] if call else None
    try:
        parts = _items(text)
    except ValueError:
        return None
    calls = [from_json(p) for p in parts]
    return [c for c in calls if c] if calls and all(calls) else None


def _fields(text: str) -> dict[str, str]:
    """A JSON object's values as the text they were written in."""
    loads(text)
    out: dict[str, str] = {}
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("no object")
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = scanstring(text, at + 1, False)
        at = _skip(text, _skip(text, at) + 1)
        _, end = _LENIENT.raw_decode(text, at)
        out[key] = text[at:end]
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return out


def _items(text: str) -> list[str]:
    """A JSON array's values as the text they were written in."""
    loads(text)
    out: list[str] = []
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("no array")
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _LENIENT.raw_decode(text, at)
        out.append(text[at:end])
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return out


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\n", "\r"):
        at += 1
    return at
