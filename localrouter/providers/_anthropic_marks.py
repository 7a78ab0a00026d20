"""Marks for the prompt cache of a Messages host, where the client speaks an API whose hosts cache without being told.

A host of this API keeps a prefix only up to a block that is marked. A chat or Responses client marks nothing, and would pay in full for its long
prefix with every turn. Written are: the last tool, the last block of the system prompt, and, once a conversation goes on (the model has spoken, or
tools are offered), the last two of the user's turns: what the turn before wrote is read, and this one is written for the next. Four, as many as there
may be. A request of one turn without tools pays for no write of what nobody asks about again.

Nothing is marked where the client did so itself, nor below the size from which a model caches (a shorter prefix is read in full, and no error), nor
where the price of a write is not known, since its cost would be understated (law 2).

Source: Anthropic API reference, "Prompt caching": order tools, system, messages; four breakpoints; each looks 20 blocks back; minimum sizes by
model; thinking blocks and empty texts take none; a write for five minutes costs 1.25 times the input, a read a tenth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from localrouter.core.decide import Attempt
from localrouter.core.money import Price

WHY = "The host caches the beginning of a prompt only where it is marked, and the client's API has no marks."
_LEAST = (
    (re.compile(r"(?:opus|fable|mythos)-5(?!\d)"), 512),
    (re.compile(r"opus-4-[56](?!\d)|haiku-4-5(?!\d)"), 4096),
    (re.compile(r"opus-4-7(?!\d)|3-5-haiku|3-haiku|haiku-3"), 2048),
)
_USUAL = 1024
_BYTES = 4
"""Of a token, about. Where it is a little less, a mark is set for nothing, which costs nothing."""
_TAKE = ("text", "image", "document", "tool_use", "tool_result")
"""Blocks of a turn that take a mark."""
Block = dict[str, Any]


def least(model: str) -> int:
    """Tokens from which a model caches a prefix."""
    name = model.replace(".", "-")
    return next((tokens for pattern, tokens in _LEAST if pattern.search(name)), _USUAL)


def marked(tree: dict[str, Any], attempt: Attempt) -> str:
    """Marks a body of the neutral plane, in place. Why, for the trace; "" where nothing was marked."""
    model = attempt.model
    if model is None or "claude" not in model.name or not _priced(model.price) or _has_marks(tree):
        return ""
    long, seen, set_ = least(model.name) * _BYTES, 0, False
    for blocks in _places(tree):
        seen += sum(len(orjson.dumps(block)) for block in blocks[0])
        if seen >= long and blocks[1]:
            last = next((b for b in reversed(blocks[0]) if _takes(b)), None)
            if last is not None:
                last["cache_control"] = {"type": "ephemeral"}
                set_ = True
    return WHY if set_ else ""


def _priced(price: Price | None) -> bool:
    tiers = [price, price.long] if price is not None and price.long is not None else [price]
    return all(p is not None and p.cache_write is not None and p.cache_read is not None for p in tiers)


def _has_marks(tree: dict[str, Any]) -> bool:
    blocks = [*_blocks(tree, "system"), *tree.get("tools", ()), *(b for m in tree["messages"] for b in _blocks(m, "content"))]
    return any("cache_control" in block for block in blocks)


def _blocks(node: dict[str, Any], field: str) -> list[Block]:
    content = node.get(field)
    return content if isinstance(content, list) else []


def _places(tree: dict[str, Any]) -> Iterator[tuple[list[Block], bool]]:
    """(blocks, whether their last may be marked), in the order in which a prefix is made."""
    tools = tree.get("tools", [])
    yield tools, True
    yield _opened(tree, "system"), True
    messages = tree["messages"]
    users = [at for at, message in enumerate(messages) if message["role"] == "user"]
    goes_on = bool(tools) or any(message["role"] == "assistant" for message in messages)
    chosen = frozenset(users[-2:]) if goes_on else frozenset()
    for at, message in enumerate(messages):
        yield (_opened(message, "content"), True) if at in chosen else (_read(message), False)


def _opened(node: dict[str, Any], field: str) -> list[Block]:
    """Its blocks; a bare text becomes one, which the host reads alike."""
    text = node.get(field)
    if isinstance(text, str) and text:
        node[field] = [{"type": "text", "text": text}]
    return _blocks(node, field)


def _read(message: dict[str, Any]) -> list[Block]:
    content = message["content"]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _takes(block: Block) -> bool:
    """A tool has no type here, since it is the client's."""
    kind = block.get("type", "tool")
    return kind == "tool" or (kind in _TAKE and (kind != "text" or bool(block.get("text", "").strip())))
