"""`untrusted`: no markup, nothing invisible, nothing that a terminal obeys; tokens in the colours of their class."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localrouter_tui.kinds import CLASSES, class_of, class_of_type, style_of
from localrouter_tui.text import duration, untrusted, usd, with_tokens
from tui_nasty import NASTY

from localrouter.core.kinds import KINDS

INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def test_every_invisible_character_is_shown_as_a_symbol() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in INVISIBLE:
            shown = untrusted(chr(code)).plain
            assert shown and all(unicodedata.category(c) not in INVISIBLE for c in shown), hex(code)


@given(st.text(st.characters(exclude_categories=())))
def test_of_any_text(text: str) -> None:
    for lines in (False, True):
        shown = untrusted(text, lines=lines)
        allowed = "\n" if lines else ""
        assert not [c for c in shown.plain if unicodedata.category(c) in INVISIBLE and c not in allowed]


@pytest.mark.parametrize(
    "text", ["plain [bold]words[/bold]", "naïve ΩЖ 家 שלום", "a\\[b", "$primary {x} :smile:", "\u00a0\u202f\ufffd"]
)
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    shown = untrusted(text)
    assert shown.plain == text and not shown.spans


def test_symbols() -> None:
    assert untrusted("a\x1b[2Jb\x00\x7f").plain == "a␛[2Jb␀␡"
    assert untrusted("x\u202ey\x9b").plain == "x<U+202E>y<U+009B>"
    assert untrusted("a\nb\tc").plain == "a␊b␉c"
    assert untrusted("a\r\nb\rc\td", lines=True).plain == "a\nb␍c    d"
    assert untrusted("⚠\ufe0f x\ufe0f").plain == "⚠ x<U+FE0F>"
    assert untrusted("e" + "\u0301" * 9).plain == "e" + "\u0301" * 4 + "\ufffd"
    marked = untrusted("a\x1bb")
    assert [(s.start, s.end) for s in marked.spans] == [(1, 2)], "so that <U+202E> as text can be told from the character"


@pytest.mark.parametrize("text", NASTY)
def test_nasty_tokens_do_no_harm(text: str) -> None:
    with_tokens(f"x {text} y", [text, "x"])


def test_tokens_in_the_colour_of_their_class() -> None:
    tokens = [
        "API_KEY_4JRXVB",
        "IBAN_8ZK3QW",
        "PERSON_5RSRFY",
        "u5hz5m2",
        "uab12cd@pii.invalid",
        "hab12cd.invalid",
        "198.18.28.190",
    ]
    shown = with_tokens(" ".join(tokens) + " PERSON_AAAAA1 [b]", tokens)
    assert [shown.plain[s.start : s.end] for s in shown.spans] == tokens
    kinds = ["secret", "regulated", "personal", "own", "personal", "host", "host"]
    assert [str(s.style) for s in shown.spans] == [style_of(k) for k in kinds]  # type: ignore[arg-type]
    assert with_tokens("IP_1 IP_12", ["IP_1", "IP_12"]).spans[-1].end == 10, "the longer name wins"


@pytest.mark.parametrize("name", KINDS)
def test_the_classes_are_those_of_the_daemon(name: str) -> None:
    kind = KINDS[name]
    named = {"secret": "secret", "regulated": "regulated", "personal": "personal", "internal": "host", "public": "public"}
    expected = named[kind.data_class]
    if kind.tier == "own":
        expected = "own"
    if name == "IP":
        expected = "host"
    assert class_of_type(name) == expected
    assert class_of(f"{name}_4JRXVB") == expected and expected in CLASSES


def test_numbers_for_people() -> None:
    assert [usd(m) for m in (0, 79, 12_345, 5_000_000, 1_234_567_890)] == [
        "$0.00",
        "$0.000079",
        "$0.0123",
        "$5.00",
        "$1,234.5679",
    ]
    assert [duration(m) for m in (0.02, 9.96, 61, 9_999.4, 12_345, 3_599_999)] == [
        "0.0 ms",
        "10.0 ms",
        "61 ms",
        "9999 ms",
        "12.3 s",
        "3600 s",
    ]
    assert max(len(duration(m)) for m in (9.99, 9_999.4, 99_949, 3_599_999)) <= 7
