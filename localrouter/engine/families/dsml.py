"""DeepSeek V3.2 and V4: `invoke` and `parameter` tags with the token `｜DSML｜` in each, all calls in one block.

Source: the chat templates of deepseek-ai/DeepSeek-V3.2 and DeepSeek-V4. What their attribute `string` says is taken from the schema instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import whole_json
from localrouter.engine.families._tools import Raw
from localrouter.engine.families._xml import Tags, grammar

NAME = "dsml"
_INVOKE, _KEY = '<｜DSML｜invoke name="', '<｜DSML｜parameter name="'
_CLOSED = ('">', '" string="true">', '" string="false">')
TAGS = Tags(
    (_INVOKE, '">'),
    (_KEY, *_CLOSED),
    ("", "</｜DSML｜parameter>"),
    "</｜DSML｜invoke>",
    wrap=("<｜DSML｜function_calls>", "</｜DSML｜function_calls>"),
    wraps_all=True,
)
V4 = replace(TAGS, wrap=("<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>"))
MARKERS = ("｜DSML｜", "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    return 40 if "DSML" in template else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    openers = {t.wrap[0]: t.wrapped() for t in (TAGS, V4)}
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
