"""What is remembered of a text is what would be said of it again; the memory is bounded and holds no text."""

from __future__ import annotations

import gc

import pytest

from localrouter.classify import known as module
from localrouter.classify.known import known


def test_a_text_is_judged_once_for_each_way_of_asking() -> None:
    calls: list[tuple[str, bool]] = []

    @known
    def judge(text: str, *, own: bool) -> tuple[str, bool]:
        calls.append((text, own))
        return text[:3], own

    assert [judge("walrus", own=True), judge("walrus", own=True), judge("walrus", own=False)] == [
        ("wal", True),
        ("wal", True),
        ("wal", False),
    ]
    assert calls == [("walrus", True), ("walrus", False)]
    assert judge("broken \ud800 text", own=True) == ("bro", True), "half a surrogate pair is a text like another"


def test_the_oldest_is_forgotten_and_no_text_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZE", 3)
    calls: list[str] = []

    @known
    def length(text: str) -> int:
        calls.append(text[-1])
        return len(text)

    for n in (1, 2, 3, 4, 4, 1):
        length(f"a text of its own {n}")
    assert calls == ["1", "2", "3", "4", "1"]
    (memory,) = [cell.cell_contents for cell in length.__closure__ or () if isinstance(cell.cell_contents, dict)]
    gc.collect()
    assert len(memory) == 3 and not [key for key in memory if any(isinstance(part, str) for part in key)]
