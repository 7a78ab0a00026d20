"""Recipes: the one in force, those that were, what two of them do differently, what a changed one would have done with recorded traffic; and
another one put in force, or an earlier one again, behind a question.

Law: the daemon is asked through the control API, and what computes or writes is done by the CLI's own verbs in a child (verbs.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Literal

from rich.console import RenderableType
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Footer, Input, Static

from localrouter_tui import recipe_pages as pages
from localrouter_tui.client import Daemon, DaemonDown, Refused
from localrouter_tui.clock import Clock
from localrouter_tui.palette import ACCENT, BAD, SOFT, WARN
from localrouter_tui.recipe_records import Checked, Difference, InForce, Replay, Version, history
from localrouter_tui.records import Odd
from localrouter_tui.screens.confirm import ConfirmScreen
from localrouter_tui.text import joined, untrusted
from localrouter_tui.verbs import VerbFailed, Verbs
from localrouter_tui.widgets.versions import VersionList

DAYS = 7.0
"""How far back a dry run goes, as `localrouter recipe dry-run` does."""
AGAIN_S = 2.0
"""A daemon that is down is looked for this often."""
Purpose = Literal["", "try", "apply"]
_QUESTIONS: dict[Purpose, str] = {
    "try": "A dry run of which recipe? Nothing is sent.",
    "apply": "Put which recipe in force? What changes is shown first.",
}


class RecipesScreen(Screen[None]):
    """History above, a page below. The history is read when the screen opens, and after each change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "compare", "Compare"),
        Binding("m", "mark", "Mark"),
        Binding("t", "ask('try')", "Try"),
        Binding("a", "ask('apply')", "Apply"),
        Binding("b", "rollback", "Roll back"),
        Binding("i", "show", "In force", show=False),
        Binding("u", "load", "Again", show=False),
        Binding("tab", "pane", "Pane", show=False),
        Binding("escape,q,r", "back", "Back"),
    ]

    def __init__(self, daemon: Daemon, verbs: Verbs, clock: Clock) -> None:
        super().__init__()
        self._daemon, self._verbs, self._clock = daemon, verbs, clock
        self._purpose: Purpose = ""
        self._tried = ""  # the recipe that was tried last, which is the one to apply
        self._down = False
        self._version = ""

    def compose(self) -> ComposeResult:
        """What is in force, the history, a line for a name, a page, the keys."""
        yield Static(Text("Recipes"), id="recipe-head", markup=False)
        yield VersionList(self._clock, id="versions")
        yield Input(placeholder="a recipe's name, or FILE.toml; Enter goes on, Escape leaves it", id="recipe-name")
        with VerticalScroll(id="recipe-page"):
            yield Static(Text("looking ...", style=SOFT), id="recipe-text", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Read the history; look for a daemon that is down."""
        self._box.display = False
        self._list.focus()
        self.set_interval(AGAIN_S, self._again)
        self.action_load()

    @property
    def _list(self) -> VersionList:
        return self.query_one(VersionList)

    @property
    def _box(self) -> Input:
        return self.query_one("#recipe-name", Input)

    def _page(self, page: RenderableType) -> None:
        self.query_one("#recipe-text", Static).update(page)
        self.query_one("#recipe-page").scroll_home(animate=False)

    def _fault(self, text: str, *more: RenderableType) -> None:
        self._page(pages.page(untrusted(text, BAD, lines=True), *more))

    # --- what is in force, and what was ----------------------------------------------------------

    def action_load(self) -> None:
        """Read it again."""
        self._load()

    def action_show(self) -> None:
        """What the recipe in force does."""
        self._list.action_move(-100_000)
        self._load()

    def _again(self) -> None:
        if self._down:
            self._load()

    @work(exclusive=True, group="recipes")
    async def _load(self, said: str = "") -> None:
        """`said`: what a change did, shown above the page."""
        try:
            versions = history(await self._daemon.get("recipe/history"))
            recipe = InForce.of(await self._daemon.get("recipe"))
        except (DaemonDown, Refused, Odd) as exc:
            self._down = True
            self._list.show(())
            self._version = ""
            self._head()
            self._fault(f"{exc.message}\n{exc.do} Looking again every two seconds.".replace("\n ", "\n"))
            return
        self._down = False
        self._list.show(versions)
        self._version = recipe.version
        self._head()
        top: list[RenderableType] = [untrusted(said, f"bold {ACCENT}", lines=True), Text("")] if said else []
        if versions and not said:
            top += [pages.about(versions[0], self._clock, 0), Text("")]
        self._page(pages.page(*top, pages.in_force(recipe)))
        self._box.suggester = SuggestFromList(await self._verbs.names())

    def _head(self, question: str = "") -> None:
        """The recipe in force; while a name is asked for, what for."""
        parts = [Text("Recipes", style=f"bold {ACCENT}")]
        if question:
            parts.append(untrusted(question, f"bold {WARN}"))
        elif self._version:
            parts.append(untrusted(f"in force: {self._version}", SOFT))
        self.query_one("#recipe-head", Static).update(joined(parts, "   "))

    # --- two versions ----------------------------------------------------------------------------

    def on_version_list_chosen(self) -> None:
        """Who put it in force, and what it does differently from the marked one, or from the one in force."""
        self.action_compare()

    def action_mark(self) -> None:
        """Compare the others with this version."""
        self._list.mark()

    def action_compare(self) -> None:
        """The chosen version against the marked one, or against the one in force."""
        version = self._list.chosen
        if version is None:
            return
        at, marked = self._list.at, self._list.marked
        against = 0 if marked is None else marked
        if at == against:
            self._load() if at == 0 else self._page(pages.about(version, self._clock, at))
            return
        self._compare(version, at, self._list.versions[against])

    @work(exclusive=True, group="recipes")
    async def _compare(self, version: Version, at: int, other: Version) -> None:
        about = pages.about(version, self._clock, at)
        self._page(pages.page(about, Text("\ncomparing ...", style=SOFT)))
        try:
            # The older one first: a diff tells what time did.
            pair = (version, other) if version.at <= other.at else (other, version)
            found = Difference.of(await self._verbs.differences(*(v.version for v in pair)))
        except VerbFailed as exc:
            self._fault(exc.text)
            return
        self._page(pages.page(about, Text(""), pages.difference(found)))

    # --- a name is asked for ---------------------------------------------------------------------

    def action_ask(self, purpose: Purpose) -> None:
        """Which recipe: to try, or to put in force."""
        if self._down:
            return
        self._purpose = purpose
        box = self._box
        box.value = self._tried if purpose == "apply" else ""
        box.display = True
        box.focus()
        self._head(_QUESTIONS[purpose])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The name is there."""
        name = event.value.strip()
        purpose = self._purpose
        self._close()
        if name and purpose == "try":
            self._try(name)
        elif name:
            self._apply(name)

    def _close(self) -> None:
        self._box.display = False
        self._list.focus()
        self._head()

    # --- a dry run -------------------------------------------------------------------------------

    @work(exclusive=True, group="recipes")
    async def _try(self, name: str) -> None:
        self._page(
            untrusted(f"Replaying the requests of the last {DAYS:g} days under {name}. Nothing is sent; Escape ends it.", SOFT)
        )
        try:
            checked = Checked.of(await self._verbs.check(name))
            found = Replay.of(await self._verbs.dry_run(name, DAYS)) if checked.ok else None
        except (VerbFailed, Odd) as exc:
            self._fault(exc.text)
            return
        if found is None:
            self._cannot(name, checked)
            return
        self._tried = name
        self._page(pages.page(pages.checked(checked), pages.replay(found, name, DAYS, self._clock)))

    # --- another one in force --------------------------------------------------------------------

    def _cannot(self, name: str, checked: Checked) -> None:
        self._fault(f"{checked.version or repr(name)} cannot be put in force:", pages.checked(checked))

    @work(exclusive=True, group="recipes")
    async def _apply(self, name: str) -> None:
        self._page(untrusted(f"Checking {name} ...", SOFT))
        try:
            checked = Checked.of(await self._verbs.check(name))
            found = Difference.of(await self._verbs.differences("@", name)) if checked.ok else None
        except VerbFailed as exc:
            self._fault(exc.text)
            return
        if found is None:
            self._cannot(name, checked)
            return
        page = pages.page(pages.checked(checked), pages.difference(found))
        note = await self.app.push_screen_wait(ConfirmScreen(f"Put {found.after} in force, for all requests from now on?", page))
        await self._done(self._verbs.apply, name, note)

    def action_rollback(self) -> None:
        """The chosen version again; of the one in force, the one before it."""
        versions = self._list.versions
        at = self._list.at or 1
        if at < len(versions):
            self._rollback(versions[at])
        elif not self._down:
            self._page(Text("No other recipe was in force before.", style=WARN))

    @work(exclusive=True, group="recipes")
    async def _rollback(self, version: Version) -> None:
        self._page(untrusted(f"Comparing with {version.version} ...", SOFT))
        try:
            found = Difference.of(await self._verbs.differences("@", version.version))
        except VerbFailed as exc:
            self._fault(exc.text)
            return
        question = f"Put {version.version} in force again, for all requests from now on?"
        note = await self.app.push_screen_wait(ConfirmScreen(question, pages.difference(found)))
        await self._done(self._verbs.rollback, version.version, note)

    async def _done(self, verb: Callable[[str, str], Awaitable[str]], what: str, note: str | None) -> None:
        if note is None:
            self._page(Text("Nothing was changed. `i` shows the recipe in force.", style=SOFT))
            return
        self._page(untrusted(f"Putting {what} in force ...", SOFT))
        try:
            said = await verb(what, note)
        except VerbFailed as exc:
            self._fault(exc.text)
            return
        self._load(said)

    # --- keys ------------------------------------------------------------------------------------

    def action_page(self, by: int) -> None:
        """The page under the history."""
        page = self.query_one("#recipe-page")
        page.scroll_relative(y=by * max(1, page.size.height - 1), animate=False)

    def action_pane(self) -> None:
        """The keys to the page, or back to the history."""
        page = self.query_one("#recipe-page")
        (self._list if page.has_focus else page).focus()

    def action_back(self) -> None:
        """From the line to the history; what runs is ended; then to the requests."""
        if self._box.display:
            self._close()
        elif any(worker.group == "recipes" and worker.is_running for worker in self.workers):
            self.workers.cancel_group(self, "recipes")
            self._page(Text("Ended. `i` shows the recipe in force.", style=SOFT))
        else:
            self.dismiss()
