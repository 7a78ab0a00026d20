"""A model asked whether its own answer is right: one more turn, of which only the first token's logits are read.

A signal for a cascade, off unless asked for (Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv:2207.05221, P(True)).
The answer's tokens lie in the memory already, so that it costs one short prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localrouter.engine.answer import Send
from localrouter.engine.confidence import chosen
from localrouter.engine.memory import DecodeFault


class Check:
    """`batching.Work` that reads one row."""

    def __init__(self, key: int, prompt: Sequence[int], yes: Sequence[int], no: Sequence[int], send: Send, over: Any) -> None:
        self.key, self.prompt, self.interactive = key, prompt, False
        self._yes, self._no, self._send, self._over = yes, no, send, over

        self._cached = 0
        self.works = [self]

    def nothing(self) -> None:
        """There is always one row to read."""

    def refused(self, error: str, code: str) -> None:
        self._end({"error": error, "code": code})

    def began(self, cached: int) -> None:
        self._cached = cached

    def progress(self, done: int, total: int) -> None:
        """It is short."""

    def take(self, row: Any) -> Sequence[int]:
        share = chosen(row.logits, self._yes, self._no)
        if share != share:
            raise DecodeFault("The local model gave no numbers.")
        usage = {"input": len(self.prompt), "output": 0, "cached": self._cached}
        self._end({"finish": "stop", "yes": round(share, 4), "usage": usage})
        return ()

    def failed(self, error: Exception) -> None:
        self._end({"error": "The local model failed at this request.", "code": "failed"})

    def cancelled(self) -> None:
        self._end({"finish": "cancelled", "usage": {"input": len(self.prompt), "output": 0, "cached": 0}})

    def _end(self, rest: dict[str, Any]) -> None:
        self._send({"id": self.key, "end": True, **rest})
        self._over(self.key)
