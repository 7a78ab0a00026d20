"""Citations that must exist: what an answer quotes, names and links must stand in the context that it was given.

This is about what the text itself says; citations that an API says beside it are in core/cited.py. Three things of a text count as
citations, outside of code (fences and back-ticks):

- a quotation: text of QUOTE_WORDS words or more between double quotes (straight or typographic) or in a block quote (`> `). It must stand in
  one of the sources, word for word; case, white space, quotes, the kind of dashes and a final punctuation mark do not matter, and
  `...` or `[...]` in it stands for what was left out.
- an address (http or https): it must stand in a source as it is.
- a mark `[id]`, `[^id]` or `【id】`: a number up to how many context ids there are (the header `x-localrouter-context`), one of these ids,
  or a mark that stands in a source itself. Where no ids were given, only numbers and `^` make a mark. `[x]` and `[ ]` of a list are none.

An answer that cites nothing breaks nothing: a route that wants citations asks for them in its prompt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

QUOTE_WORDS = 5
"""A shorter quotation is a word in quotes, not a quotation."""

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_URL = re.compile(r"https?://[^\s<>\"'`|\\^{}\[\]]+")
_TAIL = ".,;:!?*_)]}»”’"
_QUOTED = re.compile(r"\"([^\"\n]{1,4000})\"|“([^”\n]{1,4000})”|„([^“”\n]{1,4000})[“”]|«([^»\n]{1,4000})»")
_BLOCK = re.compile(r"(?:^[ \t]*>[^\n]*(?:\n|\Z))+", re.MULTILINE)
_MARK = re.compile(r"\[(\^?)([^\[\]\s^][^\[\]\n]{0,63})\](?!\()|【([^【】\n]{1,64})】")
_GAP = re.compile(r"\s*(?:\[?\.\.\.\]?|\[?…\]?)\s*")
_SPACE = re.compile(r"\s+")
_SAME = str.maketrans({**dict.fromkeys("\"'“”„‟«»‘’‚‛", None), "–": "-", "—": "-"})


def _plain(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(_SAME)).casefold().strip()


class Sources:
    """Texts that may be cited. They are made comparable once, and not before a quotation asks for it."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        self._plain: list[str] | None = None

    def hold(self, quote: str) -> bool:
        """Whether a quotation stands in one of them, word for word as this module compares."""
        if self._plain is None:
            self._plain = [_plain(text) for text in self.texts]
        return any(_stands(quote, text) for text in self._plain)

    def link(self, url: str) -> bool:
        """Whether an address stands in one of them, and not as the beginning of a longer one."""
        return any(_linked(url, text) for text in self.texts)


def unfounded(text: str, sources: Sources, ids: Sequence[str]) -> list[tuple[str, str]]:
    """(rule, sentence) of each citation that does not exist: `quote`, `url` or `mark`. The sentence counts and quotes nothing."""
    text = _CODE.sub(" ", text)
    out: list[tuple[str, str]] = []
    for n, quote in enumerate(_quotes(text), 1):
        if not sources.hold(quote):
            out.append(("quote", f"quotation {n} of your answer does not stand in the context word for word"))
    for n, found in enumerate(_URL.finditer(text), 1):
        if not sources.link(_trimmed(found[0])):
            out.append(("url", f"address {n} of your answer does not stand in the context"))
    for n, mark in enumerate(_marks(text, ids), 1):
        if not _known(mark, sources.texts, ids):
            out.append(("mark", f"source mark {n} of your answer names no source of the context"))
    return out


def _quotes(text: str) -> list[str]:
    found = [next(g for g in m.groups() if g is not None) for m in _QUOTED.finditer(text)]
    found += ["\n".join(line.lstrip(" \t>") for line in m[0].splitlines()) for m in _BLOCK.finditer(text)]
    return [q for q in found if len(q.split()) >= QUOTE_WORDS]


def _stands(quote: str, source: str) -> bool:
    """Its parts stand in the source, in order."""
    at = 0
    for part in _GAP.split(quote):
        plain = _plain(part).rstrip(".,;:!?").strip()
        if not plain:
            continue
        found = source.find(plain, at)
        if found < 0:
            return False
        at = found + len(plain)
    return True


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence around it; a closing bracket stays where one was opened."""
    while url and url[-1] in _TAIL and not (url[-1] == ")" and url.count("(") >= url.count(")")):
        url = url[:-1]
    return url


def _linked(url: str, source: str) -> bool:
    """It stands there, and not as the beginning of a longer one."""
    at = source.find(url)
    while at >= 0:
        rest = _URL.match(source[at:])
        if rest is not None and _trimmed(rest[0]) == url:
            return True
        at = source.find(url, at + 1)
    return False


def _marks(text: str, ids: Sequence[str]) -> list[str]:
    out: list[str] = []
    for m in _MARK.finditer(text):
        name = (m[2] or m[3]).strip()
        if name.casefold() == "x" or not name:
            continue
        if (name.isascii() and name.isdigit()) or m[1] or m[3] or ids:
            out.append(name)
    return out


def _known(mark: str, sources: Sequence[str], ids: Sequence[str]) -> bool:
    if mark in ids or (mark.isascii() and mark.isdigit() and 1 <= int(mark) <= len(ids)):
        return True
    return any(f"[{mark}]" in s or f"[^{mark}]" in s or f"【{mark}】" in s for s in sources)
