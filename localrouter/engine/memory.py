"""What the scheduler (`batching`) needs of a model with its memory: tokens in, logits out, sequences that are cut, copied, saved and loaded.
`context.Context` is that over llama.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

from localrouter.engine.places import Seats


class DecodeFault(Exception):
    """The model failed at this request."""


class Outcome(Enum):
    """Of a decode. FULL, ABORTED and FAILED leave it open which tokens are in the memory; the sequences must be cut."""

    DONE = 0
    FULL = 1
    ABORTED = 2
    FAILED = 3


class Part(NamedTuple):
    """Tokens for one sequence, from position `at`; `wanted`: the logits behind the last of them."""

    seq: int
    at: int
    tokens: Sequence[int]
    wanted: bool


class Memory(Seats, Protocol):
    """What the scheduler needs of a model with its memory. `cells`: tokens over all sequences; `batch`: tokens of one decode;
    `cuttable`: the end of a sequence can be taken away (not so in recurrent models, whose state is one); `crowds`: a token costs time for
    every cell in use, whosoever it is."""

    batch: int

    def decode(self, parts: Sequence[Part]) -> Outcome: ...

    def row(self, part: int) -> Any:
        """The logits that the part wanted; valid until the next decode."""

    def keep(self, seq: int, length: int) -> bool:
        """Cut the sequence to its first `length` tokens. False when what would be left is of no use; 0 never fails."""

    def copy(self, source: int, target: int, length: int) -> bool:
        """Share the first `length` tokens (all of them, if the memory is not `cuttable`) with an empty sequence. False as in `keep`."""

    def abort(self) -> None:
        """End the decode that is running; from any thread."""

    def rearm(self) -> None:
        """The next decode runs to its end unless `abort` is called from now on."""
