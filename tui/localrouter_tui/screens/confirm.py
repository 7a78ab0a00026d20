"""A question before something is done that others feel: what it is, what changes, and yes or no."""

from __future__ import annotations

from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from localrouter_tui.palette import SOFT
from localrouter_tui.text import untrusted

NOTE_MAX = 500
"""Characters of a note; the daemon takes no more."""


class ConfirmScreen(ModalScreen[str | None]):
    """Ends with the note for the history ("" for none), or with None for no. Enter is no yes: it is what ended the line before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes"),
        Binding("escape,n", "no", "No"),
        Binding("w", "note", "Write a note"),
    ]

    def __init__(self, question: str, page: RenderableType, note: str = "") -> None:
        super().__init__()
        self._question, self._page, self._note = question, page, note

    def compose(self) -> ComposeResult:
        """The question, the changes, the note."""
        with VerticalScroll(classes="box", id="asked") as box:
            box.border_subtitle = "y: yes   n, Escape: no   w: write a note"
            yield Static(untrusted(self._question, "bold", lines=True), classes="question", markup=False)
            yield Static(self._page, id="changes", markup=False)
            yield Static(Text("\nRequests that run keep the recipe they began with.", style=SOFT), markup=False)
            yield Input(self._note, placeholder="w: why, for the history", max_length=NOTE_MAX, id="note", disabled=True)

    def on_mount(self) -> None:
        """The keys belong to the question, not to the note."""
        self.query_one("#asked").focus()

    def action_note(self) -> None:
        """Write why."""
        box = self.query_one("#note", Input)
        box.disabled = False
        box.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the question."""
        event.stop()
        event.input.disabled = True
        self.query_one("#asked").focus()

    def action_yes(self) -> None:
        """Do it."""
        self.dismiss(self.query_one("#note", Input).value.strip())

    def action_no(self) -> None:
        """Leave all as it is; from the note, back to the question."""
        box = self.query_one("#note", Input)
        if box.has_focus:
            box.disabled = True
            self.query_one("#asked").focus()
        else:
            self.dismiss(None)
