"""What a relay hears in an answer that passes: refusals by their first words, tool calls that are cut, answers without content."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.hearing import Hearing, declines

DECLINES = [
    "I'm sorry, but I can't help with that.",
    "I’m sorry, I cannot assist with that request.",
    "Sorry, but I can't provide that.",
    "I cannot fulfill this request, as it is harmful.",
    "I can't help you with that.",
    "As an AI language model, I cannot provide medical advice.",
    "I apologize, but I'm not able to help with this.",
    "Unfortunately, I am unable to comply with your request.",
    "I must decline.",
    "**I'm really sorry, but I won't be able to write that.**",
    "I am not comfortable discussing this.",
]
ANSWERS = [
    "I'm sorry to hear that your test fails. The reason is the path.",
    "Sorry for the confusion! Here is the fixed version:",
    "I can't reproduce it here, but the log says that the port is taken.",
    "I cannot see a defect in this function; the caller passes None.",
    "Unfortunately, the API has no such field, so you need two calls.",
    "The function cannot help with that, because it returns early.",
    "You can't assist the parser with hints.",
    "Certainly! Here is how.",
    "",
]


@pytest.mark.parametrize("text", DECLINES)
def test_what_declines(text: str) -> None:
    assert declines(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_what_does_not(text: str) -> None:
    assert not declines(text)


def tool(text: str, name: str | None = None, **more: bool) -> Chunk:
    return Chunk((Piece(Channel(0, "tool", 0), text, tool=name, call_id="1" if name else None, **more),))


@given(
    tree=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"\\{}[]é🙂', max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='ab"\\{', max_size=4), inner, max_size=3),
        max_leaves=8,
    ),
    cuts=st.lists(st.integers(0, 400), max_size=6),
    ascii_=st.booleans(),
)
def test_json_that_is_whole_is_never_called_cut_and_its_beginnings_always_are(
    tree: object, cuts: list[int], ascii_: bool
) -> None:
    text = json.dumps({"a": tree}, ensure_ascii=ascii_)
    edges = sorted({0, len(text), *(c % (len(text) + 1) for c in cuts)})
    hearing = Hearing()
    hearing.heard(tool("", "f"))
    for begin, end in itertools.pairwise(edges):
        hearing.heard(tool(text[begin:end]))
        assert hearing.cut == (end < len(text))
    for at in range(1, len(text)):
        part = Hearing()
        part.heard(tool(text[:at], "f"))
        assert part.cut


def test_a_cut_call_at_the_limit_of_tokens_is_the_clients_to_see() -> None:
    hearing = Hearing()
    hearing.heard(tool('{"a": ', "f"))
    hearing.heard(Chunk(finish={0: "length"}))
    assert not hearing.cut


def test_freeform_tools_and_empty_arguments_are_not_json() -> None:
    hearing = Hearing()
    hearing.heard(tool("*** Begin {", "apply_patch", custom=True))
    assert not hearing.cut
    hearing = Hearing()
    hearing.heard(tool("", "f"))
    assert not hearing.cut and hearing.calls


@pytest.mark.parametrize(
    ("chunk", "kind"),
    [
        (Chunk(finish={0: "stop"}), "empty"),
        (Chunk((Piece(Channel(0, "reasoning"), "hm"),), finish={0: "stop"}), "empty"),
        (Chunk(finish={0: "length"}), None),
        (Chunk(finish={0: "pause"}), None),
        (Chunk(finish={0: "refusal"}), "refusal"),
        (Chunk(finish={0: "content_filter"}), "content_filter"),
        (Chunk((Piece(Channel(0, "refusal"), "no"),), finish={0: "stop"}), "refusal"),
        (Chunk((Piece(Channel(0, "text"), "yes"),), finish={0: "stop"}), None),
        (Chunk((Piece(Channel(0, "text"), "yes"),), finish={0: "content_filter"}), "content_filter"),
        (Chunk((Piece(Channel(0, "reasoning"), "", opaque="sealed"),), finish={0: "stop"}), None),
    ],
)
def test_what_is_wrong_with_an_answer(chunk: Chunk, kind: str | None) -> None:
    hearing = Hearing()
    hearing.heard(chunk)
    assert hearing.poor(whole=False) == kind


def test_a_limit_of_tokens_matters_where_the_whole_is_needed() -> None:
    hearing = Hearing()
    hearing.heard(Chunk((Piece(Channel(0, "text"), "{"),), finish={0: "length"}))
    assert hearing.poor(whole=True) == "truncated" and hearing.poor(whole=False) is None
