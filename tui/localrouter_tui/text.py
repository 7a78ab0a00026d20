"""Untrusted text for the terminal: never markup, no control codes, tokens coloured by their type."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_SECRET = ("API_KEY", "PASSWORD", "SECRET", "TOKEN", "JWT", "PRIVATE_KEY")
_REGULATED = ("CARD", "IBAN", "SSN", "ID", "HEALTH_ID")


def clean(text: str) -> str:
    """Without what a terminal would obey."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def style_of(token: str) -> str:
    """Red for secrets, magenta for regulated values, yellow for the rest."""
    kind = token.rpartition("_")[0]
    if kind in _SECRET:
        return "bold white on dark_red"
    return "bold white on dark_magenta" if kind in _REGULATED else "bold black on yellow"


def with_tokens(text: str, tokens: Iterable[str]) -> Text:
    """A Text object (markup is not interpreted) with each token marked."""
    out = Text(clean(text))
    for token in tokens:
        out.highlight_regex(re.escape(token), style_of(token))
    return out


def usd(micro: int) -> str:
    """Micro-dollars for people."""
    return f"${micro / 1_000_000:.6f}" if 0 < micro < 10_000 else f"${micro / 1_000_000:.4f}"
