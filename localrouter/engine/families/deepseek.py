"""DeepSeek V3, R1 and V3.1, and their distilled models: calls between tokens of their own.

V3 and R1: `...begin｜>function<｜tool▁sep｜>NAME` and the arguments in a fence of JSON; V3.1: `...begin｜>NAME<｜tool▁sep｜>{...}`.
Source: the chat templates of deepseek-ai/DeepSeek-V3.1 and DeepSeek-R1-Distill-Qwen-32B.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen, repeated
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import whole_json
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools, object_text

NAME = "deepseek"
OPEN, CLOSE = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
CALL, SEP, END = "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"
MARKERS = (OPEN, CLOSE, CALL, SEP, END, "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    if OPEN in template or "<｜Assistant｜>" in template:
        return 25
    return 5 if not template and architecture.startswith("deepseek") else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={OPEN: _several, CALL: _one}, whole=whole_json, thinking_open=thinking_open)


def _several(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
    calls: list[Raw] = []
    while True:
        yield from source.space()
        if calls and ((yield from source.take(CLOSE)) or (source.ended and source.at == len(source.text))):
            return calls
        if not (yield from source.take(CALL)):
            return None
        found = yield from _one(source, tools)
        if found is None:
            return None
        calls += found


def _one(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
    head = yield from source.until(SEP, "\n")
    if head is None or head[1] != SEP:
        return None
    name = head[0].strip()
    yield from source.space()
    if not (yield from source.looks_at("{")):
        line = yield from source.until("\n")
        if line is None:
            return None
        name = line[0].strip()
        yield from source.space()
        yield from source.take_any("```json", "```")
        yield from source.space()
    text = yield from source.json()
    yield from source.space()
    yield from source.take("```")
    yield from source.space()
    if text is None or not ((yield from source.take(END)) or (source.ended and source.at == len(source.text))):
        return None
    try:
        return [Raw(name, object_text(text))]
    except ValueError:
        return None


def write(calls: Sequence[Raw]) -> str:
    inside = "".join(f"{CALL}{c.name}{SEP}{c.arguments}{END}" for c in calls)
    return f"{OPEN}{inside}{CLOSE}"


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    bodies = [f"{lark.text(CALL, n, SEP)} {lark.schema(offered.schema(n))} {lark.text(END)}" for n in chosen(offered, choice)]
    inside = repeated(lark.any_of(bodies), "", parallel)
    start = f"{lark.text(OPEN)} {inside} {lark.text(CLOSE)}"
    return lark.grammar(start, thinking_open=thinking_open)
