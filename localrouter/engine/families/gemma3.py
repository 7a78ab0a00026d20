"""Gemma 2 and 3, which have no tokens for tools: Python in a fence of `tool_code`, a list of Python calls, or JSON, as the prompt asks for.

Source: ai.google.dev/gemma/docs/capabilities/function-calling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._python import calls_from_python
from localrouter.engine.families._readers import first_of, python_until, whole_json
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools, to_json

NAME = "gemma3"
FENCE, END = "```tool_code", "```"
MARKERS: tuple[str, ...] = ()


def fits(template: str, architecture: str, name: str) -> int:
    if "<start_of_turn>" in template:
        return 10
    return 5 if not template and architecture in ("gemma", "gemma2", "gemma3", "gemma3n") else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={FENCE: _fenced}, whole=first_of(whole_json, python_until()), thinking_open=thinking_open)


def _fenced(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
    """Calls up to the end of the fence, each bare, printed, or in a list."""
    calls: list[Raw] = []
    while True:
        yield from source.space()
        if (yield from source.take(END)):
            return calls or None
        printed = "print" not in tools and (yield from source.take("print("))
        found = yield from calls_from_python(source)
        if found is None or (printed and not (yield from source.take(")"))):
            return None
        calls += found


def write(calls: Sequence[Raw]) -> str:
    return to_json(calls[0]) if len(calls) == 1 else f"[{', '.join(map(to_json, calls))}]"


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    call = lark.json_call(offered, chosen(offered, choice))
    start = f"{call} | {lark.json_list(call, True)}" if parallel else call
    return lark.grammar(start, thinking_open=thinking_open)
