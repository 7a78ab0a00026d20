"""The app over a daemon that answers from a list: what is shown, which keys do what, that it reconnects and stays put."""

from __future__ import annotations

import pytest
from localrouter_tui.widgets.requests import RequestList
from textual.widgets import Input
from tui_canned import LOCAL, MIXED, REFUSED, Canned, app_over, lines, record, screen, see, until

pytestmark = pytest.mark.anyio
WIDE, NARROW = (140, 40), (80, 24)


async def test_list_and_detail_side_by_side() -> None:
    app = app_over(Canned())
    async with app.run_test(size=WIDE) as pilot:
        await see(pilot, "3 requests", "today $0.0123 of $5.00", "no local model", "number 3")
        await pilot.press("down")
        await see(pilot, "number 2[/bold]", "Timeline", "local:chat", "uab12cd@pii.invalid", "[link=x]y[/link]")
        assert "dropped by local_model" in screen(app)


async def test_one_pane_in_a_narrow_terminal() -> None:
    daemon = Canned()
    app = app_over(daemon)
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "3 requests")
        assert "Why" not in screen(app)
        assert not [path for path, _ in daemon.asked if "/" in path], "a detail that is not shown is not asked for"
        await pilot.press("down", "enter")
        await see(pilot, "Why", "number 2[/bold]")
        assert "lane     model" not in screen(app), "the list has made room"
        await pilot.press("escape")
        await see(pilot, "lane     model")
        assert app.query_one(RequestList).has_focus


async def test_a_terminal_that_becomes_wide_shows_both() -> None:
    app = app_over(Canned())
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "3 requests")
        await pilot.resize_terminal(*WIDE)
        await see(pilot, "lane     model", "number 3[/bold]")
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: "Why" not in screen(app))


async def test_filter_by_words_and_lane() -> None:
    daemon = Canned([*MIXED])
    app = app_over(daemon)
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "6 requests")
        await pilot.press("slash", *"openai 0000000001", "enter")
        await see(pilot, "1 request ", "with the words: openai 0000000001")
        assert daemon.asked[-1][1]["q"] == "openai 0000000001"
        await pilot.press("escape")
        await see(pilot, "6 requests")
        assert app.query_one(Input).value == ""
        for lane, count in (("hosted", "4 requests"), ("local", "1 request "), ("refused", "1 request ")):
            await pilot.press("l")
            await see(pilot, count, f"lane: {lane}")
        await pilot.press("l")
        await see(pilot, "6 requests")
        await pilot.press("slash", *"nowhere", "enter")
        await see(pilot, "No request has these words")


async def test_pause_asks_nothing_until_it_goes_on() -> None:
    daemon = Canned()
    app = app_over(daemon)
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "3 requests")
        await pilot.press("p")
        await see(pilot, "PAUSED")
        count = len(daemon.asked)
        daemon.records.insert(0, record(4))
        await pilot.pause(2.2)
        assert len(daemon.asked) == count
        await pilot.press("p")
        await see(pilot, "4 requests")


async def test_doctor_and_help() -> None:
    daemon = Canned()
    app = app_over(daemon)
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "3 requests")
        await pilot.press("d")
        await see(pilot, "Doctor", "✗  privacy scan", "not running", "3 in the chain")
        daemon.checks[2] = {"name": "privacy scan", "ok": True, "detail": "14 detectors"}
        await pilot.press("r")
        await see(pilot, "✓  privacy scan")
        daemon.down = True
        await pilot.press("r")
        await see(pilot, "is not running")
        await pilot.press("escape", "question_mark")
        await see(pilot, "Keys", "another request", "regulated")
        await pilot.press("escape")
        await until(pilot, lambda: "another request" not in screen(app))


async def test_it_says_that_the_daemon_is_down_and_comes_back() -> None:
    daemon = Canned()
    daemon.down = True
    app = app_over(daemon)
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "Start it with `localrouter up --detach`")
        daemon.down = False
        await see(pilot, "3 requests", "today")
        daemon.down = True
        await see(pilot, "Start it with `localrouter up --detach`", "openai/gpt-5-mini")
        daemon.down = False
        await see(pilot, "3 requests")


async def test_an_answer_of_another_shape_is_said() -> None:
    daemon = Canned()
    daemon.records[0].pop("cost_micro")
    daemon.records[0]["cost_micro"] = "many"
    app = app_over(daemon)
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "their versions", "localrouter restart")


async def test_no_requests_yet() -> None:
    app = app_over(Canned([]))
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "No requests yet", "localrouter token show")


async def test_new_rows_move_nothing_that_is_read() -> None:
    daemon = Canned([record(i) for i in range(100, 0, -1)])
    app = app_over(daemon)
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "100 requests")
        shown = app.query_one(RequestList)
        await pilot.press("pagedown", "pagedown", "pagedown", "up", "up")
        chosen = shown.chosen
        assert chosen is not None
        top = round(shown.scroll_y)
        before = lines(app)[2:]
        daemon.records = [record(i) for i in range(107, 100, -1)] + daemon.records
        await see(pilot, "107 requests")
        assert shown.chosen == chosen
        assert round(shown.scroll_y) == top + 7
        # All but the scroll bar, which knows that there are more rows.
        assert [line[:78] for line in lines(app)[2:]] == [line[:78] for line in before]
        await pilot.press("g")
        assert shown.chosen is not None and shown.chosen.id == record(107)["id"]
        daemon.records.insert(0, record(108))
        await see(pilot, "108 requests")
        assert shown.scroll_y == 0, "a list at its top shows what comes in"
        assert shown.chosen.id == record(107)["id"]


async def test_nothing_is_drawn_again_when_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_over(Canned())
    async with app.run_test(size=WIDE) as pilot:
        await see(pilot, "3 requests", "Timeline")
        drawn = 0
        line = RequestList.render_line

        def count(self: RequestList, y: int):  # type: ignore[no-untyped-def]
            nonlocal drawn
            drawn += 1
            return line(self, y)

        monkeypatch.setattr(RequestList, "render_line", count)
        drawn = 1
        while drawn:  # the first screen may not be drawn to its end yet
            drawn = 0
            await pilot.pause(0.3)
        await pilot.pause(2.3)
        assert drawn == 0
        await pilot.press("down")
        await until(pilot, lambda: drawn > 0)


async def test_a_held_key_asks_for_one_detail() -> None:
    daemon = Canned([record(i) for i in range(50, 0, -1)])
    app = app_over(daemon)
    async with app.run_test(size=WIDE) as pilot:
        await see(pilot, "number 50[/bold]")
        app.query_one(RequestList).action_page(1)
        for _ in range(5):
            app.query_one(RequestList).action_move(-1)
        chosen = app.query_one(RequestList).chosen
        assert chosen is not None
        await see(pilot, chosen.id)
        await pilot.pause(0.4)
        asked = [path for path, _ in daemon.asked if path.startswith("traces/")]
        assert list(dict.fromkeys(asked)) == [f"traces/{record(50)['id']}", f"traces/{chosen.id}"]


async def test_what_stayed_here_and_what_was_refused() -> None:
    app = app_over(Canned([REFUSED, LOCAL]))
    async with app.run_test(size=WIDE) as pilot:
        await see(pilot, "refused", "403 privacy_refused", "The request was not sent.", "dropped by data_class")
        await pilot.press("down")
        await see(pilot, "The local model answered.", "12.3 s")


async def test_a_forgotten_trace() -> None:
    daemon = Canned()
    app = app_over(daemon)
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "3 requests")
        daemon.records[0]["forgotten"] = 1_760_000_000.0
        await pilot.press("enter")
        await see(pilot, "Forgotten on 2025-10-09 08:53:20")


async def test_long_texts_are_cut_until_w() -> None:
    daemon = Canned([record(1, left_machine=["x" * 2000 + " THE END"])])
    app = app_over(daemon)
    async with app.run_test(size=(140, 60)) as pilot:
        await see(pilot, "508 more characters; w shows them")
        await pilot.press("enter", "w")
        await see(pilot, "THE END")


async def test_click_and_quit() -> None:
    app = app_over(Canned())
    async with app.run_test(size=NARROW) as pilot:
        await see(pilot, "3 requests")
        await pilot.click(RequestList, offset=(20, 3))
        await see(pilot, "number 1[/bold]")
        await pilot.press("q")
    assert app.return_code == 0
