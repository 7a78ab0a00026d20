"""What a Messages client reads: a host's own stream byte for byte, or the one legal order of events made from pieces."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import orjson
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.errors import HostBroken, HostRejected
from localrouter.core.money import Usage
from localrouter.dialects import _anthropic_thoughts as thoughts
from localrouter.dialects import _anthropic_writer
from localrouter.dialects import anthropic_messages as dialect
from localrouter.providers import anthropic_messages as wire

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
TEXT, TOOL, THOUGHT = (lambda i=0, k=k: Channel(0, k, i) for k in ("text", "tool", "reasoning"))  # type: ignore[misc]


def ask(*, stream: bool = True, **more: Any) -> Any:
    tree = {"model": "claude-asked", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}], "stream": stream, **more}
    return dialect.read(orjson.dumps(tree), {})


def frame(event: dict[str, Any]) -> bytes:
    return b"event: " + event["type"].encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n"


def events(data: bytes) -> list[dict[str, Any]]:
    """As a client reads them: the name of the event and its data agree."""
    out = []
    for part in data.split(b"\n\n")[:-1]:
        name, _, rest = part.partition(b"\n")
        tree = orjson.loads(rest.removeprefix(b"data: "))
        assert name == b"event: " + tree["type"].encode()
        out.append(tree)
    return out


def legal(data: bytes) -> dict[str, Any]:
    """The message that the SDK makes of a stream, which must be legal in every step."""
    message: dict[str, Any] = {}
    opened = -1
    done = False
    for event in events(data):
        if event["type"] == "ping":
            continue
        assert not done, "nothing after message_stop"
        EVENT.validate_python(event)
        match event["type"]:
            case "message_start":
                assert not message
                message = event["message"]
            case "content_block_start":
                assert message and opened < 0 and event["index"] == len(message["content"])
                opened = event["index"]
                message["content"].append({**event["content_block"], "json": ""})
            case "content_block_delta":
                assert event["index"] == opened
                block, delta = message["content"][opened], event["delta"]
                key = {
                    "text_delta": "text",
                    "thinking_delta": "thinking",
                    "signature_delta": "signature",
                    "input_json_delta": "json",
                }[delta["type"]]
                block[key] += delta[{"json": "partial_json"}.get(key, key)]
            case "content_block_stop":
                assert event["index"] == opened
                opened = -1
            case "message_delta":
                assert message and opened < 0
                message |= event["delta"]
                message["usage"] |= event["usage"]
            case "message_stop":
                assert message["stop_reason"]
                done = True
    assert done
    for block in message["content"]:
        said = block.pop("json")
        if block["type"] == "tool_use":
            block["input"] = orjson.loads(said) if said else {}
    Message.model_validate(message)
    return message


def write(chunks: list[Chunk], request: Any = None, request_id: str = "r1") -> bytes:
    writer = dialect.Writer(request or ask(), request_id)
    return b"".join(
        writer.write(chunk, [piece.text or ("lr1.seal" if piece.opaque else "") for piece in chunk.pieces], [])
        for chunk in chunks
    )


def said(*pieces: Piece, **more: Any) -> Chunk:
    return Chunk(pieces, **more)


END = Chunk(terminal=True)


# --- from pieces ---------------------------------------------------------------------------------


def test_text() -> None:
    data = write(
        [said(Piece(TEXT(), "Hel")), said(Piece(TEXT(), "lo")), Chunk(finish={0: "stop"}), Chunk(usage=Usage(9, 4, 3, 2, 1)), END]
    )
    message = legal(data)
    assert message["content"] == [{"type": "text", "text": "Hello"}] and message["stop_reason"] == "end_turn"
    assert message["model"] == "claude-asked" and message["id"] == "msg_r1"
    usage = message["usage"]
    assert (
        usage["input_tokens"],
        usage["output_tokens"],
        usage["cache_read_input_tokens"],
        usage["cache_creation_input_tokens"],
    ) == (9, 4, 3, 3)


def test_an_empty_answer_is_legal() -> None:
    message = legal(write([END]))
    assert message["content"] == [] and message["usage"]["input_tokens"] > 0, "the input is estimated when nobody says it"


def test_thought_text_call_text() -> None:
    chunks = [
        said(Piece(THOUGHT(), "hm", untouched=True)),
        said(Piece(THOUGHT(), "", opaque="mark")),
        said(Piece(TEXT(1), "Now. "), Piece(TOOL(2), "", tool="Read", call_id="call_1")),
        said(Piece(TOOL(2), '{"a":')),
        said(Piece(TOOL(2), "1}")),
        said(Piece(TEXT(3), "Then.")),
        Chunk(finish={0: "tool_calls"}),
        END,
    ]
    message = legal(write(chunks))
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "lr1.seal"},
        {"type": "text", "text": "Now. "},
        {"type": "tool_use", "id": "call_1", "name": "Read", "input": {"a": 1}},
        {"type": "text", "text": "Then."},
    ]
    assert message["stop_reason"] == "tool_use"


def test_a_signature_behind_its_thoughts_end_still_signs_it() -> None:
    chunks = [
        said(Piece(THOUGHT(), "hm")),
        Chunk(ends=(THOUGHT(),)),
        said(Piece(THOUGHT(), "", opaque="m")),
        said(Piece(TEXT(1), "x")),
        END,
    ]
    assert legal(write(chunks))["content"][0] == {"type": "thinking", "thinking": "hm", "signature": "lr1.seal"}


def test_a_thought_that_nobody_signed_carries_our_mark() -> None:
    message = legal(write([said(Piece(THOUGHT(), "hm")), said(Piece(TEXT(), "x")), END]))
    assert message["content"][0]["signature"] == thoughts.UNSIGNED and thoughts.is_own(thoughts.UNSIGNED)


def test_parts_of_one_thought_are_one_block() -> None:
    pieces = [Piece(Channel(0, "reasoning", 0, k), text) for k, text in ((0, "one"), (1, "two"))]
    assert legal(write([said(*pieces), END]))["content"][0]["thinking"] == "one\n\ntwo"


@pytest.mark.parametrize(
    ("thinking", "shown"),
    [({"type": "disabled"}, []), ({"type": "adaptive", "display": "omitted"}, [""]), ({"type": "adaptive"}, ["hm"])],
)
def test_thoughts_are_shown_as_the_client_asked(thinking: dict[str, Any], shown: list[str]) -> None:
    chunks = [said(Piece(THOUGHT(), "hm")), said(Piece(THOUGHT(), "", opaque="m")), said(Piece(TEXT(1), "x")), END]
    blocks = legal(write(chunks, ask(thinking=thinking)))["content"]
    assert [block["thinking"] for block in blocks if block["type"] == "thinking"] == shown


def test_interleaved_calls_are_put_one_behind_the_other() -> None:
    chunks = [
        said(Piece(TOOL(0), "", tool="A", call_id="a"), Piece(TOOL(1), "", tool="B", call_id="b")),
        said(Piece(TOOL(0), '{"x":'), Piece(TOOL(1), '{"y":')),
        said(Piece(TOOL(1), "2}"), Piece(TOOL(0), "1}")),
        said(Piece(TEXT(), "after")),
        Chunk(finish={0: "tool_calls"}),
        END,
    ]
    content = legal(write(chunks))["content"]
    assert [(b["name"], b["input"]) for b in content[:2]] == [("A", {"x": 1}), ("B", {"y": 2})] and content[2]["text"] == "after"


def test_arguments_before_the_name_wait_and_late_ones_are_dropped() -> None:
    chunks = [
        said(Piece(TOOL(0), '{"x":')),
        said(Piece(TOOL(0), "1", tool="A")),
        said(Piece(TOOL(0), "}")),
        said(Piece(TOOL(1), "", tool="B", call_id="b")),
        said(Piece(TOOL(0), "late")),
        END,
    ]
    content = legal(write(chunks))["content"]
    assert [(b["name"], b["input"]) for b in content] == [("A", {"x": 1}), ("B", {})]
    assert content[0]["id"].startswith("toolu_"), "a call without an id gets one"


def test_repeated_names_do_not_reopen_and_ids_are_made_legal() -> None:
    chunks = [
        said(Piece(TOOL(0), "{", tool="A", call_id="functions.A:0")),
        said(Piece(TOOL(0), "}", tool="A", call_id="functions.A:0")),
        said(Piece(TOOL(1), "{}", tool="A", call_id="functions_A:0")),
        END,
    ]
    content = legal(write(chunks))["content"]
    assert [b["id"] for b in content] == ["functions_A_0", "functions_A_0_2"]


def test_a_call_whose_name_never_comes_is_no_call() -> None:
    message = legal(write([said(Piece(TOOL(0), "{}")), said(Piece(TEXT(), "x")), Chunk(finish={0: "tool_calls"}), END]))
    assert [b["type"] for b in message["content"]] == ["text"] and message["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("finish", "called", "reason"),
    [
        ("stop", False, "end_turn"), ("stop", True, "tool_use"), ("tool_calls", True, "tool_use"), ("tool_calls", False, "end_turn"),
        ("length", True, "max_tokens"), ("content_filter", False, "refusal"), ("refusal", False, "refusal"), ("pause", False, "pause_turn"),
        ("stop_sequence", False, "stop_sequence"),
    ],
)  # fmt: skip
def test_why_it_ended(finish: Any, called: bool, reason: str) -> None:
    call = [said(Piece(TOOL(1), "{}", tool="A", call_id="a"))] if called else []
    message = legal(write([said(Piece(TEXT(), "x")), *call, Chunk(finish={0: finish}, stop="END"), END]))
    assert message["stop_reason"] == reason and message["stop_sequence"] == ("END" if reason == "stop_sequence" else None)


def test_a_refusal_is_shown_and_named() -> None:
    message = legal(write([said(Piece(Channel(0, "refusal"), "No.")), Chunk(finish={0: "stop"}), END]))
    assert message["content"] == [{"type": "text", "text": "No."}] and message["stop_reason"] == "refusal"


def test_what_was_held_back_stands_before_the_end_of_its_block() -> None:
    writer = dialect.Writer(ask(), "r")
    data = writer.write(said(Piece(TEXT(), "Dear ")), ["Dear "], [])
    data += writer.write(Chunk(ends=(TEXT(),)), [], [(TEXT(), "Jane")])
    data += writer.write(END, [], [])
    assert legal(data)["content"] == [{"type": "text", "text": "Dear Jane"}]


def test_a_freeform_call_is_told_as_json() -> None:
    chunks = [
        said(Piece(TOOL(0), "*** Begin", tool="patch", call_id="c", custom=True)),
        said(Piece(TOOL(0), " Patch", custom=True)),
        END,
    ]
    assert legal(write(chunks))["content"][0]["input"] == {"input": "*** Begin Patch"}


def test_not_streamed() -> None:
    chunks = [
        said(
            Piece(THOUGHT(), "hm"),
            Piece(THOUGHT(), "", opaque="m"),
            Piece(TEXT(1), "x"),
            Piece(TOOL(2), '{"a":[1]}', tool="A", call_id="a"),
        ),
        said(Piece(TOOL(3), "no json", tool="B", call_id="b")),
        Chunk(finish={0: "tool_calls"}, usage=Usage(1, 2)),
    ]
    writer = dialect.Writer(ask(stream=False), "r")
    assert b"".join(writer.write(c, [p.text or "lr1.s" * bool(p.opaque) for p in c.pieces], []) for c in chunks) == b""
    message = orjson.loads(writer.write(END, [], []))
    Message.model_validate(message)
    assert [b["type"] for b in message["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert (
        message["content"][2]["input"] == {"a": [1]}
        and message["content"][3]["input"] == {}
        and message["usage"]["output_tokens"] == 2
    )
    assert writer.media == "application/json"


KINDS = st.sampled_from(["text", "reasoning", "tool", "refusal"])
PIECES = st.lists(
    st.builds(
        lambda kind, index, part, text, named, mark: Piece(
            Channel(0, kind, index, part),
            "" if mark and kind == "reasoning" else text,
            tool="T" if named and kind == "tool" else None,
            opaque="m" if mark and kind == "reasoning" else "",
        ),
        KINDS, st.integers(0, 2), st.integers(0, 1), st.sampled_from(["", "a", "{", "}", "{}", '"é😀"']), st.booleans(), st.booleans(),
    ),
    max_size=25,
)  # fmt: skip


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(PIECES, st.integers(1, 4))
def test_any_order_of_pieces_makes_a_legal_stream_and_loses_no_text(pieces: list[Piece], size: int) -> None:
    chunks = (
        [Chunk(tuple(batch)) for batch in itertools.batched(pieces, size)]
        if hasattr(itertools, "batched")
        else [Chunk((p,)) for p in pieces]
    )
    data = write([*chunks, END])
    texts = "".join(
        e["delta"]["text"] for e in events(data) if e["type"] == "content_block_delta" and e["delta"]["type"] == "text_delta"
    )
    assert sorted(texts) == sorted("".join(p.text for p in pieces if p.channel.kind in ("text", "refusal")))
    done = [e["type"] for e in events(data)]
    assert done[-1] == "message_stop" and done.count("message_start") == done.count("message_stop") == 1


# --- a host's own events -------------------------------------------------------------------------

START = {
    "type": "message_start",
    "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-host", "content": [], "stop_reason": None,
                "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1}, "x_new": 1},
}  # fmt: skip
STREAM: list[dict[str, Any]] = [
    START,
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "ask PERSON_4T7K2Q", "estimated_tokens": 3}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "U0lH"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Dear PERSON_"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "4T7K2Q 😀"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "PERSON_4T7K2Q",
     "document_index": 0, "document_title": None, "start_char_index": 0, "end_char_index": 1}}},
    {"type": "content_block_stop", "index": 1},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "Write", "input": {}}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"to": "PERSON_4T7K2Q'}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '"}'}},
    {"type": "content_block_stop", "index": 2},
    {"type": "content_block_start", "index": 3, "content_block": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}},
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '{"query":"PERSON_4T7K2Q"}'}},
    {"type": "content_block_stop", "index": 3},
    {"type": "event_of_tomorrow", "index": 3, "data": {"a": [1]}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 42}},
    {"type": "message_stop"},
]  # fmt: skip
RAW = b": comment\n\n" + b"".join(map(frame, STREAM)).replace(b'{"type":"ping"}', b'{"type": "ping"}')


def feed(data: bytes, stream: bool = True) -> list[Chunk]:
    reader = wire.Reader(stream)
    return [*reader.feed(data), *reader.end()]


def test_a_stream_comes_out_as_it_came() -> None:
    assert write(feed(RAW)) == RAW


def test_a_body_comes_out_as_it_came() -> None:
    body = b'{"type": "message", "content": [{"type":"text","text":"x \\u00e9"}, {"type":"tool_use","id":"t","name":"n","input":{"a": 1.0}}], "x": 1}'
    assert write(feed(body, stream=False), ask(stream=False)) == body


def test_restored_texts_stand_at_their_place_and_nothing_else_moves() -> None:
    writer = dialect.Writer(ask(), "r")
    out = b""
    for chunk in feed(RAW):
        texts = [p.text if p.untouched else p.text.replace("PERSON_4T7K2Q", "Jane") for p in chunk.pieces]
        if any(p.text == "Dear PERSON_" for p in chunk.pieces):
            texts = ["Dear "]
        if any(p.text.startswith("4T7K2Q") for p in chunk.pieces):
            texts = ["Jane 😀"]
        out += writer.write(chunk, texts, [])
    before, after = events(RAW.removeprefix(b": comment\n\n")), events(out.removeprefix(b": comment\n\n"))
    changed = {i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}
    assert changed == {7, 8, 9, 12}, (
        "text, citation, arguments; neither the signed thought nor what the host's own tool was asked"
    )
    assert after[9]["delta"]["citation"]["cited_text"] == "Jane" and after[12]["delta"]["partial_json"] == '{"to": "Jane'


def test_what_is_held_back_says_nothing_and_comes_before_the_blocks_end() -> None:
    writer = dialect.Writer(ask(), "r")
    out = b""
    for chunk in feed(RAW):
        held = chunk.pieces and chunk.pieces[0].text == "Dear PERSON_"
        extra = [(Channel(0, "text", 1), "Dear PERSON_")] if chunk.ends == (Channel(0, "text", 1),) else []
        out += writer.write(chunk, [""] if held else [p.text for p in chunk.pieces], extra)
    block = [e for e in events(out.removeprefix(b": comment\n\n")) if e.get("index") == 1]
    texts = [e["delta"]["text"] for e in block if e.get("delta", {}).get("type") == "text_delta"]
    assert texts == ["4T7K2Q 😀", "Dear PERSON_"] and block[-1]["type"] == "content_block_stop"


def test_restored_arguments_of_a_body() -> None:
    body = orjson.dumps(
        {
            "type": "message",
            "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"to": ["PERSON_4T7K2Q"]}}],
            "stop_reason": "tool_use",
        }
    )
    [chunk] = feed(body, stream=False)
    writer = dialect.Writer(ask(stream=False), "r")
    tree = orjson.loads(
        writer.write(chunk, [p.text.replace("PERSON_4T7K2Q", 'J"ne'.replace('"', '\\"')) for p in chunk.pieces], [])
    )
    assert tree["content"][0]["input"] == {"to": ['J"ne']}


def test_the_same_answer_from_pieces_says_the_same() -> None:
    """The neutral plane of the same stream: raw forms gone, and what only the raw plane has left out."""
    chunks = [
        replace(c, raw=b"", tree=None, pieces=tuple(replace(p, path=()) for p in c.pieces if not p.whole and not p.mirror))
        for c in feed(RAW)
    ]
    message = legal(write(chunks))
    assert [b["type"] for b in message["content"]] == ["thinking", "text", "tool_use"]
    assert message["content"][1]["text"] == "Dear PERSON_4T7K2Q 😀" and message["content"][2]["input"] == {"to": "PERSON_4T7K2Q"}
    assert message["usage"]["output_tokens"] == 42 and message["usage"]["input_tokens"] == 10


# --- silence and errors --------------------------------------------------------------------------


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(_anthropic_writer.time, "monotonic", lambda: self.now)


THINKS = {"thinking": {"type": "adaptive"}}


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_signs_of_life_anywhere_keep_a_hosts_stream_legal(cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    writer = dialect.Writer(ask(**THINKS), "r")
    out = writer.keep_alive()
    simple = [e for e in STREAM if e.get("index") != 3 and "citation" not in str(e)]
    chunks = feed(b"".join(map(frame, simple)))
    for i, chunk in enumerate(chunks):
        if i == cut % len(chunks):
            for _ in range(30):
                clock.now += 10
                out += writer.keep_alive()
        out += writer.write(chunk, [p.text for p in chunk.pieces], [])
    assert writer.keep_alive() == b""
    message = legal(out)
    shown = [b for b in message["content"] if b.get("signature") != thoughts.AWAKE]
    assert [b["type"] for b in shown] == ["thinking", "text", "tool_use"] and shown[0]["signature"] == "U0lH"
    assert out.count(b"event: ping") >= 24


def test_signs_of_life_from_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    writer = dialect.Writer(ask(**THINKS), "r")
    out = b""
    for chunk in [
        Chunk(),
        said(Piece(THOUGHT(), "hm")),
        said(Piece(TOOL(1), '{"a"', tool="A", call_id="a")),
        said(Piece(TOOL(1), ":1}")),
        END,
    ]:
        clock.now += 250
        beat = writer.keep_alive()
        assert b"delta" in beat
        out += beat + writer.write(chunk, [p.text for p in chunk.pieces], [])
    message = legal(out)
    assert [b["type"] for b in message["content"] if b.get("signature") != thoughts.AWAKE] == ["thinking", "tool_use"]


def test_a_client_that_did_not_ask_for_thinking_gets_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    writer = dialect.Writer(ask(), "r")
    clock.now += 1000
    assert events(writer.keep_alive()) == [{"type": "ping"}]
    assert dialect.Writer(ask(stream=False), "r").keep_alive() == b""


def test_an_error_in_a_stream_is_its_last_event() -> None:
    writer = dialect.Writer(ask(), "req")
    writer.write(said(Piece(TEXT(), "x")), ["x"], [])
    [event] = events(writer.error(HostBroken("The host broke.", "Ask again.")))
    assert event == {
        "type": "error",
        "error": {"type": "api_error", "message": "The host broke. Ask again."},
        "request_id": "req",
    }
    assert writer.write(END, [], []) == writer.keep_alive() == writer.error(HostBroken("x")) == b""


def test_an_overflow_keeps_the_numbers_that_claude_code_reads() -> None:
    error = wire.fault(
        "h",
        400,
        {},
        orjson.dumps(
            {
                "error": {
                    "type": "invalid_request_error",
                    "message": "input length and `max_tokens` exceed context limit: 199000 + 21333 > 200000, decrease input length",
                }
            }
        ),
    )
    assert isinstance(error, HostRejected)
    assert "exceed context limit: 199000 + 21333 > 200000" in orjson.loads(dialect.error_body(error))["error"]["message"]
