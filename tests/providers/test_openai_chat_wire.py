"""The chat completions wire: a request in neutral form as its body, and every odd answer of real hosts. Numbers: notes on gateways, section 6."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from localrouter.core.catalogue import Model
from localrouter.core.chat import (
    Channel,
    Chat,
    Chunk,
    Document,
    Effort,
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
from localrouter.core.errors import CannotCross, HostBroken, HostRateLimited, HostRejected
from localrouter.core.money import Usage
from localrouter.providers import _overflow
from localrouter.providers import openai_chat as wire


def attempt(host: str = "h", name: str = "m", *, reasoning: bool = False) -> Attempt:
    return Attempt(f"{host}/{name}", "hosted", 512, 1, Model(f"{host}/{name}", host, name, reasoning=reasoning))


def user(*parts: Any) -> Turn:
    return Turn("user", tuple(Text(p) if isinstance(p, str) else p for p in parts))


def body(*turns: Turn, to: Attempt | None = None, **more: Any) -> dict[str, Any]:
    return wire.body(Chat(turns or (user("x"),), **more), to or attempt())


def messages(*turns: Turn, to: Attempt | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(*turns, to=to)["messages"]
    return found


def call(call_id: str = "c1", name: str = "f", arguments: str = "{}", kind: Any = "function") -> ToolCall:
    return ToolCall(call_id, name, arguments, kind)


def test_a_plain_request() -> None:
    assert body(
        Turn("system", (Text("a"), Text("b"))), user("hi"), Turn("assistant", (Text("yo"),)), Turn("system", (Text("c"),))
    ) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "a\nb"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "yo"},
            {"role": "system", "content": "c"},
        ],
        "max_tokens": 512,
    }
    assert body(stream=True)["stream_options"] == {"include_usage": True}
    assert body(to=attempt("openai"))["max_completion_tokens"] == 512


def test_results_come_before_what_the_user_says() -> None:
    """2, 3."""
    out = messages(
        user("go"),
        Turn("assistant", (call("a"), call("b"))),
        user(ToolResult("b"), "and more", ToolResult("a", (Text("one"), Document(text="two", name="n.txt")))),
    )
    assert out[1]["content"] is None and [c["id"] for c in out[1]["tool_calls"]] == ["a", "b"]
    assert out[2:] == [
        {"role": "tool", "tool_call_id": "b", "content": ""},
        {"role": "tool", "tool_call_id": "a", "content": "one\nn.txt:\ntwo"},
        {"role": "user", "content": "and more"},
    ]


def test_errors_are_said_once() -> None:
    said = {"a": "no file", "b": "Error: no file", "c": ""}
    results = tuple(ToolResult(i, (Text(t),) if t else (), error=True) for i, t in said.items())
    out = messages(Turn("assistant", tuple(call(i) for i in "abc")), Turn("user", results))
    assert [m["content"] for m in out[1:]] == ["Error: no file", "Error: no file", "Error"]


def test_each_call_has_a_result_and_each_result_a_call() -> None:
    """35. OpenAI: "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'", and
    "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"."""
    turns = (
        user(ToolResult("gone", (Text("old"),))),
        Turn("assistant", (call("a"), call("b"))),
        user("never mind"),
        user(ToolResult("b", (Text("late"),))),
        Turn("assistant", (call("a"),)),
        user(ToolResult("a", (Text("second"),)), ToolResult("a", (Text("again"),))),
        Turn("assistant", (call("end"),)),
    )
    out = messages(*turns)
    assert [(m["role"], m.get("tool_call_id", ""), m["content"]) for m in out] == [
        ("user", "", "What a tool call that is no longer in the conversation returned:\nold"),
        ("assistant", "", None),
        ("tool", "b", "late"),
        ("tool", "a", "The call was not answered."),
        ("user", "", "never mind"),
        ("assistant", "", None),
        ("tool", "a", "second\nagain"),
        ("assistant", "", None),
        ("tool", "end", "The call was not answered."),
    ]
    found = wire.notes(Chat(turns), attempt())
    assert len(found) == 2 and "without a result" in found[0] and "not there" in found[1]
    whole = (Turn("assistant", (call("a"),)), user(ToolResult("a", (Text("fine"),))))
    assert wire.notes(Chat(whole), attempt()) == ()
    assert messages(*whole)[1] == {"role": "tool", "tool_call_id": "a", "content": "fine"}


def test_pictures_of_a_result_follow_in_a_user_turn() -> None:
    out = messages(
        user("go"), Turn("assistant", (call("a"),)), user(ToolResult("a", (Image("image/png", "QUJD", detail="low"),)))
    )
    assert out[2]["role"] == "tool" and out[2]["content"] == "The result follows in the next message."
    text, image = out[3]["content"]
    assert out[3]["role"] == "user" and "a" in text["text"]
    assert image == {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}}


def test_documents() -> None:
    out = messages(user(Document("text/plain", "aGk=", name="a.txt"), Document("application/pdf", "QUJD", name="b.pdf")))
    assert out[0]["content"] == [
        {"type": "text", "text": "a.txt:\nhi"},
        {"type": "file", "file": {"filename": "b.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
    ]
    with pytest.raises(CannotCross, match="address"):
        messages(user(Document(url="https://example.org/a.pdf")))


def test_custom_tools_are_functions_with_one_input() -> None:
    """36."""
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}
    tree = body(
        user("go"),
        Turn("assistant", (call("a", "patch", '*** "Begin"', "custom"),)),
        tools=(Tool("patch", "Edits.", kind="custom", grammar=grammar), Tool("bare"), Tool("typeless", schema={"$schema": "s", "properties": {"a": {}}})),
    )  # fmt: skip
    assert tree["messages"][1]["tool_calls"][0]["function"] == {"name": "patch", "arguments": '{"input":"*** \\"Begin\\""}'}
    patch, bare, typeless = (t["function"] for t in tree["tools"])
    assert patch["parameters"]["required"] == ["input"] and "start: /x/" in patch["description"]
    assert bare == {"name": "bare", "parameters": {"type": "object", "properties": {}}}
    assert typeless["parameters"] == {"type": "object", "properties": {"a": {}}}
    (note,) = wire.notes(Chat((user("x"),), (Tool("patch", kind="custom", grammar=grammar),)), attempt())
    assert "grammar" in note


def test_odd_calls() -> None:
    """5: no id, no arguments, ids that a host would refuse."""
    out = messages(
        user("x"),
        Turn("assistant", (call(""), call("y" * 60, arguments=" "))),
        user(ToolResult("", (Text("1"),)), ToolResult("y" * 60)),
    )
    (first, second), results = out[1]["tool_calls"], out[2:]
    assert first["id"] and results[0]["tool_call_id"] == first["id"]
    assert len(second["id"]) <= 40 and results[1]["tool_call_id"] == second["id"] and second["function"]["arguments"] == "{}"
    out = messages(user("x"), Turn("assistant", (call("toolu_1"),)), user(ToolResult("toolu_1")), to=attempt("mistral"))
    assert (
        out[1]["tool_calls"][0]["id"] == out[2]["tool_call_id"]
        and len(out[2]["tool_call_id"]) == 9
        and out[2]["tool_call_id"].isalnum()
    )


@pytest.mark.parametrize(
    ("choice", "said"),
    [(ToolChoice("auto"), "auto"), (ToolChoice("none"), "none"), (ToolChoice("any"), "required"),
     (ToolChoice("one", "f"), {"type": "function", "function": {"name": "f"}}), (None, None)],
)  # fmt: skip
def test_tool_choice(choice: ToolChoice | None, said: Any) -> None:
    assert body(tools=(Tool("f"),), choice=choice, parallel=False).get("tool_choice") == said
    assert "tool_choice" not in body(choice=choice), "a choice among no tools is refused by hosts"


@pytest.mark.parametrize(
    ("effort", "word"), [("none", "low"), ("minimal", "low"), ("medium", "medium"), ("xhigh", "high"), ("max", "high")]
)
def test_effort_is_clamped(effort: Effort, word: str) -> None:
    """7."""
    assert body(effort=effort, to=attempt(reasoning=True))["reasoning_effort"] == word
    assert "reasoning_effort" not in body(effort=effort), "a model that does not reason is not told how much"


def test_openais_reasoning_models_fix_their_sampling() -> None:
    to = attempt("openai", "gpt-5", reasoning=True)
    chat = Chat((user("x"),), temperature=0.2, top_p=0.5, stop=("a",), top_k=3)
    assert not {"temperature", "top_p", "stop", "top_k"} & set(wire.body(chat, to)) and len(wire.notes(chat, to)) == 3
    assert body(temperature=1.0, to=to)["temperature"] == 1.0


def test_stop_sequences_are_cut_to_four() -> None:
    chat = Chat((user("x"),), stop=tuple("abcde"))
    assert wire.body(chat, attempt())["stop"] == list("abcd")
    assert wire.notes(chat, attempt()) == ("Of 5 stop sequences the first 4 were sent.",)


def test_forms() -> None:
    schema = {"type": "object", "properties": {}}
    assert body(form=Form("object"))["response_format"] == {"type": "json_object"}
    assert body(form=Form("schema", "", schema))["response_format"]["json_schema"] == {"name": "answer", "schema": schema}


def test_thoughts() -> None:
    """43: families that want their own thoughts back get them inside the current tool loop, and no other host ever sees one."""
    turns = (
        user("a"), Turn("assistant", (Thought("old"), call("1"))), user(ToolResult("1")), Turn("assistant", (Text("b"),)),
        user("c"), Turn("assistant", (Thought("new"), call("2"))), user(ToolResult("2")),
    )  # fmt: skip
    assert not any("reasoning_content" in m for m in messages(*turns))
    kept = [
        m.get("reasoning_content") for m in messages(*turns, to=attempt("deepseek", "deepseek-chat")) if m["role"] == "assistant"
    ]
    assert kept == [None, None, "new"]


def test_signed_thoughts_go_back_as_they_were() -> None:
    """41."""
    parts = (
        Thought("t", opaque="signature:s"),
        Thought(opaque="data:d"),
        Thought(opaque="call:g"),
        call("1"),
        Thought(sealed="lr1.x"),
    )
    message = messages(Turn("assistant", parts))[0]
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": "t", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "d"},
    ]
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "g"}}
    assert "lr1." not in json.dumps(message)


# --- answers -------------------------------------------------------------------------------------


def sse(*trees: dict[str, Any], done: bool = True) -> bytes:
    return b"".join(b"data: " + orjson.dumps(t) + b"\n\n" for t in trees) + (b"data: [DONE]\n\n" if done else b"")


def delta(finish: str | None = None, **delta_: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta_, "finish_reason": finish}]}


def read(data: bytes, at: int | None = None) -> list[Chunk]:
    reader = wire.Reader(True)
    parts = [data] if at is None else [data[:at], data[at:]]
    return [c for part in parts for c in reader.feed(part)] + reader.end()


def calls(chunks: list[Chunk]) -> dict[int, tuple[str | None, str | None, str]]:
    out: dict[int, tuple[str | None, str | None, str]] = {}
    for piece in (p for c in chunks for p in c.pieces if p.channel.kind == "tool"):
        name, call_id, said = out.get(piece.channel.index, (None, None, ""))
        out[piece.channel.index] = (name or piece.tool, call_id or piece.call_id, said + piece.text)
    return out


STREAM = sse(
    delta(role="assistant", content=""),
    delta(reasoning_content="hm", reasoning="hm"),
    delta(content="a 🙂 é"),
    delta(tool_calls=[{"index": 0, "id": "x", "function": {"name": "f", "arguments": ""}}]),
    delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":"🙂"}'}}]),
    delta("tool_calls"),
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}}},
)


def test_every_cut_reads_the_same() -> None:
    """29."""
    stream = b": waiting\r\n\r\n" + STREAM.replace(b"\n\n", b"\r\n\r\n")
    whole = read(stream)
    assert b"".join(c.raw for c in whole) == stream, "every byte of the host is somewhere"
    for at in range(1, len(stream)):
        assert read(stream, at) == whole, at
    assert whole[-1].terminal and whole[0].pings
    assert [c.usage for c in whole if c.usage] == [Usage(6, 4, 3)]
    mirrors = [p for c in whole for p in c.pieces if p.mirror]
    assert [p.text for p in mirrors] == ["hm"] and mirrors[0].channel != Channel(0, "reasoning"), (
        "the same thought twice is one thought"
    )


@pytest.mark.parametrize("indexed", [True, False])
def test_parallel_calls_without_a_proper_index(indexed: bool) -> None:
    """24: no index at all, or 0 for each."""

    def part(entry: dict[str, Any]) -> dict[str, Any]:
        return delta(tool_calls=[{"index": 0, **entry} if indexed else entry])

    out = calls(
        read(
            sse(
                part({"id": "x", "function": {"name": "f", "arguments": '{"a":'}}),
                part({"function": {"arguments": "1}"}}),
                part({"id": "y", "function": {"name": "g", "arguments": "{}"}}),
                part({"id": "y", "function": {"name": "g", "arguments": " "}}),
            )
        )
    )
    assert out == {0: ("f", "x", '{"a":1}'), 1: ("g", "y", "{} ")}


def test_interleaved_calls_and_calls_in_one_delta() -> None:
    out = calls(
        read(
            sse(
                delta(
                    tool_calls=[
                        {"index": 1, "id": "y", "function": {"name": "g"}},
                        {"index": 0, "id": "x", "function": {"name": "f"}},
                    ]
                ),
                delta(tool_calls=[{"index": 0, "function": {"arguments": "0"}}, {"index": 1, "function": {"arguments": "1"}}]),
            )
        )
    )
    assert sorted(out.values()) == [("f", "x", "0"), ("g", "y", "1")]
    two = [{"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "f", "arguments": "{}"}}]
    assert len(calls(read(sse(delta(tool_calls=two))))) == 2


@pytest.mark.parametrize(
    ("word", "finish"),
    [("stop", "stop"), ("length", "length"), ("tool_calls", "tool_calls"), ("function_call", "tool_calls"), ("content_filter", "content_filter"), ("eos", "stop")],
)  # fmt: skip
def test_finish_words_are_neutral(word: str, finish: str) -> None:
    assert read(sse(delta(word)))[0].finish == {0: finish}


def test_signatures_are_opaque() -> None:
    chunks = read(
        sse(
            delta(reasoning_details=[{"type": "reasoning.text", "text": "hm"}, {"type": "reasoning.encrypted", "data": "d"}]),
            delta(tool_calls=[{"index": 0, "id": "x", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": "g"}}}]),
        )
    )  # fmt: skip
    assert [p.opaque for c in chunks for p in c.pieces if p.opaque] == ["data:d", "call:g"]


@pytest.mark.parametrize("data", [b"data: {", b"data: []", b"data: 7"])
def test_what_is_no_event_is_an_error(data: bytes) -> None:
    assert isinstance(read(data + b"\n\n")[0].error, HostBroken)


def test_a_stream_without_its_end_has_no_terminal_chunk() -> None:
    assert not any(c.terminal for c in read(STREAM.removesuffix(b"data: [DONE]\n\n")))


def test_errors_in_the_middle() -> None:
    """30."""
    (rate, full) = read(
        sse(
            {"error": {"code": 429, "message": "slow"}},
            {"error": {"message": "maximum context length is 10 tokens, got 20"}},
            done=False,
        )
    )
    assert isinstance(rate.error, HostRateLimited)
    assert isinstance(full.error, HostRejected) and full.error.code == "context_length_exceeded"


# --- a prompt that is too long -------------------------------------------------------------------

OVERFLOWS = [
    ("This model's maximum context length is 128000 tokens. However, your messages resulted in 215000 tokens.", (215000, 128000)),
    ("prompt is too long: 215000 tokens > 200000 maximum", (215000, 200000)),
    ("The input token count (1050000) exceeds the maximum number of tokens allowed (1048576).", (1050000, 1048576)),
    ("This model's maximum context length is 131072 tokens. However, you requested 140000 tokens (139000 in the messages, 1000 in the completion).", (140000, 131072)),
    ("the request exceeds the available context size, try increasing it", (0, 0)),
    ("Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length", (40000, 32768)),
    ("input length and `max_tokens` exceed context limit: 198000 + 32000 > 200000, decrease input length or `max_tokens` and try again", (230000, 200000)),
    ("Your input exceeds the context window of this model. Please adjust your input and try again.", (0, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "numbers"), OVERFLOWS)
def test_every_hosts_overflow_is_told_in_one_wording(text: str, numbers: tuple[int, int]) -> None:
    error = wire.fault("h", 400, {}, orjson.dumps({"error": {"message": text, "code": None}}))
    assert (error.status, error.code, error.type) == (400, "context_length_exceeded", "invalid_request_error")
    assert _overflow.numbers(text) == numbers
    assert (
        not numbers[0]
        or f"maximum context length is {numbers[1]} tokens. However, your messages resulted in {numbers[0]} tokens" in error.text
    )


@pytest.mark.parametrize(
    "text",
    ["Unknown parameter: 'foo'", "max_tokens is too large: 64000. This model supports at most 32768 completion tokens", ""],
)
def test_other_rejections_are_none(text: str) -> None:
    error = wire.fault("h", 400, {}, orjson.dumps({"error": {"message": text, "code": "odd"}}))
    assert error.code == "odd"
