"""Arguments written one by one between tags, as `<function=NAME><parameter=KEY>VALUE</parameter></function>`. The values have no types; the
tool's schema gives them. Reading is lenient about line breaks, since models are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localrouter.engine.families._lark import Lark, chosen, repeated
from localrouter.engine.families._parser import CallReader
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools, dumps

CDATA, CDATA_END = "<![CDATA[", "]]>"


@dataclass(frozen=True, slots=True)
class Tags:
    """One spelling. `wrap`: marks around a call, or around all calls when `wraps_all`."""

    name: tuple[str, str]
    key: tuple[str, ...]
    """What opens a key, and what may close it; the first closing is the one that we write."""
    value: tuple[str, str]
    end: str
    wrap: tuple[str, str] = ("", "")
    wraps_all: bool = False
    lines: bool = False
    """Names, keys and values stand on lines of their own."""
    cdata: bool = False

    def writes(self, calls: Sequence[Raw]) -> str:
        """Calls as the templates of this spelling write them."""
        opening, closing = self.wrap
        shown = [self._call(c) for c in calls]
        if self.wraps_all:
            return "\n".join([opening, *shown, closing])
        return "\n".join(f"{opening}\n{c}\n{closing}" if opening else c for c in shown)

    def _call(self, call: Raw) -> str:
        line = "\n" if self.lines else ""
        inside = "".join(
            f"{self.key[0]}{k}{self.key[1]}{self.value[0]}{line}{self._text(v)}{line}{self.value[1]}{line}"
            for k, v in json.loads(call.arguments).items()
        )
        return f"{self.name[0]}{call.name}{self.name[1]}{line}{inside}{self.end}"

    def _text(self, value: Any) -> str:
        text = value if isinstance(value, str) else dumps(value)
        return f"{CDATA}{text}{CDATA_END}" if self.cdata and any(c in text for c in "<&\n") else text

    def one(self) -> CallReader:
        """Reads behind the name's opening mark, and a wrap's closing mark that stands behind the call."""

        def read(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
            call = yield from self._read(source, tools)
            if call is None:
                return None
            if self.wrap[1] and not self.wraps_all:
                behind = source.at
                yield from source.space()
                if not (yield from source.take(self.wrap[1])):
                    source.at = behind
            return [call]

        return read

    def wrapped(self) -> CallReader:
        """Reads behind the wrap's opening mark."""

        def read(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
            calls: list[Raw] = []
            while True:
                yield from source.space()
                if calls and ((yield from source.take(self.wrap[1])) or (source.ended and source.at == len(source.text))):
                    return calls
                call = (yield from self._read(source, tools)) if (yield from source.take(self.name[0])) else None
                if call is None:
                    return None
                calls.append(call)

        return read

    def _read(self, source: Source, tools: Tools) -> Reading[Raw | None]:
        name = yield from source.word()
        if not name or (self.name[1] and not (yield from source.take(self.name[1]))):
            return None
        values: dict[str, Any] = {}
        while True:
            yield from source.space()
            if (yield from source.take(self.end)):
                return Raw(name, dumps(values))
            head = (yield from source.until(*self.key[1:], "\n")) if (yield from source.take(self.key[0])) else None
            if head is None or head[1] == "\n":
                return None
            if self.value[0]:
                yield from source.space()
                if not (yield from source.take(self.value[0])):
                    return None
            text = yield from self._value(source)
            if text is None:
                return None
            key = head[0].strip()
            values[key] = tools.typed(name, key, text)

    def _value(self, source: Source) -> Reading[str | None]:
        """Up to the closing tag behind which the call goes on: the value's own text may hold such a tag too."""
        if self.cdata and (yield from source.take(CDATA)):
            found = yield from source.until(f"{CDATA_END}{self.value[1]}")
            return found[0] if found else None
        text = ""
        while (found := (yield from source.until(self.value[1]))) is not None:
            text += found[0]
            behind = source.at
            yield from source.space()
            if (yield from source.looks_at(self.key[0])) or (yield from source.looks_at(self.end)):
                return text.removeprefix("\n").removesuffix("\n") if self.lines else text
            source.at = behind
            text += self.value[1]
        return None

    def forced(self, lark: Lark, tools: Tools, names: Sequence[str], parallel: bool) -> str:
        """The start of a grammar."""
        one = lark.any_of([self._rule(lark, tools, n) for n in names])
        opening, closing = self.wrap
        if self.wraps_all:
            return f"{lark.text(opening, chr(10))} {repeated(one, lark.text(chr(10)), parallel)} {lark.text(chr(10), closing)}"
        if opening:
            one = lark.rule(f"{lark.text(opening, chr(10))} {one} {lark.text(chr(10), closing)}")
        return repeated(one, lark.text("\n"), parallel)

    def _rule(self, lark: Lark, tools: Tools, name: str) -> str:
        """One tool's call: its parameters in the schema's order, optional ones left out or not."""
        schema = tools.schema(name)
        properties, required = schema.get("properties"), schema.get("required")
        line = "\n" if self.lines else ""
        parts = [lark.text(self.name[0]), lark.text(f"{name}{self.name[1]}{line}")]
        for key, field in properties.items() if isinstance(properties, Mapping) else ():
            head = lark.text(self.key[0], f"{key}{self.key[1]}", self.value[0], line)
            value = f"{head} {self._value_rule(lark, tools, name, key, field)} {lark.text(line)}"
            parts.append(value if isinstance(required, list) and key in required else f"({value})?")
        parts.append(lark.text(self.end))
        return lark.rule(" ".join(parts))

    def _value_rule(self, lark: Lark, tools: Tools, name: str, key: str, field: Any) -> str:
        kinds, whole = tools.kinds(name, key), tools.schema(name)
        values = field.get("enum") if isinstance(field, Mapping) else None
        closing = lark.text("\n" if self.lines else "", self.value[1])
        if isinstance(values, list) and values and all(isinstance(v, str) and v for v in values):
            return f"({' | '.join(lark.text(v) for v in values)}) {closing}"
        if kinds and "string" not in kinds and isinstance(field, Mapping):
            defs = {k: whole[k] for k in ("$defs", "definitions") if k in whole}
            return f"{lark.schema({**defs, **field})} {closing}"
        return lark.text_until(self.value[1])


def grammar(
    tags: Tags, tools: Sequence[Mapping[str, Any]], choice: Any, parallel: bool, tokens: Mapping[str, int], thinking_open: bool
) -> str:
    """`forced` of a family that is one spelling."""
    offered, lark = Tools(tools), Lark(tokens)
    return lark.grammar(tags.forced(lark, offered, chosen(offered, choice), parallel), thinking_open=thinking_open)
