"""The decoder gives the same events for every cut, and keeps the raw bytes."""

from __future__ import annotations

import pytest

from localrouter.core.sse import Decoder

STREAMS = [
    b'data: {"a": 1}\n\n: comment\n\ndata: [DONE]\n\n',
    b"event: ping\r\ndata: x\r\ndata: y\r\n\r\ndata: \xc3\xa9\xf0\x9f\x98\x80\r\n\r\n",
    b"data:no space\n\ndata: last\n\n",
]


@pytest.mark.parametrize("stream", STREAMS)
def test_every_cut_gives_the_same_events(stream: bytes) -> None:
    whole = Decoder().feed(stream)
    assert whole
    for cut in range(len(stream)):
        decoder = Decoder()
        assert decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) == whole
    bytewise = Decoder()
    assert [e for i in range(len(stream)) for e in bytewise.feed(stream[i : i + 1])] == whole


def test_raw_bytes_are_kept() -> None:
    events = Decoder().feed(b"data: a\n\ndata: b\n\n")
    assert [e.raw for e in events] == [b"data: a\n\n", b"data: b\n\n"]


def test_lines_are_joined_and_named() -> None:
    (event,) = Decoder().feed(b"event: e\ndata: 1\ndata: 2\n\n")
    assert (event.event, event.data) == (b"e", b"1\n2")
