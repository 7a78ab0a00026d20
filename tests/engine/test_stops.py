"""Stop strings, cut in every way."""

from __future__ import annotations

import itertools
import time

from hypothesis import given
from hypothesis import strategies as st

from localrouter.engine.stops import StopStrings

TEXTS = st.text("abX", max_size=24)
STOPS = st.lists(st.text("abX", max_size=5), max_size=4)


def run(stops: list[str], parts: list[str]) -> tuple[str, bool]:
    f = StopStrings(stops)
    return "".join([f.feed(p) for p in parts]) + f.rest(), f.hit


def expected(stops: list[str], text: str) -> tuple[str, bool]:
    """The law, read slowly: the first end of any stop string, and of those the earliest start."""
    for end in range(1, len(text) + 1):
        starts = [end - len(s) for s in stops if s and text[:end].endswith(s)]
        if starts:
            return text[: min(starts)], True
    return text, False


@given(STOPS, TEXTS, st.lists(st.integers(0, 24), max_size=6))
def test_every_cut_gives_the_same(stops: list[str], text: str, cuts: list[int]) -> None:
    at = [0, *sorted(min(c, len(text)) for c in cuts), len(text)]
    parts = [text[a:b] for a, b in itertools.pairwise(at)]
    assert run(stops, parts) == run(stops, list(text)) == run(stops, [text]) == expected(stops, text)


def test_nothing_is_held_that_cannot_become_a_stop_string() -> None:
    f = StopStrings(["\n\nUser:", "</s>"])
    assert f.feed("one\n") == "one"
    assert f.feed("\nUs") == ""
    assert f.feed("ed") == "\n\nUsed"
    assert f.feed(" </s> more") == " "
    assert f.hit and f.found == "</s>" and f.feed("x") == "" and f.rest() == ""


def test_overlaps() -> None:
    assert run(["abcd", "bc"], ["abcd"]) == ("a", True)
    assert run(["abcd", "cd"], ["ab", "cd"]) == ("", True)
    assert run(["aab"], ["aaa", "ab"]) == ("aa", True)
    assert run(["", "é"], ["caf", "é!"]) == ("caf", True)


def test_many_long_stop_strings_cost_no_more_than_few() -> None:
    text = "ab" * 20_000

    def seconds(stops: list[str]) -> float:
        f, began = StopStrings(stops), time.process_time()
        for i in range(0, len(text), 4):
            f.feed(text[i : i + 4])
        return time.process_time() - began

    few = min(seconds(["ab" * 8 + "x"]) for _ in range(3))
    many = min(seconds(["ab" * n + "x" for n in range(1, 200)]) for _ in range(3))
    assert many < 5 * few + 0.05
