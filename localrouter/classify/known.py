"""What was said of a text is remembered by the text's hash: an agent's steps repeat the person's words, and law 7 does no work twice.

No text is kept. The memories are bounded; the oldest entry goes first."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

SIZE = 1024
"""Texts that one memory holds, at some 300 bytes each beside what was said of them."""


def known(function: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
    """A pure function of a text (and of small hashable things) that remembers. What it returns is shared: nobody may change it."""
    memory: dict[tuple[object, ...], T] = {}

    @functools.wraps(function)
    def remembering(text: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), args, tuple(kwargs.values()))
        found = memory.get(key)
        if found is None:
            found = function(text, *args, **kwargs)
            while len(memory) >= SIZE:
                memory.pop(next(iter(memory)))
            memory[key] = found
        return found

    return remembering
