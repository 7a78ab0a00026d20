"""Mistral since Small 3.2, Devstral, Magistral, Ministral 3: `[TOOL_CALLS]name[ARGS]{...}`, one tag for each call.

Source: mistralai/mistral-common, tokens/tokenizers (v11 and v13), and the chat templates of Mistral-Small-3.2-24B-Instruct-2506 and
Ministral-3-14B-Reasoning-2512.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen, repeated
from localrouter.engine.families._mistral import ARGS, MARKERS, TAG, parser
from localrouter.engine.families._tools import Raw, Tools

NAME = "mistral_args"

__all__ = ["MARKERS", "NAME", "fits", "forced", "parser", "write"]


def fits(template: str, architecture: str, name: str) -> int:
    return 20 if TAG in template and ARGS in template else 0


def write(calls: Sequence[Raw]) -> str:
    return "".join(f"{TAG}{c.name}{ARGS}{c.arguments}" for c in calls)


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    bodies = [f"{lark.text(n, ARGS)} {lark.schema(offered.schema(n))}" for n in chosen(offered, choice)]
    call = lark.rule(f"{lark.text(TAG)} {lark.any_of(bodies)}")
    return lark.grammar(repeated(call, "", parallel), thinking_open=thinking_open, closing="[/THINK]")
