"""What a Responses client reads, on both planes: the host's own bytes where nothing was restored, and the exact order of events elsewhere."""

from __future__ import annotations

import json
from typing import Any

import openai
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response
from openai.types.responses.response_stream_event import ResponseStreamEvent
from pydantic import TypeAdapter
from responses_events import (
    COUNTED,
    NAME,
    TOKEN,
    ask,
    call,
    chunks,
    custom,
    events_of,
    message,
    refusal,
    response,
    restorer,
    stream,
    thought,
    through,
    trees,
)

from localrouter.core.chat import Channel, Chunk, Finish, Piece
from localrouter.core.errors import BudgetExceeded, HostBroken, HostRateLimited, HostRejected
from localrouter.dialects import openai_responses as dialect

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
OUTPUT = [
    thought(f"I think of {TOKEN}.", "Twice.", mark="gAAAA==", n=0),
    message(f"Dear {TOKEN}, hello \U0001f600 {TOKEN}", n=1),
    call("write", json.dumps({"path": "a", "text": f"by {TOKEN}"}), n=2),
    custom("apply_patch", f"*** Begin Patch\n+{TOKEN}\n*** End Patch", n=3),
    refusal("No.", n=4),
    {
        "id": "sh_5",
        "type": "shell_call",
        "status": "completed",
        "call_id": "call_5",
        "action": {"commands": [f"echo {TOKEN}", "ls"]},
    },
]
JSON_NAME = json.dumps(NAME)[1:-1]


def parsed(events: list[dict[str, Any]], **tree: Any) -> Any:
    """Every event by the SDK's own types, and the answer that its accumulator makes of them."""
    state = ResponseStreamState(input_tools=openai.omit, text_format=openai.omit)
    for event in events:
        state.handle_event(EVENT.validate_python(event))
    return state


# --- raw plane -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 7, 64])
def test_a_stream_with_nothing_to_restore_is_the_hosts_own(size: int) -> None:
    raw = stream(OUTPUT)
    assert through(raw, size=size, veiled=False)[0] == raw


def test_carriage_returns_and_comments_are_the_hosts_own_too() -> None:
    raw = b": hello\r\n\r\n" + stream([message("a")]).replace(b"\n", b"\r\n")
    assert through(raw, veiled=False)[0] == raw


@given(st.integers(1, 9), st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_restored_texts_are_the_same_in_deltas_and_in_every_repetition(size: int, cut: int) -> None:
    data, writer = through(stream(OUTPUT, size=size), size=cut)
    events = events_of(data)
    grown: dict[tuple[Any, ...], str] = {}
    for event in events:
        kind = event["type"].removeprefix("response.")
        at = (event.get("output_index"), event.get("content_index"), event.get("summary_index"), event.get("command_index"))
        if kind.endswith(".delta"):
            grown[(kind.removesuffix(".delta"), *at)] = grown.get((kind.removesuffix(".delta"), *at), "") + event["delta"]
        elif kind.endswith(("text.done", "refusal.done", "arguments.done", "input.done", "command.done")):
            field = next(f for f in ("text", "refusal", "arguments", "input", "command") if f in event)
            assert grown.get((kind.removesuffix(".done"), *at), "") == event[field]
    final = events[-1]["response"]["output"]
    assert final == [e["item"] for e in events if e["type"] == "response.output_item.done"]
    assert final[0]["summary"][0]["text"] == f"I think of {NAME}."
    assert final[1]["content"][0]["text"] == f"Dear {NAME}, hello \U0001f600 {NAME}"
    assert json.loads(final[2]["arguments"]) == {"path": "a", "text": f"by {NAME}"}
    assert final[3]["input"] == f"*** Begin Patch\n+{NAME}\n*** End Patch"
    assert final[5]["action"]["commands"] == [f"echo {NAME}", "ls"]
    assert TOKEN.encode() not in data and writer.answer == events[-1]["response"]


def test_numbers_stay_and_only_grow() -> None:
    host = trees(OUTPUT)
    by_number = {t["sequence_number"]: t["type"] for t in host}
    events = events_of(through(stream(OUTPUT))[0])
    numbers = [e["sequence_number"] for e in events]
    assert numbers == sorted(set(numbers))
    assert all(by_number[e["sequence_number"]] == e["type"] for e in events)


def test_what_is_signed_and_what_is_named_is_untouched() -> None:
    events = events_of(through(stream(OUTPUT))[0])
    assert events[-1]["response"]["output"][0]["encrypted_content"] == "gAAAA=="
    assert [e["item"]["id"] for e in events if e["type"] == "response.output_item.added"] == [i["id"] for i in OUTPUT]
    assert events[-1]["response"]["x_more"] == [1, {"a": None}], "unknown fields survive"


def test_the_copy_of_the_request_is_the_clients_own() -> None:
    own = {
        "instructions": f"Serve {NAME}.",
        "metadata": {"for": NAME},
        "tools": [{"type": "function", "name": "f", "description": f"of {NAME}", "parameters": {}}],
    }
    veiled = json.loads(json.dumps(own).replace(JSON_NAME, TOKEN))
    assert TOKEN in json.dumps(veiled)
    data, _ = through(stream([message("a")], **veiled, tool_choice="auto"), tool_choice="required", **own)
    for event in events_of(data):
        if "response" in event:
            assert {key: event["response"][key] for key in own} == own
            assert event["response"]["tool_choice"] == "auto", "what is no free text is the host's"


def test_a_whole_answer_is_restored() -> None:
    raw = json.dumps(response(OUTPUT)).encode()
    data, writer = through(raw, streamed=False)
    tree = json.loads(data)
    assert tree == writer.answer
    assert tree["output"][1]["content"][0]["text"] == f"Dear {NAME}, hello \U0001f600 {NAME}"
    assert json.loads(tree["output"][2]["arguments"])["text"] == f"by {NAME}"
    assert tree["output"][5]["action"]["commands"][0] == f"echo {NAME}"
    Response.model_validate(tree)
    same = json.dumps(response([message("nobody")])).encode()
    assert through(same, streamed=False)[0] == same


def test_a_sign_of_life_is_a_real_event_and_breaks_no_id() -> None:
    writer, way = dialect.Writer(ask(), "lr-1-ab"), restorer()
    early = writer.keep_alive() + writer.keep_alive()
    parts = [early]
    for i, chunk in enumerate(chunks(stream([message(f"Hi {TOKEN} and more")]))):
        parts.append(writer.write(*way.restore(chunk)))
        if i == 7:
            parts.append(writer.keep_alive())
    events = events_of(b"".join(parts))
    assert [e["type"] for e in events[:3]] == ["response.created", "response.in_progress", "response.in_progress"]
    assert [e["type"] for e in events].count("response.created") == 1
    assert [e["type"] for e in events].count("response.in_progress") == 3
    assert {e["response"]["id"] for e in events if "response" in e} == {"resp_lr1ab"}
    numbers = [e["sequence_number"] for e in events]
    assert numbers == sorted(set(numbers))
    parsed(events)
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == f"Hi {NAME} and more"


def test_an_error_in_the_middle_ends_the_stream_under_the_hosts_id() -> None:
    writer, way = dialect.Writer(ask(), "lr-1-ab"), restorer()
    head = [writer.write(*way.restore(c)) for c in chunks(stream([message(f"Hi {TOKEN}"), message("more", n=1)]))[:14]]
    events = events_of(b"".join(head) + writer.error(HostBroken("It broke.", "Ask again.")))
    parsed(events)
    last = events[-1]
    assert last["type"] == "response.failed" and last["response"]["id"] == "resp_host"
    assert last["response"]["error"] == {"code": "server_error", "message": "It broke. Ask again."}
    assert last["response"]["output"] == [e["item"] for e in events if e["type"] == "response.output_item.done"] != []
    assert writer.error(HostBroken("x")) == writer.keep_alive() == b""


def test_a_host_that_names_no_items_in_its_last_event() -> None:
    raw = stream([message("Hi")]).replace(b'"output": [{', b'"outputx": [{')
    data, writer = through(raw)
    assert data == raw
    assert writer.answer["output"] == [message("Hi")]


# --- neutral plane ---------------------------------------------------------------------------------

TEXT, OTHER, THINK, TOOL = Channel(0, "text", 1), Channel(0, "text", 5), Channel(0, "reasoning", 0), Channel(0, "tool", 2)


def said(*given: Chunk, error: Exception | None = None, **tree: Any) -> tuple[list[dict[str, Any]], Any]:
    writer = dialect.Writer(ask(**tree), "lr-1-ab")
    out = b"".join(writer.write(c, [p.text or p.opaque for p in c.pieces], []) for c in given)
    if error is not None:
        out += writer.error(error)  # type: ignore[arg-type]  # a RouterError
    return events_of(out), writer


def words(*texts: str, channel: Channel = TEXT) -> list[Chunk]:
    return [Chunk((Piece(channel, t),)) for t in texts]


def end(finish: Finish = "stop", **more: Any) -> Chunk:
    return Chunk(finish={0: finish}, usage=COUNTED, terminal=True, **more)


def test_the_order_of_events() -> None:
    events, writer = said(
        *words("I th", "ink", channel=THINK),
        Chunk((Piece(THINK, "", opaque="lr1.abc"),), ends=(THINK,)),
        *words("Hel", "lo"),
        Chunk((Piece(TOOL, "", tool="read", call_id="call_9"),), ends=(TEXT,)),
        *words('{"a"', ":1}", channel=TOOL),
        end("tool_calls"),
    )
    assert [e["type"].removeprefix("response.") for e in events] == [
        "created", "in_progress",
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.delta", "output_text.done", "content_part.done",
        "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta", "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]  # fmt: skip
    assert [e["sequence_number"] for e in events] == list(range(len(events)))
    final = events[-1]["response"]
    assert [(i["type"], i["id"][: i["id"].index("_")]) for i in final["output"]] == [
        ("reasoning", "rs"),
        ("message", "msg"),
        ("function_call", "fc"),
    ]
    assert final["output"][0]["encrypted_content"] == "lr1.abc"
    assert final["output"] == [e["item"] for e in events if e["type"] == "response.output_item.done"]
    assert final["usage"] == {
        "input_tokens": 120,
        "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 4},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 12},
        "total_tokens": 150,
    }
    assert writer.answer == final and final["id"] == "resp_lr1ab" and final["model"] == "localrouter/auto"
    parsed(events)


@pytest.mark.parametrize(
    ("finish", "status", "details"),
    [
        ("stop", "completed", None),
        ("stop_sequence", "completed", None),
        ("pause", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_ends(finish: Finish, status: str, details: Any) -> None:
    events, _ = said(*words("Hi"), end(finish))
    last = events[-1]
    assert last["type"] == f"response.{status}"
    assert (last["response"]["status"], last["response"]["incomplete_details"]) == (status, details)
    assert last["response"]["output"][0]["status"] == status
    parsed(events)


def test_a_refusal_is_never_silence() -> None:
    events, _ = said(end("refusal"))
    part = events[-1]["response"]["output"][0]["content"][0]
    assert part["type"] == "refusal" and part["refusal"]
    told, _ = said(*words("I can't.", channel=Channel(0, "refusal", 1)), end("refusal"))
    assert [p["refusal"] for i in told[-1]["response"]["output"] for p in i["content"]] == ["I can't."]
    parsed(events), parsed(told)


def test_calls_side_by_side_and_text_between() -> None:
    a, b = Channel(0, "tool", 0), Channel(0, "tool", 1)
    events, _ = said(
        *words("one"),
        Chunk((Piece(a, "", tool="f", call_id="A"), Piece(b, "", tool="g", call_id="B"))),
        *words('{"x":', channel=a),
        *words('{"y":', channel=b),
        *words("1}", channel=a),
        *words("2}", channel=b),
        *words("two"),
        Chunk((Piece(a, "", tool="f", call_id="A"),)),
        end("tool_calls"),
    )
    output = events[-1]["response"]["output"]
    assert [i["type"] for i in output] == ["message", "function_call", "function_call", "message"]
    assert [(i["call_id"], i["arguments"]) for i in output[1:3]] == [("A", '{"x":1}'), ("B", '{"y":2}')]
    assert output[0]["content"][0]["text"] == "one" and output[3]["content"][0]["text"] == "two"
    parsed(events)


def test_a_call_whose_name_comes_late_or_never_and_one_without_arguments() -> None:
    late, empty = Channel(0, "tool", 0), Channel(0, "tool", 1)
    events, _ = said(
        Chunk((Piece(late, '{"a":'),)),
        Chunk((Piece(late, "1}", tool="f", call_id="A"),)),
        Chunk((Piece(empty, "", tool="g"),)),
        end("tool_calls"),
    )
    output = events[-1]["response"]["output"]
    assert [(i["name"], i["arguments"]) for i in output] == [("f", '{"a":1}'), ("g", "{}")]
    assert output[1]["call_id"].startswith("call_")
    deltas = "".join(e["delta"] for e in events if e["type"].endswith("arguments.delta") and e["output_index"] == 1)
    assert deltas == "{}"


TOOLS = [
    {
        "type": "custom",
        "name": "apply_patch",
        "description": "Patches.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
    },
    {
        "type": "namespace",
        "name": "crm",
        "description": "Customers.",
        "tools": [{"type": "function", "name": "find", "parameters": {}}],
    },
    {"type": "local_shell"},
    {"type": "shell"},
    {"type": "tool_search", "execution": "client"},
]


@pytest.mark.parametrize(
    ("tool", "arguments", "is_custom", "item"),
    [
        ("apply_patch", '{"input":"*** Begin"}', False, {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin"}),
        ("apply_patch", "*** Begin", True, {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin"}),
        ("apply_patch", "not json", False, {"type": "custom_tool_call", "name": "apply_patch", "input": "not json"}),
        ("crm__find", '{"q":1}', False, {"type": "function_call", "name": "find", "namespace": "crm", "arguments": '{"q":1}'}),
        ("local_shell", '{"command":["ls"]}', False, {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}}),
        ("local_shell", "oops", False, {"type": "function_call", "name": "local_shell", "arguments": "oops"}),
        ("shell", '{"commands":["ls"]}', False, {"type": "shell_call", "action": {"commands": ["ls"], "timeout_ms": None, "max_output_length": None}}),
        ("tool_search", '{"query":"x"}', False, {"type": "tool_search_call", "execution": "client", "arguments": {"query": "x"}}),
        ("unheard_of", "{}", False, {"type": "function_call", "name": "unheard_of"}),
        ("unheard_of", "text", True, {"type": "custom_tool_call", "name": "unheard_of", "input": "text"}),
    ],
)  # fmt: skip
def test_a_call_comes_back_as_the_clients_own_kind(tool: str, arguments: str, is_custom: bool, item: dict[str, Any]) -> None:
    events, _ = said(
        Chunk((Piece(TOOL, arguments[:3], tool=tool, call_id="C", custom=is_custom),)),
        *[Chunk((Piece(TOOL, arguments[3:], custom=is_custom),))],
        end("tool_calls"),
        tools=TOOLS,
    )
    (found,) = events[-1]["response"]["output"]
    assert item.items() <= found.items() and found["call_id"] == "C"
    for event in events:
        EVENT.validate_python(event)
    if "input" in item:
        deltas = "".join(e["delta"] for e in events if e["type"] == "response.custom_tool_call_input.delta")
        assert deltas == item["input"]


def test_signed_thoughts_without_words_and_two_in_a_row() -> None:
    again = Channel(0, "reasoning", 3)
    events, _ = said(
        Chunk((Piece(THINK, "", opaque="lr1.a"),), ends=(THINK,)),
        *words("hm", channel=again),
        Chunk((Piece(again, "", opaque="lr1.b"),), ends=(again,)),
        end(),
    )
    output = events[-1]["response"]["output"]
    assert [(i["encrypted_content"], [s["text"] for s in i["summary"]]) for i in output] == [("lr1.a", []), ("lr1.b", ["hm"])]
    parsed(events)


def test_held_back_text_comes_before_its_end() -> None:
    writer = dialect.Writer(ask(), "lr-1-ab")
    out = writer.write(words("Dear ")[0], ["Dear "], [])
    out += writer.write(Chunk(ends=(TEXT,)), [], [(TEXT, NAME)])
    out += writer.write(end(), [], [])
    assert events_of(out)[-1]["response"]["output"][0]["content"][0]["text"] == f"Dear {NAME}"


def test_nothing_after_the_end_and_an_empty_answer_is_legal() -> None:
    writer = dialect.Writer(ask(), "lr-1-ab")
    events = events_of(writer.write(end(), [], []))
    assert [e["type"] for e in events] == ["response.created", "response.in_progress", "response.completed"]
    assert writer.write(words("late")[0], ["late"], []) == writer.error(HostBroken("x")) == writer.keep_alive() == b""
    parsed(events)


def test_not_streamed() -> None:
    writer = dialect.Writer(ask(stream=False, tools=TOOLS, instructions="Be."), "lr-1-ab")
    parts = [
        *words("think", channel=THINK),
        *words("Hi"),
        Chunk((Piece(TOOL, "{}", tool="crm__find", call_id="C"),)),
        end("tool_calls"),
    ]
    data = b"".join(writer.write(c, [p.text for p in c.pieces], []) for c in parts)
    tree = json.loads(data)
    Response.model_validate(tree)
    assert [i["type"] for i in tree["output"]] == ["reasoning", "message", "function_call"]
    assert tree["instructions"] == "Be." and tree["status"] == "completed" and writer.media == "application/json"
    assert dialect.kept(ask(), tree)[0] == tree["id"]  # type: ignore[index]  # it is kept


class _Full(HostRejected):
    code = "context_length_exceeded"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (_Full("Too long."), "context_length_exceeded"),
        (HostRateLimited("Slow."), "rate_limit_exceeded"),
        (BudgetExceeded("Spent."), "insufficient_quota"),
        (HostRejected("Bad."), "invalid_prompt"),
        (HostBroken("Broke."), "server_error"),
    ],
)
def test_errors_before_and_after_the_first_word(error: Any, code: str) -> None:
    for given_ in ([], words("Hi")):
        events, writer = said(*given_, error=error)
        assert events[0]["type"] == "response.created"
        assert events[-1]["type"] == "response.failed" and events[-1]["response"]["error"]["code"] == code
        assert writer.answer is None
        state = ResponseStreamState(input_tools=openai.omit, text_format=openai.omit)
        for event in events:  # the real API sends codes beyond the SDK's list too, so its types are built and not validated
            state.handle_event(openai._models.construct_type(type_=ResponseStreamEvent, value=event))  # type: ignore[arg-type]
    body = orjson.loads(dialect.error_body(error))
    assert set(body["error"]) == {"message", "type", "param", "code"}
