"""Which tokens lie in which sequence of the model's memory, and which of them are worth keeping.

Pure book-keeping beside llama.cpp's unified KV cache, in which a cell holds one token's keys and values for every sequence that
shares it: copying a prefix to another sequence costs no cell (llama.h, `llama_memory_seq_cp`; `kv_unified`). A sequence is unused,
busy (a request runs in it) or idle (kept for the next request that begins with the same tokens). It does not touch the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]


class Match(NamedTuple):
    """`seq` begins with the first `length` tokens of what was asked; (-1, 0) when none does."""

    seq: int
    length: int


class _Sequence:
    __slots__ = ("busy", "cells", "length", "stamp", "tokens", "used")

    def __init__(self) -> None:
        self.tokens: Tokens = np.empty(0, np.int32)
        self.cells: Tokens = np.empty(0, np.int32)
        self.length = 0
        self.used = False
        self.busy = False
        self.stamp = 0

    def room(self, length: int) -> None:
        if length > len(self.tokens):
            size = max(256, length, 2 * len(self.tokens))
            self.tokens, self.cells = np.resize(self.tokens, size), np.resize(self.cells, size)


def common(a: Tokens, b: Tokens) -> int:
    """How many tokens two sequences have in common from their beginning."""
    n = min(len(a), len(b))
    different = np.flatnonzero(a[:n] != b[:n])
    return int(different[0]) if len(different) else n


class Prefixes:
    """`cells`: tokens the memory can hold, over all sequences. `sequences`: ids 0 to `sequences` - 1."""

    def __init__(self, cells: int, sequences: int) -> None:
        self.cells = cells
        self._all = [_Sequence() for _ in range(sequences)]
        self._shares = np.zeros(cells, np.int32)
        """How many sequences share a cell."""
        self._spare: Tokens = np.arange(cells, dtype=np.int32)[::-1].copy()
        self._clock = 0
        self.free = cells

    # -- looking -------------------------------------------------------------------------------------------------------

    def length(self, seq: int) -> int:
        return self._all[seq].length

    def tokens(self, seq: int) -> Tokens:
        own = self._all[seq]
        return own.tokens[: own.length]

    def match(
        self,
        tokens: Tokens,
        *,
        whole: bool = False,
        but: int = -1,
        holds: Callable[[int, int], bool] = lambda _seq, _length: True,
    ) -> Match:
        """The sequence, other than `but`, that shares the longest prefix with `tokens`; among equals an idle one, then the one used last.
        `whole`: only sequences that lie wholly within `tokens` (for memory that cannot be cut); `holds`: whether a sequence can be gone on
        from there."""
        best, rank = Match(-1, 0), (0, False, 0)
        for seq, own in enumerate(self._all):
            if seq == but or not own.length or (whole and own.length > len(tokens)):
                continue
            length = common(own.tokens[: own.length], tokens)
            if whole and length < own.length:
                continue
            if length and (now := (length, not own.busy, own.stamp)) > rank and holds(seq, length):
                best, rank = Match(seq, length), now
        return best

    def oldest(self, but: int = -1) -> int | None:
        """The idle sequence that was left alone the longest."""
        return next(iter(self.idlers(but)), None)

    def idlers(self, but: int = -1) -> list[int]:
        """The idle sequences, the one left alone the longest first."""
        idle = [(own.stamp, seq) for seq, own in enumerate(self._all) if own.used and not own.busy and seq != but]
        return [seq for _, seq in sorted(idle)]

    def crowding(self, seq: int) -> int:
        """Cells of it that no busy sequence shares."""
        own = self._all[seq]
        busy = [other.cells[: other.length] for other in self._all if other.busy]
        mine = own.cells[: own.length]
        return len(np.setdiff1d(mine, np.concatenate(busy), assume_unique=False)) if busy else len(mine)

    @property
    def full(self) -> bool:
        """Whether every sequence is in use."""
        return all(own.used for own in self._all)

    def idle(self, seq: int) -> bool:
        return self._all[seq].used and not self._all[seq].busy

    def pinned(self, seq: int = -1, length: int = 0) -> int:
        """Cells that eviction cannot free: those of busy sequences, and the first `length` of `seq`."""
        parts = [own.cells[: own.length] for own in self._all if own.busy]
        if length:
            parts.append(self._all[seq].cells[:length])
        return len(np.unique(np.concatenate(parts))) if parts else 0

    @property
    def kept(self) -> int:
        """Tokens that only idle sequences hold."""
        return self.cells - self.free - self.pinned()

    # -- changing ------------------------------------------------------------------------------------------------------

    def claim(self) -> int | None:
        """An unused sequence, now busy and empty; None when all are in use."""
        for seq, own in enumerate(self._all):
            if not own.used:
                own.used = own.busy = True
                return seq
        return None

    def reuse(self, seq: int) -> None:
        """An idle sequence becomes busy."""
        self._all[seq].busy = True

    def touch(self, seq: int) -> None:
        """It was of use: of the idle ones it goes last."""
        self._clock += 1
        self._all[seq].stamp = self._clock

    def release(self, seq: int, *, absorb: bool = True) -> list[int]:
        """A busy sequence becomes idle. Returns the sequences that are now of no use and were forgotten, to be dropped from the memory:
        itself when it is empty, and (`absorb`) idle ones that lie wholly in another."""
        own = self._all[seq]
        self._clock += 1
        own.busy, own.stamp = False, self._clock
        gone = [] if own.length else [seq]
        if absorb and own.length:
            for other in (s for s, o in enumerate(self._all) if s != seq and o.used and not o.busy):
                shared = common(self.tokens(other), self.tokens(seq))
                if shared == self.length(other):
                    gone.append(other)
                elif shared == own.length:
                    self._all[other].stamp = self._clock
                    gone = [seq]
                    break
        for each in gone:
            self.drop(each)
        return gone

    def extend(self, seq: int, tokens: Sequence[int] | Tokens) -> None:
        """The sequence holds these tokens too. Raises ValueError when there are fewer free cells."""
        n = len(tokens)
        if n > self.free:
            raise ValueError(f"{n} tokens do not fit into {self.free} free cells")
        own = self._all[seq]
        end = own.length + n
        own.room(end)
        if n == 1:  # each token that is written; slices cost several times as much
            cell = self._spare[self.free - 1]
            own.tokens[end - 1], own.cells[end - 1], self._shares[cell] = tokens[0], cell, 1
            self.free, own.length = self.free - 1, end
            return
        taken = self._spare[self.free - n : self.free]
        own.tokens[own.length : end] = tokens
        own.cells[own.length : end] = taken
        self._shares[taken] = 1
        self.free -= n
        own.length = end

    def cut(self, seq: int, length: int) -> None:
        """The sequence keeps its first `length` tokens."""
        own = self._all[seq]
        dropped = own.cells[length : own.length]
        if not len(dropped):
            return
        self._shares[dropped] -= 1
        freed = dropped[self._shares[dropped] == 0]
        self._spare[self.free : self.free + len(freed)] = freed
        self.free += len(freed)
        own.length = length

    def copy(self, source: int, target: int, length: int) -> None:
        """`target`, which is empty, shares the first `length` tokens of `source`."""
        a, b = self._all[source], self._all[target]
        b.room(length)
        b.tokens[:length] = a.tokens[:length]
        b.cells[:length] = a.cells[:length]
        self._shares[a.cells[:length]] += 1
        b.length = length

    def drop(self, seq: int) -> None:
        """The sequence is unused and empty."""
        self.cut(seq, 0)
        own = self._all[seq]
        own.used = own.busy = False
