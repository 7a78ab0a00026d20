"""Help: the keys, and what the colours of the tokens say."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from localrouter_tui.kinds import CLASSES, style_of
from localrouter_tui.palette import ACCENT, INK, SOFT
from localrouter_tui.text import joined, untrusted

_KEYS = (
    ("↑ ↓  j k", "another request"),
    ("g  G", "the newest, the oldest"),
    ("Enter", "read it; Escape returns to the list"),
    ("w", "in a request: all of a long text"),
    ("/", "only requests whose veiled text has all these words"),
    ("l", "only one lane: hosted, local, refused, all"),
    ("p", "pause, and go on"),
    ("d", "examine the daemon"),
    ("h", "how hosts and models do"),
    ("r", "recipes: in force, before, dry runs, apply, roll back"),
    ("a", "tool calls that wait for your yes or no"),
    ("Ctrl+P", "any of these by its name"),
    ("?", "this page"),
    ("q", "leave; the daemon goes on"),
)
_ABOUT = (
    "Everything here is as it was recorded: veiled. A coloured word stands for a private value that the scan found; the value itself "
    "is neither here nor in the record. What the scan did not find stands here as it was sent. Characters that a terminal would obey "
    "or hide are shown as marked symbols."
)


class HelpScreen(ModalScreen[None]):
    """Any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter,f1", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """One page."""
        lines = [Text.assemble((key.ljust(10), f"bold {ACCENT}"), (words, INK), end="") for key, words in _KEYS]
        chips = [untrusted(f" {words} ", style_of(kind)) for kind, words in CLASSES.items()]
        page = joined([*lines, Text(""), joined(chips, " "), Text(""), Text(_ABOUT, style=SOFT, end="")], "\n")
        with VerticalScroll(classes="box") as box:
            box.border_subtitle = "Escape closes"
            yield Static(Text("Keys"), classes="title", markup=False)
            yield Static(page, id="help", markup=False)
