"""`<minimax:tool_call><invoke name="NAME"><parameter name="KEY">VALUE</parameter></invoke></minimax:tool_call>`: MiniMax M2.

Source: the chat template of MiniMaxAI/MiniMax-M2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import whole_json
from localrouter.engine.families._tools import Raw
from localrouter.engine.families._xml import Tags, grammar

NAME = "minimax"
OPEN, CLOSE = "<minimax:tool_call>", "</minimax:tool_call>"
TAGS = Tags(
    ('<invoke name="', '">'), ('<parameter name="', '">'), ("", "</parameter>"), "</invoke>", wrap=(OPEN, CLOSE), wraps_all=True
)
MARKERS = (OPEN, CLOSE, "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    return 30 if OPEN in template else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={OPEN: TAGS.wrapped()}, whole=whole_json, thinking_open=thinking_open)


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
