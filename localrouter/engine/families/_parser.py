"""One answer, cut into words, reasoning and calls. The driver of all families; what differs is in its arguments.

Laws: every cut of the text gives the same events (but for the borders of words). What does not parse as a call, or calls a tool that
was not offered, is words. White space that touches a call is nobody's text; no other character is lost or invented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from localrouter.engine.families._said import Call, Reasoning, Said, Words, call_id
from localrouter.engine.families._source import Reading, Source
from localrouter.engine.families._tools import Raw, Tools

CallReader = Callable[[Source, Tools], Reading[list[Raw] | None]]
"""Reads what stands behind an opening marker, closing marker included. None: it is no call."""

Pairs = Sequence[tuple[str, str]]
THINK: Pairs = (("<think>", "</think>"),)


class Parser:
    """`openers`: what begins a call, and who reads on. `whole`: tried once, where the answer's first word stands; it must read all of it.
    `thinking`: pairs of marks around reasoning. `thinking_open`: the prompt ended inside of them. `repeated`: reasoning may come
    anywhere, not only first (models with a token of their own for it). `noise`: marks that carry nothing and are dropped."""

    def __init__(
        self,
        tools: Sequence[Mapping[str, Any]] | None,
        *,
        openers: Mapping[str, CallReader],
        whole: CallReader | None = None,
        thinking: Pairs = THINK,
        thinking_open: bool = False,
        repeated: bool = False,
        noise: Sequence[str] = (),
    ) -> None:
        self._tools = Tools(tools)
        self._openers = dict(openers) if self._tools else {}
        self._whole = whole if self._tools else None
        self._thinking = dict(thinking)
        self._open = thinking_open
        self._repeated = repeated
        self._noise = frozenset(noise)
        self._source = Source()
        self._out: list[Said] = []
        self._count = 0
        self._run = self._read()
        self._done = False

    @property
    def calls(self) -> int:
        """How many calls the answer made so far."""
        return self._count

    def feed(self, text: str, *, last: bool = False) -> Iterator[Said]:
        """What was said, as far as it is certain. After `last` the parser is spent."""
        self._source.add(text)
        self._source.ended = self._source.ended or last
        if not self._done:
            try:
                next(self._run)
            except StopIteration:
                self._done = True
        out, self._out = self._out, []
        yield from _joined(out)

    def _read(self) -> Reading[None]:
        """One answer. Families with another shape of answer have their own."""
        source = self._source
        yield from self._reason()
        if self._whole is not None and (yield from self._try_whole(self._whole)):
            return
        marks = [*self._openers, *self._noise, *(self._thinking if self._repeated else ())]
        while (found := (yield from self._words_to(marks))) is not None:
            held, mark = found
            if mark in self._openers:
                yield from self._call(held, mark)
            else:
                self._say(held)
                source.at += len(mark)
                if closing := self._thinking.get(mark):
                    yield from self._body(Reasoning, closing)
            self._release()

    def _reason(self) -> Reading[None]:
        """Reasoning at the answer's start. White space before it is kept when there is none."""
        source = self._source
        yield from source.space()
        opened = yield from source.take_any(*self._thinking)
        if opened:
            yield from self._body(Reasoning, self._thinking[opened])
        elif self._open and self._thinking:
            yield from self._body(Reasoning, *self._thinking.values())
        else:
            source.at = 0

    def _body(self, kind: type[Reasoning] | type[Words], *closings: str) -> Reading[str]:
        """Pass on text until one of its closing marks; returns which, "" at the end of all text. Space at the two ends of reasoning, and
        behind its mark, is dropped."""
        source, trims = self._source, kind is Reasoning
        if trims:
            yield from source.space()
        while True:
            ended, text = source.ended, source.text
            at, mark = min(((i, c) for c in closings if (i := text.find(c, source.at)) >= 0), default=(-1, ""))
            end = at if mark else len(text) - (0 if ended else max(_partial(text, c) for c in closings))
            shown = text[source.at : end]
            if trims and (mark or not ended):
                shown = shown.rstrip()
            if shown:
                self._out.append(kind(shown))
            source.at = at + len(mark) if mark else source.at + len(shown)
            if mark and trims:
                yield from source.space()
            self._release()
            if ended or mark:
                return mark
            yield from source.more()

    def _try_whole(self, reader: CallReader) -> Reading[bool]:
        """The answer that is nothing but calls."""
        source, start = self._source, self._source.at
        yield from source.space()
        calls = yield from reader(source, self._tools)
        if calls:
            yield from source.space()
            if source.at == len(source.text) and source.ended and all(c.name in self._tools for c in calls):
                self._emit(calls)
                return True
        source.at = start
        return False

    def _words_to(self, marks: Sequence[str]) -> Reading[tuple[str, str] | None]:
        """Pass on words until one of the marks comes next: (space held before it, mark). None: the answer is over."""
        source = self._source
        while True:
            ended, text = source.ended, source.text
            found = min(((i, -len(m), m) for m in marks if (i := text.find(m, source.at)) >= 0), default=None)
            if found is not None and not ended and any(m != found[2] and m.startswith(text[found[0] :]) for m in marks):
                found = None  # a longer mark may be coming
            end = found[0] if found else len(text) - (0 if ended else max((_partial(text, m) for m in marks), default=0))
            shown = text[source.at : end]
            if marks and (found or not ended):
                shown = shown.rstrip()
            self._say(shown)
            if found is not None:
                held, source.at = text[source.at + len(shown) : end], end
                return held, found[2]
            source.at += len(shown)
            self._release()
            if ended:
                return None
            yield from source.more()

    def _call(self, held: str, mark: str) -> Reading[None]:
        source, start = self._source, self._source.at
        source.at += len(mark)
        calls = yield from self._openers[mark](source, self._tools)
        if calls is None:
            source.at = start + len(mark)  # what follows may hold a call that is one
            self._say(held + mark)
        elif all(c.name in self._tools for c in calls):
            self._emit(calls)
            yield from source.space()
        else:
            # It is a call, and of nothing that was offered. Not even a call inside its arguments is one.
            self._say(held + source.text[start : source.at])

    def _emit(self, calls: Sequence[Raw]) -> None:
        for call in calls:
            self._out.append(Call(self._count, call_id(), call.name, call.arguments))
            self._count += 1

    def _say(self, text: str) -> None:
        if text:
            self._out.append(Words(text))

    def _release(self) -> None:
        self._source.forget(self._source.at)


def _partial(text: str, mark: str) -> int:
    """How many characters at the end of `text` may be the start of `mark`."""
    return next((n for n in range(min(len(text), len(mark) - 1), 0, -1) if text.endswith(mark[:n])), 0)


def _joined(said: list[Said]) -> Iterator[Said]:
    kept: Said | None = None
    for one in said:
        if isinstance(kept, Words) and isinstance(one, Words):
            kept = Words(kept.text + one.text)
        elif isinstance(kept, Reasoning) and isinstance(one, Reasoning):
            kept = Reasoning(kept.text + one.text)
        else:
            if kept is not None:
                yield kept
            kept = one
    if kept is not None:
        yield kept
