"""Readers that several families share: JSON between marks, Python calls, and an answer that is nothing but JSON."""

from __future__ import annotations

from localrouter.engine.families._parser import CallReader
from localrouter.engine.families._python import calls_from_python
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools, calls_from_json


def closed(source: Source, closers: tuple[str, ...]) -> Reading[bool]:
    """Consume space and one of the closing marks; a text that ends here is closed too (the mark may be the stop token)."""
    yield from source.space()
    return bool((yield from source.take_any(*closers))) or not closers or (source.at == len(source.text) and source.ended)


def json_until(*closers: str, separators: tuple[str, ...] = ()) -> CallReader:
    """JSON values (a call, or a list of calls) up to one of the closing marks, or to the end of the text. Without closing marks: one
    value, and more of them only behind one of the separators."""

    def read(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
        calls: list[Raw] = []
        while True:
            yield from source.space()
            text = yield from source.json()
            found = calls_from_json(text) if text is not None else None
            if found is None:
                return None
            calls += found
            here = source.at
            yield from source.space()
            if separators and (yield from source.take_any(*separators)):
                continue
            if not closers:
                source.at = here
                return calls
            if (yield from closed(source, closers)):
                return calls

    return read


def python_until(*closers: str) -> CallReader:
    """Calls as Python writes them, in a list or alone, up to one of the closing marks, or to the end of the text."""

    def read(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
        yield from source.space()
        calls = yield from calls_from_python(source)
        if calls is None or not (yield from closed(source, closers)):
            return None
        return calls

    return read


def first_of(*readers: CallReader) -> CallReader:
    """The first reader that reads a call."""

    def read(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
        start = source.at
        for reader in readers:
            source.at = start
            calls = yield from reader(source, tools)
            if calls is not None:
                return calls
        return None

    return read


def whole_json(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
    """An answer that is one JSON call (or a list of calls), also in a fence of Markdown: what small models do without their marks."""
    fenced = yield from source.take_any("```json", "```")
    yield from source.space()
    if not (yield from _begins_call(source)):
        return None
    calls = yield from json_until(separators=(";",))(source, tools)
    if calls is None or not fenced:
        return calls
    yield from source.space()
    return calls if (yield from source.take("```")) else None


_KEYS = frozenset({"name", "function", "type", "id", "tool_name", "tool_call_id", "arguments", "parameters"})


def _begins_call(source: Source) -> Reading[bool]:
    """The first key is one of a call's: other JSON need not be held back until its end. Consumes nothing."""
    start = source.at
    try:
        if (yield from source.take("[")):
            yield from source.space()
        if not (yield from source.take("{")):
            return False
        yield from source.space()
        return bool((yield from source.take('"'))) and (yield from source.word()) in _KEYS
    finally:
        source.at = start
