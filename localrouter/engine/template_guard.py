"""Which characters of a prompt came from the request: so that no text of a message becomes a control token.

Before a template runs, the characters that begin and end the model's control tokens are exchanged, in every string of the request, for
private ones that stand nowhere in it. The template may cut, trim, join or escape: what is private afterwards came from the request. Where
such a character would complete a control token in the rendered text, the text is cut behind its first character; the tokens of
two pieces never join.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_FIRST_PRIVATE, _LAST_PRIVATE = 0xF0000, 0xFFFFD
"""Unicode's plane 15, for private use."""
_PRIVATE = re.compile(f"[{chr(_FIRST_PRIVATE)}-{chr(_LAST_PRIVATE)}]")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a prompt. `special`: its control tokens are the template's own. Not special: plain text, whatever it looks like. Tokenise
    each piece alone, and put the tokens in a row."""

    text: str
    special: bool


class Guard:
    """One model's control tokens, by their text."""

    def __init__(self, controls: Collection[str]) -> None:
        self._controls = frozenset(c for c in controls if c)
        self._firsts = _sizes(self._controls, 0)
        self._lasts = _sizes(self._controls, -1)
        # Letters and blanks are left alone: templates compare and split by them. A control token between two letters is met whole.
        self._edges = sorted(c for c in {*self._firsts, *self._lasts} if _markable(c))
        words = [c for c in self._controls if not _markable(c[0]) and not _markable(c[-1])]
        self._words = re.compile("|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))) if words else None

    def hide(self, value: Any) -> tuple[Any, Marks]:
        """The same JSON value with the request's own edge characters exchanged, and the key to read it again."""
        used = {c for text in _strings(value) for c in _PRIVATE.findall(text)}
        free = (c for c in map(chr, range(_FIRST_PRIVATE, _LAST_PRIVATE)) if c not in used)
        marks = Marks({c: next(free) for c in self._edges}, next(free))
        return self._hidden(value, marks), marks

    def spans(self, text: str, marks: Marks) -> list[Span]:
        """A rendered text as pieces."""
        back = {mark: edge for edge, mark in marks.edges.items()}
        shown = re.sub(f"[{''.join(back)}]", lambda m: back[m.group()], text) if back else text
        # (The word mark splits its own piece in `_add`.)
        cuts = sorted({c for at in self._private(text, marks) for c in self._cuts(shown, at)})
        out: list[Span] = []
        at = 0
        for cut in cuts:
            _add(out, shown[at:cut], marks, special=True)
            _add(out, shown[cut : cut + 1], marks, special=False)
            at = cut + 1
        _add(out, shown[at:], marks, special=True)
        return out

    @staticmethod
    def _private(text: str, marks: Marks) -> Iterator[int]:
        if marks.edges:
            for found in re.finditer(f"[{''.join(marks.edges.values())}]", text):
                yield found.start()

    def _cuts(self, shown: str, at: int) -> Iterator[int]:
        for size in self._firsts.get(shown[at], ()):
            if shown[at : at + size] in self._controls:
                yield at
        for size in self._lasts.get(shown[at], ()):
            start = at - size + 1
            if start >= 0 and shown[start : at + 1] in self._controls:
                yield start

    def _hidden(self, value: Any, marks: Marks) -> Any:
        if isinstance(value, str):
            for edge, mark in marks.edges.items():
                value = value.replace(edge, mark)
            return self._words.sub(lambda m: m.group()[0] + marks.word + m.group()[1:], value) if self._words else value
        if isinstance(value, dict):
            return {self._hidden(k, marks): self._hidden(v, marks) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._hidden(v, marks) for v in value]
        return value


@dataclass(frozen=True, slots=True)
class Marks:
    """The private characters of one rendering. `word`: stands inside of a control token that begins and ends with letters."""

    edges: dict[str, str]
    word: str


def _add(out: list[Span], text: str, marks: Marks, *, special: bool) -> None:
    for piece in text.split(marks.word):
        if piece:
            out.append(Span(piece, special))


def _markable(char: str) -> bool:
    return not (char.isalnum() or char.isspace() or char in "\"'\\{}:,._-")


def _sizes(controls: Collection[str], at: int) -> dict[str, tuple[int, ...]]:
    """Lengths of the control tokens by their first, or last, character."""
    out: dict[str, set[int]] = {}
    for control in controls:
        out.setdefault(control[at], set()).add(len(control))
    return {edge: tuple(sorted(sizes)) for edge, sizes in out.items()}


def _strings(value: Any) -> Iterator[str]:
    todo: list[Any] = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            todo += [*one.keys(), *one.values()]
        elif isinstance(one, Sequence) and not isinstance(one, bytes):
            todo += one
