"""Calls written as Python: `[weather(city="Oslo", days=2), now()]`. Read with Python's own parser, never run."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import Lark
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools, dumps, loads

MAX_ARGUMENTS = 256 * 1024
"""Characters. CPython's parser needs some hundred bytes for each."""

_NAMES = {"true": True, "false": False, "null": None}
"""JSON's literals, which models mix in."""


def calls_from_python(source: Source) -> Reading[list[Raw] | None]:
    """One call, or a list of calls in brackets."""
    calls: list[Raw] = []
    listed = yield from source.take("[")
    while True:
        yield from source.space()
        name = yield from source.word()
        yield from source.space()
        if not name or not (yield from source.looks_at("(")):
            return None
        inside = yield from source.python()
        arguments = _arguments(inside) if inside is not None else None
        if arguments is None:
            return None
        calls.append(Raw(name, arguments))
        if not listed:
            return calls
        yield from source.space()
        if (yield from source.take("]")):
            return calls
        if not (yield from source.take(",")):
            return None
        yield from source.space()
        if (yield from source.take("]")):
            return calls


def _arguments(inside: str) -> str | None:
    """`(a=1, b="x")` as the text of a JSON object."""
    if len(inside) > MAX_ARGUMENTS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes such as "\d": the model's affair
            tree = ast.parse("f" + inside, mode="eval").body
        if not isinstance(tree, ast.Call) or tree.args or any(k.arg is None for k in tree.keywords):
            return None
        return dumps({str(k.arg): _argument("f" + inside, k.value) for k in tree.keywords})
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _argument(code: str, node: ast.expr) -> Any:
    """JSON where the text is JSON (its escapes mean other things than Python's), else a literal of Python."""
    try:
        return loads(ast.get_source_segment(code, node) or "")
    except ValueError:
        return _value(node)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value) if value is None or isinstance(value, str | int | float):
            return value
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if type(value) in (int, float):
            return -value  # type: ignore[operator]  # a number, as the guard says
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(i) for i in items]
        case ast.Dict(keys=keys, values=values):
            return {_key(k): _value(v) for k, v in zip(keys, values, strict=True)}
    raise ValueError("not a literal")


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError("a key is a string")


def write_python(calls: Sequence[Raw]) -> str:
    """Calls as a list of Python calls."""
    return f"[{', '.join(f'{c.name}({_written(c)})' for c in calls)}]"


def _written(call: Raw) -> str:
    return ", ".join(f"{k}={dumps(v)}" for k, v in json.loads(call.arguments).items())


def python_rule(lark: Lark, tools: Tools, name: str) -> str:
    """A rule for one call. Values are JSON, which `calls_from_python` reads as well."""
    schema = tools.schema(name)
    properties = schema.get("properties")
    defs = {k: schema[k] for k in ("$defs", "definitions") if k in schema}
    fields = {
        key: f"{lark.text(f'{key}=')} {lark.schema({**defs, **field} if isinstance(field, Mapping) else field)}"
        for key, field in (properties.items() if isinstance(properties, Mapping) else ())
        if key.isidentifier()
    }
    return lark.rule(f"{lark.text(f'{name}(')} {lark.fields(fields, schema.get('required'), ', ')} {lark.text(')')}")
