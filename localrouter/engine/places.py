"""Where requests sit in the model's memory: which sequence each gets, with as much of its prompt as was read before, and what becomes of
the sequences that nobody uses.

An idle sequence stays in the memory for who begins alike. Where it would slow others (`Memory.crowds`) it is put away before the next
request begins, and fetched again for the one that needs it (`stash`). What is evicted for want of room goes the same way.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from localrouter.engine.prefixes import Match, Prefixes, Tokens
from localrouter.engine.stash import Stash

WORTH = 32
"""Tokens from which on a state is worth putting away and fetching, and not reading again."""
PART = 16
"""Of a sequence that holds what another holds too, the part that must be its own for it to be put away whole: copies take memory and time."""


class Seats(Protocol):
    """What is needed of a model's memory here; see `memory.Memory`."""

    cells: int
    sequences: int
    cuttable: bool
    crowds: bool

    def keep(self, seq: int, length: int) -> bool: ...

    def copy(self, source: int, target: int, length: int) -> bool: ...

    def holds(self, seq: int, length: int) -> bool:
        """Whether a copy of its first `length` tokens could be gone on from."""

    def save(self, seq: int) -> NDArray[np.uint8] | None:
        """All of a sequence, as bytes."""

    def load(self, seq: int, state: NDArray[np.uint8]) -> bool:
        """What `save` gave, into an empty sequence. False when it does not fit; the sequence is to be cut to nothing then."""


class Places:
    """`slots`: requests that run at once. `budget`: bytes that lie outside the memory at most."""

    def __init__(self, memory: Seats, slots: int, budget: int = 0) -> None:
        self._memory = memory
        self.slots = slots
        self.prefixes = Prefixes(memory.cells, memory.sequences)
        self.stash = Stash(budget, whole=not memory.cuttable)

    def match(self, tokens: Tokens) -> Match:
        """Whose beginning can be used. The last token is always decoded, since its logits are needed."""
        return self.prefixes.match(tokens[:-1], whole=not self._memory.cuttable, holds=self._memory.holds)

    def seat(self, tokens: Tokens, found: Match, *, alone: bool) -> int:
        """A sequence, now busy, with as much of `tokens` as lies in the memory; `alone`: nothing else runs."""
        memory, prefixes = self._memory, self.prefixes
        if (seq := self._resume(tokens, found)) is not None:
            return seq
        found = self._fetch(tokens, found, alone=alone)
        seq = prefixes.claim()
        whole = found.length > 0 and found.length == prefixes.length(found.seq)
        if found.length and prefixes.idle(found.seq) and memory.cuttable and whole:
            # It goes on from exactly there; a copy would hold nothing more.
            if seq is not None:
                prefixes.drop(seq)
            seq = found.seq
            prefixes.reuse(seq)
        elif seq is None:
            if self.evict(but=found.seq):
                seq = prefixes.claim()
            if seq is None:  # the match is the only idle one: what it holds beyond is given up
                seq = found.seq
                prefixes.reuse(seq)
                self.cut(seq, found.length)
        assert seq is not None and seq >= 0
        if seq != found.seq and found.length:
            if memory.copy(found.seq, seq, found.length):
                prefixes.copy(found.seq, seq, found.length)
                if whole and prefixes.idle(found.seq):
                    prefixes.touch(found.seq)  # memory that cannot be cut: this very state is what others begin with too
            else:
                memory.keep(seq, 0)
        if alone and memory.crowds and self.stash.budget:
            self._clear()  # what goes on beyond the beginning that was shared
        return seq

    def marks(self, tokens: Tokens, found: Match, *, tail: int, least: int) -> list[int]:
        """Where to keep the state of memory that cannot be cut: before the prompt's last `tail` tokens, and where an earlier request, whose
        state is past that point, parted from this one: a third will part there too. None within `least` of what is there."""
        if self._memory.cuttable or self._memory.sequences <= self.slots:
            return []
        parted = self.prefixes.match(tokens[:-1]).length
        return sorted({m for m in (parted, len(tokens) - tail) if m >= found.length + least})

    def leave(self, seq: int) -> None:
        """Nobody sits there any more; its tokens stay as an idle prefix."""
        for each in self.prefixes.release(seq, absorb=self._memory.cuttable):
            self._memory.keep(each, 0)

    def forget(self, seq: int) -> None:
        self.prefixes.drop(seq)
        self._memory.keep(seq, 0)

    def cut(self, seq: int, length: int) -> int:
        """Cut to `length`, or to nothing where the memory cannot. Returns what is left."""
        if not self._memory.keep(seq, length):
            self._memory.keep(seq, 0)
            length = 0
        self.prefixes.cut(seq, length)
        return length

    def evict(self, but: int = -1) -> bool:
        """Free what the idle sequence holds that was left alone the longest. False when there is none."""
        old = self.prefixes.oldest(but=but)
        if old is None:
            return False
        self._put_away(old)
        return True

    def keep_state(self, seq: int, length: int) -> None:
        """An idle copy of a busy sequence of memory that cannot be cut."""
        copy = self.prefixes.claim()
        if copy is None:
            if not self.evict():
                return
            copy = self.prefixes.claim()
        assert copy is not None
        if self._memory.copy(seq, copy, length):
            self.prefixes.copy(seq, copy, length)
        self.prefixes.release(copy, absorb=False)

    def reset(self) -> None:
        """Forget everything."""
        for seq in range(self._memory.sequences):
            self.forget(seq)
        self.stash.clear()

    # -- outside the memory --------------------------------------------------------------------------------------------

    def _put_away(self, seq: int) -> None:
        if self.stash.budget and self._worth(seq):
            state = self._memory.save(seq)
            if state is not None:
                self.stash.put(self.prefixes.tokens(seq).copy(), state)
        self.forget(seq)

    def _worth(self, seq: int) -> bool:
        """Whether a sequence is worth its bytes outside the memory: no other, there or here, holds about the same."""
        tokens = self.prefixes.tokens(seq)
        if not self._memory.cuttable:
            others = self.prefixes.match(tokens, but=seq, whole=True).length, self.stash.match(tokens)[1]
            return len(tokens) >= WORTH and max(others) < len(tokens)
        others = self.prefixes.match(tokens, but=seq).length, self.stash.match(tokens)[1]
        return self._memory.crowds and max(others) <= len(tokens) - _own(tokens)

    def _resume(self, tokens: Tokens, found: Match) -> int | None:
        """A busy sequence that goes on from a state that was put away, where that holds more of `tokens` than any in the memory. It stays put
        away too: another request may go on from there."""
        if self._memory.cuttable or not self.stash.budget:
            return None
        entry, length = self.stash.match(tokens[:-1])
        if entry is None or length < found.length + WORTH:
            return None
        self.stash.touch(entry)  # what is evicted for it must not push it out
        while (self.prefixes.free < length or self.prefixes.full) and self.evict():
            pass
        if self.prefixes.free < length or (seq := self.prefixes.claim()) is None:
            return None
        if not self._memory.load(seq, entry.state):
            self.stash.take(entry)
            self.forget(seq)
            return None
        self.prefixes.extend(seq, entry.tokens)
        return seq

    def _clear(self, but: int = -1) -> None:
        """Put away what is idle and crowds the others. Short ones too: they add up, and a few cells far behind cost as much as all before
        them (llama-kv-cache.cpp, `get_n_kv`)."""
        for seq in self.prefixes.idlers(but):
            if self.prefixes.crowding(seq):
                self._put_away(seq)

    def _fetch(self, tokens: Tokens, found: Match, *, alone: bool) -> Match:
        """What is put away goes back into the memory when it holds more of `tokens`; idle ones that would slow the request are put away."""
        if not self._memory.crowds or not self.stash.budget:
            return found
        entry, length = self.stash.match(tokens[:-1])
        if entry is not None and length < found.length + WORTH:
            entry = None
        if alone:
            self._clear(but=found.seq if entry is None else -1)
        if entry is None:
            return found
        if len(entry.tokens) - length < _own(entry.tokens):  # else another request may go on from its end
            self.stash.take(entry)
        while (self.prefixes.free < len(entry.tokens) or self.prefixes.full) and self.evict(but=found.seq):
            pass
        free = self.prefixes.claim() if self.prefixes.free >= len(entry.tokens) else None
        if free is None:
            self.stash.put(*entry)
            return self.match(tokens)
        if self._memory.load(free, entry.state):
            self.prefixes.extend(free, entry.tokens)
            self.cut(free, length)
        else:
            self._memory.keep(free, 0)
        self.leave(free)
        return self.match(tokens)


def _own(tokens: Tokens) -> int:
    """How many tokens of a sequence must be its own for it to be worth a place outside the memory."""
    return max(WORTH, len(tokens) // PART)
