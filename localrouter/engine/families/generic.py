"""Models whose template says nothing of tools: an answer that is one JSON call, or the tags of Hermes, which most models have seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen
from localrouter.engine.families._parser import THINK, Parser
from localrouter.engine.families._readers import json_until, whole_json
from localrouter.engine.families._tools import Raw, Tools, to_json

NAME = "generic"
TAGS = {
    "<tool_call>": "</tool_call>",
    "<tool_calls>": "</tool_calls>",
    "<TOOLCALL>": "</TOOLCALL>",
    "<|START_ACTION|>": "<|END_ACTION|>",
    "<|function_call|>": "<|message_sep|>",
}
THINKING = (*THINK, ("<|START_THINKING|>", "<|END_THINKING|>"))
MARKERS = (*TAGS, *TAGS.values(), *(mark for pair in THINKING for mark in pair))


def fits(template: str, architecture: str, name: str) -> int:
    return 1


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    openers = {opening: json_until(closing) for opening, closing in TAGS.items()}
    return Parser(tools, openers=openers, whole=whole_json, thinking=THINKING, thinking_open=thinking_open)


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
