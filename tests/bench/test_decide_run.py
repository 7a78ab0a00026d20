"""The measurement of decisions runs, its cases are what they say, and a decision is far from slow even on a busy machine."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from decide_run import GOAL_MS, cases, measure


def test_each_case_decides() -> None:
    made = {name: one() for name, one in cases().items()}
    assert {plan.route for plan in made.values()} == {"last"}, "all fifty routes are looked at"
    assert all(plan.attempts for plan in made.values())
    assert len(made["all 200 models"].weighed) == 200
    assert any("30 % of its last 50 calls failed" in w.why for w in made["7 targets, regulated data, all hosts known"].weighed)


def test_a_decision_is_fast() -> None:
    best = min(measure(cases()["7 targets"], 100)["p50_ms"] for _ in range(3))
    assert best <= 5 * GOAL_MS, "five times the goal, for a machine that does something else too"
