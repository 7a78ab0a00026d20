"""Prefixes that lie outside the model's memory: what idle sequences held, as bytes that llama.cpp can read back.

Without flash attention a token attends over every cell that is in use, its own or not (llama-kv-cache.cpp, `get_n_kv`), so an idle prefix
slows whoever is at work: a pass over it costs about as much as copying it away or back. Here it costs nothing but memory of the machine,
within a budget; the one used longest ago goes first. It does not touch the model's memory.

The state of a model with recurrent layers cannot be cut (delta nets, Mamba, LFM2's convolutions): it is of use only to who begins with all of
its tokens, so that an earlier state of the same conversation is worth keeping beside a later one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from localrouter.engine.prefixes import Tokens, common


class Stashed(NamedTuple):
    """`state`: of all `tokens`, as `Memory.save` gave it."""

    tokens: Tokens
    state: NDArray[np.uint8]


class Stash:
    """`budget`: bytes. `whole`: what lies here cannot be cut."""

    def __init__(self, budget: int, *, whole: bool = False) -> None:
        self.budget = budget
        self._whole = whole
        self.bytes = 0
        self._kept: list[Stashed] = []
        """The one used last is last."""

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def tokens(self) -> int:
        return sum(len(each.tokens) for each in self._kept)

    def match(self, tokens: Tokens) -> tuple[Stashed | None, int]:
        """What shares the longest prefix with `tokens`, and how long that is; among equals the one used last."""
        best: tuple[Stashed | None, int] = (None, 0)
        for each in self._kept:
            length = common(each.tokens, tokens)
            if length and length >= best[1] and not (self._whole and length < len(each.tokens)):
                best = each, length
        return best

    def put(self, tokens: Tokens, state: NDArray[np.uint8]) -> None:
        """Keep it, and let go of what lies wholly in it and of what no longer fits the budget."""
        same = next((s for s in self._kept if self._covers(s.tokens, tokens)), None)
        if same is not None:
            self.touch(same)
            return
        if len(state) > self.budget:
            return
        for old in [s for s in self._kept if self._covers(tokens, s.tokens)]:
            self.take(old)
        self._kept.append(Stashed(tokens, state))
        self.bytes += len(state)
        while self.bytes > self.budget:
            self.take(self._kept[0])

    def _covers(self, tokens: Tokens, others: Tokens) -> bool:
        """Whether a state of `tokens` does all that one of `others` would."""
        return common(tokens, others) == len(others) and not (self._whole and len(tokens) > len(others))

    def touch(self, entry: Stashed) -> None:
        """It was of use: it goes last."""
        self._kept = [*(s for s in self._kept if s is not entry), entry]

    def take(self, entry: Stashed) -> None:
        """It is not here any more."""
        self._kept = [s for s in self._kept if s is not entry]
        self.bytes -= len(entry.state)

    def clear(self) -> None:
        self._kept.clear()
        self.bytes = 0
