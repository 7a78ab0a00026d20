"""Chat completions across dialects: the neutral form of a request, and answers written from pieces. Numbers: notes on gateways, section 6."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from localrouter.core.ask import Ask
from localrouter.core.chat import (
    Channel,
    Chat,
    Chunk,
    Document,
    Finish,
    Form,
    Image,
    Piece,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from localrouter.core.errors import CannotCross, HostBroken
from localrouter.core.money import Usage
from localrouter.dialects import openai_chat as dialect
from localrouter.providers import openai_chat as wire


def ask(**tree: Any) -> Ask:
    return dialect.read(orjson.dumps({"messages": [{"role": "user", "content": "x"}], **tree}), {})


def chat(**tree: Any) -> Chat:
    read = ask(**tree)
    return dialect.chat(read.tree, read)


def turns(*messages: dict[str, Any]) -> tuple[Turn, ...]:
    return chat(messages=list(messages)).turns


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if len(content) == 1 else list(content)}


CALLS = [
    {"id": "c1", "type": "function", "function": {"name": "read", "arguments": '{"path":"a"}'}},
    {"id": "c2", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}},
]


def test_roles_stand_where_they_stood() -> None:
    out = turns(
        {"role": "developer", "content": "be brief"},
        user("a"),
        {"role": "assistant", "content": "b"},
        {"role": "system", "content": [{"type": "text", "text": "now in German", "cache_control": {"type": "ephemeral"}}]},
        user("c"),
    )
    assert out == (
        Turn("system", (Text("be brief"),)),
        Turn("user", (Text("a"),)),
        Turn("assistant", (Text("b"),)),
        Turn("system", (Text("now in German", {"type": "ephemeral"}),)),
        Turn("user", (Text("c"),)),
    )


def test_a_tool_loop() -> None:
    """2, 3, 35: results stand together and first; an assistant turn of calls alone has no text."""
    out = turns(
        user("go"),
        {"role": "assistant", "content": None, "reasoning_content": "hm", "refusal": None, "tool_calls": CALLS},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "one"}]},
        {"role": "tool", "tool_call_id": "c2", "content": ""},
        user("and?"),
    )
    assert out[1].parts == (
        Thought("hm"),
        ToolCall("c1", "read", '{"path":"a"}'),
        ToolCall("c2", "patch", "*** Begin", "custom"),
    )
    assert out[2:] == (Turn("user", (ToolResult("c1", (Text("one"),)), ToolResult("c2"), Text("and?"))),)


def test_the_deprecated_function_call() -> None:
    out = turns(
        user("go"),
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "done"},
    )
    (call,), (result,) = out[1].parts, out[2].parts
    assert isinstance(call, ToolCall) and isinstance(result, ToolResult) and call.id == result.call_id != ""


def test_media() -> None:
    out = turns(
        user(
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
        )
    )
    assert out[0].parts == (
        Image("image/png", "QUJD", detail="low"),
        Image(url="https://example.org/a.png"),
        Document("application/pdf", "QUJD", name="a.pdf"),
    )


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({"modalities": ["text", "audio"]}, "audio"),
        ({"tool_choice": {"type": "function"}}, "names no tool"),
        ({"messages": [user({"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}, {"type": "text", "text": "y"})]}, "input_audio"),
        ({"messages": [user({"type": "file", "file": {"file_id": "f"}}, {"type": "text", "text": "y"})]}, "file"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "narrator"),
    ],
)  # fmt: skip
def test_what_cannot_cross_is_refused_by_name(tree: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotCross) as caught:
        chat(**tree)
    assert says in caught.value.text and caught.value.retryable, "another model of the route may have a word for it"


def test_settings() -> None:
    out = chat(
        max_completion_tokens=7, temperature=0.5, top_p=0.9, top_k=3, seed=1, stop="END", reasoning_effort="xhigh", user="u", stream=True,
        parallel_tool_calls=False, tool_choice="required", tools=[{"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}],
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}},
    )  # fmt: skip
    assert (out.max_output, out.temperature, out.top_p, out.top_k, out.seed, out.stop) == (7, 0.5, 0.9, 3, 1, ("END",))
    assert (out.effort, out.user, out.stream, out.parallel, out.choice) == ("xhigh", "u", True, False, ToolChoice("any"))
    assert out.tools == (Tool("f", schema={"type": "object"}, strict=True),)
    assert out.form == Form("schema", "n", {"type": "object"}, True) and out.notes == ()
    assert chat(reasoning={"enabled": False}).effort == "none" and chat(response_format={"type": "json_object"}).form == Form(
        "object"
    )


@pytest.mark.parametrize("key", ["verbosity", "metadata", "prediction", "anything_new"])
def test_what_only_tunes_leaves_a_note(key: str) -> None:
    (note,) = chat(**{key: {"a": 1} if key in ("metadata", "prediction") else 1}).notes
    assert f"'{key}'" in note


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        (None, None), ("auto", ToolChoice("auto")), ("none", ToolChoice("none")), ("required", ToolChoice("any")), ("odd", ToolChoice("auto")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("one", "f")), ({"type": "custom", "custom": {"name": "g"}}, ToolChoice("one", "g")),
    ],
)  # fmt: skip
def test_tool_choice(given: Any, choice: ToolChoice | None) -> None:
    assert chat(tool_choice=given).choice == choice


def test_only_the_allowed_tools_are_sent() -> None:
    tools = [{"type": "function", "function": {"name": n}} for n in "ab"]
    allowed = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "b"}}]},
    }
    out = chat(tools=tools, tool_choice=allowed)
    assert [t.name for t in out.tools] == ["b"] and out.choice == ToolChoice("any") and len(out.notes) == 1


def test_tools_that_the_host_runs_do_not_cross() -> None:
    tools = [{"type": "web_search"}, {"type": "function", "function": {"name": "web_search"}}]
    assert ask(tools=tools).hosted == ("web_search",)
    out = chat(tools=tools)
    assert [t.name for t in out.tools] == ["web_search"] and len(out.notes) == 1, "6: a client's own tool of that name stays"


def test_signed_reasoning_is_no_leaf() -> None:
    details = [{"type": "reasoning.encrypted", "data": "opaque", "index": 0}, {"type": "reasoning.summary", "summary": "read me"}]
    call = {**CALLS[0], "extra_content": {"google": {"thought_signature": "sig"}}}
    message = {"role": "assistant", "content": "hi", "reasoning_details": details, "tool_calls": [call]}
    read = ask(messages=[user("x"), message])
    assert [(s.path, s.mark) for s in read.signed] == [
        (("messages", 1, "reasoning_details", 0), "data:opaque"),
        (("messages", 1, "tool_calls", 0, "extra_content"), "call:sig"),
    ]
    texts = {leaf.text for leaf in read.leaves}
    assert "read me" in texts and not {"opaque", "sig"} & texts


# --- answers from pieces -------------------------------------------------------------------------

CUSTOM = {"tools": [{"type": "custom", "custom": {"name": "patch", "format": {"type": "text"}}}]}
T, R, F = Channel(0, "text"), Channel(0, "reasoning"), Channel(0, "refusal")


def tool(index: int) -> Channel:
    return Channel(0, "tool", index)


ANSWER = (
    Chunk(),
    Chunk((Piece(R, "think "),)),
    Chunk((Piece(R, "more"),)),
    Chunk((Piece(R, "", opaque="sig"),), ends=(R,)),
    Chunk((Piece(T, "Let me "),)),
    Chunk((Piece(T, "see."),), ends=(T,)),
    Chunk((Piece(tool(2), "", tool="read", call_id="c1"),)),
    Chunk((Piece(tool(2), '{"path":'), Piece(tool(3), '{"input":"*** B', tool="patch", call_id="c2"))),
    Chunk((Piece(tool(2), '"a"}'),), ends=(tool(2),)),
    Chunk((Piece(tool(3), 'egin"}'),), ends=(tool(3),)),
    Chunk((Piece(tool(4), "", tool="list", call_id="c3"),), ends=(tool(4),)),
    Chunk(usage=Usage(input=5, output=7, cache_read=3, reasoning=2), finish={0: "stop"}),
    Chunk(terminal=True),
)


def written(chunks: tuple[Chunk, ...], **tree: Any) -> bytes:
    writer = dialect.Writer(ask(**tree), "r")
    return b"".join(writer.write(c, ["SEAL" if p.opaque else p.text for p in c.pieces], []) for c in chunks)


def events(data: bytes) -> list[ChatCompletionChunk]:
    *lines, done, last = data.decode().split("\n\n")
    assert done == "data: [DONE]" and last == ""
    trees = [json.loads(line.removeprefix("data: ")) for line in lines]
    # The SDK's type of a streamed call knows functions only, though its type of a whole one knows both; it is read as its client reads it.
    return [
        ChatCompletionChunk.construct(**tree) if '"custom"' in line else ChatCompletionChunk.model_validate(tree)
        for line, tree in zip(lines, trees, strict=True)
    ]


def test_a_stream_from_pieces() -> None:
    """16, 23, 24, 32: what real clients need of it."""
    out = events(written(ANSWER, stream=True, stream_options={"include_usage": True}, **CUSTOM))
    assert len({(e.id, e.created, e.model, e.object) for e in out}) == 1
    assert out[-1].choices == [] and out[-1].usage is not None
    assert (out[-1].usage.prompt_tokens, out[-1].usage.completion_tokens, out[-1].usage.total_tokens) == (8, 7, 15)
    assert all(e.usage is None for e in out[:-1])
    deltas = [e.choices[0].delta for e in out[:-1]]
    assert [d.role for d in deltas] == ["assistant", *[None] * (len(deltas) - 1)]
    assert "".join(d.content or "" for d in deltas) == "Let me see."
    assert "".join(getattr(d, "reasoning_content", None) or "" for d in deltas) == "think more"
    assert [d.reasoning_details[0]["data"] for d in deltas if getattr(d, "reasoning_details", None)] == ["SEAL"]
    entries = [d.tool_calls for d in deltas if d.tool_calls]
    assert all(len(e) == 1 for e in entries), "gptel reads only the first entry of a chunk"
    calls: dict[int, list[Any]] = {}
    for (entry,) in entries:
        calls.setdefault(entry.index, []).append(entry)
    assert sorted(calls) == [0, 1, 2]
    assert [[e.id for e in c if e.id] for c in calls.values()] == [["c1"], ["c2"], ["c3"]]
    assert "".join(e.function.arguments for e in calls[0]) == '{"path":"a"}' and calls[0][0].function.name == "read"
    assert calls[1][0].type == "custom" and "".join(e.custom["input"] for e in calls[1]) == "*** Begin"
    assert "".join(e.function.arguments for e in calls[2]) == "{}", "a tool without parameters still has arguments that parse"
    assert [e.choices[0].finish_reason for e in out[:-1] if e.choices[0].finish_reason] == ["tool_calls"]


def test_no_usage_chunk_unless_it_was_asked_for() -> None:
    assert all(e.usage is None for e in events(written(ANSWER, stream=True)))


def test_the_whole_answer_says_the_same() -> None:
    out = ChatCompletion.model_validate_json(written(ANSWER, **CUSTOM))
    (choice,) = out.choices
    assert choice.finish_reason == "tool_calls" and choice.message.content == "Let me see."
    assert [json.loads(c.model_dump_json()) for c in choice.message.tool_calls or ()] == [
        {"id": "c1", "function": {"arguments": '{"path":"a"}', "name": "read"}, "type": "function"},
        {"id": "c2", "custom": {"input": "*** Begin", "name": "patch"}, "type": "custom"},
        {"id": "c3", "function": {"arguments": "{}", "name": "list"}, "type": "function"},
    ]
    assert out.usage is not None and out.usage.completion_tokens_details is not None
    assert out.usage.completion_tokens_details.reasoning_tokens == 2


FINISH: list[tuple[Finish, bool, str]] = [
    ("stop", False, "stop"), ("stop_sequence", False, "stop"), ("length", False, "length"), ("length", True, "length"), ("tool_calls", True, "tool_calls"),
    ("stop", True, "tool_calls"), ("content_filter", False, "content_filter"), ("refusal", False, "content_filter"), ("pause", False, "stop"),
]  # fmt: skip


@pytest.mark.parametrize(("finish", "called", "word"), FINISH)
@pytest.mark.parametrize("stream", [False, True])
def test_finish_words(finish: Finish, called: bool, word: str, stream: bool) -> None:
    pieces = (Piece(tool(0), "{}", tool="f", call_id="c"),) if called else (Piece(T, "a"),)
    data = written((Chunk(pieces), Chunk(finish={0: finish}), Chunk(terminal=True)), stream=stream)
    found = events(data)[-1] if stream else ChatCompletion.model_validate_json(data)
    assert found.choices[0].finish_reason == word


def test_a_refusal_in_openais_own_way() -> None:
    out = ChatCompletion.model_validate_json(
        written((Chunk((Piece(F, "No."),)), Chunk(finish={0: "refusal"}), Chunk(terminal=True)))
    )
    assert out.choices[0].message.refusal == "No." and out.choices[0].finish_reason == "stop"


def test_an_empty_stream_is_legal_and_nothing_follows_the_end() -> None:
    """22."""
    (only, end) = events(written((Chunk(terminal=True), Chunk((Piece(T, "late"),)), Chunk(terminal=True)), stream=True))
    assert only.choices[0].delta.role == "assistant" and end.choices[0].finish_reason == "stop"
    writer = dialect.Writer(ask(stream=True), "r")
    writer.write(Chunk(terminal=True), [], [])
    assert writer.error(HostBroken("x")) == b"" and writer.keep_alive() == b""


def test_arguments_before_the_name_and_a_repeated_name() -> None:
    chunks = (
        Chunk((Piece(tool(0), '{"a"'),)),
        Chunk((Piece(tool(0), ":1", tool="f", call_id="c"),)),
        Chunk((Piece(tool(0), "}", tool="f", call_id="c"),)),
        Chunk(finish={0: "tool_calls"}, terminal=True),
    )
    entries = [e.choices[0].delta.tool_calls[0] for e in events(written(chunks, stream=True)) if e.choices[0].delta.tool_calls]
    assert "".join(e.function.arguments for e in entries) == '{"a":1}' and [e.function.name for e in entries] == ["f", None]


def test_an_error_in_the_middle_ends_the_stream() -> None:
    writer = dialect.Writer(ask(stream=True), "r")
    writer.write(Chunk((Piece(T, "a"),)), ["a"], [])
    assert writer.error(HostBroken("It broke.")).startswith(b'data: {"error":{"message":"It broke."')
    assert writer.write(Chunk((Piece(T, "b"),)), ["b"], []) == b""


def test_clients_of_the_old_functions_get_them_back() -> None:
    chunks = (Chunk((Piece(tool(0), "{}", tool="f", call_id="c"),)), Chunk(finish={0: "tool_calls"}, terminal=True))
    out = ChatCompletion.model_validate_json(written(chunks, functions=[{"name": "f", "parameters": {}}]))
    call = out.choices[0].message.function_call
    assert call is not None and call.name == "f" and out.choices[0].finish_reason == "function_call"


@settings(deadline=None)  # a busy machine decides nothing
@given(st.lists(st.tuples(st.sampled_from(["text", "reasoning"]), st.text(min_size=1, max_size=8)), max_size=12), st.booleans())
def test_our_own_bytes_read_back(said: list[tuple[Any, str]], stream: bool) -> None:
    """Writer and Reader agree, whatever is said."""
    chunks = (
        *(Chunk((Piece(Channel(0, kind), text),)) for kind, text in said),
        Chunk(finish={0: "length"}),
        Chunk(terminal=True),
    )
    reader = wire.Reader(stream)
    back = [*reader.feed(written(chunks, stream=stream)), *reader.end()]
    for kind in ("text", "reasoning"):
        assert "".join(p.text for c in back for p in c.pieces if p.channel.kind == kind) == "".join(
            t for k, t in said if k == kind
        )
    assert back[-1].terminal and [c.finish for c in back if c.finish] == [{0: "length"}]
