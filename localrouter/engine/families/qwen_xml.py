"""`<tool_call><function=NAME><parameter=KEY>VALUE</parameter></function></tool_call>`: Qwen3-Coder, Qwen 3.5, Nemotron 3.

Source: the chat templates of Qwen/Qwen3-Coder-30B-A3B-Instruct and Qwen/Qwen3.5-4B. Models of this family at times leave the outer tags out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen, repeated
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import closed, json_until, whole_json
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools
from localrouter.engine.families._xml import function_rule, read_function, write_function

NAME = "qwen_xml"
OPEN, CLOSE, FUNCTION = "<tool_call>", "</tool_call>", "<function="
MARKERS = (OPEN, CLOSE, "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    if FUNCTION in template and "<parameter=" in template:
        return 30
    return 8 if not template and architecture.startswith("qwen35") else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={OPEN: _tagged, FUNCTION: _bare}, whole=whole_json, thinking_open=thinking_open)


def _tagged(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
    yield from source.space()
    if (yield from source.looks_at("{")):
        return (yield from json_until(CLOSE)(source, tools))
    calls: list[Raw] = []
    while (yield from source.take(FUNCTION)):
        call = yield from read_function(source, tools)
        if call is None:
            return None
        calls.append(call)
        yield from source.space()
    return calls if calls and (yield from closed(source, (CLOSE,))) else None


def _bare(source: Source, tools: Tools) -> Reading[list[Raw] | None]:
    call = yield from read_function(source, tools)
    if call is None:
        return None
    behind = source.at
    yield from source.space()
    if not (yield from source.take(CLOSE)):
        source.at = behind
    return [call]


def write(calls: Sequence[Raw]) -> str:
    return "\n".join(f"{OPEN}\n{write_function(c)}\n{CLOSE}" for c in calls)


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    inner = lark.any_of([function_rule(lark, offered, n) for n in chosen(offered, choice)])
    call = lark.rule(f"{lark.text(OPEN, chr(10))} {inner} {lark.text(chr(10), CLOSE)}")
    return lark.grammar(repeated(call, lark.text("\n"), parallel), thinking_open=thinking_open)
