"""How the CLI shows things: JSON for machines, rich for people. Text of others is escaped: a trace may hold control codes."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PIPE_WIDTH = 240
"""Columns of a table that is not shown on a terminal."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Without what a terminal would obey: escapes, bidirectional overrides, zero-width characters."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def emit_json(tree: Any) -> None:
    """One document on stdout."""
    json.dump(tree, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    out = sys.stderr if stderr else sys.stdout
    # Nobody reads a pipe in 80 columns: a program that reads a line wants it whole.
    width = None if out.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            """Rich would end the program with 1; `cli.main` knows that it is no failure."""
            raise BrokenPipeError

    return Piped(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)


def highlighted(text: str, tokens: Iterable[str]) -> Text:
    """The text with the given tokens marked."""
    from rich.text import Text

    out = Text(clean(text))
    names = [re.escape(t) for t in sorted(tokens, key=len, reverse=True)]
    if names:
        out.highlight_regex(re.compile("|".join(names)), "bold black on yellow")
    return out


LEAST, GAP = 12, 3
"""Columns of a terminal: of a text that is cut, and between two columns of a table."""


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Sequence[str] = (),
    cut: Sequence[str] = (),
    drop: Sequence[str] = (),
    stderr: bool = False,
) -> None:
    """On a narrow terminal the columns of `drop` are left out, in that order, as far as needed; those of `cut` end in ...; others are folded."""
    from rich import box
    from rich.table import Table

    out = console(stderr=stderr)
    cells = [[clean(c) if isinstance(c, str) else c for c in row] for row in rows]
    wide = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(columns)]
    shown = list(range(len(columns)))
    for name in drop:
        if sum(min(LEAST, wide[i]) if columns[i] in cut else wide[i] for i in shown) + GAP * len(shown) - 1 > out.width:
            shown.remove(columns.index(name))
    fixed = sum(wide[i] for i in shown if columns[i] not in cut) + GAP * len(shown)
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i in shown:
        name = columns[i]
        share = max(LEAST, (out.width - fixed) // max(1, len(cut))) if name in cut else None
        # An id that is folded cannot be copied, so everything else gives way to it.
        made.add_column(
            name,
            justify="right" if name in right else "left",
            overflow="ellipsis" if name in cut else "fold",
            no_wrap=name in ("id", "when", *cut, *right),
            max_width=share,
        )
    for row in cells:
        made.add_row(*(row[i] for i in shown))
    out.print(made, soft_wrap=False)


def usd(micro: int) -> str:
    from localrouter.core.money import usd as written

    return written(micro)


def clock(stamp: float) -> str:
    """Local time of an epoch second."""
    return datetime.fromtimestamp(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def counts(findings: dict[str, int]) -> str:
    """`2 EMAIL, 1 PERSON`, or the word for none."""
    return ", ".join(f"{n} {t}" for t, n in sorted(findings.items())) or "nothing"
