"""What each plane adds: every API that a client speaks to every wire that a host does, beside the same request to the mock host directly.

Where the two are the same the raw tree travels; else the request and the answer cross (DESIGN section 4). Short chats are of text seen before,
every fourth with values to veil. Agents' bodies are generated, hold an address and a home folder, and are asked in three situations: a new
session whose harness text is known, a later turn with 1 KB of new text, and text of which nothing was ever seen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchkit import apis, bodies
from benchkit.contenders import WIRES, Contender
from benchkit.native import load
from benchkit.scenarios import PAUSE_S, Book, Size, Trees

ROUTES = tuple((api, wire) for api in WIRES for wire in WIRES)
AGENT_ROUTES = (*((api, api) for api in WIRES), ("chat", "messages"), ("messages", "chat"), ("responses", "messages"))
"""The raw plane of each, and for each one crossing: the host that users of such a client have beside its maker's own."""
TOKENS = 256
"""Of a streamed answer, all sent at once: what each costs is not hidden by the host's own pace."""
TOKEN_GOAL = 0.2
"""Milliseconds."""
FIRST_KB, LATER_KB = 85, 200


@dataclass(frozen=True)
class Column:
    """One measure of a route: how it is called, its percentile, and the goal in ms (DESIGN section 10)."""

    what: str
    measure: str
    p: float
    field: str = "latency_us"
    goal: float | None = None


SHORT = (
    Column("whole answer p50", "plain", 0.5, goal=3),
    Column("whole answer p99", "plain", 0.99, goal=15),
    Column("stream: first token p50", "stream", 0.5, "first_us", 5),
    Column("first token p99", "stream", 0.99, "first_us"),
)
AGENTS = (
    Column(f"{FIRST_KB} KB, harness text known p50", "first", 0.5, goal=100),
    Column("the same p99", "first", 0.99),
    Column(f"{FIRST_KB} KB, first ever p50", "ever", 0.5),
    Column(f"{LATER_KB} KB, later turn, 1 KB new p50", "later", 0.5, goal=20),
    Column("the same p99", "later", 0.99),
)


def name(measure: str, api: str, wire: str) -> str:
    """A measure's name in the book."""
    return f"plane {measure} {api}>{wire}"


def harness(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A generated harness whose context names its user, as every client's does."""
    messages, tools = bodies.generated(seed)
    own = "\nWorking directory: /home/ilsebrandt/work/shop\nGit user: Ilse Brandt <ilse.brandt@example-post.org>\n"
    return [*messages[:-1], {**messages[-1], "content": messages[-1]["content"] + own}], tools


def block(
    book: Book,
    who: Contender,
    measure: str,
    trees: Trees,
    model: str,
    route: tuple[str, str],
    *,
    n: int = 0,
    stream: bool = False,
) -> None:
    """One block of one contender on one route, noted. `trees` are chat bodies."""
    api, wire = route
    made = [apis.convert(tree, api) for tree in trees]
    made = [apis.streamed(tree, api) for tree in made] if stream else made
    book.add(name(measure, api, wire), who.name, load(who.port, [who.request(t, model, api, wire) for t in made], n=n))
    time.sleep(PAUSE_S)


def chosen(contenders: Sequence[Contender]) -> list[Contender]:
    """Those that are asked: a peer is measured on the API that it is known for, in the first table."""
    return [who for who in contenders if who.name in ("direct", "localrouter")]


def warm(contenders: Sequence[Contender], *, agents: bool) -> None:
    """The text that counts as seen, once on each route."""
    scrap = Book()
    known = harness(11)
    for who in chosen(contenders):
        for route in ROUTES:
            block(scrap, who, "", bodies.short_chats(40), "bench-same", route)
            block(scrap, who, "", bodies.short_chats(3), "bench-flood", route, stream=True)
        for route in AGENT_ROUTES if agents else ():
            block(scrap, who, "", [bodies.agent(kb * 1000, 1, 1, known) for kb in (FIRST_KB, LATER_KB)], "bench-same", route)


def short(book: Book, contenders: Sequence[Contender], size: Size, turn: int) -> None:
    """Short chats on each route, whole and streamed."""
    chats = bodies.short_chats(40)
    for route in ROUTES:
        for who in chosen(contenders):
            block(book, who, "plain", chats, "bench-same", route, n=size.n1 // 2)
            block(book, who, "stream", chats, "bench-flood", route, n=size.streams * 2, stream=True)


def agents(book: Book, contenders: Sequence[Contender], size: Size, turn: int) -> None:
    """Agents' bodies. No two routes share a session, nor the text that was never seen. A harness that was never seen takes the encoder
    seconds, so it is asked in every third round only."""
    known = harness(11)
    for at, route in enumerate(AGENT_ROUTES):
        base = 100_000 * (turn + 1) + 1000 * at
        first = [bodies.agent(FIRST_KB * 1000, 1, base + i, known) for i in range(max(1, size.turns // 2))]
        later = bodies.later_turns(bodies.agent(LATER_KB * 1000, 1, base + 500, known), size.turns + 1, base)
        ever = [bodies.agent(FIRST_KB * 1000, base, base + 900, harness(base))] if turn % 3 == 0 else []
        for who in chosen(contenders):
            block(book, who, "first", first, "bench-new", route)
            # The turn before the first that is measured: all after it is 1 KB of new text.
            block(Book(), who, "later", later[:1], "bench-new", route)
            block(book, who, "later", later[1:], "bench-new", route)
            if ever:
                block(book, who, "ever", ever, "bench-new", route)
