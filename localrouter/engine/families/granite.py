"""Granite 3: `<|tool_call|>[{"name": ..., "arguments": {...}}]`. (Granite 4 writes as Hermes does.)

Source: the chat template of ibm-granite/granite-3.3-2b-instruct.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import json_until, whole_json
from localrouter.engine.families._tools import Raw, Tools, to_json

NAME = "granite"
TAG = "<|tool_call|>"
MARKERS = (TAG, "<tool_call>", "<think>", "</think>", "<response>", "</response>")


def fits(template: str, architecture: str, name: str) -> int:
    if "<|start_of_role|>" in template and (TAG in template or "<tool_call>" not in template):
        return 25
    return 5 if not template and architecture.startswith("granite") else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(
        tools,
        openers={TAG: json_until(), "<tool_call>": json_until("</tool_call>")},
        whole=whole_json,
        thinking_open=thinking_open,
        noise=("<response>", "</response>"),
    )


def write(calls: Sequence[Raw]) -> str:
    return f"{TAG}[{', '.join(map(to_json, calls))}]"


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    call = lark.json_call(offered, chosen(offered, choice))
    return lark.grammar(f"{lark.text(TAG)} {lark.json_list(call, parallel)}", thinking_open=thinking_open)
