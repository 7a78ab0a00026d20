"""The history of recipes as a list: one line a version, newest first. The chosen line has a mark of its own, so that it is seen without colours."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from localrouter_tui.clock import Clock
from localrouter_tui.palette import ACCENT, CHOSEN, WARN
from localrouter_tui.recipe_pages import version_line
from localrouter_tui.recipe_records import Version


class VersionList(ScrollView, can_focus=True):
    """Posts `Chosen` when another version is selected. `marked`: the version that others are compared with, by its place, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("home,g", "move(-100000)", "Newest", show=False),
        Binding("end,G", "move(100000)", "Oldest", show=False),
        # A list of a few lines has no pages: these turn those of the text below it.
        Binding("pagedown,space", "screen.page(1)", "Page down", show=False),
        Binding("pageup", "screen.page(-1)", "Page up", show=False),
    ]

    class Chosen(Message):
        """Another version is selected."""

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._versions: tuple[Version, ...] = ()
        self._at = 0
        self.marked: int | None = None

    @property
    def versions(self) -> tuple[Version, ...]:
        """As shown."""
        return self._versions

    @property
    def at(self) -> int:
        """The place of the chosen one; 0 is the one in force."""
        return self._at

    @property
    def chosen(self) -> Version | None:
        """None where there is no history."""
        return self._versions[self._at] if self._versions else None

    def show(self, versions: tuple[Version, ...]) -> None:
        """A new history. What came in front moves the choice along, unless it stood on the one in force."""
        came = len(versions) - len(self._versions) if self._versions else 0
        self._versions = versions
        self._at = min(max(0, self._at + came if self._at else 0), max(0, len(versions) - 1))
        self.marked = None
        self.virtual_size = Size(self.size.width, len(versions))
        self.refresh()

    def mark(self) -> None:
        """Compare others with the chosen one; once more: with the one in force again."""
        self.marked = None if self.marked == self._at else self._at
        self.refresh()

    def action_move(self, by: int) -> None:
        """Up or down."""
        place = max(0, min(self._at + by, len(self._versions) - 1))
        if self._versions and place != self._at:
            self._at = place
            self._reveal()
            self.refresh()
            self.post_message(self.Chosen())

    def _reveal(self) -> None:
        """Scroll as little as shows the chosen line."""
        room = max(1, self.size.height)
        top = min(self._at, max(round(self.scroll_y), self._at - room + 1))
        self.scroll_to(y=top, animate=False, immediate=True)

    def on_resize(self) -> None:
        """The chosen line stays in sight."""
        self.virtual_size = Size(self.size.width, len(self._versions))
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked at."""
        self.action_move(event.y + round(self.scroll_y) - self._at)

    def render_line(self, y: int) -> Strip:
        """One version."""
        width = self.scrollable_content_region.width
        place = y + round(self.scroll_y)
        if place >= len(self._versions):
            return Strip.blank(width, self.rich_style)
        mark = Text("› " if place == self._at else "  ", style=f"bold {ACCENT}", end="")
        pin = Text("◆ " if place == self.marked else "  ", style=f"bold {WARN}", end="")
        text = mark + pin + version_line(self._versions[place], place, self._clock)
        text.truncate(width, overflow="ellipsis", pad=True)
        style = self.rich_style
        if place == self._at:
            style = style + Style(bgcolor=CHOSEN, bold=self.has_focus)
        return Strip(text.render(self.app.console)).adjust_cell_length(width).apply_style(style)
