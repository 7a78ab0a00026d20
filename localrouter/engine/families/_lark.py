"""Grammars for "you must call a tool", in llguidance's dialect of Lark.

JSON Schema is embedded as `%json {...}`; a control token is written by its number, `<[151657]>`, since it has no text to match
(github.com/guidance-ai/llguidance, docs/syntax.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._tools import Tools

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
        self._rules: dict[str, str] = {}

    def text(self, *parts: str) -> str:
        """Fixed text, of which some parts may be control tokens."""
        return " ".join(f"<[{self._tokens[p]}]>" if p in self._tokens else json.dumps(p, ensure_ascii=False) for p in parts if p)

    def schema(self, schema: Any) -> str:
        """A JSON value by its schema. Compact white space is the model's own choice."""
        return self.rule("%json " + json.dumps(schema, ensure_ascii=False))

    def rule(self, body: str) -> str:
        """A rule of its own; returns its name."""
        name = next((n for n, b in self._rules.items() if b == body), f"r{len(self._rules)}")
        self._rules[name] = body
        return name

    def any_of(self, bodies: Sequence[str]) -> str:
        return self.rule(" | ".join(bodies))

    def reasoning(self, closing: str, *behind: str) -> str:
        """What is left of an open block of reasoning, and its closing mark."""
        free = "/(?s:.*)/" if closing in self._tokens else f"/[^{_class(closing[0])}]*/"
        return f"{free} {self.text(closing, *behind)}"

    def grammar(self, start: str) -> str:
        """The whole text. Raises nothing: llguidance judges it."""
        return "".join([f"start: {start}\n", *(f"{name}: {body}\n" for name, body in self._rules.items())])


def _class(char: str) -> str:
    return "\\" + char if char in "[]\\^-/" else char


def repeated(call: str, between: str, parallel: bool) -> str:
    """One call, or several."""
    return f"{call} ({between} {call})*" if parallel and between else f"{call}+" if parallel else call
