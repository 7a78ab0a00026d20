"""SmolLM3: as Hermes with its XML tools, or Python between `<code>` and `</code>`.

Source: the chat template of HuggingFaceTB/SmolLM3-3B (`xml_tools`, `python_tools`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen, repeated
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import json_until, python_until, whole_json
from localrouter.engine.families._tools import Raw, Tools, to_json

NAME = "smollm3"
OPEN, CLOSE = "<tool_call>", "</tool_call>"
MARKERS = (OPEN, CLOSE, "<code>", "</code>", "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    if "xml_tools" in template or ("/no_think" in template and "SmolLM" in template):
        return 30
    return 5 if not template and architecture == "smollm3" else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    openers = {OPEN: json_until(CLOSE), "<code>": python_until("</code>")}
    return Parser(tools, openers=openers, whole=whole_json, thinking_open=thinking_open)


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
