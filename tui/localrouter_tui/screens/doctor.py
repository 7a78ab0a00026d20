"""Doctor: what the running daemon says of its parts, and what to do about each fault."""

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
from localrouter_tui.records import Check, Odd, checks
from localrouter_tui.text import aligned, untrusted

_MARKS: dict[bool | None, tuple[str, str]] = {True: ("✓", GOOD), False: ("✗", BAD), None: ("!", WARN)}
_REST = "`localrouter doctor` in a shell also examines the settings, the recipe, llama.cpp and your keys."


class DoctorScreen(ModalScreen[None]):
    """Asks when it opens, and again for `r`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,d", "dismiss", "Close"),
        Binding("r", "examine", "Again"),
    ]

    def __init__(self, daemon: Daemon) -> None:
        super().__init__()
        self._daemon = daemon

    def compose(self) -> ComposeResult:
        """One page."""
        with VerticalScroll(classes="box") as box:
            box.border_subtitle = "Escape closes, r examines again"
            yield Static(Text("Doctor"), classes="title", markup=False)
            yield Static(Text("examining ...", style=SOFT), id="checks", markup=False)

    def on_mount(self) -> None:
        """Examine at once."""
        self.action_examine()

    def action_examine(self) -> None:
        """Ask the daemon; the screen stays alive meanwhile."""
        self._examine()

    @work(exclusive=True)
    async def _examine(self) -> None:
        try:
            found = checks(await self._daemon.get("doctor"))
        except (DaemonDown, Refused, Odd) as exc:
            page = Group(untrusted(exc.text, BAD))
        else:
            page = Group(aligned(map(_line, found)), Text("\n" + _REST, style=FAINT))
        self.query_one("#checks", Static).update(page)


def _line(check: Check) -> list[Text]:
    mark, colour = _MARKS[check.ok]
    words = f"{check.detail} {check.do}".strip()
    return [Text(mark, style=f"bold {colour}"), untrusted(check.name, f"bold {INK}"), untrusted(words, SOFT)]
