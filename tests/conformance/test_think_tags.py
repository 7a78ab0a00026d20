"""Thoughts that a chat-completions host says in its text, as a client of another API reads them; the raw plane keeps the host's text.

Source: LiteLLM think_tag_parser, Claude Code Router #1378: tags that are cut anywhere, and tags that are no thought.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from crossing import answer, got

from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.providers._think_tags import ThinkTags


def stream(*deltas: dict[str, Any]) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    trees = [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
    trees.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return b"".join(b"data: " + json.dumps(t).encode() + b"\n\n" for t in trees) + b"data: [DONE]\n\n"


def whole(content: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}).encode()


CASES = [
    ("<think>hm, so</think>Hello", "hm, so", "Hello"),
    ("\n<think>\nhm\n</think>\n\nHello <b>", "hm\n", "Hello <b>"),
    ("<think></think>Hello", "", "Hello"),
    ("<think>a < b </thin king></think>Hello", "a < b </thin king>", "Hello"),
    ("Write <think>x</think> in it", "", "Write <think>x</think> in it"),
    ("<thinker>x", "", "<thinker>x"),
    ("<thi", "", "<thi"),
    ("<think>cut off </th", "cut off </th", ""),
    ("  Hello", "", "  Hello"),
]


@pytest.mark.parametrize("name", ["messages", "responses"])
@pytest.mark.parametrize(("content", "thought", "text"), CASES)
@pytest.mark.parametrize("step", [1, 3, 100])
def test_at_any_cut(name: str, content: str, thought: str, text: str, step: int) -> None:
    deltas = [{"content": content[i : i + step]} for i in range(0, len(content), step)]
    have = got(name, answer(name, "chat", stream({"role": "assistant", "content": ""}, *deltas)))
    assert (have.thought.strip("\n"), have.text) == (thought.strip("\n"), text) and have.finish == "stop"


@pytest.mark.parametrize("name", ["messages", "responses"])
@pytest.mark.parametrize(("content", "thought", "text"), CASES)
def test_not_streamed(name: str, content: str, thought: str, text: str) -> None:
    have = got(name, answer(name, "chat", whole(content), stream=False), stream=False)
    assert (have.thought.strip("\n"), have.text) == (thought.strip("\n"), text)


@pytest.mark.parametrize("name", ["messages", "responses"])
def test_a_host_with_a_field_for_thoughts_means_its_tags(name: str) -> None:
    have = got(name, answer(name, "chat", stream({"reasoning_content": "hm"}, {"content": "<think>x</think>"})))
    assert (have.thought, have.text) == ("hm", "<think>x</think>")


def test_the_raw_plane_keeps_the_hosts_text() -> None:
    data = stream({"role": "assistant", "content": "<think>hm"}, {"content": "</think>Hello"})
    assert answer("chat", "chat", data) == data


def test_choices_are_apart_and_a_call_ends_what_is_held() -> None:
    tags = ThinkTags()
    one, two, call = Channel(0, "text"), Channel(1, "text"), Channel(0, "tool")
    first = tags.split(Chunk((Piece(one, "<th"), Piece(two, "<think>a</think>b"))))
    assert [(p.channel, p.text) for p in first.pieces] == [(Channel(1, "reasoning"), "a"), (two, "b")]
    second = tags.split(Chunk((Piece(call, "{}", tool="f"),)))
    assert [(p.channel, p.text) for p in second.pieces] == [(one, "<th"), (call, "{}")]
    plain = Chunk((Piece(one, "<think>"), Piece(two, "c")))
    assert tags.split(plain) is plain, "once it is over, nothing is looked at"
