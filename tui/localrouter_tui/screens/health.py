"""Health: how each host and model did of late, as decisions see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from localrouter_tui.client import Daemon, DaemonDown, Refused
from localrouter_tui.palette import BAD, FAINT, GOOD, INK, SOFT, WARN
from localrouter_tui.records import Condition, Odd, health
from localrouter_tui.text import aligned, duration, untrusted

_MARKS = {"closed": ("●", GOOD), "half_open": ("◐", WARN), "open": ("○", BAD)}
_WORST = ("open", "half_open")
_NOBODY = "No host and no model was called in the last minutes."
_REST = (
    "● works  ◐ failed of late, the next request tries it  ○ cut off. Of the calls of the last minutes: who does not do well is asked later "
    "than others; a host that fails again and again is cut off. The first word is timed of streamed answers."
)
WIDE = 110
"""From this width on, all columns have room."""
REFRESH_S = 2.0
POOR = 0.1
"""A share of calls from which a figure is marked, as decisions do (core/standing.BAD)."""


class HealthScreen(ModalScreen[None]):
    """Asks when it opens, and every two seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,h", "dismiss", "Close")]

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self._daemon = daemon

    def compose(self) -> ComposeResult:
        """One page."""
        with VerticalScroll(classes="box broad") as box:
            box.border_subtitle = "Escape closes"
            yield Static(Text("Health"), classes="title", markup=False)
            yield Static(Text("looking ...", style=SOFT), id="health", markup=False)

    def on_mount(self) -> None:
        """Look at once."""
        self.set_interval(REFRESH_S, self._look)
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        try:
            found = health(await self._daemon.get("status"))
        except (DaemonDown, Refused, Odd) as exc:
            page = Group(untrusted(exc.text, BAD))
        else:
            page = health_page(found, wide=self.app.size.width >= WIDE) if found else Group(Text(_NOBODY, style=SOFT))
        self.query_one("#health", Static).update(page)


def health_page(found: Sequence[Condition], *, wide: bool) -> Group:
    """Who does not do well, in words; then all of them in figures, the worst first."""
    ordered = sorted(found, key=_rank)
    ill = [c for c in ordered if not c.well]
    said = [[_mark(c), untrusted(c.name, f"bold {INK}"), untrusted(c.words or "failed of late", WARN)] for c in ill]
    parts: list[RenderableType] = [aligned(said), Text("")] if said else []
    return Group(*parts, _table(ordered, wide=wide), Text("\n" + _REST, style=FAINT))


def _rank(c: Condition) -> tuple[int, bool, str]:
    return (_WORST.index(c.state) if c.state in _WORST else len(_WORST), c.well, c.name)


def _mark(c: Condition) -> Text:
    mark, colour = _MARKS.get(c.state, ("?", WARN))
    return Text(mark, style=f"bold {colour}")


def _table(found: Iterable[Condition], *, wide: bool) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column()
    table.add_column(overflow="fold", ratio=1)
    names = [
        "calls",
        "failed",
        "refused",
        *(["broken", "slow"] if wide else []),
        "first word",
        "p95",
        *(["tokens/s"] if wide else []),
    ]
    for _ in names:
        table.add_column(justify="right", no_wrap=True)
    table.add_row(Text(""), Text("host or model", style=FAINT), *(Text(name, style=FAINT) for name in names))
    for c in found:
        shares = [c.errors, c.refusals, *([c.broken, c.slow] if wide else [])]
        cells = [untrusted(f"{c.calls:,}", SOFT), *map(_share, shares), _time(c.first_ms), _time(c.p95_ms)]
        if wide:
            cells.append(Text("-", style=FAINT) if c.tokens_s is None else untrusted(f"{c.tokens_s:.0f}", SOFT))
        table.add_row(_mark(c), untrusted(c.name, INK if c.well else f"bold {INK}"), *cells)
    return table


def _share(share: float) -> Text:
    return Text("-", style=FAINT) if not share else untrusted(f"{share * 100:.0f} %", f"bold {BAD}" if share >= POOR else SOFT)


def _time(ms: float | None) -> Text:
    return Text("-", style=FAINT) if ms is None else untrusted(duration(ms), SOFT)
