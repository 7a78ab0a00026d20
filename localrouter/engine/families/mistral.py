"""Mistral up to Nemo and Small 3.1: `[TOOL_CALLS][{"name": ..., "arguments": {...}, "id": ...}]`.

Source: mistralai/mistral-common, tokens/tokenizers (v3), and the chat template of mistralai/Mistral-Nemo-Instruct-2407.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen
from localrouter.engine.families._mistral import ARGS, MARKERS, TAG, parser
from localrouter.engine.families._tools import Raw, Tools, to_json

NAME = "mistral"

__all__ = ["MARKERS", "NAME", "fits", "forced", "parser", "write"]


def fits(template: str, architecture: str, name: str) -> int:
    if TAG in template and ARGS not in template:
        return 20
    return 4 if "[INST]" in template or (not template and architecture.startswith("mistral")) else 0


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
    return lark.grammar(f"{lark.text(TAG)} {lark.json_list(call, parallel)}", thinking_open=thinking_open, closing="[/THINK]")
