"""Whether answers that are written at the same time are decoded in one batch or in turns, as measured.

A batch reads the weights once for all its tokens, and where memory is the bound it costs little more than one token. Elsewhere that is for
the kernels to say: two tokens of a Q8_0 model of 100 M parameters took 12 ms and one took 4, eight took 20 (llama.cpp's product for a few columns,
AMD Zen 5, one thread). There two or four answers come sooner one after another. Pure: sizes and seconds in, a size out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

FIRST = 32
"""Batches before the other way is tried for the first time: short answers are not worth it."""
AGAIN = 10.0
"""Seconds until it is tried again: answers grow, and the machine has other work."""
WORTH = 1.15
"""How much longer a batch must take than its answers one after another: measures are noisy."""
KEPT = 8
"""Measures of which the shortest counts: what disturbs them only makes them longer."""


class _Size:
    """What is known of so many answers at once."""

    def __init__(self) -> None:
        self.together: deque[float] = deque(maxlen=KEPT)
        self.single: deque[float] = deque(maxlen=KEPT)
        self.in_turns = False
        self.trying = 0
        """Steps of the other way that are left of a trial."""
        self.steps = 0
        self.next = 0.0


class Turns:
    """`clock`: seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sizes: dict[int, _Size] = {}

    def size(self, answers: int) -> int:
        """How many of so many answers the next batch should hold: all or one."""
        if answers < 2:
            return answers
        known = self._sizes.setdefault(answers, _Size())
        if not known.trying and known.steps >= FIRST and self._clock() >= known.next:
            known.trying = 2 if known.in_turns else answers
            (known.together if known.in_turns else known.single).clear()
        return 1 if known.in_turns != bool(known.trying) else answers

    def took(self, answers: int, decoded: int, seconds: float) -> None:
        """A batch with `decoded` of so many answers took so long."""
        if answers < 2:
            return
        known = self._sizes.setdefault(answers, _Size())
        (known.single if decoded == 1 else known.together).append(seconds)
        known.steps += 1
        if known.trying and (decoded == 1) != known.in_turns:
            known.trying -= 1
            if not known.trying:
                known.in_turns = WORTH * answers * min(known.single) < min(known.together)
                known.next = self._clock() + AGAIN
