"""Which of some hundred words stand in a text, and where: one regular expression made of their trie.

Measured on 1 MB of Python source and on lock files in segments of 2 KB, 816 words, one core (2026-11): `word in text` for each 2.9 MB/s, a plain
alternation in `re` 0.5, this trie 14 to 16, pyahocorasick 64, hyperscan 370 to 800. The trie needs no C extension on the user's
machine and is an order of magnitude below what the other detectors cost, so the faster two would buy little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any


class Words:
    """A set of lower-case words. `hits` gives every place where one starts, also inside another one."""

    def __init__(self, words: Iterable[str]) -> None:
        tree: dict[str, Any] = {}
        unique = sorted(set(words))
        for word in unique:
            node = tree
            for char in word:
                node = node.setdefault(char, {})
            node[""] = {}
        # The expression stops at the shortest word of a branch; longer words that begin with it are tried by hand.
        self._starts: dict[str, list[str]] = {}
        for word in unique:
            short = next(word[:n] for n in range(1, len(word) + 1) if word[:n] in self._starts or n == len(word))
            self._starts.setdefault(short, []).append(word)
        self._search = re.compile(_pattern(tree) if tree else "(?!)").search

    def hits(self, low: str) -> Iterator[tuple[int, str]]:
        """(start, word) over lower-case text, in order."""
        match = self._search(low)
        while match is not None:
            at = match.start()
            for word in self._starts[match[0]]:
                if low.startswith(word, at):
                    yield at, word
            match = self._search(low, at + 1)


def _pattern(node: dict[str, Any]) -> str:
    if "" in node:
        return ""
    single: list[str] = []
    branches: list[str] = []
    for char in sorted(node):
        rest = _pattern(node[char])
        if rest:
            branches.append(re.escape(char) + rest)
        else:
            single.append(re.escape(char))
    if single:
        branches.append(f"[{''.join(single)}]" if len(single) > 1 else single[0])
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
