"""Grammars for "you must call a tool", in llguidance's dialect of Lark.

JSON Schema is embedded as `%json {...}`; a control token is written by its number, `<[151657]>`, since it has no text to match
(github.com/guidance-ai/llguidance, docs/syntax.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from localrouter.engine.families._tools import Tools, dumps
from localrouter.engine.grammar import embedded

NO_TOKENS: Mapping[str, int] = MappingProxyType({})

Choice = str | Mapping[str, Any] | None
"""OpenAI's `tool_choice`: "required", or `{"type": "function", "function": {"name": ...}}`."""


class NoSuchTool(ValueError):
    """The choice names a tool that is not offered."""


def chosen(tools: Tools, choice: Choice) -> list[str]:
    """The names that may be called. Raises NoSuchTool."""
    if isinstance(choice, Mapping):
        function = choice.get("function", choice)
        name = function.get("name") if isinstance(function, Mapping) else None
        if name not in tools:
            raise NoSuchTool("The tool choice names a tool that is not in the list.")
        return [str(name)]
    if not tools:
        raise NoSuchTool("A tool call is required and no tool is in the list.")
    return list(tools)


class Lark:
    """Builds one grammar. `tokens`: control tokens of the model, text to number; other text is matched as text."""

    def __init__(self, tokens: Mapping[str, int]) -> None:
        self._tokens = tokens
        names = sorted(tokens, key=len, reverse=True)
        self._marks = re.compile(f"({'|'.join(map(re.escape, names))})") if names else None
        self._rules: dict[str, str] = {}

    def text(self, *parts: str) -> str:
        """Fixed text; the control tokens in it stand as tokens."""
        pieces = self._split("".join(parts))
        return " ".join(f"<[{self._tokens[p]}]>" if p in self._tokens else json.dumps(p, ensure_ascii=False) for p in pieces)

    def _split(self, text: str) -> list[str]:
        return [p for p in (self._marks.split(text) if self._marks else [text]) if p]

    def schema(self, schema: Any) -> str:
        """A JSON value by its schema, as far as it can be enforced. Raises BadGrammar when it is no schema."""
        return self.rule(f"%json {embedded(schema if isinstance(schema, Mapping) else {})}")

    def rule(self, body: str) -> str:
        """A rule of its own; returns its name."""
        name = next((n for n, b in self._rules.items() if b == body), f"r{len(self._rules)}")
        self._rules[name] = body
        return name

    def any_of(self, bodies: Sequence[str]) -> str:
        return self.rule(" | ".join(bodies))

    def json_call(self, tools: Tools, names: Sequence[str], key: str = "arguments") -> str:
        """A rule for `{"name": ..., "arguments": ...}` of one of the tools."""
        heads = ((f'{{"name": {dumps(n)}, "{key}": ', self.schema(tools.schema(n))) for n in names)
        return self.any_of([f'{self.text(head)} {schema} "}}"' for head, schema in heads])

    def json_list(self, call: str, parallel: bool) -> str:
        """`[call]`, or `[call, call]`."""
        return f'"[" {repeated(call, self.text(", "), parallel)} "]"'

    def fields(self, bodies: Mapping[str, str], required: Any, between: str) -> str:
        """Named fields with something between them: the required ones, then any of the optional ones, each in its order."""
        needed = set(required) if isinstance(required, list) else set()
        must = [body for key, body in bodies.items() if key in needed]
        may = [body for key, body in bodies.items() if key not in needed]
        comma = self.text(between)
        if must:
            return " ".join([f" {comma} ".join(must), *(f"({comma} {body})?" for body in may)])
        tails = [" ".join([first, *(f"({comma} {body})?" for body in may[at + 1 :])]) for at, first in enumerate(may)]
        return f"({self.any_of(tails)})?" if tails else '""'

    def text_until(self, closing: str) -> str:
        """A rule for free text up to and with its closing mark."""
        pieces = self._split(closing)
        token = next((at for at, p in enumerate(pieces) if p in self._tokens), None)
        if token == 0:
            return self.rule(f"/(?s:.*)/ {self.text(closing)}")
        # A mark that begins with text ends the free text where that text comes first.
        suffix = "".join(pieces[:token])
        name = f"u{len(self._rules)}"
        self._rules[f"{name}[suffix={json.dumps(suffix, ensure_ascii=False)}]"] = "/(?s:.*)/"
        return name if token is None else self.rule(f"{name} {self.text(*pieces[token:])}")

    def grammar(self, start: str, *, thinking_open: bool = False, closing: str = "</think>", behind: str = "\n\n") -> str:
        """The whole text; behind what is left of an open block of reasoning. llguidance judges it."""
        if thinking_open:
            start = f"{self.text_until(closing)} {self.text(behind)} ({start})"
        return "".join([f"start: {start}\n", *(f"{name}: {body}\n" for name, body in self._rules.items())])


def repeated(call: str, between: str, parallel: bool) -> str:
    """One call, or several."""
    return f"{call} ({between} {call})*" if parallel and between else f"{call}+" if parallel else call
