"""The two lines at the top: how the daemon is and what today has cost; below, what the list shows or what is wrong."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from localrouter_tui.palette import ACCENT, BAD, FAINT, GOOD, GROUND, SOFT, WARN
from localrouter_tui.records import Spend, Status
from localrouter_tui.text import joined, untrusted, usd
from localrouter_tui.watch import LIMIT, Filter

_NEAR = 0.8
"""From this share of the day's budget on, the bar warns."""


class Head(Widget):
    """Name, recipe, today's spend against its budget, the state of the parts."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._status: Status | None = None
        self._spend: Spend | None = None

    def show(self, status: Status, spend: Spend) -> None:
        """Drawn again only when something differs."""
        if (status, spend) != (self._status, self._spend):
            self._status, self._spend = status, spend
            self.refresh()

    def render(self) -> Text:
        """The fullest form that fits."""
        name = Text("localrouter", style=f"bold {ACCENT}", end="")
        if self._status is None or self._spend is None:
            return name
        width = self.size.width
        made = name
        for recipe, bar in (("whole", 16), ("name", 10), ("name", 0), ("", 0)):
            left = [name, untrusted(_recipe(self._status.recipe, recipe), SOFT), _money(self._spend, bar)]
            right = _parts(self._status)
            made = joined([part for part in left if part.plain], "   ")
            room = width - made.cell_len - right.cell_len
            if room >= 2:
                return made + Text(" " * room, end="") + right
            made = joined([made, right], "  ")
        made.truncate(width, overflow="ellipsis")
        return made


class Notice(Widget):
    """What is shown, or what is wrong. A fault stands until the next good look."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = Text("")

    def fault(self, text: str, do: str) -> None:
        """Something is wrong, in the words of who found it, and what to do, on a line of its own: it may be a command to copy."""
        self._put(joined([untrusted(text, f"bold {BAD}", lines=True), untrusted(do.strip(), WARN, lines=True)], "\n"))

    def shows(self, filter: Filter, count: int, *, paused: bool, waiting: int = 0) -> None:
        """What the list shows. `waiting`: tool calls that a person has to answer, which come first."""
        more = f"the last {count}" if count >= LIMIT else str(count)
        parts = [untrusted(f"{more} request{'' if count == 1 else 's'}", SOFT)]
        if paused:
            parts.insert(0, Text("PAUSED, p goes on", style=f"bold {WARN}"))
        if waiting:
            many = "A tool call waits" if waiting == 1 else f"{waiting} tool calls wait"
            parts.insert(0, untrusted(f" {many} for you: a answers ", f"bold {GROUND} on {WARN}"))
        if filter.lane:
            parts.append(untrusted(f"lane: {'refused' if filter.lane == 'none' else filter.lane}", WARN))
        if filter.words:
            parts.append(untrusted(f"with the words: {filter.words}", WARN))
        if filter.lane or filter.words:
            parts.append(Text("Escape shows all", style=FAINT))
        self._put(joined(parts, "   "))

    def _put(self, text: Text) -> None:
        if text != self._text:
            self._text = text
            self.refresh(layout=True)

    def render(self) -> Text:
        """As it was put."""
        return self._text


def _recipe(version: str, form: str) -> str:
    return {"whole": version, "name": version.partition("@")[0]}.get(form, "")


def _money(spend: Spend, width: int) -> Text:
    out = Text("today ", style=SOFT, end="")
    share = 0.0 if not spend.limit else spend.spent / spend.limit
    colour = BAD if share >= 1 else WARN if share >= _NEAR else GOOD
    out.append(usd(spend.spent), style="bold" if share < _NEAR else f"bold {colour}")
    if spend.limit is None:
        return out
    out.append(" of ")
    out.append(usd(spend.limit))
    if width:
        full = min(width, max(round(share * width), 1 if spend.spent else 0))
        out.append(" ")
        out.append("━" * full, style=colour)
        out.append("─" * (width - full), style=FAINT)
    return out


def _parts(status: Status) -> Text:
    parts = [Text("● scan", style=GOOD) if status.scan else Text("● scan not running", style=f"bold {BAD}")]
    parts.append(Text("● local model", style=GOOD) if status.local else Text("○ no local model", style=FAINT))
    if status.cooling:
        parts.append(untrusted(f"{status.cooling} cooling", WARN))
    if status.cut_off:
        parts.append(untrusted(f"{status.cut_off} cut off", BAD))
    if status.in_flight:
        parts.append(untrusted(f"{status.in_flight} in flight", ACCENT))
    return joined(parts, "  ")
