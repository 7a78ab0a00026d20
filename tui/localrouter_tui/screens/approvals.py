"""Approvals: tool calls that wait for a person's yes, as they would be made, and the answer to each.

Law: a yes is for the call that was read. When the one that was chosen is gone (its time was over, somebody else answered), the next one takes its
place, and the first key of an answer only says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from localrouter_tui.client import Daemon, DaemonDown, Refused
from localrouter_tui.clock import Clock
from localrouter_tui.palette import ACCENT, BAD, FAINT, GOOD, INK, SOFT, WARN
from localrouter_tui.records import Approval, Odd, approvals
from localrouter_tui.text import joined, untrusted

REFRESH_S = 1.0
HURRY_S = 15.0
"""From so many seconds on, the time that is left is marked."""
_NOBODY = "No tool call waits for you."
_ABOUT = (
    "A recipe says which calls wait: [route.tools] ask. They stand here as they would be made, with your private values in them."
)
_OTHER = "The call that stood here is gone. This is another one: read it, and press the key again."


class ApprovalsScreen(ModalScreen[None]):
    """Asks the daemon when it opens, and each second. Enter is no yes: it is what ended the line before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Allow"),
        Binding("n", "answer(False)", "Deny"),
        Binding("down,j", "move(1)", "Next", show=False),
        Binding("up,k", "move(-1)", "Previous", show=False),
        Binding("escape,q,a", "dismiss", "Close"),
    ]

    def __init__(self, daemon: Daemon, clock: Clock) -> None:
        super().__init__()
        self._daemon, self._clock = daemon, clock
        self._waiting: tuple[Approval, ...] = ()
        self._chosen = ""
        self._read = ""
        """The call that the person was shown: the only one that a key answers."""
        self._said = Text("")

    def compose(self) -> ComposeResult:
        """What waits, and the calls of the chosen one."""
        with VerticalScroll(classes="box broad", id="waiting") as box:
            box.border_subtitle = "y: allow   n: deny   ↑ ↓: another   Escape closes"
            yield Static(Text("Tool calls that wait for you"), classes="title", markup=False)
            yield Static(Text("looking ...", style=SOFT), id="approvals", markup=False)

    def on_mount(self) -> None:
        """Look at once; the keys belong to the page."""
        self.query_one("#waiting").focus()
        self.set_interval(REFRESH_S, self._look)
        self._look()

    @work(exclusive=True, group="approvals")
    async def _look(self) -> None:
        try:
            found = approvals(await self._daemon.get("approvals"))
        except (DaemonDown, Refused, Odd) as exc:
            self._show((), untrusted(exc.text, BAD))
            return
        self._show(found)

    def _show(self, found: tuple[Approval, ...], fault: Text | None = None) -> None:
        self._waiting = found
        ids = [one.id for one in found]
        if self._chosen not in ids:
            self._chosen = ids[0] if ids else ""
            if not self._read or not ids:
                self._read = self._chosen  # nothing stood there before, so nothing else was read
        page = fault if fault is not None else approvals_page(found, self._chosen, self._clock.now())
        self.query_one("#approvals", Static).update(joined([self._said, page], "\n\n") if self._said.plain else page)

    def action_move(self, by: int) -> None:
        """Another one."""
        ids = [one.id for one in self._waiting]
        if ids:
            at = min(len(ids) - 1, max(0, ids.index(self._chosen) + by))
            self._chosen = self._read = ids[at]
            self._said = Text("")
            self._show(self._waiting)

    def action_answer(self, allow: bool) -> None:
        """Yes or no to the chosen one, if it is the one that was read."""
        if not self._chosen:
            return
        if self._read != self._chosen:
            self._read, self._said = self._chosen, Text(_OTHER, style=f"bold {WARN}")
            self._show(self._waiting)
            return
        self._answer(self._chosen, allow)

    @work(group="answer")
    async def _answer(self, id_: str, allow: bool) -> None:
        try:
            await self._daemon.post(f"approvals/{id_}", allow="yes" if allow else "no")
        except (DaemonDown, Refused) as exc:
            self._said = untrusted(exc.text, BAD)
        else:
            done = Text("allowed: " if allow else "denied: ", style=f"bold {GOOD if allow else BAD}", end="")
            self._said = joined([done, untrusted(id_, SOFT)], "")
            left = tuple(one for one in self._waiting if one.id != id_)
            # The person answered, so what stands there next was not changed behind their back.
            self._chosen = self._read = left[0].id if left else ""
            self._waiting = left
        self._show(self._waiting)
        self._look()


def approvals_page(found: Sequence[Approval], chosen: str, now: float) -> Text:
    """Each that waits on a line; the calls of the chosen one below."""
    if not found:
        return joined([Text(_NOBODY, style=SOFT), Text(""), Text(_ABOUT, style=SOFT)], "\n")
    rows = [_line(one, now, one.id == chosen) for one in found]
    calls = [part for one in found if one.id == chosen for call in one.calls for part in _call(*call)]
    return joined([*rows, Text(""), *calls, Text(""), Text(_ABOUT, style=FAINT)], "\n")


def _line(one: Approval, now: float, chosen: bool) -> Text:
    left = max(0.0, one.until - now)
    time = f"{left:.0f} s left" if left < 120 else f"{left / 60:.0f} min left"
    calls = f"{len(one.calls)} call{'' if len(one.calls) == 1 else 's'}"
    return joined(
        [
            Text("▶" if chosen else " ", style=f"bold {ACCENT}"),
            untrusted(one.id, f"bold {INK}" if chosen else INK),
            untrusted(time, f"bold {BAD}" if left < HURRY_S else WARN),
            untrusted(
                f"{calls} by {one.model}, route '{one.route}'" + ("" if one.who == "default" else f", for {one.who}"), SOFT
            ),
        ],
        "  ",
    )


def _call(tool: str, arguments: str) -> list[Text]:
    """The tool's name, and what it would be called with: each argument on its own line where it is an object."""
    try:
        tree = json.loads(arguments)
    except ValueError:
        tree = None
    if not isinstance(tree, dict) or not tree:
        return [untrusted(tool, f"bold {ACCENT}"), untrusted(arguments, INK, lines=True)]
    out = [untrusted(tool, f"bold {ACCENT}")]
    for key, value in tree.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        out.append(joined([untrusted(f"  {key}:", SOFT), untrusted(text, INK, lines=True)], "\n" if "\n" in text else " "))
    return out
