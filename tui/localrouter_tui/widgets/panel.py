"""The detail of one request: a column of titles and texts that scrolls."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from localrouter_tui.clock import Clock
from localrouter_tui.detail import sections
from localrouter_tui.palette import FAINT
from localrouter_tui.records import Record
from localrouter_tui.text import untrusted

MOST = 9
"""Sections of the longest page. The widgets are made once: mounting new ones on each key press would flicker."""


class Panel(VerticalScroll):
    """Shows a record, or a sentence in its place."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("w", "whole", "Whole text"),
    ]

    class Shown(Message):
        """There is a place for a record."""

    def __init__(self, clock: Clock, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._record: Record | None = None
        self._whole = False

    def compose(self) -> ComposeResult:
        """Pairs of a title and a text."""
        for place in range(MOST):
            yield Static(classes="title", id=f"title-{place}", markup=False)
            yield Static(classes="body", id=f"body-{place}", markup=False)

    @property
    def record(self) -> Record | None:
        """What is shown."""
        return self._record

    def show(self, record: Record) -> None:
        """Another request, from its top."""
        if record != self._record:
            self._record, self._whole = record, False
            self._draw()
            self.scroll_home(animate=False)

    def say(self, text: str) -> None:
        """A sentence instead of a record."""
        self._record = None
        self._fill([("", untrusted(text, FAINT, lines=True), False)])

    def action_whole(self) -> None:
        """All of a long text, or its beginning."""
        self._whole = not self._whole
        self._draw()

    def on_show(self) -> None:
        """It had no place before."""
        self.post_message(self.Shown())

    def on_resize(self) -> None:
        """The bars are as wide as the panel."""
        self._draw()

    def _draw(self) -> None:
        if self._record is not None:
            made = sections(self._record, self.scrollable_content_region.width - 1, self._clock, whole=self._whole)
            self._fill([(s.title, s.body, s.quoted) for s in made])

    def _fill(self, parts: list[tuple[str, Text | Table, bool]]) -> None:
        for place in range(MOST):
            title, body = (self.query_one(f"#{kind}-{place}", Static) for kind in ("title", "body"))
            shown = place < len(parts)
            title.display, body.display = shown and bool(parts[place][0]), shown
            if shown:
                words, text, quoted = parts[place]
                title.update(untrusted(words))
                body.update(text)
                body.set_class(quoted, "quoted")
