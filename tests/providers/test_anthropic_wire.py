"""The Messages wire: the answer's bytes to chunks, however they are cut; headers, errors, usage."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from localrouter.core.chat import Channel, Chunk
from localrouter.core.errors import HostBroken, HostRateLimited, HostRejected, HostTruncated
from localrouter.core.money import Usage
from localrouter.core.secret import Secret
from localrouter.providers import anthropic_messages as wire
from localrouter.providers._anthropic_body import ANSWER


def frame(event: dict[str, Any], end: bytes = b"\n") -> bytes:
    return b"event: " + event["type"].encode() + end + b"data: " + orjson.dumps(event) + end + end


def start(**usage: Any) -> dict[str, Any]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": usage,
    }
    return {"type": "message_start", "message": message}


def block(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, kind: str, **rest: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **rest}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ends(reason: str = "end_turn", sequence: str | None = None, **usage: Any) -> list[dict[str, Any]]:
    event = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": sequence}, "usage": usage}
    return [event, {"type": "message_stop"}]


STREAM = [
    start(input_tokens=10, cache_creation_input_tokens=5, cache_read_input_tokens=3, output_tokens=1,
          cache_creation={"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}),
    {"type": "ping"},
    block(0, type="thinking", thinking="", signature=""),
    delta(0, "thinking_delta", thinking="hm é"),
    delta(0, "signature_delta", signature="U0lH"),
    stop(0),
    block(1, type="redacted_thinking", data="UkVE"),
    stop(1),
    block(2, type="text", text=""),
    delta(2, "text_delta", text="Hello 😀"),
    stop(2),
    block(3, type="tool_use", id="toolu_1", name="Write", input={}),
    delta(3, "input_json_delta", partial_json='{"a": "\\ud83d'),
    delta(3, "input_json_delta", partial_json='\\ude00"}'),
    stop(3),
    block(4, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
    delta(4, "input_json_delta", partial_json='{"query":"x"}'),
    stop(4),
    {"type": "event_of_tomorrow", "anything": [1]},
    *ends("tool_use", output_tokens=42, output_tokens_details={"thinking_tokens": 7}),
]  # fmt: skip


def read(data: bytes, *, stream: bool = True, cuts: tuple[int, ...] = ()) -> list[Chunk]:
    reader = wire.Reader(stream)
    out: list[Chunk] = []
    at = 0
    for cut in (*cuts, len(data)):
        out += reader.feed(data[at:cut])
        at = cut
    return [*out, *reader.end()]


def events(*parts: dict[str, Any]) -> list[Chunk]:
    return read(b"".join(map(frame, parts)))


def texts(chunks: list[Chunk]) -> dict[Channel, str]:
    out: dict[Channel, str] = {}
    for chunk in chunks:
        for piece in chunk.pieces:
            out[piece.channel] = out.get(piece.channel, "") + piece.text
    return out


def last(chunks: list[Chunk]) -> Usage:
    return [c.usage for c in chunks if c.usage is not None][-1]


# --- streams -------------------------------------------------------------------------------------


def test_a_stream() -> None:
    chunks = events(*STREAM)
    assert texts(chunks) == {
        Channel(0, "reasoning", 0): "hm é",
        Channel(0, "reasoning", 1): "",
        Channel(0, "text", 2): "Hello 😀",
        Channel(0, "tool", 3): '{"a": "\\ud83d\\ude00"}',
    }
    assert [c.terminal for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert [ch for c in chunks for ch in c.ends] == [
        Channel(0, "reasoning", 0),
        Channel(0, "reasoning", 1),
        Channel(0, "text", 2),
        Channel(0, "tool", 3),
    ]
    assert [(p.opaque, p.channel.index) for c in chunks for p in c.pieces if p.opaque] == [
        ("U0lH", 0),
        ("redacted_thinking:UkVE", 1),
    ]
    assert all(p.untouched for c in chunks for p in c.pieces if p.channel.kind == "reasoning" and not p.opaque)
    assert [(p.tool, p.call_id) for c in chunks for p in c.pieces if p.tool] == [("Write", "toolu_1")]
    assert [c.finish for c in chunks if c.finish] == [{0: "tool_calls"}] and sum(c.pings for c in chunks) == 1
    assert last(chunks) == Usage(10, 42, 3, 2, 3, 7)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_every_cut_of_a_stream_gives_the_same(end: bytes) -> None:
    data = b": hello" + end + end + b"".join(frame(event, end) for event in STREAM)
    whole = read(data)
    assert b"".join(c.raw for c in whole) == data, "every byte is in some chunk's raw form"
    for cut in range(1, len(data)):
        assert read(data, cuts=(cut,)) == whole, cut
    assert read(data, cuts=tuple(range(1, len(data)))) == whole


def test_a_stream_without_its_end_has_no_terminal_chunk() -> None:
    data = b"".join(map(frame, STREAM))
    for cut in range(0, len(data) - 2, 7):
        assert not any(c.terminal for c in read(data[:cut]))


def test_what_a_cut_stream_cost_flatters_nobody() -> None:
    chunks = events(*STREAM[:11])
    usage = last(chunks)
    assert usage.input == 10 and usage.cache_write_1h == 3 and usage.output >= len("hm éHello 😀")
    assert last(events(*STREAM)).output == 42, "the host's own count wins"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"), ("max_tokens", "length"), ("model_context_window_exceeded", "length"), ("stop_sequence", "stop_sequence"),
        ("tool_use", "tool_calls"), ("pause_turn", "pause"), ("refusal", "refusal"), ("word_of_tomorrow", "stop"),
    ],
)  # fmt: skip
def test_why_it_ended(reason: str, finish: str) -> None:
    chunks = events(start(input_tokens=1), *ends(reason, "END" if reason == "stop_sequence" else None))
    assert chunks[1].finish == {0: finish} and chunks[1].stop == ("END" if reason == "stop_sequence" else "")


def test_usage_of_the_delta_wins_where_it_says_something() -> None:
    first = start(input_tokens=10, cache_read_input_tokens=3, cache_creation_input_tokens=0, output_tokens=1)
    assert last(events(first, *ends(output_tokens=5))) == Usage(10, 5, 3)
    assert last(events(first, *ends(output_tokens=5, input_tokens=12, cache_read_input_tokens=None))) == Usage(12, 5, 3)
    assert last(events(start(), *ends(output_tokens=5, input_tokens=4))) == Usage(4, 5)


def test_passes_are_billed_and_never_twice() -> None:
    passes = [
        {
            "type": "compaction",
            "input_tokens": 100,
            "output_tokens": 20,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        },
        {
            "type": "message",
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        },
    ]
    first = start(input_tokens=10, output_tokens=1)
    assert last(events(first, *ends(output_tokens=5, input_tokens=10, iterations=passes))) == Usage(110, 25)
    assert last(events(first, *ends(output_tokens=5, input_tokens=10, iterations=passes[1:]))) == Usage(10, 5)


def test_state_does_not_leak_from_one_answer_to_the_next() -> None:
    events(*STREAM)
    assert last(events(start(input_tokens=1), *ends(output_tokens=2))) == Usage(1, 2)


def test_arguments_that_come_with_the_start_of_their_block() -> None:
    whole = {"a": [1, "x"]}
    chunks = events(start(), block(0, type="tool_use", id="t", name="Write", input=whole), stop(0), *ends("tool_use"))
    [piece] = [p for c in chunks for p in c.pieces]
    assert piece.tree and orjson.loads(piece.text) == whole and piece.path == ("content_block", "input")
    again = events(start(), block(0, type="tool_use", id="t", name="Write", input=whole), delta(0, "input_json_delta", partial_json='{"a"'),
                   delta(0, "input_json_delta", partial_json=":1}"), stop(0), *ends("tool_use"))  # fmt: skip
    pieces = [p for c in again for p in c.pieces]
    assert [p.mirror for p in pieces] == [False, True, True] and pieces[1].channel != pieces[0].channel
    assert again[4].ends == (pieces[0].channel, pieces[1].channel)


def test_quotes_of_the_request_are_texts_of_their_own() -> None:
    citation = {"type": "char_location", "cited_text": "quoted", "document_title": "T", "document_index": 0}
    chunks = events(start(), block(0, type="text", text=""), delta(0, "citations_delta", citation=citation), stop(0), *ends())
    pieces = chunks[2].pieces
    assert [(p.text, p.path, p.whole, p.mirror) for p in pieces] == [
        ("quoted", ("delta", "citation", "cited_text"), True, True), ("T", ("delta", "citation", "document_title"), True, True),
    ]  # fmt: skip
    assert len({p.channel for p in pieces}) == 2


def test_an_answer_by_our_own_tool_is_a_text() -> None:
    chunks = events(
        start(),
        block(0, type="tool_use", id="t", name=ANSWER, input={}),
        delta(0, "input_json_delta", partial_json='{"a":1}'),
        stop(0),
        *ends("tool_use"),
    )
    assert texts(chunks) == {Channel(0, "text", 0): '{"a":1}'} and chunks[4].finish == {0: "stop"}


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, HostRateLimited, "overloaded"),
        ({"type": "rate_limit_error", "message": "Slow."}, HostRateLimited, "rate_limit_exceeded"),
        ({"type": "api_error", "message": "Oops"}, HostBroken, "host_broken"),
        (
            {"type": "invalid_request_error", "message": "prompt is too long: 215000 tokens > 200000 maximum"},
            HostRejected,
            "context_length_exceeded",
        ),
        ("oops", HostBroken, "host_broken"),
    ],
)
def test_an_error_inside_a_stream(error: Any, kind: type, code: str) -> None:
    chunk = events(start(input_tokens=1), block(0, type="text", text="a"), {"type": "error", "error": error})[-1]
    assert isinstance(chunk.error, kind) and chunk.error.code == code


@pytest.mark.parametrize("data", [b"event: x\ndata: {\n\n", b"data: []\n\n", b"data: " + b"x" * (5 << 20)])
def test_what_is_no_stream_of_this_wire(data: bytes) -> None:
    assert isinstance(read(data)[-1].error, HostBroken)


@pytest.mark.parametrize("event", [{"type": "content_block_delta"}, {"type": "content_block_start", "index": "x"}, {"type": "message_delta", "usage": 7},
                                   {"type": "message_start", "message": []}, {"type": "content_block_stop"}, {"type": 7}, {}])  # fmt: skip
def test_an_event_without_its_fields_travels_as_it_is(event: dict[str, Any]) -> None:
    raw = b"data: " + orjson.dumps(event) + b"\n\n"
    [chunk] = read(raw)
    assert chunk.raw == raw and chunk.error is None and not chunk.pieces


# --- whole bodies --------------------------------------------------------------------------------

BODY = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use", "stop_sequence": None,
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "U0lH"},
        {"type": "text", "text": "Hello", "citations": [{"type": "char_location", "cited_text": "quoted"}]},
        {"type": "tool_use", "id": "t", "name": "Write", "input": {"a": [1]}},
        {"type": "tool_use", "id": "u", "name": "Now", "input": {}},
    ],
    "usage": {"input_tokens": 5, "output_tokens": 6, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 2},
}  # fmt: skip


def test_a_body() -> None:
    raw = orjson.dumps(BODY)
    for cut in range(len(raw)):
        [chunk] = read(raw, stream=False, cuts=(cut,))
    assert chunk.terminal and chunk.raw == raw and chunk.finish == {0: "tool_calls"} and chunk.usage == Usage(5, 6, 2, 4)
    assert [(p.path, p.text, p.tree, p.tool) for p in chunk.pieces if not p.opaque] == [
        (("content", 0, "thinking"), "hm", False, None),
        (("content", 1, "text"), "Hello", False, None),
        (("content", 1, "citations", 0, "cited_text"), "quoted", False, None),
        (("content", 2, "input"), '{"a":[1]}', True, "Write"),
        (("content", 3, "input"), "{}", True, "Now"),
    ]


def test_bodies_that_are_no_message() -> None:
    assert isinstance(read(orjson.dumps(BODY)[:-3], stream=False)[0].error, HostTruncated)
    assert isinstance(read(b"[]", stream=False)[0].error, HostBroken)
    error = read(b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', stream=False)[0].error
    assert isinstance(error, HostRateLimited)


# --- requests and errors -------------------------------------------------------------------------


def test_headers() -> None:
    sent = wire.prepare({"a": 1}, True, {})
    assert sent.path == "/messages" and sent.body == b'{"a":1}' and sent.headers["anthropic-version"] == "2023-06-01"
    assert sent.headers["accept"] == "text/event-stream" and "anthropic-beta" not in sent.headers
    flags = "claude-code-20250219, oauth-2025-04-20,context-1m-2025-08-07,context-1m-2025-08-07,sk whatever,x\r\ny"
    sent = wire.prepare({}, False, {"anthropic-version": "2026-10-21", "anthropic-beta": flags})
    assert (
        sent.headers["anthropic-version"] == "2026-10-21"
        and sent.headers["anthropic-beta"] == "claude-code-20250219,context-1m-2025-08-07"
    )
    assert wire.prepare({}, False, {"anthropic-version": "evil\r\nx: y"}).headers["anthropic-version"] == "2023-06-01"
    assert wire.prepare({"n": 2**70}, False, {}).body == b'{"n":%d}' % 2**70
    assert wire.auth(Secret("k" + "ey")) == {"x-api-key": "key"}


def said(kind: str, message: str) -> bytes:
    return orjson.dumps({"type": "error", "error": {"type": kind, "message": message}})


def test_statuses() -> None:
    limited = wire.fault("h", 429, {"retry-after": "7"}, said("rate_limit_error", "x"))
    assert (
        isinstance(limited, HostRateLimited) and limited.retry_after == 7 and limited.status == 429 and not limited.money_at_risk
    )
    overloaded = wire.fault("h", 529, {}, said("overloaded_error", "x"))
    assert isinstance(overloaded, HostRateLimited) and overloaded.status == 529 and overloaded.retryable
    assert HostRateLimited.status == 429, "one error's status is not its kind's"
    assert wire.fault("h", 413, {}, b"").code == "request_too_large"
    assert wire.fault("h", 401, {}, b"").status == 401 and not wire.fault("h", 401, {}, b"").retryable
    rejected = wire.fault("h", 400, {}, said("invalid_request_error", "tools.0: bad"))
    assert isinstance(rejected, HostRejected) and "tools.0: bad" in rejected.text and rejected.code == "invalid_request_error"
    for status in (302, 500, 503):
        broken = wire.fault("h", status, {}, b"<html>")
        assert isinstance(broken, HostBroken) and broken.retryable and not broken.money_at_risk


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 215000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 199000 + 21333 > 200000",
    ],
)
def test_an_overflow_is_told_with_its_numbers(message: str) -> None:
    error = wire.fault("h", 400, {}, said("invalid_request_error", message))
    assert error.code == "context_length_exceeded" and error.status == 400 and "200000" in error.text
