"""Arguments written one by one between tags: `<function=NAME>`, `<parameter=KEY>` VALUE `</parameter>`. The values have no types; the tool's
schema gives them. Parsing is lenient about line breaks, since models are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localrouter.engine.families._lark import Lark
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools, dumps

PARAMETER, PARAMETER_END, FUNCTION_END = "<parameter=", "</parameter>", "</function>"


def read_function(source: Source, tools: Tools) -> Reading[Raw | None]:
    """Reads behind `<function=`, up to and with `</function>`."""
    head = yield from source.until(">", "\n")
    if head is None or head[1] != ">":
        return None
    name = head[0].strip().strip("\"'")
    values: dict[str, Any] = {}
    while True:
        yield from source.space()
        if (yield from source.take(FUNCTION_END)):
            return Raw(name, dumps(values))
        if not (yield from source.take(PARAMETER)):
            return None
        head = yield from source.until(">", "\n")
        if head is None or head[1] != ">":
            return None
        text = yield from _value(source)
        if text is None:
            return None
        key = head[0].strip().strip("\"'")
        values[key] = tools.typed(name, key, text)


def _value(source: Source) -> Reading[str | None]:
    """Up to the closing tag behind which the call goes on: the value's own text may hold such a tag too."""
    text = ""
    while True:
        found = yield from source.until(PARAMETER_END)
        if found is None:
            return None
        text += found[0]
        behind = source.at
        yield from source.space()
        if (yield from source.looks_at(PARAMETER)) or (yield from source.looks_at(FUNCTION_END)):
            break
        source.at = behind
        text += PARAMETER_END
    return text.removeprefix("\n").removesuffix("\n")


def write_function(call: Raw) -> str:
    """A call as the templates of this form write it."""
    values = json.loads(call.arguments)
    inside = "".join(f"{PARAMETER}{k}>\n{v if isinstance(v, str) else dumps(v)}\n{PARAMETER_END}\n" for k, v in values.items())
    return f"<function={call.name}>\n{inside}{FUNCTION_END}"


def function_rule(lark: Lark, tools: Tools, name: str) -> str:
    """A rule for a call of one tool: its parameters in the schema's order, optional ones left out or not."""
    schema = tools.schema(name)
    properties = schema.get("properties")
    required = schema.get("required")
    parts = [lark.text(f"<function={name}>\n")]
    for key, field in properties.items() if isinstance(properties, Mapping) else ():
        value = f"{lark.text(f'{PARAMETER}{key}>' + chr(10))} {_value_rule(lark, tools, name, key, field)} {lark.text(chr(10))}"
        parts.append(value if isinstance(required, list) and key in required else f"({value})?")
    parts.append(lark.text(FUNCTION_END))
    return lark.rule(" ".join(parts))


def _value_rule(lark: Lark, tools: Tools, name: str, key: str, field: Any) -> str:
    kinds = tools.kinds(name, key)
    whole = tools.schema(name)
    values = field.get("enum") if isinstance(field, Mapping) else None
    if isinstance(values, list) and values and all(isinstance(v, str) and v for v in values):
        return f"({' | '.join(lark.text(v) for v in values)}) {lark.text(chr(10) + PARAMETER_END)}"
    if kinds and "string" not in kinds and isinstance(field, Mapping):
        defs = {k: whole[k] for k in ("$defs", "definitions") if k in whole}
        return f"{lark.schema({**defs, **field})} {lark.text(chr(10) + PARAMETER_END)}"
    return lark.text_until(PARAMETER_END)
