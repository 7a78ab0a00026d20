"""What a client waits for goes before what is for the record, also in the middle of it; the record's work is one thread behind others."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_inspector import Inspector

from localrouter.inspector.line import Line
from localrouter.inspector.manners import at_once, behind_others
from localrouter.scrub.detectors import encoder

TEXT = "Then Maria Kowalska of Berlin wrote to the library that the old books were never returned to anybody at all. "


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    own = Inspector()
    try:
        yield own
    finally:
        own.close()


def job(ident: int, *texts: str, record: bool) -> dict[str, Any]:
    return {"op": "inspect", "id": ident, "record": record, "segments": [{"t": t, "c": "content"} for t in texts]}


def names(answer: dict[str, Any], *texts: str) -> list[set[str]]:
    return [{text[row[0] : row[1]] for row in rows} for text, rows in zip(texts, answer["findings"], strict=True)]


def test_a_scan_that_somebody_waits_for_is_done_within_one_for_the_record(inspector: Inspector) -> None:
    long = [f"{n}: {TEXT * 4}" for n in range(40)]
    inspector.tell(job(1, *long, record=True))
    for ident in (2, 3, 4):
        inspector.tell(job(ident, f"{ident} ask Maria Kowalska in Berlin", record=False))
        answer = inspector.get()
        assert answer["id"] == ident, "the record came first"
        assert {"Maria Kowalska", "Berlin"} <= names(answer, f"{ident} ask Maria Kowalska in Berlin")[0]
    answer = inspector.get()
    assert answer["id"] == 1
    found = names(answer, *long)
    # What was given up in the middle is read again: no passage lacks its names.
    assert all({"Maria Kowalska", "Berlin"} <= row for row in found), [n for n, row in enumerate(found) if "Berlin" not in row]


def test_within_a_scan_that_somebody_waits_for_nothing_is_put(inspector: Inspector) -> None:
    for ident in (1, 2, 3):
        inspector.tell(job(ident, *[f"{ident} {n} {TEXT}" for n in range(5)], record=False))
    assert [inspector.get()["id"] for _ in range(3)] == [1, 2, 3]


def test_new_settings_wait_for_the_batch_that_was_sent_before_them(inspector: Inspector) -> None:
    options: dict[str, Any] = {"identity": {}, "allow": [], "deny": [], "packs": [], "thresholds": {}}
    text = f"{TEXT * 6} the library"
    inspector.tell(job(1, *[f"{n} {text}" for n in range(8)], record=True))
    inspector.tell({"op": "configure", "id": 2, "options": {**options, "deny": ["library"]}})
    inspector.tell(job(3, "the library", record=False))
    told = [inspector.get() for _ in range(3)]
    assert [one["id"] for one in told] == [1, 2, 3]
    assert not any("library" in row for row in names(told[0], *[f"{n} {text}" for n in range(8)]))
    assert names(told[2], "the library") == [{"library"}]


def test_new_settings_overtake_nothing() -> None:
    line = Line()
    for waiting in (job(1, "a", record=True), job(2, "b", record=False), {"op": "configure", "id": 3}, job(4, "c", record=True)):
        line.put(waiting)
    line.put(job(5, "d", record=False))
    taken = [line.take() for _ in range(5)]
    assert [one["id"] for one in taken if one] == [2, 1, 3, 5, 4]
    assert taken[1] is not None and not taken[1]["record"], "it is not put off any more"


def test_what_nobody_wants_any_more_is_not_begun(inspector: Inspector) -> None:
    inspector.tell(job(1, *[f"{n} {TEXT * 6}" for n in range(6)], record=False))
    inspector.tell(job(2, *[f"{n} {TEXT * 6} again" for n in range(6)], record=False))
    inspector.tell({"op": "cancel", "id": 2})
    inspector.tell(job(3, "hello", record=False))
    assert [inspector.get()["id"] for _ in range(2)] == [1, 3]


def test_the_line() -> None:
    line = Line()
    for ident, record in ((1, True), (2, False), (3, True), (4, False)):
        line.put(job(ident, record=record))
    assert line.waits()
    line.drop(4)
    taken = [line.take() for _ in range(3)]
    assert [one["id"] for one in taken if one is not None] == [2, 1, 3]
    assert line.urgent() is None and not line.waits()
    line.put({"op": "warm"})
    line.put(job(5, record=False))
    assert line.urgent() is None, "what is no scan stands before it"
    line.put(job(6, record=True))
    line.end()
    rest = [line.take() for _ in range(3)]
    assert [one.get("id") for one in rest if one is not None] == [None, 5] and rest[2] is None, "at the end the record is left"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sched(7) is Linux's")
def test_the_record_runs_behind_others() -> None:
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    with behind_others(lambda: False):
        assert os.sched_getscheduler(0) == os.SCHED_BATCH
        with at_once(lambda: False):
            assert os.sched_getscheduler(0) == os.SCHED_OTHER
        assert os.sched_getscheduler(0) == os.SCHED_BATCH
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_pass_is_given_up_once_and_read_again() -> None:
    texts = [(f"{n} {TEXT}", "content") for n in range(3)]
    calm = encoder.find_all(texts)
    asked: list[float] = []

    def waits() -> bool:
        asked.append(time.monotonic())
        return True

    encoder.polite(waits)
    try:
        assert encoder.find_all(texts) == calm
    finally:
        encoder.polite(None)
    assert asked
    count = len(asked)
    assert encoder.find_all(texts) == calm and len(asked) == count


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_the_record_takes_one_thread(inspector: Inspector) -> None:
    """A fresh inspector has read one sentence; then only the record. Its other threads do nothing."""

    def spent() -> dict[str, int]:
        tasks = Path(f"/proc/{inspector.process.pid}/task")
        return {task.name: int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()}

    inspector.tell(job(1, "hello", record=True))
    assert inspector.get()["id"] == 1
    before = spent()
    inspector.tell(job(2, *[f"{n} {TEXT * 4}" for n in range(12)], record=True))
    assert inspector.get()["id"] == 2
    used = sorted((value - before.get(name, 0) for name, value in spent().items()), reverse=True)
    assert used[0] > 0 and sum(used[1:]) < 0.2 * used[0], used
