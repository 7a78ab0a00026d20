"""`<tool_call>{"name": ..., "arguments": {...}}</tool_call>`: Qwen 2.5 and 3, Hermes 2 and 3, Granite 4, SmolLM3, QwQ, MiMo.

Source: NousResearch/Hermes-Function-Calling, and the chat templates of Qwen/Qwen2.5-7B-Instruct and Qwen/Qwen3-0.6B.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen, repeated
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import json_until, whole_json
from localrouter.engine.families._tools import Raw, Tools, to_json

NAME = "hermes"
OPEN, CLOSE = "<tool_call>", "</tool_call>"
MARKERS = (OPEN, CLOSE, "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    return 20 if OPEN in template else 5 if not template and architecture.startswith("qwen") else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={OPEN: json_until(CLOSE)}, whole=whole_json, thinking_open=thinking_open)


def write(calls: Sequence[Raw]) -> str:
    return "\n".join(f"{OPEN}\n{to_json(c)}\n{CLOSE}" for c in calls)


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    inner = lark.json_call(offered, chosen(offered, choice))
    call = lark.rule(f"{lark.text(OPEN, chr(10))} {inner} {lark.text(chr(10), CLOSE)}")
    return lark.grammar(repeated(call, lark.text("\n"), parallel), thinking_open=thinking_open)
