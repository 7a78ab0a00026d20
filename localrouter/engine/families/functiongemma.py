"""FunctionGemma: `<start_function_call>call:NAME{key:<escape>text<escape>}<end_function_call>`.

Source: ai.google.dev/gemma/docs/functiongemma/formatting-and-best-practices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._gemma import call_rule, reader, write_call
from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen, repeated
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._tools import Raw, Tools

NAME = "functiongemma"
OPEN, CLOSE, QUOTE = "<start_function_call>", "<end_function_call>", "<escape>"
MARKERS = (OPEN, CLOSE, QUOTE)


def fits(template: str, architecture: str, name: str) -> int:
    return 30 if OPEN in template else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return Parser(tools, openers={OPEN: reader(QUOTE, CLOSE)}, thinking_open=thinking_open)


def write(calls: Sequence[Raw]) -> str:
    return "".join(f"{OPEN}{write_call(c, QUOTE)}{CLOSE}" for c in calls)


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    inner = lark.any_of([call_rule(lark, offered, n, QUOTE) for n in chosen(offered, choice)])
    call = lark.rule(f"{lark.text(OPEN)} {inner} {lark.text(CLOSE)}")
    return lark.grammar(repeated(call, "", parallel), thinking_open=thinking_open)
