"""The Responses wire: the body from the neutral form, the reader at every cut, and faults as typed errors."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from openai.types.responses import response_create_params
from pydantic import TypeAdapter
from responses_events import (
    COUNTED,
    call,
    chunks,
    custom,
    frame,
    message,
    refusal,
    response,
    restorer,
    stream,
    thought,
    trees,
)

from localrouter.core.catalogue import Model
from localrouter.core.chat import (
    Chat,
    Document,
    Form,
    Image,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from localrouter.core.decide import Attempt
from localrouter.core.errors import CannotCross, HostBroken, HostFault, HostRateLimited, HostRejected
from localrouter.core.secret import Secret
from localrouter.providers import openai_responses as wire

PLAIN = Attempt("h/m", "hosted", 512, 1, Model("h/m", "h", "m"))
REASONS = Attempt("h/m", "hosted", 512, 1, Model("h/m", "h", "m", reasoning=True))
PARAMS: TypeAdapter[Any] = TypeAdapter(response_create_params.ResponseCreateParamsNonStreaming)
STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
LOOSE = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"a": {"type": "string"}}}


def user(*parts: Any) -> Turn:
    return Turn("user", parts)


def body(*turns: Turn, attempt: Attempt = PLAIN, **more: Any) -> dict[str, Any]:
    tree = wire.body(Chat(turns=turns, **more), attempt)
    # An encrypted thought is bound to the id that it was made under, which does not cross; the API takes one without an id, its types do not.
    items = [{"id": "rs_1", **i} if i["type"] == "reasoning" else i for i in tree["input"]]
    PARAMS.validate_python({**tree, "input": items, "stream": False})
    return tree


# --- body ------------------------------------------------------------------------------------------


def test_a_conversation() -> None:
    tree = body(
        Turn("system", (Text("Be kind."),)),
        Turn("system", (Text("And brief."),)),
        user(Text("Look"), Image("image/png", "AAAA"), Document("application/pdf", "QQ==", name="a.pdf")),
        Turn(
            "assistant",
            (Thought("Hm.", "lr1.x", "gAAA=="), Thought("mine alone"), Text("I look."), ToolCall("c1", "read", ""), ToolCall("c2", "patch", "*** x", "custom")),
        ),
        user(ToolResult("c1", (Text("no"),), error=True), ToolResult("c2", (Text("see"), Image(url="https://h/a.png"))), Text("so?")),
        Turn("system", (Text("Hurry."),)),
        attempt=REASONS,
        effort="low",
        stream=True,
        session="abc",
        user="u",
    )  # fmt: skip
    assert tree["instructions"] == "Be kind.\n\nAnd brief."
    assert tree["input"] == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="},
            ],
        },
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "gAAA=="},
        {"type": "message", "role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "c1", "name": "read", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "*** x"},
        {"type": "function_call_output", "call_id": "c1", "output": "Error: no"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [
                {"type": "input_text", "text": "see"},
                {"type": "input_image", "image_url": "https://h/a.png", "detail": "auto"},
            ],
        },
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "so?"}]},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Hurry."}]},
    ]
    assert tree["reasoning"] == {"effort": "low", "summary": "auto"} and tree["include"] == ["reasoning.encrypted_content"]
    assert tree["store"] is False and tree["stream"] is True and tree["max_output_tokens"] == 512
    assert tree["prompt_cache_key"] == "abc" and tree["safety_identifier"] == "u" and tree["model"] == "m"


def test_tools_and_choice() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}}
    tools = (
        Tool("f", "F.", LOOSE),
        Tool("s", schema=STRICT, strict=True),
        Tool("l", schema=LOOSE, strict=True),
        Tool("c", kind="custom", grammar=grammar),
        Tool("n"),
    )
    tree = body(user(Text("x")), tools=tools, choice=ToolChoice("one", "c"), parallel=False)
    assert [t.get("strict") for t in tree["tools"]] == [False, True, False, None, False]
    assert tree["tools"][0]["parameters"] == {"type": "object", "properties": {"a": {"type": "string"}}}
    assert tree["tools"][3]["format"] == {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    assert tree["tools"][4]["parameters"] == {"type": "object", "properties": {}}
    assert tree["tool_choice"] == {"type": "custom", "name": "c"} and tree["parallel_tool_calls"] is False
    assert body(user(Text("x")), tools=tools, choice=ToolChoice("any"))["tool_choice"] == "required"


@pytest.mark.parametrize(("schema", "strict", "sent"), [(STRICT, None, True), (STRICT, False, False), (LOOSE, True, False), (LOOSE, None, False)])  # fmt: skip
def test_a_schema_is_strict_only_where_it_fits(schema: Any, strict: bool | None, sent: bool) -> None:
    form = Form("schema", "an answer", schema, strict)
    made = body(user(Text("x")), form=form)["text"]["format"]
    assert made["strict"] is sent and made["name"] == "an_answer" and "$schema" not in made["schema"]
    said = wire.notes(Chat((user(Text("x")),), form=form), PLAIN)
    assert bool(said) == (strict is True and not sent)


def test_what_is_left_out_is_said() -> None:
    asked = Chat((user(Text("x")),), temperature=0.3, top_k=5, seed=1, effort="high")
    assert "temperature" not in wire.body(asked, REASONS) and wire.body(asked, PLAIN)["temperature"] == 0.3
    assert [("top_k" in n) + 2 * ("seed" in n) + 4 * ("temperature" in n) for n in wire.notes(asked, REASONS)] == [4, 1, 2]
    assert any("effort" in n for n in wire.notes(asked, PLAIN)) and "reasoning" not in wire.body(asked, PLAIN)
    with pytest.raises(CannotCross, match="stop sequences"):
        wire.body(Chat((user(Text("x")),), stop=("END",)), PLAIN)


def test_long_ids_are_shortened_alike() -> None:
    tree = body(Turn("assistant", (ToolCall("i" * 90, "f", "{}"),)), user(ToolResult("i" * 90, ())))
    assert tree["input"][0]["call_id"] == tree["input"][1]["call_id"] and len(tree["input"][0]["call_id"]) <= 64
    assert tree["input"][1]["output"] == ""


def test_prepare_and_auth() -> None:
    sent = wire.prepare({"a": 10**30}, True, {"openai-beta": "x=v1", "authorization": "Bearer mine"})
    assert (sent.path, sent.body) == ("/responses", b'{"a":1000000000000000000000000000000}')
    assert sent.headers == {"content-type": "application/json", "accept": "text/event-stream", "openai-beta": "x=v1"}
    assert "openai-beta" not in wire.prepare({}, False, {"openai-beta": "a\r\nb"}).headers
    assert wire.auth(Secret("k" * 8)) == {"authorization": "Bearer " + "k" * 8}


# --- reader ----------------------------------------------------------------------------------------

OUTPUT = [
    thought("One.", "Two.", own="Raw.", mark="gAAA==", n=0),
    message("Größe \U0001f600", n=1),
    call("f", '{"a":"ü"}', n=2),
    custom("p", "*** x", n=3),
    refusal("No.", n=4),
    {"id": "lsh_5", "type": "local_shell_call", "status": "completed", "call_id": "c5", "action": {"type": "exec", "command": ["ls"], "env": {}}},
]  # fmt: skip


def said(data: bytes, size: int = 0, *, streamed: bool = True) -> dict[Any, str]:
    """What the neutral plane makes of an answer: channel -> text."""
    way = restorer(veiled=False, crosses=True)
    out: dict[Any, str] = {}
    for chunk in chunks(data, size, streamed=streamed):
        assert chunk.error is None
        shown, texts, extra = way.restore(chunk)
        assert not extra
        for piece, text in zip(shown.pieces, texts, strict=True):
            key = (piece.channel.kind, piece.channel.index, piece.channel.part, "opaque" if piece.opaque else "")
            out[key] = out.get(key, "") + text
            if piece.tool:
                out[(*key[:3], "name")] = f"{piece.tool} {piece.call_id} {piece.custom}"
    return out


def test_every_cut_reads_the_same() -> None:
    raw = stream(OUTPUT)
    whole = chunks(raw)
    assert b"".join(c.raw for c in whole) == raw
    for size in (1, 2, 3, 5, 17, 97, 1024):
        assert chunks(raw, size) == whole
    reader, at = wire.Reader(True), len(raw) // 2
    for cut in range(0, len(raw), 11):
        reader = wire.Reader(True)
        assert [*reader.feed(raw[:cut]), *reader.feed(raw[cut:])] == whole
    assert at


def test_streamed_whole_and_only_repeated_answers_say_the_same() -> None:
    streamed = said(stream(OUTPUT))
    whole = said(json.dumps(response(OUTPUT)).encode(), streamed=False)
    assert {k: v for k, v in streamed.items() if k[3] != "opaque"} == {k: v for k, v in whole.items() if k[3] != "opaque"}
    assert streamed[("tool", 2, 0, "")] == '{"a":"ü"}' and streamed[("tool", 2, 0, "name")] == "f call_2 False"
    assert streamed[("tool", 3, 0, "name")] == "p call_3 True" and streamed[("text", 1, 0, "")] == "Größe \U0001f600"
    assert json.loads(streamed[("tool", 5, 0, "")])["command"] == ["ls"]
    late = said(stream(OUTPUT, deltas=False))
    assert {k: v for k, v in late.items() if k[3] != "opaque"} == {k: v for k, v in streamed.items() if k[3] != "opaque"}
    only_done = [t for t in trees(OUTPUT) if t["type"] in ("response.created", "response.output_item.done", "response.completed")]
    assert {k: v for k, v in said(b"".join(map(frame, only_done))).items() if k[3] == ""} == {
        k: v for k, v in streamed.items() if k[3] == ""
    }
    last = b"".join(frame(t) for t in (trees(OUTPUT)[0], trees(OUTPUT)[-1]))
    assert {k: v for k, v in said(last).items() if k[3] == ""} == {k: v for k, v in streamed.items() if k[3] == ""}


def test_what_is_signed_comes_once() -> None:
    for data in (stream(OUTPUT), b"".join(frame(t) for t in (trees(OUTPUT)[0], trees(OUTPUT)[-1]))):
        assert [p.opaque for c in chunks(data) for p in c.pieces if p.opaque] == ["gAAA=="]


@pytest.mark.parametrize(
    ("output", "status", "more", "finish"),
    [
        ([message("a")], "completed", {}, "stop"),
        ([call("f", "{}")], "completed", {}, "tool_calls"),
        ([message("a"), custom("f", "x", n=1)], "completed", {}, "tool_calls"),
        ([refusal("no")], "completed", {}, "refusal"),
        ([message("a")], "incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ([message("a")], "incomplete", {"incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ([message("a")], "incomplete", {}, "stop"),
    ],
)
def test_the_end(output: list[Any], status: str, more: dict[str, Any], finish: str) -> None:
    for found in (
        chunks(stream(output, status, **more)),
        chunks(json.dumps(response(output, status, **more)).encode(), streamed=False),
    ):
        assert [c.terminal for c in found].count(True) == 1 and found[-1].terminal
        assert found[-1].finish == {0: finish} and found[-1].usage == COUNTED


def test_a_stream_that_stops_has_no_end() -> None:
    raw = stream([message("hello")])
    for cut in range(0, len(raw) - 1, 7):
        assert not any(c.terminal for c in chunks(raw[:cut]))
    assert not any(c.terminal for c in chunks(raw[: raw.rindex(b"event:")] + b"data: [DONE]\n\n"))


def test_unknown_events_pass_as_they_came() -> None:
    odd = b'event: response.brand_new\ndata: {"type":"response.brand_new","delta":"x","output_index":0}\n\n'
    (chunk,) = chunks(odd)
    assert chunk.raw == odd and chunk.pieces == () and not chunk.pings and chunk.tree is not None
    alive = chunks(b": ping\n\n" + frame(trees([])[1]) * 2 + b'event: keepalive\ndata: {"type":"keepalive"}\n\n')
    assert [c.pings for c in alive] == [True, False, True, True]


@pytest.mark.parametrize(
    ("event", "kind", "code"),
    [
        ({"type": "error", "code": "server_error", "message": "m"}, HostBroken, "host_broken"),
        ({"type": "error", "error": {"code": "rate_limit_exceeded", "message": "m"}}, HostRateLimited, "rate_limit_exceeded"),
        ({"type": "response.failed", "response": {"status": "failed", "error": {"code": "context_length_exceeded", "message": "m"}}}, HostRejected, "context_length_exceeded"),
        ({"type": "response.failed", "response": {"status": "failed", "error": {"code": "invalid_prompt", "message": "m"}}}, HostRejected, "invalid_prompt"),
        ({"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_is_overloaded", "message": "m"}}}, HostRateLimited, "rate_limit_exceeded"),
        ({"type": "response.failed"}, HostBroken, "host_broken"),
    ],
)  # fmt: skip
def test_an_error_inside(event: dict[str, Any], kind: type[HostFault], code: str) -> None:
    (chunk,) = chunks(frame(event))
    assert type(chunk.error) is kind and chunk.error.code == code and not chunk.terminal


def test_answers_that_are_none() -> None:
    for data in (b"", b"{", b"[]", b'{"output": 1}', b'{"object":"response","status":"in_progress","output":[]}', json.dumps(response([], "failed", error={"code": "server_error"})).encode()):  # fmt: skip
        (chunk,) = chunks(data, streamed=False)
        assert chunk.error is not None
    for data in (b"data: {\n\n", b"data: []\n\n"):
        assert isinstance(chunks(data)[0].error, HostBroken)
    failed = chunks(frame({"type": "response.failed", "response": response([], "failed", error={"code": "server_error"})}))
    assert failed[0].usage == COUNTED, "what was billed is known"


@pytest.mark.parametrize(
    ("status", "error", "kind", "code"),
    [
        (429, {"code": "rate_limit_exceeded"}, HostRateLimited, "rate_limit_exceeded"),
        (429, {"code": "insufficient_quota", "message": "no money"}, HostRejected, "insufficient_quota"),
        (400, {"code": "context_length_exceeded", "message": "too long"}, HostRejected, "context_length_exceeded"),
        (400, {"message": "prompt is too long: 215000 tokens > 32768 maximum"}, HostRejected, "context_length_exceeded"),
        (400, {"code": "unsupported_value", "message": "no"}, HostRejected, "unsupported_value"),
        (401, {}, HostRejected, "host_rejected"),
        (302, {}, HostBroken, "host_broken"),
        (500, {}, HostBroken, "host_broken"),
    ],
)
def test_faults(status: int, error: dict[str, Any], kind: type[HostFault], code: str) -> None:
    made = wire.fault("h", status, {"retry-after": "7"}, orjson.dumps({"error": error}))
    assert type(made) is kind and made.code == code and not made.money_at_risk
    assert type(wire.fault("h", status, {}, b"<html>")) in (HostRateLimited, HostRejected, HostBroken)
    if status == 400 and "215000" in str(error):
        assert "215000" in made.text and "32768" in made.text
