"""`<tool_call>NAME<arg_key>KEY</arg_key><arg_value>VALUE</arg_value></tool_call>`: GLM 4.5 to 4.7, Ling 3, Laguna.

Source: the chat templates of zai-org/GLM-4.6 and GLM-4.7-Flash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import first_of, json_until, whole_json
from localrouter.engine.families._tools import Raw
from localrouter.engine.families._xml import Tags, grammar

NAME = "glm"
OPEN, CLOSE = "<tool_call>", "</tool_call>"
TAGS = Tags((OPEN, ""), ("<arg_key>", "</arg_key>"), ("<arg_value>", "</arg_value>"), CLOSE)
MARKERS = (OPEN, CLOSE, "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    return 35 if "<arg_key>" in template and OPEN in template else 5 if not template and architecture.startswith("glm") else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={OPEN: first_of(TAGS.one(), json_until(CLOSE))}, whole=whole_json, thinking_open=thinking_open)


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
