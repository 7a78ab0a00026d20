"""What is measured. Every function fills a `Book` of cells: (measure, contender) -> samples of each round.

Contenders take turns within a round (A B C D, A B C D, ...), so that what disturbs the machine disturbs all of them. Latencies of a
measure are pooled over the rounds; "added" is a contender's percentile minus that of the direct call, in milliseconds.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchkit import bodies, procs
from benchkit.contenders import Contender, Localrouter
from benchkit.install import CannotRun
from benchkit.native import Sample, load

SEEN = "seen"
PROSE = "prose"
CODE = "code"
PROSE_WORDS = 75  # 100 tokens
CODE_BYTES = 8192
AGENT_SIZES = (85_000, 200_000)
PAUSE_S = 0.1
"""After each block: what a contender still writes down of it must not disturb the next one's."""


@dataclass
class Size:
    """How much: requests a block at 1 and at 32 connections, rounds, seconds at rest."""

    n1: int = 150
    n32: int = 320
    rounds: int = 6
    rest_s: float = 20.0
    turns: int = 8
    streams: int = 10

    @classmethod
    def of(cls, *, quick: bool, rounds: int | None, n: int | None, rest: float | None) -> Size:
        size = cls(n1=60, n32=128, rounds=2, rest_s=5, turns=4, streams=3) if quick else cls()
        if n is not None:
            size.n1 = size.n32 = n
            size.turns, size.streams = min(size.turns, max(1, n // 10)), min(size.streams, max(1, n // 10))
        return cls(size.n1, size.n32, rounds or size.rounds, size.rest_s if rest is None else rest, size.turns, size.streams)


@dataclass
class Book:
    """Everything that was seen. `samples[measure][contender]` are the load generator's, one a round; `numbers` are single values."""

    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    numbers: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    rest: dict[str, list[dict[str, float | str]]] = field(default_factory=dict)

    def add(self, measure: str, who: str, sample: Sample) -> None:
        self.samples.setdefault(measure, {}).setdefault(who, []).append(sample)

    def number(self, measure: str, who: str, value: float) -> None:
        self.numbers.setdefault(measure, {}).setdefault(who, []).append(value)


Trees = Sequence[dict[str, Any]]


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def block(book: Book, who: Contender, measure: str, trees: Trees, model: str, *, n: int = 0, connections: int = 1) -> None:
    """One block of one contender, noted."""
    stream = model in ("bench-paced", "bench-flood")
    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    requests = [who.request({**tree, **more}, model) for tree in trees]
    book.add(measure, who.name, load(who.port, requests, n=n, connections=connections))
    time.sleep(PAUSE_S)


def warm(contenders: Sequence[Contender], *, agents: bool = True) -> None:
    """Each kind of request a few times, unmeasured: the text that counts as seen, and code that a JIT compiles at first use."""
    scrap = Book()
    rng = random.Random("warm")
    for who in contenders:
        block(scrap, who, "", bodies.short_chats(40), "bench-same", n=120)
        block(scrap, who, "", [bodies.chat(bodies.prose(rng, PROSE_WORDS)) for _ in range(10)], "bench-new", connections=4)
        block(scrap, who, "", [bodies.chat(bodies.code(rng, CODE_BYTES)) for _ in range(10)], "bench-new", connections=4)
        block(scrap, who, "", bodies.short_chats(40), "bench-flood", n=5)
        for bytes_ in AGENT_SIZES if agents else ():
            block(scrap, who, "", [bodies.agent(bytes_, 1, 1)], "bench-same", n=2)


def short(book: Book, contenders: Sequence[Contender], size: Size, turn: int) -> None:
    """1: short chats, of text seen before, of new prose, of new code; alone and 32 at a time."""
    seen = bodies.short_chats(40)
    for connections, n in ((1, size.n1), (32, size.n32)):
        # New text of this round and these connections, the same for all contenders, never asked again.
        rng = random.Random(f"{turn} {connections}")
        prose = [bodies.chat(bodies.prose(rng, PROSE_WORDS)) for _ in range(max(1, n // 2))]
        code = [bodies.chat("What does this do?\n" + bodies.code(rng, CODE_BYTES)) for _ in range(max(1, n // 3))]
        for who in contenders:
            block(book, who, f"{SEEN} {connections}", seen, "bench-same", n=n, connections=connections)
            block(book, who, f"{PROSE} {connections}", prose, "bench-new", connections=connections)
            block(book, who, f"{CODE} {connections}", code, "bench-new", connections=connections)


def agents(book: Book, contenders: Sequence[Contender], size: Size, turn: int) -> None:
    """2: coding-agent bodies whose harness text is known: the first turn of new sessions, then later turns of one of them."""
    for bytes_ in AGENT_SIZES:
        kb = bytes_ // 1000
        first = [bodies.agent(bytes_, 1, 1000 * (turn + 1) + i) for i in range(max(1, size.turns // 2))]
        # New text of this round and this size: none of it was scanned before.
        later = bodies.later_turns(first[-1], size.turns, 1000 * (turn + 1) + kb)
        for who in contenders:
            block(book, who, f"agent {kb} first", first, "bench-new")
            block(book, who, f"agent {kb} later", later, "bench-new")


def streams(book: Book, contenders: Sequence[Contender], size: Size, turn: int) -> None:
    """3: 64 tokens 5 ms apart (the way of each token), and 256 tokens at once (the cost of each token)."""
    chats = bodies.short_chats(40)
    for who in contenders:
        block(book, who, "paced", chats, "bench-paced", n=size.streams)
        block(book, who, "flood", chats, "bench-flood", n=size.streams * 3)


def cold(book: Book, kinds: Sequence[Callable[[Path, int], Contender]], upstream: int, turn: int) -> None:
    """4: exec to the first answer, exec to full readiness; and the first agent bodies that a fresh localrouter ever sees."""
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            home = Path(folder)
            who = kind(home, upstream)
            try:
                who.prepare()
                who.start()
            except CannotRun:
                continue  # said once, when it was to run beside the others
            try:
                if who.listening_s is None or who.ready_s is None:
                    continue
                book.number("listening", who.name, who.listening_s)
                book.number("ready", who.name, who.ready_s)
                if isinstance(who, Localrouter):
                    load(who.port, [who.request(t, "bench-same") for t in bodies.short_chats(5)])
                    bytes_ = AGENT_SIZES[turn % len(AGENT_SIZES)]
                    block(book, who, f"agent {bytes_ // 1000} ever", [bodies.agent(bytes_, 1, 1)], "bench-new")
            finally:
                who.stop()


def rest(book: Book, contenders: Sequence[Contender], size: Size) -> None:
    """5: how long each works on after its last answer; then memory and processor at rest, all in one interval."""
    running = {who.name: who.process.pid for who in contenders if who.process is not None}
    for name, seconds in procs.until_quiet(running).items():
        book.number("quiet", name, seconds)
    book.rest = procs.at_rest(running, size.rest_s)


def command_line(book: Book, size: Size) -> None:
    """`localrouter --help`, wall seconds."""
    program = Path(sys.executable).with_name("localrouter")
    if program.exists():
        for value in procs.wall([str(program), "--help"], 3 if size.rounds < 3 else 10):
            book.number("help", "localrouter", value)
