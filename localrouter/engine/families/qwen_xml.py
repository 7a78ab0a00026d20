"""`<tool_call><function=NAME><parameter=KEY>VALUE</parameter></function></tool_call>`: Qwen3-Coder, Qwen 3.5, Nemotron 3, Seed-OSS, Step 3.5.

Source: the chat templates of Qwen/Qwen3-Coder-30B-A3B-Instruct and Qwen/Qwen3.5-4B. Models of this family at times leave the outer tags out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import first_of, json_until, whole_json
from localrouter.engine.families._tools import Raw
from localrouter.engine.families._xml import Tags, grammar

NAME = "qwen_xml"
OPEN, CLOSE, FUNCTION = "<tool_call>", "</tool_call>", "<function="
TAGS = Tags((FUNCTION, ">"), ("<parameter=", ">"), ("", "</parameter>"), "</function>", wrap=(OPEN, CLOSE), lines=True)
MARKERS = (OPEN, CLOSE, "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    return (
        30
        if FUNCTION in template and "<parameter=" in template
        else 8
        if not template and architecture.startswith("qwen35")
        else 0
    )


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    openers = {OPEN: first_of(TAGS.wrapped(), json_until(CLOSE)), FUNCTION: TAGS.one()}
    return Parser(tools, openers=openers, whole=whole_json, thinking_open=thinking_open)


def write(calls: Sequence[Raw]) -> str:
    return TAGS.writes(calls)


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    return grammar(TAGS, tools, choice, parallel, tokens, thinking_open)
