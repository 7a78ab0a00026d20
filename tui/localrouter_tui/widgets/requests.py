"""The list of requests. Selects by id, not by place: rows that come in above move nothing that a person looks at.

Drawn by the line (Textual's ScrollView) and not by a DataTable, which knows no insertion at the top: it would have to be emptied and
filled on each new request, which loses the place, and it reads plain strings as markup.
"""

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
from localrouter_tui.kinds import CLASSES, class_of_type, ink_of
from localrouter_tui.palette import BAD, CHOSEN, FAINT, INK, LANES, RAISED, SOFT
from localrouter_tui.records import Row
from localrouter_tui.text import duration, joined, untrusted, usd

_GAP = 2
_TIME, _LANE, _COST, _MS = 8, 7, 9, 7
_ROOM_FOR_MS = 76
_ORDER = list(CLASSES)


class RequestList(ScrollView, can_focus=True):
    """Newest first. Posts `Chosen` when another request is selected, `Opened` for Enter or a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(0)", "Newest", show=False),
        Binding("end,G", "edge(-1)", "Oldest", show=False),
        Binding("enter", "open", "Open"),
    ]

    class Chosen(Message):
        """Another request is selected."""

        def __init__(self, id_: str) -> None:
            super().__init__()
            self.id = id_

    class Opened(Message):
        """A person wants to read the selected request."""

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._rows: tuple[Row, ...] = ()
        self._at = 0
        self._empty: tuple[str, ...] = ()

    # --- what it holds ---------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows as shown."""
        return self._rows

    @property
    def chosen(self) -> Row | None:
        """The selected row, None for an empty list."""
        return self._rows[self._at] if self._rows else None

    def show(self, rows: tuple[Row, ...], empty: tuple[str, ...] = ()) -> None:
        """The new list, and the lines in its place when it is empty. The selected request stays selected and, unless the list
        stands at its top, stays on its line."""
        if rows == self._rows and (rows or empty == self._empty):
            return
        self._empty = empty
        chosen, line = self.chosen, self._at - self._top
        places = {row.id: place for place, row in enumerate(rows)}
        self._rows = rows
        self._at = places.get(chosen.id, 0) if chosen is not None else 0
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        # A list that stands at its top shows what comes in; one that was scrolled stays where the person reads.
        self._reveal(self._at - line if self._top > 0 else 0)
        self.refresh()
        now = self.chosen
        if now is not None and (chosen is None or now.id != chosen.id):
            self.post_message(self.Chosen(now.id))

    # --- keys and mouse --------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Up or down by rows."""
        self._select(self._at + by)

    def action_page(self, by: int) -> None:
        """Up or down by screens."""
        self._select(self._at + by * max(1, self._visible - 1))

    def action_edge(self, place: int) -> None:
        """To the newest (0) or the oldest (-1)."""
        self._select(place % len(self._rows) if self._rows else 0)

    def action_open(self) -> None:
        """Read the selected request."""
        if self._rows:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """Select and read what was clicked at."""
        place = event.y - 1 + self._top
        if event.y >= 1 and place < len(self._rows):
            self._select(place)
            self.post_message(self.Opened())

    def _select(self, place: int) -> None:
        place = max(0, min(place, len(self._rows) - 1))
        if not self._rows or place == self._at:
            return
        self._at = place
        self._reveal(self._top)
        self.refresh()
        self.post_message(self.Chosen(self._rows[place].id))

    @property
    def _top(self) -> int:
        return round(self.scroll_y)

    @property
    def _visible(self) -> int:
        return max(1, self.size.height - 1)  # the first line is the heading

    def _reveal(self, top: int) -> None:
        """Scroll to `top`, or as little beyond it as shows the selected row."""
        top = min(self._at, max(top, self._at - self._visible + 1))
        self.scroll_to(y=max(0, min(top, len(self._rows) - self._visible)), animate=False, immediate=True)

    def on_resize(self) -> None:
        """More or less room: the selected row stays in sight."""
        self.virtual_size = Size(self.size.width, len(self._rows) + 1)
        self._reveal(self._top)

    # --- drawing ---------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the view: the heading, or a row."""
        width = self.scrollable_content_region.width
        if y == 0:
            return self._strip(self._heading(width), width, Style(color=SOFT, bgcolor=RAISED))
        if not self._rows:
            return self._strip(self._nothing(y, width), width, self.rich_style)
        place = y - 1 + self._top
        if place >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        base = self.rich_style
        if place == self._at:
            base = base + Style(bgcolor=CHOSEN, bold=self.has_focus)
        return self._strip(self._line(self._rows[place], width), width, base)

    def _nothing(self, y: int, width: int) -> Text:
        line = y - (self.size.height - len(self._empty)) // 2
        text = Text(self._empty[line] if 0 <= line < len(self._empty) else "", style=SOFT, end="")
        text.align("center", width)
        return text

    def _strip(self, text: Text, width: int, base: Style) -> Strip:
        text.truncate(width, pad=True)
        return Strip(text.render(self.app.console)).adjust_cell_length(width).apply_style(base)

    @staticmethod
    def _widths(width: int) -> tuple[int, int, bool]:
        """(model, found, whether the duration has room)."""
        wide = width >= _ROOM_FOR_MS
        room = width - 2 - _TIME - _LANE - _COST - 4 * _GAP - (_MS + _GAP if wide else 0)
        model = max(8, min(28, room * 11 // 20))
        return model, max(4, room - model), wide

    def _heading(self, width: int) -> Text:
        model, found, wide = self._widths(width)
        names = ["time".ljust(_TIME), "lane".ljust(_LANE), "model".ljust(model), "found".ljust(found), "cost".rjust(_COST)]
        return Text(" ", end="") + Text((" " * _GAP).join(names + (["took".rjust(_MS)] if wide else [])), end="")

    def _line(self, row: Row, width: int) -> Text:
        model, found, wide = self._widths(width)
        cells = [
            _cell(Text(self._clock.short(row.started), style=SOFT), _TIME),
            _cell(untrusted("refused" if row.lane == "none" else row.lane, LANES.get(row.lane, BAD)), _LANE),
            _cell(_model(row), model),
            _cell(_found(row), found),
            _cell(Text("-", style=FAINT) if not row.cost_micro else Text(usd(row.cost_micro), style=INK), _COST, right=True),
        ]
        if wide:
            cells.append(_cell(Text(duration(row.ms), style=SOFT), _MS, right=True))
        return Text(" ", end="") + joined(cells, " " * _GAP)


def _model(row: Row) -> Text:
    """The model, or why there was none; a status that is no success comes first, because it is what one looks for."""
    name = untrusted(row.model or row.reason, INK if row.model else SOFT)
    return joined([untrusted(row.status, BAD), name], " ") if row.status >= 400 else name


def _found(row: Row) -> Text:
    """The findings, the strictest class first."""
    if not row.findings:
        return Text("-", style=FAINT)
    ordered = sorted(row.findings, key=lambda f: (_ORDER.index(class_of_type(f[0])), f[0]))
    return joined([untrusted(f"{count} {name}", ink_of(class_of_type(name))) for name, count in ordered], ", ")


def _cell(text: Text, width: int, *, right: bool = False) -> Text:
    text.truncate(width, overflow="ellipsis")
    if right:
        text.pad_left(width - text.cell_len)
    else:
        text.pad_right(width - text.cell_len)
    return text
