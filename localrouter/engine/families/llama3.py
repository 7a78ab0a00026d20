"""Llama 3.1, 3.2 and 3.3: an answer that is `{"name": ..., "parameters": {...}}`, also behind `<|python_tag|>`; several with `; ` between them.
The 3.2 models may write Python, `[weather(city="Oslo")]`.

Source: the chat templates of meta-llama/Llama-3.1-8B-Instruct and Llama-3.2-3B-Instruct, and github.com/meta-llama/llama-models, prompt_format.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen, repeated
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._readers import first_of, json_until, python_until, whole_json
from localrouter.engine.families._tools import Raw, Tools, to_json

NAME = "llama3"
TAG = "<|python_tag|>"
MARKERS = (TAG,)


def fits(template: str, architecture: str, name: str) -> int:
    if "<|start_header_id|>" not in template:
        return 0
    return 15 if TAG in template or '"parameters": ' in template or "ipython" in template else 3


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    tagged = first_of(json_until(separators=(";",)), python_until())
    return Parser(tools, openers={TAG: tagged}, whole=first_of(whole_json, python_until()), thinking_open=thinking_open)


def write(calls: Sequence[Raw]) -> str:
    return "; ".join(to_json(c, "parameters") for c in calls)


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    offered, lark = Tools(tools), Lark(tokens)
    call = lark.json_call(offered, chosen(offered, choice), "parameters")
    return lark.grammar(repeated(call, lark.text("; "), parallel), thinking_open=thinking_open)
