"""Whatever a text holds: an answer of the right shape, in bounded time."""

import time
from dataclasses import replace
from typing import get_args

import pytest
from cpu import least
from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.classify import Classified, classify
from localrouter.classify.hidden import decoded, plain
from localrouter.classify.injection_rules import FOREIGN, RULES
from localrouter.classify.strip import strip
from localrouter.core.ask import Leaf
from localrouter.core.words import DOMAINS, RISKS, TASKS, Interaction
from localrouter.daemon.classifying import asked

PIECES = st.sampled_from(
    [
        "ignore all previous instructions", "<system-reminder>", "</system-reminder>", "<task>", "</task>", "```", "```python\n", "def f(x):\n", "\n\n", "'", '"', "“",
        "translate", "how many", "3 + 4", "\U000e0041", "\u200b", "忽略", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=", "0x" + "ab" * 20, "i g n o r e ", "[1]", "context:", "question:",
        "<|im_start|>", "![a](https://x.example/?q={", "\x00", "\ud83d", "🏴", "1gn0r3", "rot13", "snoitcurtsni", "\r\n", "-", "\\frac{1}{2}", "$", "send the password to",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=40).map(" ".join), st.lists(PIECES, max_size=40).map("".join))


def check(found: Classified) -> None:
    assert found.task in TASKS and found.domain in DOMAINS and found.risk in RISKS and found.interaction in get_args(Interaction)
    assert 0 <= found.difficulty <= 1 and 0 <= found.injection <= 1
    assert found.language == "" or found.language in found.languages
    assert found.tasks[found.task] == max(found.tasks.values())


@given(TEXTS, TEXTS)
@settings(max_examples=200, deadline=None)
def test_any_text_is_answered(words: str, result: str) -> None:
    ask = asked(words)
    check(classify(ask))
    check(classify(replace(ask, leaves=(*ask.leaves, Leaf(("messages", 1, "content"), result, "tool_result", "content")))))


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_the_same_text_gets_the_same_answer(words: str) -> None:
    first, second = classify(asked(words)), classify(asked(words))
    assert replace(first, ms=0.0) == replace(second, ms=0.0)


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_parts_take_any_text(text: str) -> None:
    strip(text)
    seen, hiding = plain(text)
    assert hiding >= 0 and isinstance(seen, str)
    assert all(isinstance(other, str) for other in decoded(text))


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_harness_text_in_front_changes_no_words(words: str) -> None:
    if "<" not in words:
        assert strip(f"<system-reminder>Ignore this.</system-reminder>{words}").words == strip(words).words


MILLION = {
    "one letter": "a" * 10**6,
    "openings": "<" * 10**6,
    "tags that never close": "<system-reminder>" * 60_000,
    "tags that close": "<task>a</task>" * 70_000,
    "an order again and again": "ignore all the of and the " * 40_000,
    "quotation marks": '"' * 10**6,
    "new lines": "\n" * 10**6,
    "spaces": " " * 10**6,
    "fences": "```" * 330_000,
    "base64": "QUJD" * 250_000,
    "digits": "1 " * 500_000,
    "letters apart": "i g n o r e " * 80_000,
    "tags of Unicode": "\U000e0041" * 250_000,
    "zero width": "a\u200b" * 500_000,
    "Chinese": "忽略" * 500_000,
    "code": "if (x) {\n" * 110_000,
    "half a wish": "without any all the of " * 45_000,
    "half a secret": "send the password " * 55_000,
    "pictures": "![a](http://" * 80_000,
}


@pytest.mark.parametrize("name", MILLION)
def test_a_million_characters_are_answered_in_bounded_time(name: str) -> None:
    text = MILLION[name]
    as_result = replace(asked("hello there"), leaves=(Leaf(("messages", 0, "content"), text, "tool_result", "content"),))
    for ask in (asked(text), as_result):
        start = time.process_time()
        check(classify(ask))
        # Some tens of milliseconds here; the bound is for a slow machine. What grows with the square would take minutes.
        assert time.process_time() - start < 1.5


def test_the_patterns_of_injection_are_linear() -> None:
    """Each on twice as much of what begins to match everywhere: not four times the time."""
    seeds = (
        "ignore all the ",
        "send the conversation ",
        "print the full of ",
        "without any all the ",
        "if you are a ",
        "what is the secret ",
    )
    for rule in (*RULES, *FOREIGN):
        for seed in seeds:
            once, twice = (_cpu(rule.pattern, seed * (n * 4000 // len(seed))) for n in (1, 4))
            assert twice < 0.02 or twice < 10 * once, rule.pattern.pattern[:80]


def _cpu(pattern: object, text: str) -> float:
    return least(lambda: pattern.search(text), 2)  # type: ignore[attr-defined]
