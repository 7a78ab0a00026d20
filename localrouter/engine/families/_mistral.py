"""What Mistral's two forms share: `[TOOL_CALLS]` before a JSON list, or before each `name[ARGS]{...}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._parser import THINK, Parser
from localrouter.engine.families._readers import json_until, whole_json
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools, object_text

TAG, ARGS, CALL_ID = "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"
MARKERS = (TAG, ARGS, CALL_ID, "[THINK]", "[/THINK]")


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    """Reads both forms: models of one form were trained on the other."""
    thinking = (("[THINK]", "[/THINK]"), *THINK)
    return Parser(tools, openers={TAG: _read}, whole=whole_json, thinking=thinking, thinking_open=thinking_open)


def _read(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
    yield from source.space()
    if (yield from source.looks_at("[{")) or (yield from source.looks_at("{")):
        return (yield from json_until()(source, tools))
    name = yield from source.word()
    if (yield from source.take(CALL_ID)):
        yield from source.word()
    yield from source.take(ARGS)
    yield from source.space()
    text = yield from source.json()
    if not name or text is None:
        return None
    try:
        return [Raw(name, object_text(text))]
    except ValueError:
        return None
