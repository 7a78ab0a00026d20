"""Phi-4 mini: `functools[{"name": ..., "arguments": {...}}]`, or the same list between `<|tool_call|>` and `<|/tool_call|>`.

Source: the chat template and model card of microsoft/Phi-4-mini-instruct; vllm, examples/tool_chat_template_phi4_mini.jinja.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import json_until, whole_json
from localrouter.engine.families._tools import Raw, Tools, to_json

NAME = "phi4"
WORD, OPEN, CLOSE = "functools", "<|tool_call|>", "<|/tool_call|>"
MARKERS = (OPEN, CLOSE, "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    if "functools" in template or "<|/tool|>" in template or "<|tool|>" in template:
        return 20
    return 5 if not template and architecture.startswith("phi") else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    openers = {WORD: json_until(), OPEN: json_until(CLOSE, "</|tool_call|>")}
    return Parser(tools, openers=openers, whole=whole_json, thinking_open=thinking_open)


def write(calls: Sequence[Raw]) -> str:
    return f"{WORD}[{', '.join(map(to_json, calls))}]"


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    call = lark.json_call(offered, chosen(offered, choice))
    return lark.grammar(f"{lark.text(WORD)} {lark.json_list(call, parallel)}", thinking_open=thinking_open)
