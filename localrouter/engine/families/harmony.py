"""gpt-oss: messages with a header, `<|start|>assistant to=functions.NAME<|channel|>commentary json<|message|>{...}<|call|>`.

The channel `analysis` is reasoning, `final` is the answer, `commentary` without a recipient is words to the user before a call.
Source: github.com/openai/harmony, docs/format.md, and the chat template of openai/gpt-oss-20b.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.engine.families._lark import NO_TOKENS, Choice, Lark, chosen
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._said import Reasoning, Words
from localrouter.engine.families._source import Reading
from localrouter.engine.families._tools import Raw, Tools, object_text

NAME = "harmony"
START, CHANNEL, MESSAGE, CONSTRAIN = "<|start|>", "<|channel|>", "<|message|>", "<|constrain|>"
END, CALL, RETURN = "<|end|>", "<|call|>", "<|return|>"
MARKERS = (START, CHANNEL, MESSAGE, CONSTRAIN, END, CALL, RETURN)
_ENDS = (END, CALL, RETURN)
_HEADER = re.compile(r"(?:^|[\s>])to=(?:functions\.)?([\w.:/\-]+)")
MAX_HEADER = 1024
HEAD = f"{CHANNEL}final{MESSAGE}"


def fits(template: str, architecture: str, name: str) -> int:
    if CHANNEL in template and "analysis" in template:
        return 30
    return 5 if not template and architecture == "gpt-oss" else 0


def parser(tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
    return _Harmony(tools, openers={})


class _Harmony(Parser):
    """The prompt ends behind `<|start|>assistant`, so the answer begins inside of a header."""

    def _read(self) -> Reading[None]:
        source = self._source
        while True:
            yield from source.space()
            if source.at == len(source.text):
                return
            start = source.at
            header = yield from self._header()
            if header is None:
                # No header, or one that never ends: an answer in no known shape is shown as it is.
                source.at = 0 if start == len(source.text) - len(source.text.lstrip()) else start
                yield from self._body(Words, *_ENDS)
                continue
            found = _HEADER.search(header)
            if found is not None:
                yield from self._call_to(found[1], start)
            elif "analysis" in header:
                yield from self._body(Reasoning, *_ENDS, START)
            else:
                yield from self._body(Words, *_ENDS)

    def _header(self) -> Reading[str | None]:
        """The text up to and without `<|message|>`, None when what comes is no header."""
        source = self._source
        for mark in (START, CHANNEL, MESSAGE, "to=", "assistant"):
            if (yield from source.looks_at(mark)):
                found = yield from source.until(MESSAGE, *_ENDS)
                return found[0] if found and found[1] == MESSAGE and len(found[0]) <= MAX_HEADER else None
        return None

    def _call_to(self, name: str, start: int) -> Reading[None]:
        source = self._source
        yield from source.space()
        text = yield from source.json()
        yield from source.space()
        try:
            if text is None or name not in self._tools:
                raise ValueError(name)
            self._emit([Raw(name, object_text(text))])
            yield from source.take_any(*_ENDS)
        except ValueError:
            yield from source.until(*_ENDS)
            self._say(source.text[start : source.at])
        self._release()


def write(calls: Sequence[Raw]) -> str:
    heads = (f"{START}assistant to=functions.{c.name}{CHANNEL}commentary json{MESSAGE}{c.arguments}" for c in calls)
    return CALL.join(heads).removeprefix(f"{START}assistant")


def forced(
    tools: Sequence[Mapping[str, Any]],
    choice: Choice,
    parallel: bool,
    tokens: Mapping[str, int] = NO_TOKENS,
    thinking_open: bool = False,
) -> str:
    """One call: the model ends its turn with `<|call|>`, so `parallel` says nothing here. Some analysis may come first."""
    offered, lark = Tools(tools), Lark(tokens)
    bodies = [
        f"{lark.text(f' to=functions.{n}', CHANNEL, 'commentary json', MESSAGE)} {lark.schema(offered.schema(n))}"
        for n in chosen(offered, choice)
    ]
    analysis = f"{lark.text(CHANNEL, 'analysis', MESSAGE)} {lark.text_until(END)} {lark.text(START, 'assistant')}"
    return lark.grammar(f"({analysis})? {lark.any_of(bodies)}")
