"""The call syntax of FunctionGemma and Gemma 4: `call:NAME{key:value,...}`, where one control token stands at both ends of a string.

Source: ai.google.dev/gemma/docs/functiongemma/formatting-and-best-practices and ai.google.dev/gemma/docs/core/prompt-formatting-gemma4.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localrouter.engine.families._lark import Lark
from localrouter.engine.families._parser import CallReader
from localrouter.engine.families._readers import closed
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools, dumps, loads

MAX_NESTING = 32


class NotSo(Exception):
    """The text is no value."""


def reader(quote: str, *closers: str) -> CallReader:
    """Reads `call:NAME{...}` and the closing mark."""

    def read(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
        yield from source.space()
        if not (yield from source.take("call:")):
            return None
        name = yield from source.word()
        try:
            values = yield from _object(source, tools, name, quote, 0)
        except NotSo:
            return None
        return [Raw(name, dumps(values))] if (yield from closed(source, closers)) else None

    return read


def _object(source: Source, tools: Tools, name: str, quote: str, depth: int) -> Reading[dict[str, Any]]:
    """`{key:value,...}`. `name`: the tool, at the outermost level only, where its schema gives bare text a type."""
    yield from source.space()
    if depth > MAX_NESTING or not (yield from source.take("{")):
        raise NotSo
    values: dict[str, Any] = {}
    while True:
        yield from source.space()
        if (yield from source.take("}")):
            return values
        if values and not (yield from source.take(",")):
            raise NotSo
        yield from source.space()
        key = yield from _key(source, quote)
        values[key] = yield from _value(source, tools, name, key, quote, depth)


def _key(source: Source, quote: str) -> Reading[str]:
    for mark in (quote, '"'):
        if (yield from source.take(mark)):
            found = yield from source.until(mark)
            if found is None or not (yield from source.take(":")):
                raise NotSo
            return found[0]
    found = yield from source.until(":", "{", "}", "\n")
    if found is None or found[1] != ":" or not found[0]:
        raise NotSo
    return found[0].strip()


def _value(source: Source, tools: Tools, name: str, key: str, quote: str, depth: int) -> Reading[Any]:
    yield from source.space()
    if (yield from source.take(quote)):
        found = yield from source.until(quote)
        if found is None:
            raise NotSo
        return found[0]
    if (yield from source.looks_at("{")):
        return (yield from _object(source, tools, "", quote, depth + 1))
    if (yield from source.take("[")):
        return (yield from _array(source, tools, quote, depth + 1))
    found = yield from source.until(",", "}", "]")
    if found is None:
        raise NotSo
    source.at -= 1
    return tools.typed(name, key, found[0].strip()) if name else _bare(found[0])


def _array(source: Source, tools: Tools, quote: str, depth: int) -> Reading[list[Any]]:
    if depth > MAX_NESTING:
        raise NotSo
    items: list[Any] = []
    while True:
        yield from source.space()
        if (yield from source.take("]")):
            return items
        if items and not (yield from source.take(",")):
            raise NotSo
        items.append((yield from _value(source, tools, "", "", quote, depth)))


def _bare(text: str) -> Any:
    try:
        return loads(text.strip())
    except ValueError:
        return text.strip()


def write_call(call: Raw, quote: str) -> str:
    """A call as the templates write it."""
    return f"call:{call.name}{_written(json.loads(call.arguments), quote, outer=True)}"


def _written(value: Any, quote: str, *, outer: bool = False) -> str:
    match value:
        case str():
            return f"{quote}{value}{quote}"
        case dict():
            return "{" + ",".join(f"{k}:{_written(v, quote)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ",".join(_written(v, quote) for v in value) + "]"
    return dumps(value)


def call_rule(lark: Lark, tools: Tools, name: str, quote: str) -> str:
    """A rule for a call of one tool. Types, names, required fields, enums and nesting hold; other keywords cannot be written in this
    syntax and are left to the client."""
    schema = tools.schema(name)
    return lark.rule(f"{lark.text(f'call:{name}')} {_rule(lark, schema, schema, quote, 0)}")


def _rule(lark: Lark, schema: Any, whole: Mapping[str, Any], quote: str, depth: int) -> str:
    schema = Tools.follow(schema, whole)
    kinds = Tools.types(schema, whole)
    values = schema.get("enum")
    if depth > 8:
        return _any(lark, quote)
    if isinstance(values, list) and values and all(isinstance(v, str) for v in values):
        return lark.any_of([lark.text(quote, v, quote) for v in values])
    if kinds == {"object"}:
        return _object_rule(lark, schema, whole, quote, depth)
    if kinds == {"array"}:
        item = _rule(lark, schema.get("items", {}), whole, quote, depth + 1)
        return lark.rule(f'"[" ({item} ("," {item})*)? "]"')
    if kinds == {"string"}:
        return lark.rule(f"{lark.text(quote)} {lark.text_until(quote)}")
    if kinds and kinds <= {"integer", "number", "boolean", "null"}:
        return lark.schema({k: v for k, v in schema.items() if k != "description"})
    return _any(lark, quote)


def _any(lark: Lark, quote: str) -> str:
    text = f"{lark.text(quote)} {lark.text_until(quote)}"
    return lark.any_of([text, lark.schema({"type": ["number", "boolean", "null"]})])


def _object_rule(lark: Lark, schema: Mapping[str, Any], whole: Mapping[str, Any], quote: str, depth: int) -> str:
    properties = schema.get("properties")
    fields = {
        key: f"{lark.text(f'{key}:')} {_rule(lark, field, whole, quote, depth + 1)}"
        for key, field in (properties.items() if isinstance(properties, Mapping) else ())
    }
    return lark.rule(f'"{{" {lark.fields(fields, schema.get("required"), ",")} "}}"')
