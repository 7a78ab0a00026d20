"""The prior of difficulty orders what it should order, and how long somebody waits."""

from dataclasses import replace

import pytest

from localrouter.classify import classify
from localrouter.core.ask import Hints, Needs
from localrouter.daemon.classifying import asked

PAIRS = [
    ("What is the capital of France?", "Design a distributed rate limiter and prove that it is fair."),
    ("What is 3 + 4?", "Prove that every finite group of prime order is cyclic."),
    ("Write a function that adds two numbers.", "Refactor this module to use async I/O, keep it backwards compatible, handle retries and add tests.\n```python\n" + "x = 1\n" * 80 + "```"),
    ("Translate 'hello' to French.", "Compare three architectures for a multi-region database: first latency, then consistency, then cost. Justify each trade-off in detail."),
    ("Is this review positive? 'Nice.'", "Find the root cause of this race condition and explain step by step how to fix it in production."),
]  # fmt: skip


@pytest.mark.parametrize(("easy", "hard"), PAIRS)
def test_order(easy: str, hard: str) -> None:
    low, high = classify(asked(easy)).difficulty, classify(asked(hard)).difficulty
    assert low < 0.35 < high


@pytest.mark.parametrize("text", ["hi", "hi, step by step, pros and cons", "thanks!", "Good morning", "What does SQL stand for?"])
def test_key_words_alone_make_nothing_hard(text: str) -> None:
    assert classify(asked(text)).difficulty < 0.3


def test_longer_is_harder() -> None:
    short, long = (classify(asked("Describe the town. " + "It has a church and a market. " * n)).difficulty for n in (1, 120))
    assert short < long


def test_what_the_request_asks_of_a_model_counts() -> None:
    ask = asked("List three rivers.")
    plain = classify(ask).difficulty
    assert classify(replace(ask, needs=Needs(json_schema=True))).difficulty > plain
    assert classify(replace(ask, needs=Needs(reasoning=True))).difficulty > plain
    assert classify(replace(ask, hints=Hints(cheap=True))).difficulty < plain


def test_harness_text_is_not_hard() -> None:
    wrapped = "<system-reminder>" + "Prove the theorem. Design a distributed system. " * 200 + "</system-reminder>hi"
    assert classify(asked(wrapped)).difficulty == classify(asked("hi")).difficulty


@pytest.mark.parametrize(
    ("hints", "needs", "output", "interaction"),
    [
        (Hints(), Needs(), None, "interactive"),
        (Hints(cheap=True), Needs(), None, "background"),
        (Hints(cheap=True), Needs(), 1, "interactive"),
        (Hints(interaction="batch"), Needs(), None, "batch"),
        (Hints(interaction="interactive", cheap=True), Needs(), None, "interactive"),
        (Hints(agent="a"), Needs(), None, "interactive"),
        (Hints(), Needs(fim=True), None, "autocomplete"),
    ],
)
def test_interaction(hints: Hints, needs: Needs, output: int | None, interaction: str) -> None:
    ask = replace(asked("List three rivers."), hints=hints, needs=needs, max_output=output)
    assert classify(ask).interaction == interaction


def test_an_editor_that_completes_waits_for_a_keystroke() -> None:
    ask = asked("def add(a, b):\n    return ")
    assert classify(replace(ask, max_output=64)).interaction == "autocomplete"
    assert classify(ask).interaction == "interactive"
    assert classify(replace(asked("x"), endpoint="/v1/infill")).interaction == "autocomplete"
