"""LFM2 and LFM2.5: `<|tool_call_start|>[weather(city="Oslo")]<|tool_call_end|>`, or the same list as JSON when the prompt asks for it.

Source: docs.liquid.ai, "Tool use", and the chat templates of LiquidAI/LFM2-8B-A1B and LFM2.5-1.2B-Instruct.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._python import python_rule, write_python
from localrouter.engine.families._readers import first_of, json_until, python_until
from localrouter.engine.families._tools import Raw, Tools

NAME = "lfm2"
OPEN, CLOSE = "<|tool_call_start|>", "<|tool_call_end|>"
MARKERS = (OPEN, CLOSE, "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    if "<|tool_list_start|>" in template or "<|tool_call_start|>" in template or "List of tools: [" in template:
        return 25
    return 22 if architecture.startswith("lfm2") else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={OPEN: first_of(json_until(CLOSE), python_until(CLOSE))}, thinking_open=thinking_open)


def write(calls: Sequence[Raw]) -> str:
    return f"{OPEN}{write_python(calls)}{CLOSE}"


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    call = lark.any_of([python_rule(lark, offered, n) for n in chosen(offered, choice)])
    listed = f"{lark.text(OPEN)} {lark.json_list(call, parallel)} {lark.text(CLOSE)}"
    return lark.grammar(listed, thinking_open=thinking_open)
