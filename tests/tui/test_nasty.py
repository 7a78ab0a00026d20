"""Text of others in every place of every screen: nothing crashes, and the terminal gets no sequence but colours."""

from __future__ import annotations

import re
import unicodedata
from functools import partial
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from localrouter_tui.app import RouterApp
from localrouter_tui.records import Record, Spend, Status
from localrouter_tui.watch import Filter
from localrouter_tui.widgets.head import Head
from localrouter_tui.widgets.panel import Panel
from localrouter_tui.widgets.requests import RequestList
from tui_canned import Canned, app_over, condition, output, record, screen, see, until
from tui_nasty import NASTY

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def nasty(i: int, text: str) -> dict[str, Any]:
    """A record with the text in every field that can hold one."""
    return record(
        i, id=f"{i}{text}", who=text, session=text, asked=text, lane=text, route=text, reason=text, model=text, outcome=text, explain=text,
        data_class=text, findings={text: 1, "EMAIL": 2}, left_machine=[text, f"a {text} b\n{text}", "path"], tokens=[text, "path"],
        attempts=[{"model": text, "lane": text, "outcome": text, "cost_micro": 1}], steps=[{"name": text, "ms": 4.0}], usage={text: 1, "tools": {text: 2}},
        candidates=[{"model": f"x{text}", "kept": k, "gate": text, "why": text} for k in (True, False)], tool_calls=[{"name": text}],
        restored={text: 1}, tools_micro={text: 1}, recipe=text, catalogue=text, answer=text,
    )  # fmt: skip


class Nasty(Canned):
    """Details by place, since the ids are nasty too."""

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        if path.startswith("traces/"):
            return next(r for r in self.records if path == f"traces/{r['id']}")
        return await super().get(path, **query)


def harmless(app: RouterApp) -> None:
    """What is on the screen obeys nobody. Raises AssertionError."""
    left = _COLOURS.sub("", output(app)).replace("\n", "")
    strange = sorted({f"U+{ord(c):04X}" for c in left if unicodedata.category(c) in _INVISIBLE})
    assert not strange, strange
    for strip in app.screen._compositor.render_strips():
        for part in strip:
            assert part.control is None
            assert part.style is None or (not part.style.link and "@click" not in part.style.meta)


async def everywhere(texts: list[str], size: tuple[int, int]) -> None:
    """Each text in the list, the detail, the two lines at the top, the filter, the doctor, the health and a fault."""
    daemon = Nasty([nasty(i, text) for i, text in enumerate(texts)])
    daemon.checks = [{"name": text, "ok": None, "detail": text, "do": text} for text in texts]
    daemon.status["health"] = [condition(text, 9, state=text, words=text) for text in texts]
    app = app_over(daemon)
    async with app.run_test(size=size) as pilot:
        rows, panel, head = app.query_one(RequestList), app.query_one(Panel), app.query_one(Head)
        await until(pilot, lambda: len(rows.rows) == len(texts))
        harmless(app)
        rows.action_open()
        for i, text in enumerate(texts):
            rows.action_edge(i)
            panel.show(Record.of(daemon.records[i]))
            panel.action_whole()
            head.show(Status(text, True, True, 1, 1, 1), Spend(1, 2))
            if i % 2:
                app._notice.fault(text, text)
            else:
                app._notice.shows(Filter(text, text), 3, paused=True)
            await pilot.pause()
            harmless(app)
        await pilot.press("escape", "d")
        await until(pilot, lambda: "examining" not in screen(app))
        harmless(app)
        await pilot.press("escape", "h")
        await until(pilot, lambda: "looking ..." not in screen(app))
        harmless(app)
        await pilot.press("escape")
        for text in texts[:5]:
            panel.say(text)
            await pilot.pause()
            harmless(app)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(140, 150), (40, 12)], ids=str)
async def test_nasty_strings_everywhere(size: tuple[int, int]) -> None:
    await everywhere(list(NASTY), size)


_TEXTS = st.lists(
    st.text(st.characters(exclude_categories=()) | st.sampled_from("[]\\/\x1b\x9b\n\r\t@=$\u202e\u200b"), max_size=60),
    min_size=25,
    max_size=25,
)
_quiet = partial(settings, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@_quiet(max_examples=4, derandomize=True)
@given(_TEXTS)
def test_any_text_everywhere(texts: list[str]) -> None:
    anyio.run(everywhere, texts, (100, 60))


@pytest.mark.long
@pytest.mark.timeout(1800)
@_quiet(max_examples=200)
@given(_TEXTS)
def test_5000_texts_everywhere(texts: list[str]) -> None:
    anyio.run(everywhere, texts, (100, 60))


@pytest.mark.anyio
async def test_the_check_can_fail() -> None:
    app = app_over(Canned())
    async with app.run_test(size=(80, 24)) as pilot:
        await see(pilot, "3 requests")
        from textual.widgets import Static

        await app.screen.mount(Static("[@click=app.quit]leave[/]", markup=True))
        await pilot.pause()
        with pytest.raises(AssertionError):
            harmless(app)
