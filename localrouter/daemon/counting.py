"""Token counts, answered on this machine from the text alone: nothing is scanned, sent or charged.

Where only a model of this machine may answer (the client names it, or the recipe has no other target), the count is that model's own, by its
template and vocabulary. Where that cannot be had, and for every hosted model, it is an estimate: vendors do not publish the tokenizers of
their present models. It errs high: a client that trusts it compacts a little early and never too late. A text is counted by what its
characters are (words, letters, digits, punctuation, line breaks, other scripts); the weights are a least-squares fit to the greater of
OpenAI's cl100k_base and Anthropic's published tokenizer (Claude 2) over Python, JavaScript, C, English, French, German, Kazakh,
Chinese/Japanese/Korean, logs, tool schemas and system prompts of agents, raised by 8 %. Seen on that text, 3 KB at a time, as a part of the
greater count: code 1.07 (0.87 to 1.17), English 1.08 (1.00 to 1.16), French 1.12, German 0.92 (its compounds), Kazakh 0.91, CJK 1.12 (0.93 to
1.31), logs 1.10, tool schemas 1.14, system prompts 1.13 (1.05 to 1.16); bytes / 4, the usual guess,
gives 0.87 on code, 0.72 on CJK, 0.58 on Kazakh and 0.46 on logs.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Container, Iterable, Iterator
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.candidates import CHAT, means_local
from localrouter.core.decide import Attempt
from localrouter.core.errors import RouterError
from localrouter.core.recipe import Recipe
from localrouter.core.virtual import choice, word
from localrouter.daemon import door, planes
from localrouter.daemon.services import Services
from localrouter.daemon.surface import Call, Route, id_headers, new_id, send_json
from localrouter.dialects import Dialect
from localrouter.dialects._fields import dumps
from localrouter.engine.pins import ModelFault

_WORD, _LETTER = re.compile(r"[A-Za-z]+"), re.compile(r"[A-Za-z]")
_DIGITS = re.compile(r"[0-9]{1,3}")
_MARK, _MARKS = re.compile(r"[!-/:-@\[-`{-~]"), re.compile(r"[!-/:-@\[-`{-~]+")
_BREAK = re.compile(r"\s*\n\s*|  +")
_ACCENT, _VIETNAMESE = re.compile(r"[\u00aa-\u024f]"), re.compile(r"[\u0300-\u036f\u1e00-\u1eff]")
_CYRILLIC, _RARER = re.compile(r"[\u0400-\u045f]"), re.compile(r"[\u0460-\u052f]")
_SCRIPT = re.compile(r"[\u0370-\u03ff\u0530-\u1dff\u1f00-\u1fff]")
_CJK = re.compile(r"[\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef]")
_SIGN, _OTHER = re.compile(r"[\u2000-\u2e7f]"), re.compile(r"[\ue000-\uf8ff\ufb00-\ufeff\ufff0-\U0010ffff]")

_ASCII: tuple[tuple[re.Pattern[str], float], ...] = (
    (_WORD, 0.276), (_LETTER, 0.198), (_DIGITS, 1.48), (_MARK, 0.087), (_MARKS, 0.944), (_BREAK, 1.227),
)  # fmt: skip
_BEYOND: tuple[tuple[re.Pattern[str], float], ...] = (
    (_ACCENT, 3.31), (_VIETNAMESE, 2.0), (_CYRILLIC, 0.66), (_RARER, 2.4), (_SCRIPT, 1.3), (_CJK, 1.243), (_SIGN, 1.2), (_OTHER, 2.5),
)  # fmt: skip
"""Those for Russian, Greek, Arabic, Hebrew, Hindi and Thai, signs and emoji are from a few sentences of each."""

PER_TURN = 4
TOOLS = 346
"""Anthropic's documents, "Tool use": the tokens of the system prompt that stands before tools, the greatest of its table."""
IMAGE = 1600
"""Anthropic's documents, "Vision": what an image of the largest size that is not scaled down takes."""
DOCUMENT = 3000
"""Anthropic's documents, "PDF support": 1 500 to 3 000 tokens a page; how many pages it has is not read here."""
INLINE = 32 * 1024
"""Bytes of a body that are counted on the event loop, in a millisecond or two; more goes to a thread."""

_FRAME = frozenset(
    {"type", "role", "id", "tool_use_id", "call_id", "tool_call_id", "cache_control", "signature", "encrypted_content", "source",
     "image_url", "file_data", "input_audio", "status"}
)  # fmt: skip
"""Keys of a turn whose values are no text that a model reads."""
_PLAIN = frozenset({"content", "text", "input", "output", "arguments", "function", "tool_calls", "thinking", "summary"})
"""Keys that are the frame's own words; any other key stands in what the model reads (a tool call's arguments)."""


def tokens_of(text: str) -> float:
    """The estimate for one text."""
    total = 0.0
    for pattern, weight in _ASCII if text.isascii() else _ASCII + _BEYOND:
        total += weight * len(pattern.findall(text))
    return total


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)
    elif isinstance(node, dict):
        for key, item in node.items():
            if key not in _FRAME:
                if key not in _PLAIN:
                    yield key
                yield from _texts(item)
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        yield repr(node)


def estimate(ask: Ask) -> int:
    """The tokens of a request's prompt: system, turns, tools, images. At least 1."""
    tree = ask.tree
    said = [text for key in ("system", "instructions", "messages", "input") for text in _texts(tree.get(key))]
    total = tokens_of("\n".join(said))
    for key in ("tools", "functions"):
        if isinstance(tree.get(key), list) and tree[key]:
            # A schema is read with its braces and names.
            total += TOOLS + tokens_of(dumps({"t": tree[key]}).decode())
    turns: list[Any] = next((tree[k] for k in ("messages", "input") if isinstance(tree.get(k), list)), [])
    total += PER_TURN * (len(turns) + 1)
    for name in ask.unread:
        total += IMAGE if "image" in name else DOCUMENT
    return max(1, round(total))


class Counting:
    """The handlers. Not counted as requests in flight: clients ask in bursts of 26."""

    def __init__(self, dialects: Iterable[Dialect], services: Services) -> None:
        self._dialects, self.s = tuple(dialects), services

    def routes(self) -> list[Route]:
        """One for each path of each dialect that counts."""
        out: list[Route] = []
        for dialect in self._dialects:
            for method, path in getattr(dialect, "COUNT", ()):
                out.append(Route(method, path, "client", functools.partial(self._count, dialect), dialect))
        return out

    async def _count(self, dialect: Any, call: Call) -> None:
        body = await door.read_body(call.scope, call.receive)
        if body is None:
            return
        ask: Ask = dialect.read(body, door.headers_of(call.scope))
        tokens = await self._own(dialect, ask)
        if tokens is None:
            tokens = estimate(ask) if len(body) <= INLINE else await asyncio.to_thread(estimate, ask)
        await send_json(call.send, 200, dialect.counted(tokens), id_headers(new_id()))

    async def _own(self, dialect: Dialect, ask: Ask) -> int | None:
        """The count of the local model that will answer; None where another may, or where it cannot count this."""
        target = local_target(ask.model, self.s.recipe, self.s.local.targets)
        if not target:
            return None
        try:
            messages, params, _ = planes.local(self.s, dialect, ask, Attempt(target, "local", 1, 0))
            return await self.s.local.tokens(messages, params, target)
        except (RouterError, ModelFault):
            return None


def local_target(asked: str, recipe: Recipe, known: Container[str]) -> str:
    """The local target that alone may answer who asks for this model; "" where another may."""
    name = choice(recipe.models, asked).model
    if means_local(name):
        return name if name in known else CHAT
    if word(name) == "local":
        return CHAT
    only, *others = {target for route in recipe.route for target in route.try_} or {""}
    return only if not others and means_local(only) else ""
