"""Which finding wins, that none overlap, and that no piece of a private value is given back."""

from __future__ import annotations

import itertools
import random

from cpu import least

from localrouter.core.findings import Finding
from localrouter.scrub.merge import merge

TEXT = "call Jane Roe at +49 30 901820 in Berlin or jane@roe.org"


def test_secret_over_structure_over_names_then_the_longest() -> None:
    rows = merge([Finding(5, 13, "PERSON"), Finding(5, 9, "API_KEY"), Finding(17, 30, "PHONE"), Finding(17, 27, "CARD")], TEXT)
    assert [(f.type, f.start, f.end) for f in rows] == [("API_KEY", 5, 9), ("PERSON", 10, 13), ("PHONE", 17, 30)]


def test_the_rest_of_a_weaker_finding_stays() -> None:
    rows = merge([Finding(14, 40, "ADDRESS"), Finding(17, 30, "PHONE")], TEXT)
    assert [(f.type, TEXT[f.start : f.end]) for f in rows] == [("PHONE", "+49 30 901820"), ("ADDRESS", "in Berlin")]


def test_the_rest_of_a_structure_is_none() -> None:
    text = "postgres://app:hunter2x@db.example.org/x"
    assert [(f.type, f.start) for f in merge([Finding(15, 38, "EMAIL"), Finding(15, 23, "PASSWORD")], text)] == [("PASSWORD", 15)]


def test_the_marks_on_the_last_letter_belong_to_it() -> None:
    text = "this is Oluwaseun Ade\u0301bayo\u0323\u0300 speaking"
    end = text.index(" speaking")
    for stop in (end - 2, end - 1, end):
        assert [(f.start, f.end) for f in merge([Finding(8, stop, "PERSON")], text)] == [(8, end)]
    assert merge([Finding(8, 17, "PERSON")], text)[0].end == 17


def test_what_is_out_of_bounds_is_dropped() -> None:
    assert merge([Finding(-1, 3, "EMAIL"), Finding(3, 3, "EMAIL"), Finding(0, 999, "EMAIL")], TEXT) == ()


def test_no_overlaps_and_nothing_lost() -> None:
    rng = random.Random(3)
    text = "x" * 400
    for _ in range(300):
        rows = []
        for _ in range(rng.randrange(30)):
            start = rng.randrange(390)
            rows.append(
                Finding(start, start + rng.randrange(4, 40), rng.choice(["PERSON", "TOKEN", "API_KEY", "ORG"]), rng.random())
            )
        rows = [f for f in rows if f.end <= 400]
        out = merge(rows, text)
        assert list(out) == sorted(out)
        assert all(a.end <= b.start for a, b in itertools.pairwise(out))
        covered = {i for f in out for i in range(f.start, f.end)}
        missed = {i for f in rows for i in range(f.start, f.end)} - covered
        runs = sum(1 for i in missed if i - 1 not in missed)
        assert len(missed) <= 4 * runs, "only rests of one or two characters are let go"


def test_many_findings() -> None:
    def cost(count: int) -> float:
        rows = [Finding(i * 7 % (count * 3), i * 7 % (count * 3) + 5, "EMAIL", i % 3 / 3) for i in range(count)]
        return least(lambda: merge(rows, "x" * (count * 3 + 10)))

    cost(100)
    assert cost(40_000) < 10 * max(cost(10_000), 0.01)
