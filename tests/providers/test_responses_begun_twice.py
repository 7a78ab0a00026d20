"""A Responses host that begins twice, as one behind a balancer does that was asked a second time: one answer is read, or an error."""

from __future__ import annotations

from typing import Any

import pytest
from responses_events import frame

from localrouter.core.chat import Chunk
from localrouter.core.errors import HostBroken
from localrouter.providers.openai_responses import Reader


def announced(name: str, item: str, first: int = 0) -> list[dict[str, Any]]:
    """What stands in front of the first word."""
    response = {"id": name, "object": "response", "status": "in_progress", "output": []}
    message = {"type": "message", "id": item, "status": "in_progress", "role": "assistant", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    at = {"item_id": item, "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.in_progress", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": message},
        {"type": "response.content_part.added", **at, "part": part},
    ]
    return [{**event, "sequence_number": first + n} for n, event in enumerate(events)]


def said(item: str, text: str, number: int) -> dict[str, Any]:
    at = {"item_id": item, "output_index": 0, "content_index": 0}
    return {"type": "response.output_text.delta", **at, "delta": text, "logprobs": [], "sequence_number": number}


def read(data: bytes, step: int) -> list[Chunk]:
    reader = Reader(True)
    out = [chunk for at in range(0, len(data), step) for chunk in reader.feed(data[at : at + step])]
    return out + reader.end()


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize("lost", [1, 2, 3, 4])
def test_the_second_beginning_takes_the_place_of_the_first(step: int, lost: int) -> None:
    """Whatever of the first was announced: the client's SDK sees one answer, byte for byte the second."""
    second = [*announced("resp_2", "msg_2"), said("msg_2", "hello", 4)]
    data = b"".join(map(frame, [*announced("resp_1", "msg_1")[:lost], *second]))
    chunks = read(data, step)
    assert b"".join(c.raw for c in chunks) == b"".join(map(frame, second))
    assert not any(c.error for c in chunks) and [p.text for c in chunks for p in c.pieces if p.text] == ["hello"]


@pytest.mark.parametrize("step", [1, 1 << 20])
def test_behind_words_a_second_answer_is_a_fault(step: int) -> None:
    events = [*announced("resp_1", "msg_1"), said("msg_1", "hel", 4), *announced("resp_2", "msg_2"), said("msg_2", "hello", 4)]
    chunks = read(b"".join(map(frame, events)), step)
    at = next(n for n, c in enumerate(chunks) if c.error is not None)
    assert isinstance(chunks[at].error, HostBroken)
    assert [p.text for c in chunks[:at] for p in c.pieces if p.text] == ["hel"], "and nothing of the second before it"


def test_the_same_answer_announced_again_behind_words_is_a_sign_of_life() -> None:
    events = [*announced("resp_1", "msg_1"), said("msg_1", "hel", 4), announced("resp_1", "msg_1", 5)[0], said("msg_1", "lo", 6)]
    chunks = read(b"".join(map(frame, events)), 1 << 20)
    assert not any(c.error for c in chunks) and sum(b"response.created" in c.raw for c in chunks) == 1
    assert [p.text for c in chunks for p in c.pieces if p.text] == ["hel", "lo"]


def test_announcements_do_not_wait_for_ever() -> None:
    """Signs of life without end, and a stream that ends: what waited is passed on, in order."""
    events = [*announced("resp_1", "msg_1"), *({"type": "keepalive", "sequence_number": 4 + n} for n in range(200))]
    data = b"".join(map(frame, events))
    reader = Reader(True)
    assert len(reader.feed(data)) > 100
    assert b"".join(c.raw for c in read(data, 1 << 20)) == data
    short = b"".join(map(frame, announced("resp_1", "msg_1")))
    assert b"".join(c.raw for c in read(short, 1 << 20)) == short
