"""The recipes' screen: history, differences, dry runs, apply and roll back; by key and by the palette, with no daemon, narrow, without colours."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import office
import pytest
from conftest import BUSY_S, start, stop, wait
from conftest import Daemon as Running
from localrouter_tui.app import RouterApp
from localrouter_tui.client import Daemon
from localrouter_tui.screens.confirm import ConfirmScreen
from localrouter_tui.screens.recipes import RecipesScreen
from localrouter_tui.verbs import VerbFailed, Verbs
from localrouter_tui.widgets.versions import VersionList
from textual.widgets import Input
from tui_canned import comes_to_match, lines, output, screen, see, until
from tui_recipes import recipes_app

from localrouter.config.paths import Paths
from localrouter.daemon.rehearsal import Rehearsal

pytestmark = pytest.mark.anyio
NARROW, WIDE = (80, 24), (140, 40)
SIZES = {"80x24": NARROW, "140x40": WIDE}


async def test_the_recipe_in_force_and_its_history() -> None:
    app, _, _ = recipes_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("r")
        await see(
            pilot,
            "in force: balanced@120be3940742",
            "1 ago",
            "thrift@cb2bfcfc6fd7",
            "by a rollback",
            "Note: the summaries got worse",
        )
        await see(pilot, "Routes: the first that fits is taken", "task chat or summarise;", "difficulty below 0.35; tools no")
        await pilot.press("end")
        await see(pilot, "11 ago", "older-11@")
        assert app.screen.query_one(VersionList).at == 11
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RecipesScreen))


async def test_two_versions_and_a_marked_one() -> None:
    app, _, verbs = recipes_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("r")
        await see(pilot, "1 ago")
        await pilot.press("down")
        await see(pilot, "• route 'easy' is new", "[bold]x[/bold]", "by a command", "to its end")
        assert verbs.done == [("diff", "thrift@cb2bfcfc6fd7", "balanced@120be3940742")], "the older one first"
        assert "\x1b[31mred" not in output(app)
        await pilot.press("m", "down", "down")
        await until(pilot, lambda: verbs.done[-1] == ("diff", "older-3@000000000003", "thrift@cb2bfcfc6fd7"))
        await pilot.press("up", "up")
        await see(pilot, "Was put in force on")


async def test_a_dry_run_then_apply_behind_a_question() -> None:
    app, daemon, verbs = recipes_app()
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("r")
        await see(pilot, "1 ago")
        await pilot.press("t")
        await see(pilot, "A dry run of which recipe?", "a recipe's name, or FILE.toml")
        await pilot.press(*"thrift", "enter")
        await see(pilot, "1,000 requests of the last 7 days under thrift@cb2bfcfc6fd7. Nothing was sent.", "940  go the same way")
        shown = screen(app)
        for words in (
            "leave this machine",
            "answered on this machine",
            "$3.05",
            "$2.8670",
            "local:chat",
            "What would change, and why",
            "! route 'x' is never taken",
        ):
            assert words in shown, words
        assert any("leave this machine" in line and line.split()[-2:] == ["1,000", "940"] for line in lines(app))
        await pilot.press("pagedown")
        await see(pilot, "lr-199c5a00030", "openai/gpt-5 by 'all' → local:chat by 'easy'")
        await pilot.press("a")
        assert app.screen.query_one("#recipe-name", Input).value == "thrift", "the one that was tried"
        await pilot.press("enter")
        await see(pilot, "Put thrift@cb2bfcfc6fd7 in force, for all requests from now on?", "• route 'easy' is new")
        await pilot.press("enter")  # Enter is no yes
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("n")
        await see(pilot, "Nothing was changed.")
        assert not [done for done in verbs.done if done[0] == "apply"]
        await pilot.press("a", "enter")
        await see(pilot, "from now on?")
        await pilot.press("w", *"cheap enough", "enter", "y")
        await see(pilot, "is in force now; requests that run keep theirs.", "cheap enough")
        assert verbs.done[-1] == ("apply", "thrift", "cheap enough") and len(daemon.history) == 13


async def test_roll_back_behind_a_question() -> None:
    app, _, verbs = recipes_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("r")
        await see(pilot, "1 ago")
        await pilot.press("b")
        await see(pilot, "Put thrift@cb2bfcfc6fd7 in force again")
        await pilot.press("escape")
        await see(pilot, "Nothing was changed.")
        await pilot.press("end")
        await see(pilot, "Line by line")
        await pilot.press("b")
        await see(pilot, "Put older-11@00000000000b in force again")
        await pilot.press("y")
        await see(pilot, "is in force now")
        assert verbs.done[-1] == ("rollback", "older-11@00000000000b", "")


async def test_what_is_wrong_is_said_and_not_applied() -> None:
    app, _, verbs = recipes_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("r")
        await see(pilot, "1 ago")
        await pilot.press("a", *"torn", "enter")
        await see(pilot, "'torn' cannot be put in force:", "torn.toml:4: there is no key 'limts'. Did you mean 'limits'?")
        await pilot.press("t", *"gone", "enter")
        await see(pilot, "The daemon went away. [bold]x[/bold]")
        assert not [done for done in verbs.done if done[0] in ("apply", "dry-run")]


async def test_a_long_replay_stops_no_key_and_escape_ends_it() -> None:
    app, _, verbs = recipes_app()
    verbs.hold = asyncio.Event()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("r")
        await see(pilot, "1 ago")
        await pilot.press("t", *"thrift", "enter")
        await see(pilot, "Escape ends it")
        await pilot.press("tab", "tab", "m")  # keys are heard meanwhile
        assert app.screen.query_one(VersionList).marked == 0
        await pilot.press("escape")
        await see(pilot, "Ended.")
        assert verbs.ended and isinstance(app.screen, RecipesScreen)


async def test_without_a_daemon_it_says_what_to_do_and_comes_back() -> None:
    app, daemon, verbs = recipes_app()
    daemon.down = True
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("r")
        await see(pilot, "The localrouter daemon is not running.", "Start it with `localrouter up --detach`.")
        await pilot.press("a", "b", "t", "enter", "m")
        assert verbs.done == [] and isinstance(app.screen, RecipesScreen)
        daemon.down = False
        await see(pilot, "in force: balanced@120be3940742", "1 ago")


async def test_the_palette_finds_it_by_name_and_offers_nothing_else() -> None:
    app, _, _ = recipes_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("ctrl+p")
        await see(pilot, "Doctor", "Filter", "Health")
        await until(pilot, lambda: "Theme" not in screen(app) and "Screenshot" not in screen(app))
        await pilot.press(*"recip")
        await see(pilot, "The recipe in force, its history")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecipesScreen))
        await see(pilot, "1 ago")
        await pilot.press("slash", "l", "p")
        assert isinstance(app.screen, RecipesScreen) and "PAUSED" not in screen(app), "keys of the list do nothing here"
        await pilot.press("ctrl+p")
        await see(pilot, "Close this page")
        await pilot.press("enter")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, RecipesScreen))


async def test_without_colours_the_choice_and_the_changes_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app, _, _ = recipes_app()
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("r")
        await see(pilot, "1 ago")
        await pilot.press("down")
        await see(pilot, "Line by line")
        rows = lines(app)
        assert [line[:2] for line in rows[1:4]] == ["  ", "› ", "  "]
        await pilot.press("m")
        assert lines(app)[2].startswith("› ◆ 1 ago")
        await pilot.press("pagedown")
        await see(pilot, '-name = "balanced"', '+name = "thrift"')


@pytest.mark.parametrize("size", SIZES)
async def test_snapshots(size: str) -> None:
    app, _, _ = recipes_app()
    async with app.run_test(size=SIZES[size]) as pilot:
        await pilot.press("r")
        await see(pilot, "1 ago", "openai/gpt-5")
        await comes_to_match(pilot, f"recipes-{size}")
        await pilot.press("t", *"thrift", "enter")
        await see(pilot, "go the same way")
        await comes_to_match(pilot, f"recipes-try-{size}")


# --- over a real daemon --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("office")
    with Rehearsal() as host:
        office.write(home, host)
        folder = home / "config" / "recipes"
        (folder / "thrift.toml").write_text(
            'name = "thrift"\nextends = "office"\n[[route]]\nname = "easy"\nbefore = "all"\nmatch = { task = ["summarise"] }\n'
            'try = ["rehearsal/small"]\n'
        )
        process = start(home)
        try:
            daemon = wait(home, process, host)
            assert set(office.send(daemon.port, daemon.client, 40)) == {200}
            yield daemon
        finally:
            stop(process)


def paths_of(running: Running) -> Paths:
    return Paths(running.home / "config", running.home / "state")


async def test_a_real_daemon_tried_applied_and_rolled_back(busy: Running) -> None:
    paths = paths_of(busy)
    app = RouterApp(Daemon(paths), None, Verbs(paths))
    async with app.run_test(size=WIDE) as pilot:
        await see(pilot, "40 requests")
        await pilot.press("r")
        await see(pilot, "in force: office@", "40 requests")
        await pilot.press("t", *"thrift", "enter")
        # While a child replays, the loop is free.
        worst, before = 0.0, time.monotonic()
        end = before + BUSY_S
        while "Nothing was sent." not in screen(app) or "Replaying" in screen(app):
            await asyncio.sleep(0.005)
            now = time.monotonic()
            worst, before = max(worst, now - before), now
            assert now < end, screen(app)
        await see(pilot, "40 requests of the last 7 days under thrift@", "rehearsal/small", "route 'easy' takes it")
        print(f"\nthe loop's longest wait during a replay: {worst * 1000:.0f} ms")
        await pilot.press("a", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await see(pilot, "route 'easy' is new, before 'all'")
        await pilot.press("y")
        await until(pilot, lambda: "in force: thrift@" in screen(app))
        assert 'recipe = "thrift"' in (busy.home / "config" / "config.toml").read_text()
        await pilot.press("down", "b")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: "in force: office@" in screen(app))
        assert 'recipe = "office"' in (busy.home / "config" / "config.toml").read_text()
    history = (await Daemon(paths).get("recipe/history"))["versions"]
    assert [(v["name"], v["by"]) for v in history[:2]] == [("office", "rollback tui"), ("thrift", "tui")], (
        "the history says who asked"
    )


async def test_a_verb_that_is_given_up_leaves_no_child(busy: Running, tmp_path: Path) -> None:
    verbs = Verbs(paths_of(busy))
    task = asyncio.create_task(verbs.dry_run("thrift", 7))
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = set(children.read_text().split()) if children.exists() else set()
    await anyio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if children.exists():
        assert set(children.read_text().split()) <= before
    with pytest.raises(VerbFailed, match="no such recipe"):
        await verbs.dry_run("--days", 7)
    assert {"office", "thrift", "balanced"} <= set(await verbs.names())
