"""The TUI: what left the machine, why, and what it cost; live. A client of the control API, never of the database.

Law: a question to the daemon runs in a worker, so that a slow daemon never stops the keys; only this module and the screens move data
into widgets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Input

from localrouter_tui.client import Daemon, DaemonDown, Refused
from localrouter_tui.clock import Clock
from localrouter_tui.palette import THEME
from localrouter_tui.records import Odd, Record
from localrouter_tui.screens.approvals import ApprovalsScreen
from localrouter_tui.screens.doctor import DoctorScreen
from localrouter_tui.screens.health import HealthScreen
from localrouter_tui.screens.help import HelpScreen
from localrouter_tui.screens.recipes import RecipesScreen
from localrouter_tui.verbs import Verbs
from localrouter_tui.watch import Filter, Watch
from localrouter_tui.widgets.head import Head, Notice
from localrouter_tui.widgets.panel import Panel
from localrouter_tui.widgets.requests import RequestList

REFRESH_S = 1.0
WIDE = 110
"""From this width on, list and detail stand side by side."""
HOLD_S = 0.12
"""A selection must stand this long before its detail is asked for: a held arrow key asks once."""
LANES = ("", "hosted", "local", "none")
_LISTS = {"filter", "lane", "pause", "doctor", "health", "recipes", "approvals", "help", "back"}
"""Actions of the list of requests."""
_EMPTY = (
    "No requests yet.",
    "",
    "`localrouter token show` prints the settings for a client.",
    "`localrouter ask` sends a question.",
)
_NO_MATCH = ("No request has these words in this lane.", "", "Escape shows all.")


class RouterApp(App[None]):
    """`/` filters, `l` chooses a lane, `p` pauses, Enter reads a request, `d` examines, `h` shows health, `r` recipes, `a` tool calls that wait for a
    yes, `?` helps, `q` leaves; Ctrl+P finds each of these by its name."""

    TITLE = "localrouter"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012  # Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("l", "lane", "Lane"),
        Binding("p", "pause", "Pause", show=False),
        Binding("d", "doctor", "Doctor", show=False),
        Binding("h", "health", "Health"),
        Binding("r", "recipes", "Recipes"),
        Binding("a", "approvals", "Approvals", show=False),
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("escape", "back", "Back", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, daemon: Daemon | None = None, clock: Clock | None = None, verbs: Verbs | None = None) -> None:
        super().__init__()
        self.register_theme(THEME)  # before the style sheet is read, which names its colours
        self.theme = THEME.name
        self._daemon = daemon or Daemon()
        self._clock = clock or Clock()
        self._verbs = verbs or Verbs()
        self._watch = Watch(self._daemon)
        self._filter = Filter()
        self._paused = False
        self._looking = False
        self._waiting = 0
        self._hold: Timer | None = None

    def compose(self) -> ComposeResult:
        """Two lines, the filter when it is open, list and detail, the keys."""
        yield Head(id="head")
        yield Notice(id="notice")
        yield Input(placeholder="words that the veiled text must have; Enter applies, Escape shows all", id="filter")
        with Horizontal(id="body"):
            yield RequestList(self._clock, id="list")
            yield Panel(self._clock, id="panel")
        yield Footer()

    def on_mount(self) -> None:
        """Look at once, then each second."""
        self.query_one("#filter").display = False
        self._list.focus()
        self.set_interval(REFRESH_S, self._tick)
        self._look()

    @property
    def _list(self) -> RequestList:
        return self.screen_stack[0].query_one(RequestList)

    @property
    def _panel(self) -> Panel:
        return self.screen_stack[0].query_one(Panel)

    @property
    def _stands(self) -> bool:
        """Whether the widgets are there: not while the app ends, when an answer may still come."""
        screens = self._screen_stack if self.is_running else []
        return bool(screens) and bool(screens[0].query(RequestList))

    @property
    def _notice(self) -> Notice:
        return self.screen_stack[0].query_one(Notice)

    # --- looking ---------------------------------------------------------------------------------

    def _tick(self) -> None:
        if not self._paused and self._watch.due():
            self._look()

    def _look(self) -> None:
        """A slow answer is not overtaken by the next look."""
        if not self._looking:
            self._looking = True
            self._see()

    @work(group="look")
    async def _see(self) -> None:
        try:
            filter = self._filter
            seen = await self._watch.look(filter)
            while filter != self._filter:  # it changed while the daemon was asked: that was the answer to an old question
                filter = self._filter
                seen = await self._watch.look(filter)
        except (DaemonDown, Refused, Odd) as exc:
            if not self._stands:
                return
            self._notice.fault(exc.message, f"{exc.do} Looking again every second.")
            return
        finally:
            self._looking = False
        if not self._stands:
            return
        for head in self.screen_stack[0].query(Head):  # none before it is mounted and while the app ends
            head.show(seen.status, seen.spend)
        self._list.show(seen.rows, _NO_MATCH if filter != Filter() else _EMPTY)
        if seen.status.waiting > self._waiting:
            self.bell()  # it waits for a minute or two, and the eyes may be elsewhere
        self._waiting = seen.status.waiting
        self._notice.shows(filter, len(seen.rows), paused=self._paused, waiting=self._waiting)

    def on_key(self) -> None:
        """A person is here: look each second again."""
        self._watch.wake()

    # --- list and detail -------------------------------------------------------------------------

    def on_request_list_chosen(self) -> None:
        """Wait for the selection to stand, then read it, if there is a place to show it."""
        if self._hold is not None:
            self._hold.stop()
        self._hold = self.set_timer(HOLD_S, self._read)

    def on_request_list_opened(self) -> None:
        """The detail gets the keys; in a narrow terminal it takes the list's place."""
        self.screen.add_class("-open")
        self._panel.focus()

    def on_panel_shown(self) -> None:
        """There is a place for the detail now: the terminal became wide, or the detail was opened."""
        self._read()

    def _read(self) -> None:
        if not self._stands:  # the selection's moment came while the app ends
            return
        row = self._list.chosen
        if row is not None and self._panel.display:
            self._fetch(row.id)

    @work(exclusive=True, group="read")
    async def _fetch(self, id_: str) -> None:
        try:
            record = Record.of(await self._daemon.get(f"traces/{id_}"))
        except (DaemonDown, Refused, Odd) as exc:
            if self._stands:
                self._panel.say(exc.text)
            return
        if self._stands:
            self._panel.show(record)

    # --- keys ------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Open the line for words."""
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The words hold until Escape."""
        self._set(Filter(event.value.strip(), self._filter.lane))
        event.input.display = False
        self._list.focus()

    def action_lane(self) -> None:
        """All lanes, or one of them."""
        self._set(Filter(self._filter.words, LANES[(LANES.index(self._filter.lane) + 1) % len(LANES)]))

    def _set(self, filter: Filter) -> None:
        self._filter = filter
        self._watch.wake()
        self._look()

    async def action_back(self) -> None:
        """From the detail to the list; from the list to all requests."""
        box = self.query_one("#filter", Input)
        if self.screen.has_class("-open"):
            self.screen.remove_class("-open")
        elif box.display or self._filter != Filter():
            box.value, box.display = "", False
            self._set(Filter())
        self._list.focus()

    def action_pause(self) -> None:
        """Stop looking, or go on."""
        self._paused = not self._paused
        if self._paused:
            self._notice.shows(self._filter, len(self._list.rows), paused=True, waiting=self._waiting)
        else:
            self._watch.wake()
            self._look()

    def action_doctor(self) -> None:
        """Examine the daemon."""
        self.push_screen(DoctorScreen(self._daemon))

    def action_health(self) -> None:
        """How hosts and models do."""
        self.push_screen(HealthScreen(self._daemon))

    def action_recipes(self) -> None:
        """The recipe in force, those that were, and another one."""
        self.push_screen(RecipesScreen(self._daemon, self._verbs, self._clock))

    def action_approvals(self) -> None:
        """Tool calls that wait for a person."""
        self.push_screen(ApprovalsScreen(self._daemon, self._clock))

    def action_help(self) -> None:
        """The keys."""
        self.push_screen(HelpScreen())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of the list and its detail belong to their own screen, and not to a page above it."""
        return action not in _LISTS or self.screen is self.screen_stack[0]

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers: ours, and none of Textual's own."""
        if screen is not self.screen_stack[0]:  # a page is open: what its keys do stands in its last line
            yield SystemCommand("Back", "Close this page", lambda: screen.dismiss(None))
            return
        yield SystemCommand("Recipes", "The recipe in force, its history, dry runs, apply and roll back", self.action_recipes)
        yield SystemCommand("Approvals", "Tool calls that wait for your yes or no", self.action_approvals)
        yield SystemCommand("Health", "How hosts and models do", self.action_health)
        yield SystemCommand("Doctor", "Examine the daemon", self.action_doctor)
        yield SystemCommand("Filter", "Only requests whose veiled text has all these words", self.action_filter)
        yield SystemCommand("Lane", "Only one lane: hosted, local, refused, all", self.action_lane)
        yield SystemCommand("Pause", "Stop looking, or go on", self.action_pause)
        yield SystemCommand("Help", "The keys, and what the colours say", self.action_help)
        yield SystemCommand("Quit", "Leave; the daemon goes on", self.exit)


def main() -> int:
    """The entry point `localrouter-tui`."""
    RouterApp().run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
