"""What is measured. Players take turns: each part of each round is run by one after the other, in an order that rotates, so that what else
happens on the machine falls on all of them; figures are medians over rounds.

Times are those of a client: from sending the request to the arrival of text. Decode speed counts the tokens after the first one, over the
time from the first piece of text to the last.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from enginekit.model import Words
from enginekit.players import Failed, Player, Stream


@dataclass(frozen=True)
class Load:
    """Tokens: of the fresh prompts, of the warm prefix, written by one stream and by each of `streams`. `part`: seconds of a long prompt's
    reading after which it is cancelled."""

    prompt: int = 1500
    prefix: int = 4000
    write: int = 96
    streams: int = 4
    questions: int = 3
    rounds: int = 5
    part: float = 0.4


class Book:
    """Figures by (what, player)."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.failures: dict[str, list[str]] = defaultdict(list)

    def add(self, what: str, who: str, value: float) -> None:
        self._all[what, who].append(value)

    def values(self, what: str, who: str) -> list[float]:
        return list(self._all.get((what, who), ()))

    def median(self, what: str, who: str) -> float | None:
        values = self._all.get((what, who))
        return median(values) if values else None

    def ratio(self, what: str, one: str, other: str) -> float | None:
        """Median of the rounds' own ratios: what changes from round to round falls out."""
        pairs = list(zip(self.values(what, one), self.values(what, other), strict=False))
        return median(a / b for a, b in pairs if b) if pairs else None


def _span(began: float, times: Sequence[float]) -> float:
    """Seconds from the first text to the last; from the asking, where a tiny model on a busy machine is so quick that all its text comes in
    one read and has one time."""
    return (max(times) - min(times)) or (max(times) - began)


class Bench:
    """Runs the parts for a set of players; `words` makes the prompts."""

    def __init__(self, words: Words, load: Load) -> None:
        self.words, self.load = words, load
        self.book = Book()
        self._seed = 1000

    def fresh(self, tokens: int) -> str:
        """A text that nobody has seen before."""
        self._seed += 1
        return self.words.text(tokens, self._seed)

    # -- parts: what one player does in one round. `texts` are the same for all players of the round. --------------------

    def prompt(self, who: Player, text: str) -> None:
        began = time.perf_counter()
        first = who.ask(text, 1).all()[0]
        self.book.add("prompt", who.name, self.words.count(text) / (first - began))

    def one(self, who: Player, text: str) -> None:
        began = time.perf_counter()
        times = who.ask(text, self.load.write).all()
        self._counted(times)
        self.book.add("decode1", who.name, (self.load.write - 1) / _span(began, times))

    def many(self, who: Player, texts: Sequence[str]) -> None:
        """All together: tokens of all streams, from the first text of any to the last of any. A server that runs one at a time still reads
        prompts in that time; they are a few tokens."""
        began = time.perf_counter()
        streams = [who.ask(text, self.load.write) for text in texts]
        heard: list[list[float]] = [[] for _ in streams]
        errors: list[Exception] = []

        def listen(i: int, stream: Stream) -> None:
            try:
                heard[i] = stream.all()
            except Failed as exc:
                errors.append(exc)

        threads = [threading.Thread(target=listen, args=pair) for pair in enumerate(streams)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if errors:
            raise errors[0]
        for times in heard:
            self._counted(times)
        tokens = len(texts) * self.load.write - 1
        self.book.add("decode4", who.name, tokens / _span(began, [when for times in heard for when in times]))

    def warm(self, who: Player, prefix: str, questions: Sequence[str]) -> None:
        """A long text that is in the memory, and a question that is not."""
        who.ask(prefix + "\n\nFirst question: what is this?", 1).all()
        for question in questions:
            began = time.perf_counter()
            first = who.ask(prefix + "\n\n" + question, 1).all()[0]
            self.book.add("warm", who.name, first - began)

    def free(self, who: Player, texts: Sequence[str], waiting: str) -> None:
        """Every slot writes and one request waits; a client goes away; how long until the one that waits has its first text. It has some
        thirty tokens to read."""
        streams = [who.ask(text, 1000) for text in texts[: self.slots(who)]]
        try:
            for stream in streams:
                stream.next()
            last = who.ask(waiting, 1)
            time.sleep(0.3)  # it waits now
            began = time.perf_counter()
            streams[0].cancel()
            first = last.all()[0]
            self.book.add("free", who.name, first - began)
        finally:
            for stream in streams[1:]:
                stream.cancel()
        self._settle(who)

    def give_up(self, who: Player, long: str, short: str) -> None:
        """A long prompt is being read and its client goes away; how long until the next, short request has its first text."""
        stream = who.ask(long, 1)
        time.sleep(self.load.part)
        began = time.perf_counter()
        stream.cancel()
        first = who.ask(short, 1).all()[0]
        self.book.add("give_up", who.name, first - began)

    def slots(self, who: Player) -> int:
        return 1 if who.name == "stock" else self.load.streams

    def _settle(self, who: Player) -> None:
        who.ask("Ready?", 1).all()

    def _counted(self, times: Sequence[float]) -> None:
        if len(times) < self.load.write * 0.9:
            raise Failed(f"{len(times)} pieces of text came for {self.load.write} tokens")

    # -- rounds ----------------------------------------------------------------------------------------------------------

    def round(self, players: Sequence[Player], turn: int, say: Callable[[str], None] = lambda _: None) -> None:
        load = self.load
        short = [self.fresh(24) for _ in range(load.streams)]
        prompt, prefix, single, waiting, long, next_ = (
            self.fresh(n) for n in (load.prompt, load.prefix, 24, 24, load.prefix, 24)
        )
        questions = [f"Question {self.fresh(12)}" for _ in range(load.questions)]
        parts: list[tuple[str, Callable[[Player], None]]] = [
            ("prompt", lambda p: self.prompt(p, prompt)),
            ("decode, one stream", lambda p: self.one(p, single)),
            (f"decode, {load.streams} streams", lambda p: self.many(p, short)),
            ("warm prefix", lambda p: self.warm(p, prefix, questions)),
            ("cancel while writing", lambda p: self.free(p, short, waiting)),
            ("cancel while reading", lambda p: self.give_up(p, long, next_)),
        ]
        for what, part in parts:
            for i in range(len(players)):
                who = players[(i + turn) % len(players)]
                say(f"round {turn + 1}: {what}, {who.title}")
                try:
                    part(who)
                except (Failed, IndexError, OSError) as exc:
                    self.book.failures[who.name].append(f"{what}: {exc or type(exc).__name__}")
        for who in players:
            own, whole = who.memory()
            self.book.add("rss", who.name, own)
            self.book.add("rss_all", who.name, whole)
