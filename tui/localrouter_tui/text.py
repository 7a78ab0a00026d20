"""Untrusted text for the terminal: never markup, no control codes, tokens coloured by the class of what they stand for.

Law: every word that was not written in this package passes `untrusted` before it reaches a widget. Prompts, answers, model names,
error texts and ids come from others; a terminal obeys some of their bytes, and Textual reads `[...]` in plain strings as markup.
Only `rich.text.Text` objects are handed to widgets: they are never parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from localrouter_tui.kinds import STRANGE, class_of, style_of

# What is invisible or obeyed: controls (Cc), formats (Cf: bidirectional overrides, zero-width characters, tags), line and
# paragraph separators, surrogates, private use, noncharacters, variation selectors, and letters that draw nothing.
_STRANGE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
_STRANGE_OR_LINE = re.compile(f"\n|{_STRANGE.pattern}")
# An emoji's own variation selector says "in colour" and hides nothing: without it the picture is the same.
_EMOJI_FORM = re.compile("(?<=[\u203c-\u3299\U0001f000-\U0001faff])\ufe0f")
# Marks that pile up on one letter would grow over the lines around it; no written language needs more than four.
_MARKS = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILE = re.compile(f"({_MARKS}{{4}}){_MARKS}+")


def _symbol(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: ESC is shown as one small "ESC"
    return "\N{SYMBOL FOR DELETE}" if code == 0x7F else f"<U+{code:04X}>"


def untrusted(value: object, style: str = "", *, lines: bool = False) -> Text:
    """A Text of it: no markup, no links, control and invisible characters as marked symbols. A line end is one of them
    unless `lines`; a tab in such text is four spaces."""
    text = str(value)
    if lines:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
    text = _PILE.sub("\\1\N{REPLACEMENT CHARACTER}", _EMOJI_FORM.sub("", text))
    out = Text(style=style, end="")
    at = 0
    for match in (_STRANGE if lines else _STRANGE_OR_LINE).finditer(text):
        out.append(text[at : match.start()])
        out.append(_symbol(match.group()), style=STRANGE)
        at = match.end()
    out.append(text[at:])
    return out


def with_tokens(text: str, tokens: Iterable[str]) -> Text:
    """The text with each of the tokens in the colours of its class."""
    out = untrusted(text, lines=True)
    names = sorted({t for t in tokens if t}, key=len, reverse=True)
    if names:
        for match in re.finditer("|".join(map(re.escape, names)), out.plain):
            out.stylize(style_of(class_of(match.group())), *match.span())
    return out


def usd(micro: int) -> str:
    """Micro-dollars for people: whole cents shortly, small sums with all their digits."""
    if micro % 10_000 == 0:
        return f"${micro / 1_000_000:,.2f}"
    return f"${micro / 1_000_000:.6f}" if 0 < micro < 10_000 else f"${micro / 1_000_000:,.4f}"


def duration(ms: float) -> str:
    """Milliseconds for people, at most seven characters up to an hour."""
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < 9_999.5:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s" if ms < 99_950 else f"{ms / 1000:.0f} s"


def aligned(rows: Iterable[Iterable[Text]]) -> Table:
    """The rows in columns; what is too long is wrapped within its column."""
    out = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        out.add_row(*row)
    return out


def joined(parts: Iterable[Text], between: str) -> Text:
    """The parts with plain text between them."""
    return Text(between, end="").join(parts)
