"""Gemma 4: `<|tool_call>call:NAME{key:<|"|>text<|"|>}<tool_call|>`, reasoning in `<|channel>thought ... <channel|>`, which may come again.

Source: ai.google.dev/gemma/docs/core/prompt-formatting-gemma4, and the chat template of google/gemma-4-31B-it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._gemma import call_rule, reader, write_call
from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen, repeated
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._tools import Raw, Tools

NAME = "gemma4"
OPEN, CLOSE, QUOTE = "<|tool_call>", "<tool_call|>", '<|"|>'
THOUGHT = ("<|channel>thought", "<channel|>")
MARKERS = (OPEN, CLOSE, QUOTE, "<|channel>", "<channel|>")


def fits(template: str, architecture: str, name: str) -> int:
    return 30 if OPEN in template else 5 if not template and architecture == "gemma4" else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    openers = {OPEN: reader(QUOTE, CLOSE)}
    return Parser(tools, openers=openers, thinking=(THOUGHT,), thinking_open=thinking_open, repeated=True, noise=("<channel|>",))


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
    return lark.grammar(repeated(call, "", parallel), thinking_open=thinking_open, closing="<channel|>", behind="")
