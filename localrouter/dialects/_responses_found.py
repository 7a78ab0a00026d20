"""What is found while a Responses request is read: leaves, names of what cannot be read, signed blocks."""

from __future__ import annotations

from typing import Any

from localrouter.core.ask import Leaf, Path, Signed, Where
from localrouter.dialects import _responses_kinds as k
from localrouter.dialects._leaves import walk


class Found:
    """What one request holds. `unread` keeps the order of discovery; a name stands once."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.unread: dict[str, None] = {}
        self.signed: list[Signed] = []


def _never(path: Path) -> bool:
    return False


def name_of(path: Path) -> str:
    """A path as an error names it: `input[0].content`."""
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


def add_text(value: Any, path: Path, where: Where, out: list[Leaf], *, free: bool = False) -> None:
    """A value that is text wherever it is a string; `free`: so are the keys of its objects."""
    context = next((s for s in reversed(path) if isinstance(s, str)), "")
    if type(value) is str and value and where != "metadata":
        out.append(Leaf(path, value, where, context))
        return
    walk(value, path, where, out, protocol=_never, free_keys=free, context=context)


def add_words(value: Any, path: Path, inner: frozenset[str], out: list[Leaf]) -> None:
    """A field of ids and closed words: what does not look like one is text."""
    if isinstance(value, str):
        if not k.WORD.fullmatch(value):
            add_text(value, path, "metadata", out)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            add_words(item, (*path, i), inner, out)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in inner:
                add_words(item, (*path, key), inner, out)
            else:
                add_text(item, (*path, key), "metadata", out)
