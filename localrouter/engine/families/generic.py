"""Models whose template says nothing of tools: an answer that is one JSON call, or Hermes's tags, which most models have seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import Choice, Lark, chosen
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import json_until, whole_json
from localrouter.engine.families._tools import Raw, Tools, dumps

NAME = "generic"
MARKERS = ("<tool_call>", "</tool_call>", "<think>", "</think>")


def fits(template: str, architecture: str, name: str) -> int:
    return 1


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={"<tool_call>": json_until("</tool_call>")}, whole=whole_json, thinking_open=thinking_open)


def write(calls: Sequence[Raw]) -> str:
    texts = [f'{{"name": {dumps(c.name)}, "arguments": {c.arguments}}}' for c in calls]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = {},  # noqa: B006  # read only
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    call = lark.any_of(
        [
            f"{lark.text(write([Raw(n, '')])[:-1])} {lark.schema(offered.schema(n))} {lark.text('}')}"
            for n in chosen(offered, choice)
        ]
    )
    start = f'{call} | "[" {call} (", " {call})* "]"' if parallel else call
    return lark.grammar(f"{lark.reasoning('</think>', chr(10) * 2)} ({start})" if thinking_open else start)
