"""JSON values against JSON Schemas: strict JSON, nothing fetched, every pattern with a limit of time. Nothing of a value is quoted.

The library is jsonschema, the draft that `$schema` names or else 2020-12. Only its way with patterns is replaced (Python's `re` has no limit of
time), and its registry is empty, so that a `$ref` reaches within the schema only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from localrouter.core.errors import BadRequest

TOLD = 8
"""Places that a complaint names at most."""
PATTERN_S = 0.2
"""Seconds for one regular expression of a schema, which may be written so that it never ends."""
DEPTH = 64
"""Levels of an answer, as of a request (daemon/door.py)."""

Wrong = list[tuple[str, str]]
"""(rule, sentence) of each fault."""


def parsed(text: str) -> tuple[Any, str]:
    """(value, "") or (None, what it is instead of JSON)."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None, "not JSON"
    return (value, "") if _depth(value) <= DEPTH else (None, "nested too deeply")


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level and depth <= DEPTH:
        depth += 1
        level = [c for v in level if isinstance(v, (dict, list)) for c in (v.values() if isinstance(v, dict) else v)]
    return depth


@cache
def _library() -> tuple[Any, Any, Any]:
    """(jsonschema, an empty registry, a cache of validator classes). Loaded with the first schema: 60 ms that a daemon without contracts
    has no use for."""
    import jsonschema
    import referencing

    return jsonschema, referencing.Registry(), {}


def _validator(schema: dict[str, Any]) -> Any:
    """A validator that fetches nothing and whose patterns end. Raises jsonschema's SchemaError."""
    library, registry, made = _library()
    base = library.validators.validator_for(schema, default=library.Draft202012Validator)
    base.check_schema(schema)
    own = made.get(base)
    if own is None:
        own = made[base] = library.validators.extend(base, {"pattern": _pattern, "patternProperties": _no_pattern_keys})
    return own(schema, registry=registry)


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """As in jsonschema, but with a limit of time."""
    import regex

    library = _library()[0]
    if not isinstance(instance, str):
        return
    try:
        held = regex.search(pattern, instance, timeout=PATTERN_S) is not None
    except (TimeoutError, regex.error):
        held = False
    if not held:
        yield library.ValidationError("pattern")


def _no_pattern_keys(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """As in jsonschema, but with a limit of time."""
    import regex

    if not isinstance(instance, dict):
        return
    for pattern, sub in patterns.items():
        for key, value in instance.items():
            try:
                found = regex.search(pattern, key, timeout=PATTERN_S)
            except (TimeoutError, regex.error):
                found = None
            if found is not None:
                yield from validator.descend(value, sub, path=key, schema_path=pattern)


def check_schema(schema: dict[str, Any], where: str) -> None:
    try:
        _validator(schema)
    except Exception as exc:
        kind = type(exc).__name__
        if kind not in ("SchemaError", "RecursionError", "UnknownType", "error"):
            raise
        raise BadRequest(f"{where} is not a valid JSON Schema, so the answer cannot be held against it.", "Correct it.") from None


def against(schema: dict[str, Any], value: Any) -> Wrong:
    """Every broken rule: its word, and a sentence with the place and the rule. A reference that leads out of the schema, and a schema that
    never ends, are faults too: what cannot be judged does not count."""
    out: Wrong = []
    try:
        for error in _validator(schema).iter_errors(value):
            out.append((str(error.validator), _sentence(error)))
            if len(out) >= TOLD:
                break
    except RecursionError:
        return [("endless schema", "the schema cannot be judged to its end")]
    except Exception as exc:
        if "Unresolvable" not in type(exc).__name__ and "Unresolvable" not in str(type(exc).__mro__):
            raise
        return [("$ref", "the schema refers to what is not in it")]
    return out


_SHOWN = frozenset({
    "type", "required", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "uniqueItems", "multipleOf", "format", "minProperties", "maxProperties", "additionalProperties",
})  # fmt: skip
"""Rules whose own value tells what to do."""


def _sentence(error: Any) -> str:
    """Where and which rule; the rule's value is the schema's, never the answer's."""
    place = "/".join(str(step) for step in error.absolute_path)
    rule = str(error.validator)
    value = error.validator_value
    if rule == "required" and isinstance(value, list):
        have = error.instance if isinstance(error.instance, dict) else {}
        value = [name for name in value if name not in have]
    shown = f" {json.dumps(value, ensure_ascii=False)[:300]}" if rule in _SHOWN and not isinstance(value, dict) else ""
    return f"at /{place}: it breaks the rule `{rule}`{shown}"
