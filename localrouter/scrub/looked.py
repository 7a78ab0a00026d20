"""What was looked for in a conversation's texts, and where it stood: chat APIs resend the conversation with each turn, and the old part of it need
not be searched again for the old values (law 7).

Law: what comes from memory is what a search would give. A text is known by the name that its caller gives it, a hash of all of it: one that has
changed is another text. Every known text was searched for every known string; a string that is new is looked for in all texts, and a text that is
new is searched for all strings. Kept are names, strings and places, and no text. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import accumulate

from localrouter.scrub.needles import Haystack

Place = tuple[int, int]
"""(number of the text, offset in it)."""


class Looked:
    """Of one conversation: the strings, and of each text where they stand. Neither is changed, only replaced, so another conversation may begin with
    what is known of this one (`like`)."""

    __slots__ = ("found", "needles")

    def __init__(self, like: Looked | None = None) -> None:
        self.needles: frozenset[str] = like.needles if like is not None else frozenset()
        self.found: Mapping[Hashable, tuple[tuple[str, int], ...]] = like.found if like is not None else {}

    def __len__(self) -> int:
        return len(self.found)


class Look:
    """At the texts of one request. `names` are theirs, in the same order; without them nothing is known and nothing is kept. `fold`: how a text
    is read, and places are in what it gives."""

    __slots__ = ("_all", "_asked", "_fold", "_found", "_fresh", "_known", "_looked", "_names", "_needles", "_texts")

    def __init__(
        self,
        texts: Sequence[str],
        looked: Looked | None = None,
        names: Sequence[Hashable] = (),
        fold: Callable[[str], str] | None = None,
    ) -> None:
        self._texts, self._fold = texts, fold
        self._looked, self._names = looked, names
        # As they are now: another request of the conversation may replace them meanwhile.
        self._needles, self._found = (looked.needles, looked.found) if looked is not None else (frozenset(), {})
        self._asked: dict[str, list[Place]] = {}
        self._known: dict[str, list[Place]] = {}
        self._all: _Joined | None = None
        self._fresh: _Joined | None = None

    def places(self, needle: str) -> list[Place]:
        """Where a string stands, overlaps included."""
        found = self._asked.get(needle)
        if found is None:
            found = self._asked[needle] = self._search(needle) if needle else []
        return found

    def __contains__(self, needle: str) -> bool:
        return bool(self.places(needle))

    def keep(self) -> None:
        """Remember what was asked, for the conversation's next request. One in which nothing was asked leaves what there is."""
        if self._looked is None or not self._asked:
            return
        here: dict[int, list[tuple[str, int]]] = {}
        for needle, places in self._asked.items():
            for number, at in places:
                here.setdefault(number, []).append((needle, at))
        self._looked.needles = frozenset(self._asked)
        self._looked.found = {name: tuple(here.get(number, ())) for number, name in enumerate(self._names)}

    def _search(self, needle: str) -> list[Place]:
        if needle not in self._needles:
            if self._all is None:
                self._all = self._joined(range(len(self._texts)))
            return self._all.places(needle)
        if self._fresh is None:
            self._fresh = self._recall()
        return [*self._known.get(needle, ()), *self._fresh.places(needle)]

    def _recall(self) -> _Joined:
        """Take the places in the known texts; returns the others."""
        fresh: list[int] = []
        for number, name in enumerate(self._names):
            found = self._found.get(name)
            if found is None:
                fresh.append(number)
            for needle, at in found or ():
                self._known.setdefault(needle, []).append((number, at))
        return self._joined(fresh)

    def _joined(self, numbers: Sequence[int]) -> _Joined:
        texts = [self._texts[n] for n in numbers]
        return _Joined(numbers, texts if self._fold is None else [self._fold(text) for text in texts])


class _Joined:
    """Some of the texts as one, so that each string is searched once."""

    __slots__ = ("_edges", "_hay", "_numbers")

    def __init__(self, numbers: Sequence[int], texts: Sequence[str]) -> None:
        self._numbers = numbers
        self._edges = list(accumulate((len(text) + 1 for text in texts), initial=0))
        self._hay = Haystack("\0".join(texts))

    def places(self, needle: str) -> list[Place]:
        out: list[Place] = []
        for at in self._hay.places(needle):
            index = bisect_right(self._edges, at) - 1
            if at + len(needle) < self._edges[index + 1]:  # what reaches into the next text is no place in this one
                out.append((self._numbers[index], at - self._edges[index]))
        return out
