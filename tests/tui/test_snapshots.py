"""Every screen in two sizes, compared line by line with tests/snapshots. UPDATE_SNAPSHOTS=1 rewrites the files."""

from __future__ import annotations

from pathlib import Path

import pytest
import tui_canned
from tui_canned import MIXED, Canned, app_over, comes_to_match, lines, matches, see, until

SIZES = {"80x24": (80, 24), "140x40": (140, 40)}
# name: (keys, words that show that the screen is complete)
SCENES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "list": ((), ("6 requests",)),
    "refused": (("enter",), ("The request was not sent.", "dropped by")),
    "local": (("down", "enter"), ("The local model answered.",)),
    "secrets": (("down", "down", "enter"), ("API_KEY_4JRXVB", "PERSON_0Q8J2M")),
    "filtered": (("slash", *"openai 0000000001", "enter"), ("with the words",)),
    "lane": (("l", "l"), ("lane: local",)),
    "paused": (("p",), ("PAUSED",)),
    "doctor": (("d",), ("3 in the chain",)),
    "health": (("h",), ("30 % of its last 50 calls failed", "p95")),
    "help": (("question_mark",), ("another request",)),
}


@pytest.mark.anyio
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
async def test_scene(scene: str, size: str) -> None:
    keys, words = SCENES[scene]
    app = app_over(Canned([*MIXED]))
    async with app.run_test(size=SIZES[size]) as pilot:
        await see(pilot, "6 requests", *(("Why",) if size == "140x40" else ()))
        await pilot.press(*keys)
        await see(pilot, *words)
        await comes_to_match(pilot, f"{scene}-{size}")


@pytest.mark.anyio
@pytest.mark.parametrize("size", SIZES)
async def test_down(size: str) -> None:
    daemon = Canned()
    daemon.down = True
    app = app_over(daemon)
    async with app.run_test(size=SIZES[size]) as pilot:
        await see(pilot, "not running")
        await comes_to_match(pilot, f"down-{size}")


@pytest.mark.anyio
@pytest.mark.parametrize("size", SIZES)
async def test_empty(size: str) -> None:
    app = app_over(Canned([]))
    async with app.run_test(size=SIZES[size]) as pilot:
        await see(pilot, "No requests yet")
        await comes_to_match(pilot, f"empty-{size}")


@pytest.mark.anyio
async def test_a_snapshot_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tui_canned, "SNAPSHOTS", tmp_path)
    monkeypatch.setenv("UPDATE_SNAPSHOTS", "1")
    daemon = Canned()
    app = app_over(daemon)
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "3 requests")
        matches("one", lines(app))
        monkeypatch.delenv("UPDATE_SNAPSHOTS")
        matches("one", lines(app))
        daemon.spent += 10_000
        daemon.status["in_flight"] = 1
        await until(pilot, lambda: "1 in flight" in lines(app)[0])
        with pytest.raises(AssertionError, match=r"differs from one\.txt"):
            matches("one", lines(app))
        with pytest.raises(AssertionError, match="does not exist"):
            matches("two", lines(app))
