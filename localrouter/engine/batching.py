"""The scheduler: which tokens of which requests go into the next batch. Pure logic over a small protocol of the model's memory.

A step decodes one token of every answer that is being written, then fills the batch with pieces of the prompts that are being read,
so that a long prompt never holds up a running answer for longer than `GAP`. Where nothing is read and a batch is slow, answers go in turns
(`turns`). Requests start where an earlier one, running or over, has read the same tokens (`prefixes`). Interactive requests go before
background ones, which wait `AGE` seconds at most before they count the same. When the memory is full, what is idle goes first; then the
request that came last waits and is read again later: no request loses text, and none is refused for what others hold. One thread calls
everything but `interrupt`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from localrouter.engine.memory import DecodeFault, Memory, Outcome, Part
from localrouter.engine.places import Places
from localrouter.engine.turns import Turns

GAP = 0.25
"""Seconds that a step may take while an answer is being written: a pause that a reader of the stream does not notice."""
CHUNK = 32
"""Tokens. Pieces of a prompt get no smaller than this, however slow the machine: each costs a pass over all weights."""
AGE = 10.0
"""Seconds after which a background request counts as an interactive one."""
HEADROOM = 32
"""Tokens that each running request is expected to write at least, when it is decided whether another one fits beside it."""
TAIL = 16
"""Tokens before the end of a prompt where memory that cannot be cut is kept: what follows there is often not part of the next request.
That is the mark of the model's turn, and the empty thoughts that a template writes where none are wanted, which it leaves out of the
past: 7 tokens in Qwen3.5's, up to 10 in Gemma 4's. (llama-server keeps 4: tools/server/server-context.cpp, `checkpoint_offsets`.)"""
PROGRESS = 1.0
"""Seconds between two notices about a prompt that is being read."""


class Busy(Exception):
    """The queue is full."""


class Work(Protocol):
    """One request, or one of its choices. `prompt`: at least one token, and with all that will be written no more than fits."""

    key: int
    interactive: bool
    prompt: Sequence[int]

    def began(self, cached: int) -> None:
        """It is being read; so many tokens were in the memory already."""

    def progress(self, done: int, total: int) -> None: ...

    def take(self, row: Any) -> Sequence[int]:
        """The tokens to go on with, given the logits; none: it is over."""

    def failed(self, error: Exception) -> None: ...

    def cancelled(self) -> None: ...


class _Run:
    __slots__ = ("answering", "arrived", "fed", "marks", "noted", "seq", "started", "suspect", "tokens", "turn", "work")

    def __init__(self, work: Work, now: float) -> None:
        self.work = work
        self.tokens = [int(t) for t in work.prompt]
        self.seq = -1
        self.fed = 0
        """Tokens in the memory."""
        self.answering = False
        self.arrived = self.noted = now
        self.started = False
        self.suspect = False
        """It was in a batch that failed: it is decoded alone until it succeeds or fails."""
        self.marks: list[int] = []
        self.turn = 0
        """When it was decoded by itself last."""

    @property
    def left(self) -> int:
        return len(self.tokens) - self.fed


class Batcher:
    """`slots`: requests that run at once; `queue`: how many more may wait; `gone(key)`: the request was cancelled; `stash`: bytes of
    prefixes that may lie outside the memory."""

    def __init__(
        self,
        memory: Memory,
        *,
        slots: int,
        queue: int = 64,
        gone: Callable[[int], bool] = lambda _key: False,
        clock: Callable[[], float] = time.monotonic,
        gap: float = GAP,
        stash: int = 0,
    ) -> None:
        self._memory = memory
        self.slots = max(1, min(slots, memory.sequences))
        self._limit = queue
        self._gone = gone
        self._clock = clock
        self._gap = gap
        self.places = Places(memory, self.slots, stash)
        self.prefixes = self.places.prefixes
        self._waiting: list[_Run] = []
        self._runs: list[_Run] = []
        self._reading: frozenset[int] = frozenset()
        self._aborted = False
        self._cost = 0.0
        """Seconds per token of a prompt, as measured."""
        self._turns = Turns(clock)
        self._writing = 0
        """Answers of which the batch holds a token each, or one in its turn; 0 where it holds anything else."""
        self._steps = 0

    # -- outside -------------------------------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        return len(self._runs)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def submit(self, *works: Work) -> None:
        """Queue what belongs to one request; it counts once. Raises Busy."""
        if len({r.work.key for r in self._waiting}) >= self._limit:
            raise Busy(f"The local model has {len(self._runs)} requests at work and {self._limit} waiting.")
        now = self._clock()
        self._waiting += [_Run(work, now) for work in works]

    def interrupt(self, key: int) -> None:
        """The request was cancelled just now: when its prompt is in the batch being computed, that is given up. From any thread."""
        if key in self._reading:
            self._memory.abort()

    def reset(self, error: Exception) -> None:
        """End every request with this error and forget all that lies in the memory: something went wrong that nobody foresaw."""
        works = [r.work for r in (*self._runs, *self._waiting)]
        self._runs.clear()
        self._waiting.clear()
        self.places.reset()
        for work in works:
            work.failed(error)

    def step(self) -> bool:
        """Decode one batch. False when there is nothing to do."""
        self._memory.rearm()
        self._sweep()
        self._admit()
        batch = self._compose()
        if not batch:
            return bool(self._waiting)
        parts = [part for _, part in batch]
        # Two in a row are not given up, so that others get on whatever is cancelled.
        self._reading = frozenset(
            () if self._aborted or not self._memory.cuttable else (r.work.key for r, p in batch if len(p.tokens) >= CHUNK)
        )
        if any(self._gone(key) for key in self._reading):
            self._memory.abort()
        began = self._clock()
        outcome = self._memory.decode(parts)
        self._reading = frozenset()
        self._aborted = outcome is Outcome.ABORTED
        if outcome is Outcome.DONE:
            seconds = self._clock() - began
            self._measure(sum(len(p.tokens) for p in parts), seconds)
            self._turns.took(self._writing, len(parts), seconds)
            self._done(batch)
        else:
            for run, _ in batch:
                self._rewind(run, run.fed)
            if outcome is Outcome.FULL:
                self._make_room(batch)
            elif outcome is Outcome.FAILED:
                self._suspect(batch)
        return True

    # -- coming and going ----------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        for run in [r for r in self._waiting if self._gone(r.work.key)]:
            self._waiting.remove(run)
            run.work.cancelled()
        for run in [r for r in self._runs if self._gone(r.work.key)]:
            self._leave(run)
            run.work.cancelled()

    def _rank(self, run: _Run, now: float) -> tuple[int, float]:
        return (0 if run.work.interactive or now - run.arrived >= AGE else 1, run.arrived)

    def _admit(self) -> None:
        if not self._waiting:
            return
        now = self._clock()
        while True:
            # A twin (another choice of the same request) waits until the prompt they share is read.
            unread = {r.work.key for r in self._runs if not r.answering}
            ready = [r for r in self._waiting if r.work.key not in unread]
            if not ready:
                return
            run = min(ready, key=lambda r: self._rank(r, now))
            while len(self._runs) >= self.slots or not self._start(run):
                # An urgent request takes the place of one that is not.
                yields = [r for r in self._runs if self._rank(r, now)[0] > self._rank(run, now)[0]]
                if not yields:
                    return
                self._set_back(max(yields, key=lambda r: r.arrived))

    def _start(self, run: _Run) -> bool:
        """Give the request a sequence, with as much of its tokens as are in the memory. False when it must wait for cells."""
        prefixes = self.prefixes
        tokens = np.array(run.tokens, np.int32)
        found = self.places.match(tokens)
        if self._runs:
            coming = sum(r.left for r in self._runs) + len(tokens) - found.length + HEADROOM * (len(self._runs) + 1)
            if prefixes.pinned(found.seq, found.length) + coming > prefixes.cells:
                return False
        self._waiting.remove(run)
        run.marks = self.places.marks(tokens, found, tail=TAIL, least=CHUNK)
        run.seq = self.places.seat(tokens, found, alone=not self._runs)
        run.fed, run.answering = prefixes.length(run.seq), False
        self._runs.append(run)
        if not run.started:
            run.started = True
            run.work.began(run.fed)
        return True

    def _leave(self, run: _Run) -> None:
        """The request is over: its tokens stay as an idle prefix."""
        self._runs.remove(run)
        self.places.leave(run.seq)
        run.seq = -1

    def _set_back(self, run: _Run) -> None:
        """The request waits again; what it has read stays idle for it, as long as nobody needs the cells."""
        self._leave(run)
        run.fed = 0
        self._waiting.append(run)

    def _rewind(self, run: _Run, length: int) -> None:
        run.fed = self.places.cut(run.seq, length)
        run.answering = run.answering and run.fed == length

    # -- one batch -----------------------------------------------------------------------------------------------------

    def _compose(self) -> list[tuple[_Run, Part]]:
        alone = next((r for r in self._runs if r.suspect), None)
        runs = [alone] if alone is not None else self._runs
        self._writing = len(runs) if all(r.answering and r.left == 1 for r in runs) else 0
        if self._writing and self._turns.size(self._writing) == 1:
            runs = [min(runs, key=lambda r: r.turn)]
        room = self._memory.batch
        batch: list[tuple[_Run, int]] = []
        for run in runs:
            if run.answering and room:
                n = min(run.left, room)
                batch.append((run, n))
                room -= n
        reading = [r for r in runs if not r.answering]
        if batch and self._cost:
            room = min(room, max(CHUNK, int(self._gap / self._cost)))
        batch += self._shares(reading, room)
        need = sum(n for _, n in batch)
        while self.prefixes.free < need:
            if self.places.evict():
                continue
            if len(self._runs) > 1:
                self._set_back(self._last())
            else:  # cannot be: a request alone fits, or it was refused
                run = self._runs[0]
                self._leave(run)
                run.work.failed(DecodeFault("The model's memory is full."))
            return self._compose()
        return [(r, Part(r.seq, r.fed, r.tokens[r.fed : r.fed + n], wanted=n == r.left)) for r, n in batch if n]

    def _shares(self, reading: list[_Run], room: int) -> list[tuple[_Run, int]]:
        """Each prompt gets an equal share and the short ones leave the rest of theirs to the long: an autocompletion is not held up by
        a document. An eighth stays for the background while anything interactive is read."""
        now = self._clock()
        first = [r for r in reading if self._rank(r, now)[0] == 0]
        rest = [r for r in reading if self._rank(r, now)[0] == 1]
        out: list[tuple[_Run, int]] = []
        for group, most in ((first, room - (room // 8 if rest else 0)), (rest, room)):
            for i, run in enumerate(sorted(group, key=self._next)):
                n = min(self._next(run), max(0, min(most, room)) // (len(group) - i))
                most -= n
                room -= n
                out.append((run, n))
        return out

    def _next(self, run: _Run) -> int:
        """How far the prompt may be read in one go: to its end, or to the next place that is kept."""
        mark = next((m for m in run.marks if m > run.fed), len(run.tokens))
        return mark - run.fed

    def _measure(self, tokens: int, seconds: float) -> None:
        if tokens >= CHUNK:
            cost = seconds / tokens
            self._cost = cost if not self._cost else 0.7 * self._cost + 0.3 * cost

    def _done(self, batch: list[tuple[_Run, Part]]) -> None:
        if len(batch) == 1:
            self._steps += 1
            batch[0][0].turn = self._steps
        for run, part in batch:
            self.prefixes.extend(run.seq, part.tokens)
            run.fed += len(part.tokens)
            run.suspect = False
        now = self._clock()
        for index, (run, part) in enumerate(batch):
            if part.wanted:
                self._take(run, index)
                continue
            if run.fed in run.marks:
                self.places.keep_state(run.seq, run.fed)
            if now - run.noted >= PROGRESS:
                run.noted = now
                run.work.progress(run.fed, len(run.tokens))

    def _take(self, run: _Run, index: int) -> None:
        try:
            more = run.work.take(self._memory.row(index))
        except Exception as exc:  # whatever is wrong with one request is that request's trouble
            self._leave(run)
            run.work.failed(exc)
            return
        if more:
            run.answering = True
            run.tokens += more
        else:
            self._leave(run)

    # -- trouble -------------------------------------------------------------------------------------------------------

    def _last(self) -> _Run:
        now = self._clock()
        return max(self._runs, key=lambda r: self._rank(r, now))

    def _make_room(self, batch: list[tuple[_Run, Part]]) -> None:
        """The memory found no cells although the books have some."""
        if self.places.evict():
            return
        if len(self._runs) > 1:
            self._set_back(self._last())
        else:
            run = batch[0][0]
            self._leave(run)
            run.work.failed(DecodeFault("The model's memory is full."))

    def _suspect(self, batch: list[tuple[_Run, Part]]) -> None:
        """A batch failed: each request of it is tried alone, and the one that fails alone is the one at fault."""
        if len(batch) > 1:
            for run, _ in batch:
                run.suspect = True
            return
        run = batch[0][0]
        seq = run.seq
        self._leave(run)
        if self.prefixes.length(seq):
            self.places.forget(seq)  # what it computed is not to be trusted
        run.work.failed(DecodeFault("The local model failed at this request."))
