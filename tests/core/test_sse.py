"""The decoder gives the same events for every cut, keeps the raw bytes, and takes time in proportion to the stream."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localrouter.core.sse import MAX_EVENT, Decoder, EventTooLarge, ServerEvent

STREAMS = [
    b'data: {"a": 1}\n\n: comment\n\ndata: [DONE]\n\n',
    b"event: ping\r\ndata: x\r\ndata: y\r\n\r\ndata: \xc3\xa9\xf0\x9f\x98\x80\r\n\r\n",
    b"data:no space\n\ndata: last\n\n",
    b"event: a\rdata: x\rdata: y\r\rdata: last\r\r",
    b": only a comment\n\ndata: a\r\n\r\ndata: b\n\ndata: c\r\n\r\n",
]


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    """The stream in pieces of these sizes, taken in turn; the rest is the last one."""
    out: list[bytes] = []
    at = 0
    for size in sizes:
        out.append(stream[at : at + size])
        at += size
    return [*out, stream[at:]]


def fed(pieces: list[bytes], *, comments: bool = False) -> list[ServerEvent]:
    decoder = Decoder(comments=comments)
    return [event for piece in pieces for event in decoder.feed(piece)]


def by_the_standard(stream: bytes) -> list[tuple[bytes, bytes]]:
    """(name, data) of the events, by the text of the standard on a whole stream; a lone CR at its very end may still become CRLF."""
    out: list[tuple[bytes, bytes]] = []
    name, data = b"", list[bytes]()
    *lines, _unfinished = re.split(rb"\r\n|\r|\n", stream)
    for line in lines:
        if not line:
            if data or name:
                out.append((name, b"\n".join(data)))
            name, data = b"", []
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return out


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("comments", [False, True])
def test_every_cut_gives_the_same_events(stream: bytes, comments: bool) -> None:
    whole = fed([stream], comments=comments)
    assert [(e.event, e.data) for e in whole if e.data or e.event] == by_the_standard(stream)
    for at in range(len(stream)):
        assert fed([stream[:at], stream[at:]], comments=comments) == whole
        for later in range(at, len(stream)):
            assert fed([stream[:at], stream[at:later], stream[later:]], comments=comments) == whole
    assert fed([stream[i : i + 1] for i in range(len(stream))], comments=comments) == whole
    if comments:
        assert b"".join(e.raw for e in whole) == stream


# Bytes that mean something, in any order: every mixture of line ends, empty lines, fields and cuts.
_ANY = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"data: x", b"data:", b"event: n", b": c", b"data: \xc3", b" "]), max_size=24
)


@given(words=_ANY, sizes=st.lists(st.integers(0, 9), max_size=30))
@example(words=[b"data: x", b"\r", b"\r", b"data: x", b"\r", b"\n", b"\r", b"\n"], sizes=[1] * 26)
def test_any_mixture_is_read_as_the_standard_says(words: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(words) + b"\n\n"
    assert [(e.event, e.data) for e in fed(cut(stream, sizes))] == by_the_standard(stream)


def test_raw_bytes_are_kept() -> None:
    assert [e.raw for e in fed([b"data: a\n\ndata: b\n\n"])] == [b"data: a\n\n", b"data: b\n\n"]


def test_lines_are_joined_and_named() -> None:
    (event,) = fed([b"event: e\ndata: 1\ndata: 2\n\n"])
    assert (event.event, event.data) == (b"e", b"1\n2")


def test_the_last_event_needs_nothing_after_it() -> None:
    for end in (b"\n", b"\r\n", b"\r"):
        stream = b"data: a" + end * 2 + b"data: [DONE]" + end * 2
        for at in range(len(stream)):
            assert [e.data for e in fed([stream[:at], stream[at:]])] == [b"a", b"[DONE]"]


def test_what_no_empty_line_has_ended_is_no_event() -> None:
    assert fed([b"data: a\n", b"data: b"]) == [] == fed([b"data: a\r\n\r"])


@pytest.mark.parametrize("size", [MAX_EVENT + 1, 64_000])
def test_an_event_is_bounded_however_it_is_cut(size: int) -> None:
    line = b"data: " + b"x" * 1000 + b"\n"
    stream = line * (MAX_EVENT // len(line) + 1) + b"\n"
    pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
    with pytest.raises(EventTooLarge):
        fed(pieces)
    endless = [b"data: "] + [b"x" * 1000] * (MAX_EVENT // 1000 + 1)
    with pytest.raises(EventTooLarge):
        fed(endless)


def seconds(pieces: list[bytes]) -> float:
    """Processor time, the least of three: what disturbs only adds."""
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        assert fed(pieces)
        best = min(best, time.process_time() - start)
    return best


def many_events(size: int) -> list[bytes]:
    """One chunk of many small events, with no CR anywhere."""
    return [b'data: {"choices":[{"delta":{"content":"tok"}}]}\n\n' * (size // 50)]


def one_line_in_crumbs(size: int) -> list[bytes]:
    return [b"data: ", *[b"x" * 16] * (size // 16), b"\n\n"]


def one_event_of_many_lines(size: int) -> list[bytes]:
    return [b"data: x\r\n" * (size // 9) + b"\r\n"]


def empty_lines(size: int) -> list[bytes]:
    return [b"\r\n" * (size // 2), b"data: x\n\n"]


@pytest.mark.parametrize("shape", [many_events, one_line_in_crumbs, one_event_of_many_lines, empty_lines])
def test_time_is_in_proportion_to_the_stream(shape: object) -> None:
    assert callable(shape)
    small, large = seconds(shape(1_500_000)), seconds(shape(3_000_000))
    assert large <= 3 * small, (small, large)
