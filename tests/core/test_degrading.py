"""A model that goes wrong in three calls of ten is asked later, soon, and leads again when it is well (tests/bench/degrade_run.py prints it)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from degrade_run import KINDS, run

LATER = [k for k in KINDS if "30 % longer" not in k]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", LATER)
def test_it_is_noticed_and_forgiven(kind: str, seed: int) -> None:
    report = run(kind, seed)
    assert report.noticed is not None and report.noticed <= 60, "within sixty requests"
    assert report.said, "the plan says why"
    assert report.to_it < 0.35, "most of what came while it was unwell went elsewhere"
    assert report.bad_late < 0.10, "a third of its answers were bad; hardly any that people saw"
    assert report.back_s is not None and report.back_s <= 15 * 60


def test_a_third_slower_is_told_and_changes_nothing() -> None:
    report = run("all of its calls take 30 % longer")
    assert report.noticed is None and report.to_it == 1.0
    assert "of late, usually" in report.told


def test_noise_of_one_percent_moves_nobody() -> None:
    KINDS["nothing"] = lambda r: run_well(r.random())
    try:
        reports = [run("nothing", seed) for seed in range(4)]
    finally:
        del KINDS["nothing"]
    assert [r.noticed for r in reports] == [None] * 4


def run_well(draw: float) -> object:
    from simulated import Act

    return Act("http_500") if draw < 0.01 else Act()
