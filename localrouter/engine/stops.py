"""Stop strings in a text that comes in pieces.

Law: the answer ends before the stop string that is complete first (of two that end together, before the longer one), and text is held
back only as long as it may still become one. Every cut of the text gives the same answer.

The automaton is Aho and Corasick's (Communications of the ACM 18(6), 1975): one step a character, however many strings there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


class StopStrings:
    """Cuts a text at the first stop string. Empty strings are ignored."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._depth = [0]
        self._back = [0]
        self._match = [0]  # the length of the longest stop string that ends in this state
        for stop in stops:
            self._add(stop)
        self._link()
        self._state = 0
        self._held = ""
        self.hit = False
        """A stop string was complete; `feed` says no more."""
        self.found = ""
        """Which one it was."""

    def feed(self, text: str) -> str:
        """The text that may be shown now."""
        if self.hit or not text:
            return ""
        whole, state = self._held + text, self._state
        for at, char in enumerate(text, len(self._held) + 1):
            state = self._step(state, char)
            if size := self._match[state]:
                self.hit, self._held = True, ""
                self.found = whole[at - size : at]
                return whole[: at - size]
        self._state = state
        cut = len(whole) - self._depth[state]
        self._held = whole[cut:]
        return whole[:cut]

    def rest(self) -> str:
        """What was held back, when the text is over."""
        out, self._held, self._state = self._held, "", 0
        return out

    def _add(self, stop: str) -> None:
        state = 0
        for char in stop:
            if char not in self._next[state]:
                self._next[state][char] = len(self._next)
                self._next.append({})
                self._depth.append(self._depth[state] + 1)
                self._back.append(0)
                self._match.append(0)
            state = self._next[state][char]
        self._match[state] = self._depth[state]

    def _link(self) -> None:
        """Breadth first, so that each state's longest proper suffix is known before it."""
        todo = deque(self._next[0].values())
        while todo:
            state = todo.popleft()
            self._match[state] = self._match[state] or self._match[self._back[state]]
            for char, child in self._next[state].items():
                self._back[child] = self._step(self._back[state], char)
                todo.append(child)

    def _step(self, state: int, char: str) -> int:
        while char not in self._next[state]:
            if not state:
                return 0
            state = self._back[state]
        return self._next[state][char]
