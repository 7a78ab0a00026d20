"""What the hosted tools of a request can be billed at most, beside the tokens; and the edits that tell the host so, without which a reservation
would be no ceiling (law 2). Which kinds there are stands in `core/hosted_tools.py`, what a use costs in the catalogue.

Sources: Anthropic, "Web search tool" and "Web fetch tool" (`max_uses`, `max_content_tokens`; sizes of pages), "Code execution tool" (billed by
the hour of a container; free beside the newer search and fetch), "Server tools" (10 rounds); OpenAI API reference, Responses
(`max_tool_calls`), its pricing page, "Built-in tools" (containers by their memory, 1 to 64 GB), and its forum, 1364328 (a container is made and
billed with each request that offers it); xAI, "Live Search"; OpenRouter, "Web search".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.decide import Attempt
from localrouter.core.hosted_tools import RESULT_TOKENS, USES, Offer
from localrouter.dialects._edits import Tree, edit
from localrouter.dialects._hosted import FIELDS, asks, flat, is_web, kind_of, lists

PAGE_TOKENS = 25_000
"""Of a fetched page: a large one of documentation. A request may say less (`max_content_tokens`)."""
SOURCES, RESULTS = 20, 5
"""Defaults of xAI's `max_search_results` and of OpenRouter's `max_results`: what one request is billed for."""
CONTAINERS = {"1g": 1, "4g": 4, "16g": 16, "64g": 64}
"""Memory -> units of the price: one for each gigabyte. A container that is named by its id may be of any size."""
_LIMITED = ("web_search", "web_fetch", "advisor")
"""Tools of a Messages request that take `max_uses`."""
_FREES = re.compile(r"web_(search|fetch)_(\d{8})")
FREE_SINCE = "20260209"
"""From this version of search and fetch on, code that runs for them is not billed."""


def offers(tree: Tree, *, shown: bool = True) -> tuple[Offer, ...]:
    """Each kind that a request offers, at its most; a kind that stands there twice is billed for both. `shown`: whether this API's answers show
    their uses."""
    total = _count(tree.get("max_tool_calls"))
    free = any(_frees(tool) for tools in lists(tree) for tool in flat(tools))
    found: dict[str, Offer] = {}
    for offer in _each(tree, total or USES, free, shown):
        old = found.get(offer.kind)
        found[offer.kind] = offer if old is None else _joined(old, offer)
    return tuple(found.values())


def _each(tree: Tree, total: int, free: bool, shown: bool) -> Iterator[Offer]:
    for tools in lists(tree):
        for tool in flat(tools):
            kind = kind_of(tool)
            if kind:
                yield _offer(kind, tool, total, free, shown=shown)
    for key, kind in FIELDS.items():
        given = tree.get(key)
        if given is None or not asks(key, given):
            continue
        if key == "search_parameters":
            yield Offer(kind, _count(given.get("max_search_results")) or SOURCES, calls=1, shown=False)
        elif key == "plugins":
            asked = sum(_count(p.get("max_results")) or RESULTS for p in given if is_web(p))
            yield Offer(kind, asked, calls=1, shown=False)
        elif key == "web_search_options":
            yield Offer(kind, 1, calls=1, shown=False)
        # A list of servers (`mcp_servers`) runs nothing that no tool of the list offers.


def _offer(kind: str, tool: dict[str, Any], total: int, free: bool, *, shown: bool) -> Offer:
    if kind == "code_execution":
        # Billed by the hour, and no call lasts longer than one (DESIGN section 4).
        return Offer(kind, 0 if free else 1, tokens=RESULT_TOKENS)
    if kind in ("code_interpreter", "container_shell"):
        place = tool.get("container" if kind == "code_interpreter" else "environment")
        size = CONTAINERS.get(str(place.get("memory_limit") or "1g"), 64) if isinstance(place, dict) else 64
        if isinstance(place, dict) and place.get("type") == "container_reference":
            size = 64
        # A container is billed also when nothing runs in it.
        return Offer(kind, size, size, calls=total, limit=total, shown=False)
    uses = _count(tool.get("max_uses")) or total
    tokens = RESULT_TOKENS
    if kind == "web_fetch":
        tokens = _count(tool.get("max_content_tokens")) or PAGE_TOKENS
    return Offer(kind, uses, calls=uses, limit=max(total, USES), tokens=tokens, shown=shown)


def _joined(a: Offer, b: Offer) -> Offer:
    return Offer(
        a.kind, a.most + b.most, max(a.each, b.each), a.calls + b.calls, max(a.limit, b.limit), max(a.tokens, b.tokens), a.shown and b.shown
    )  # fmt: skip


def _frees(tool: Any) -> bool:
    found = _FREES.fullmatch(str(tool.get("type"))) if isinstance(tool, dict) else None
    return found is not None and found[2] >= FREE_SINCE


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


# --- the host is told ------------------------------------------------------------------------------


@edit(
    f"The host is told how often its own tools may run ({USES} times, where the request says nothing), or the reservation would be no ceiling."
)
def limit_uses(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """Of a Messages request: each tool has its own limit."""
    tools = tree.get("tools")
    if not attempt.offers or not isinstance(tools, list):
        return tree
    fresh = [{**t, "max_uses": USES} if kind_of(t) in _LIMITED and not _count(t.get("max_uses")) else t for t in tools]
    return tree if all(a is b for a, b in zip(fresh, tools, strict=True)) else {**tree, "tools": fresh}


@edit(
    f"The host is told how often its own tools may run ({USES} times, where the request says nothing), or the reservation would be no ceiling."
)
def limit_calls(tree: Tree, ask: Ask, attempt: Attempt) -> Tree:
    """Of a Responses request: one limit for all of them."""
    return {**tree, "max_tool_calls": USES} if attempt.offers and not _count(tree.get("max_tool_calls")) else tree
