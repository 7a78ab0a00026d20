"""Health: how each host and model did of late, as decisions see it."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Group
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
from localrouter_tui.text import aligned, untrusted

_MARKS = {"closed": ("●", GOOD), "half_open": ("◐", WARN), "open": ("○", BAD)}
_NOBODY = "No host and no model was called in the last minutes."
_REST = "Of the calls of the last minutes. Who does not do well is asked later than others; a host that fails again and again is cut off."
REFRESH_S = 2.0


class HealthScreen(ModalScreen[None]):
    """Asks when it opens, and every two seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,h", "dismiss", "Close")]

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self._daemon = daemon

    def compose(self) -> ComposeResult:
        """One page."""
        with VerticalScroll(classes="box") as box:
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
            rest = Text("\n" + _REST, style=FAINT)
            page = Group(aligned(map(_line, found)), rest) if found else Group(Text(_NOBODY, style=SOFT))
        self.query_one("#health", Static).update(page)


def _line(c: Condition) -> list[Text]:
    mark, colour = _MARKS.get(c.state, ("?", WARN))
    bad = f"{c.bad * 100:.0f} % bad" if c.bad else ""
    first = f"{c.first_ms:.0f} ms" if c.first_ms is not None else ""
    return [
        Text(mark, style=f"bold {colour}"),
        untrusted(c.name, f"bold {INK}"),
        untrusted(f"{c.calls} calls", SOFT),
        untrusted(bad, BAD if c.bad >= 0.1 else SOFT),
        untrusted(first, SOFT),
        untrusted(c.words, WARN),
    ]
