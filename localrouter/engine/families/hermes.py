"""`<tool_call>{"name": ..., "arguments": {...}}</tool_call>`: Qwen 2.5 and 3, Hermes 2 and 3, Granite 4, and models without a form of their own.

Source: NousResearch/Hermes-Function-Calling, and the chat templates of Qwen/Qwen2.5-7B-Instruct and Qwen/Qwen3-0.6B.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import Choice, Lark, chosen, repeated
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import json_until, whole_json
from localrouter.engine.families._tools import Raw, Tools, dumps

NAME = "hermes"
OPEN, CLOSE = "<tool_call>", "</tool_call>"
MARKERS = (OPEN, CLOSE, "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    return 20 if OPEN in template else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={OPEN: json_until(CLOSE)}, whole=whole_json, thinking_open=thinking_open)


def write(calls: Sequence[Raw]) -> str:
    return "\n".join(f'{OPEN}\n{{"name": {dumps(c.name)}, "arguments": {c.arguments}}}\n{CLOSE}' for c in calls)


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = {},  # noqa: B006  # read only
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    bodies = [
        f"{lark.text(f'{{{chr(34)}name{chr(34)}: {dumps(n)}, {chr(34)}arguments{chr(34)}: ')} {lark.schema(offered.schema(n))}"
        for n in chosen(offered, choice)
    ]
    call = lark.rule(f"{lark.text(OPEN, chr(10))} {lark.any_of(bodies)} {lark.text('}' + chr(10), CLOSE)}")
    start = repeated(call, lark.text("\n"), parallel)
    return lark.grammar(f"{lark.reasoning('</think>', chr(10) * 2)} {start}" if thinking_open else start)
