"""Text as the encoder reads it: offsets that lead back to the text, and the marks of case and line ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import VOCABULARY

from localrouter.engine.pieces import CAPITAL, CAPITALS, LINE, MIXED, UNK, WORD_MAX, Reader, case

READER = Reader(VOCABULARY)


def read(text: str) -> list[tuple[str, list[str]]]:
    """(word of the text, its ids as words, the marks before it among them)."""
    pieces = READER.read(text)
    ends = [*pieces.at[1:], len(pieces.ids)]
    return [
        (text[a:b], [VOCABULARY[i] for i in pieces.ids[low:high]])
        for (a, b), low, high in zip(pieces.words, pieces.at, ends, strict=True)
    ]


@pytest.mark.parametrize(
    ("word", "mark"),
    [("jane", 0), ("Jane", CAPITAL), ("J", CAPITAL), ("JANE", CAPITALS), ("JaneDoe", MIXED), ("iPhone", MIXED), ("42", 0), ("4U", MIXED), ("Émile", CAPITAL), ("王", 0), ("İ", CAPITAL)],
)  # fmt: skip
def test_case(word: str, mark: int) -> None:
    assert case(word) == mark


def test_marks_and_pieces() -> None:
    assert read("Jane met\n\nDOEson.") == [
        ("Jane", ["[unused0]", "jane"]),
        ("met", ["met"]),
        ("DOEson", ["[unused3]", "[unused2]", "doe", "##son"]),
        (".", ["."]),
    ]
    assert {CAPITAL, CAPITALS, MIXED, LINE} == {1, 2, 3, 4}
    pieces = READER.read("Jane\nDOEson")
    assert [VOCABULARY[pieces.ids[i]] for i in pieces.first] == ["jane", "doe"]


def test_accents_fold_and_offsets_stay() -> None:
    assert [word for word, _ in read("Jané  mét ｊane")] == ["Jané", "mét", "ｊane"]
    assert read("Jané")[0][1] == ["[unused0]", "jane"]


def test_a_word_beyond_the_limit_is_one_unknown_token() -> None:
    pieces = READER.read("a" * (WORD_MAX + 1) + " met")
    assert pieces.ids == [UNK, VOCABULARY.index("met")]
    assert UNK not in READER.read("a" * WORD_MAX).ids


@given(st.text(max_size=200))
def test_any_text_gives_words_inside_it(text: str) -> None:
    pieces = READER.read(text)
    assert len(pieces.words) == len(pieces.first) == len(pieces.at)
    last = 0
    for (start, end), first, at in zip(pieces.words, pieces.first, pieces.at, strict=True):
        assert last <= start < end <= len(text) and at <= first < len(pieces.ids)
        last = end
    assert pieces.at == sorted(set(pieces.at))
