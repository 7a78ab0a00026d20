"""The health of twenty hosts and their models: who does not do well comes first and in words; figures stay in their columns, whatever the width."""

from __future__ import annotations

from typing import Any

import pytest
from textual.containers import VerticalScroll
from tui_canned import Canned, app_over, condition, lines, screen, see, until

pytestmark = pytest.mark.anyio
CUT = "cut off after failing again and again; it is tried again in 30 s"


def twenty() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for i in range(20):
        rows.append(condition(f"host-{i:02d}", 50))
        rows.append(
            condition(
                f"host-{i:02d}/a-model-with-a-rather-long-name-{i:02d}-20260101", 50, refusals=0.02 * (i == 7), tokens_s=None
            )
        )
    rows[18] |= {"state": "open", "errors": 1.0, "first_ms": None, "first_p95_ms": None, "words": CUT}
    rows[30] |= {"state": "half_open", "words": "failed of late; the next request tries it"}
    rows[13] |= {"broken": 0.4, "words": "40 % of its last 50 calls broke their format, so it is asked later than others"}
    return rows


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_twenty_hosts(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")  # marks and words say it all
    daemon = Canned()
    daemon.status["health"] = twenty()
    app = app_over(daemon)
    async with app.run_test(size=size) as pilot:
        await see(pilot, "3 requests")
        await pilot.press("h")
        await see(pilot, "host-09", "cut off after failing", "host or model")
        box = app.screen.query_one(VerticalScroll)
        shown = [line[box.region.x : box.region.right].strip(" │") for line in lines(app)][box.region.y : box.region.bottom]
        first = [line.split()[0] for line in shown if line[:1] in ("○", "◐", "●")]
        assert first[:3] == ["○", "◐", "●"], "the worst first, in words"
        head = next(line for line in shown if "host or model" in line)
        assert head.split()[3:] == (
            ["calls", "failed", "refused", "broken", "slow", "first", "word", "p95", "tokens/s"]
            if size[0] > 100
            else ["calls", "failed", "refused", "first", "word", "p95"]
        )
        seen = screen(app)
        while box.scroll_y < box.max_scroll_y:
            at, before = box.scroll_y, screen(app)
            seen += "\n" + before
            await pilot.press("pagedown")
            await until(pilot, lambda at=at, before=before: box.scroll_y > at and screen(app) != before)
            seen += "\n" + screen(app)
        flat = "".join(seen.split())
        for i in range(20):
            assert f"host-{i:02d}" in flat
        assert "412ms" in flat and "1890ms" in flat and "100%" in flat and "2%" in flat
        row = next(line.strip(" │") for line in seen.splitlines() if "● " in line and "host-00 " in line)
        assert row.split()[:3] == ["●", "host-00", "50"] and "412 ms" in row and "1890 ms" in row
