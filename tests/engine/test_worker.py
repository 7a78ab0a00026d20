"""The engine's process with real (tiny) models, over a real pipe."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_gguf
from engine_process import Engine

from localrouter.core.frames import encode

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"unit": {"enum": ["c", "f"]}}, "required": ["unit"]}}}  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    e = Engine(tiny_gguf.build(tmp_path_factory.mktemp("m") / "tiny.gguf"), ctx=32768)
    yield e
    e.close()
    assert e.proc.returncode == 0  # it leaves when stdin ends


def test_ready_and_stream(engine: Engine) -> None:
    first = engine.first
    assert (first["ready"], first["model"], first["ctx"], first["template"]) == (True, "tiny", 32768, True)
    assert first["family"] == "hermes" and first["fill"] is False and first["slots"] >= 4 and "warning" not in first
    text, tools, end = engine.chat(max_tokens=40, seed=1)
    assert text and not tools
    assert end["finish"] == "length" and end["usage"]["output"] == 40 and end["usage"]["input"] > 3
    assert engine.chat(max_tokens=40, seed=1)[0] == text  # also with the prefix in the cache
    assert engine.chat(max_tokens=40, seed=2)[0] != text


def test_stop_string_over_token_borders(tmp_path: Path) -> None:
    e = Engine(tiny_gguf.build(tmp_path / "d.gguf", decisive=True))
    whole, _, _ = e.chat(max_tokens=60, temperature=0)
    at = whole.index("xyzab")
    text, _, end = e.chat(max_tokens=60, temperature=0, stop=["xyzab"])
    assert text == whole[:at] and end["finish"] == "stop"
    e.close()


def test_ping_is_answered_and_cancel_stops_while_generating(engine: Engine) -> None:
    ident = engine.send(op="chat", messages=[{"role": "user", "content": "hi"}], max_tokens=30000)
    queued = engine.send(op="chat", messages=[{"role": "user", "content": "hi"}], max_tokens=30000)
    while "delta" not in engine.read():
        pass
    ping = engine.send(op="ping")
    while engine.read()["id"] != ping:
        pass
    began = time.monotonic()
    for i in (queued, ident):
        assert engine.proc.stdin is not None
        engine.proc.stdin.write(encode({"op": "cancel", "id": i}))
    ends = []
    while len(ends) < 2:
        m = engine.read()
        if m.get("end"):
            ends.append((m["id"], m["finish"]))
    assert sorted(ends) == [(ident, "cancelled"), (queued, "cancelled")]
    assert time.monotonic() - began < 20, "at once; the answer would have taken minutes"
    assert engine.chat(max_tokens=3)[2]["finish"] == "length"


def test_cancel_while_a_long_prompt_is_read(engine: Engine) -> None:
    long = "word " * 6000
    ident = engine.send(op="chat", messages=[{"role": "user", "content": long}], max_tokens=5)
    time.sleep(0.1)
    assert engine.proc.stdin is not None
    engine.proc.stdin.write(encode({"op": "cancel", "id": ident}))
    began = time.monotonic()
    m = engine.read()
    assert m["finish"] == "cancelled" and m["usage"]["output"] == 0 and time.monotonic() - began < 20
    a = engine.chat(max_tokens=20, seed=5)[0]
    assert a and engine.chat(max_tokens=20, seed=5)[0] == a


def test_json_schema_and_json_object(engine: Engine) -> None:
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}, "kind": {"enum": ["a", "b"]}},
        "required": ["ok", "kind"],
    }
    for seed in range(3):
        wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
        text, _, end = engine.chat(max_tokens=200, seed=seed, response_format=wanted)
        assert end["finish"] == "stop" and json.loads(text)["kind"] in ("a", "b")
    text, _, _ = engine.chat(max_tokens=30, response_format={"type": "json_object"})
    assert text.lstrip().startswith("{")


def test_forced_tool(engine: Engine) -> None:
    text, tools, end = engine.chat(max_tokens=200, tools=[WEATHER], tool_choice="required")
    assert text == "" and end["finish"] == "tool_calls"
    assert tools[0]["name"] == "weather" and json.loads(tools[0]["arguments"])["unit"] in ("c", "f")
    assert engine.chat(tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "no"}})[2]["code"] == "bad_request"


def test_tools_may_be_called_where_the_answer_has_a_form(engine: Engine) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    seen = set()
    for seed in range(24):
        text, tools, end = engine.chat(
            max_tokens=300, seed=seed, temperature=3.0, top_k=0, top_p=1.0, min_p=0.0, tools=[WEATHER], response_format=form
        )
        seen.add(end["finish"])
        if end["finish"] == "stop":
            assert not tools and json.loads(text).keys() == {"ok"}
        else:
            assert end["finish"] == "tool_calls" and not text
            assert all(json.loads(tool["arguments"])["unit"] in ("c", "f") for tool in tools)
    assert seen == {"stop", "tool_calls"}
    text, tools, end = engine.chat(max_tokens=300, seed=1, tools=[WEATHER], tool_choice="required", response_format=form)
    assert end["finish"] == "tool_calls" and tools and not text, "what must be called is called"
    text, tools, end = engine.chat(max_tokens=300, seed=1, tools=[WEATHER], tool_choice="none", response_format=form)
    assert json.loads(text).keys() == {"ok"} and not tools


def test_history_with_tool_calls_and_parts(engine: Engine) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"unit": "c"}'}}
    ident = engine.send(op="chat", max_tokens=2, tools=[WEATHER], messages=[
        {"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c1", "content": "3"},
    ])  # fmt: skip
    while not (m := engine.read()).get("end"):
        pass
    assert m["id"] == ident and m["finish"] == "length"


def test_errors_are_replies(engine: Engine) -> None:
    assert engine.chat("word " * 40000)[2]["code"] == "context_length_exceeded"
    assert engine.chat(temperature="hot")[2]["code"] == "bad_request"
    remote = {"type": "json_schema", "json_schema": {"schema": {"$ref": "https://example.com/s.json"}}}
    assert engine.chat(response_format=remote)[2]["code"] == "bad_request"
    for schema in (
        {"type": "nonsense"},
        {"type": "string", "pattern": "^[$"},
        {"type": "string", "pattern": "(?=x)y"},
    ):
        bad = {"type": "json_schema", "json_schema": {"schema": schema}}
        assert engine.chat(response_format=bad, max_tokens=5)[2].get("code") == "bad_request", schema
    large = {"type": "json_schema", "json_schema": {"schema": {"type": "string", "maxLength": 10**8}}}
    assert engine.chat(response_format=large, max_tokens=5)[2]["finish"] in ("stop", "length")
    engine.send(op="chat", messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}])
    assert engine.read()["code"] == "bad_request"
    assert engine.chat(max_tokens=3)[2]["finish"] == "length"


def test_no_text_of_a_request_is_logged(tmp_path: Path) -> None:
    with (tmp_path / "err").open("w+b") as err:
        e = Engine(tiny_gguf.build(tmp_path / "t.gguf"), stderr=err)
        bad = {"type": "json_schema", "json_schema": {"schema": {"type": "string", "pattern": "^(?=marker)x$"}}}
        assert e.chat("marker", response_format=bad)[2]["code"] == "bad_request"
        e.chat("marker", max_tokens=3)
        e.close()
        assert b"marker" not in (tmp_path / "err").read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "does not exist"), (b"hello", "not a GGUF"), (b"GGUF\x03\0\0\0junk", "is not a GGUF")],
)
def test_bad_file(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "bad.gguf"
    if content is not None:
        path.write_bytes(content)
    e = Engine(path)
    assert words in e.first["fatal"] and e.proc.wait(10) == 3
    e.close()


def test_quantised_weights_run_on_every_processor(tmp_path: Path) -> None:
    """llama.cpp's repacked weights crash on some machines with AMX (see localrouter.engine.cpu)."""
    e = Engine(tiny_gguf.build(tmp_path / "q.gguf", decisive=True, quantised=True))
    text, _, _ = e.chat("go " * 40, max_tokens=20, temperature=0)
    e.close()
    assert len(text) == 20


def test_a_count_is_what_the_prompt_has_without_the_weights_too(tmp_path: Path) -> None:
    file = tiny_gguf.build(tmp_path / "tiny.gguf")
    whole, words = Engine(file, ctx=400), Engine(file, ctx=400, count=None)
    ask = {"messages": [{"role": "user", "content": "the router reads " * 20}], "tools": [WEATHER], "max_tokens": 3}
    counts = []
    for engine in (whole, words):
        ident = engine.send(op="count", **ask)
        counts.append(engine.read())
        assert counts[-1].pop("id") == ident
    assert counts[0] == counts[1] == {"end": True, "tokens": counts[0]["tokens"]}
    assert (
        whole.chat(text=ask["messages"][0]["content"], tools=[WEATHER], max_tokens=3)[2]["usage"]["input"] == counts[0]["tokens"]
    )
    words.send(op="chat", **ask)
    assert words.read()["code"] == "bad_request", "it has nothing to answer with"
    for engine in (whole, words):
        engine.close()


def test_a_prompt_fits_when_its_answer_has_room(tmp_path: Path) -> None:
    """`least` tokens of an answer, the client's own limit where that is less, an eighth of the context at most."""
    e = Engine(tiny_gguf.build(tmp_path / "tiny.gguf"), ctx=512)
    frame = e.chat(" request" * 100, max_tokens=1)[2]["usage"]["input"] - 100
    for more, room in (
        ({}, 1),
        ({"least": 40}, 40),
        ({"least": 4000}, 64),
        ({"least": 40, "max_tokens": 7}, 7),
        ({"max_tokens": 9}, 1),
    ):
        most = 512 - room - frame
        ident = e.start(" request" * (most + 1), **more)
        refused = e.read()
        assert (refused["id"], refused["code"]) == (ident, "context_length_exceeded")
        assert (refused["limit"], refused["tokens"]) == (512 - room, 513 - room)
        end = e.chat(" request" * most, **more)[2]
        assert end["usage"]["input"] == 512 - room and 1 <= end["usage"]["output"] <= room
    e.close()
