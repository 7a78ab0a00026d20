"""A request in neutral form as a Messages body: what the API is strict about holds for any turns."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localrouter.core.catalogue import Model
from localrouter.core.chat import Chat, Document, Form, Image, Text, Thought, Tool, ToolCall, ToolChoice, ToolResult, Turn
from localrouter.core.claude import traits
from localrouter.core.decide import Attempt
from localrouter.core.errors import CannotCross
from localrouter.dialects import anthropic_messages as dialect
from localrouter.providers import anthropic_messages as wire
from localrouter.providers._anthropic_body import ANSWER
from localrouter.providers._anthropic_turns import BEGIN, GO_ON, NO_RESULT

CACHE = {"type": "ephemeral"}
CALL = ToolCall("c1", "read", '{"a":1}')


def attempt(name: str = "claude-haiku-4-5", limit: int = 4096, **more: Any) -> Attempt:
    model = Model(f"anthropic/{name}", "anthropic", name, **{"json_schema": True, "reasoning": True, "tools": True, **more})
    return Attempt(model.id, "hosted", limit, 1, model)


def turn(role: Any, *parts: Any) -> Turn:
    return Turn(role, tuple(Text(p) if isinstance(p, str) else p for p in parts))


USER = (turn("user", "x"),)


def body(*turns: Turn, to: Attempt | None = None, **more: Any) -> dict[str, Any]:
    tree = wire.body(Chat(turns=turns or USER, **more), to or attempt())
    dialect.read(orjson.dumps(tree), {})  # it is a request that our own dialect reads
    return tree


def messages(*turns: Turn, **more: Any) -> list[tuple[str, Any]]:
    return [(m["role"], m["content"]) for m in body(*turns, **more)["messages"]]


def test_the_least() -> None:
    assert body() == {"model": "claude-haiku-4-5", "max_tokens": 4096, "messages": [{"role": "user", "content": "x"}]}


# --- turns ---------------------------------------------------------------------------------------


def test_turns_of_one_role_are_joined_and_results_come_first() -> None:
    found = messages(
        turn("user", "a"),
        turn("user", "b"),
        turn("assistant", "c"),
        turn("assistant", CALL),
        turn("user", "d"),
        turn("user", ToolResult("c1", (Text("r"),))),
    )
    assert found == [
        ("user", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
        ("assistant", [{"type": "text", "text": "c"}, {"type": "tool_use", "id": "c1", "name": "read", "input": {"a": 1}}]),
        ("user", [{"type": "tool_result", "tool_use_id": "c1", "content": "r"}, {"type": "text", "text": "d"}]),
    ]


def test_calls_without_results_and_results_without_calls() -> None:
    [_, _, (_, user)] = messages(
        turn("user", "a"), turn("assistant", CALL), turn("user", ToolResult("other", (Text("r"),)), "go")
    )
    assert user[0] == {"type": "tool_result", "tool_use_id": "c1", "content": NO_RESULT, "is_error": True}
    assert "r" in user[1]["text"] and user[2]["text"] == "go"


def test_a_result_with_everything_and_one_with_nothing() -> None:
    pdf, image = Document("application/pdf", "aGk=", name="d"), Image("image/jpg", "aGk=")
    calls = turn("assistant", CALL, ToolCall("c2", "read", ""))
    [_, _, (_, user)] = messages(
        turn("user", "a"), calls, turn("user", ToolResult("c1", (Text("t"), image, pdf), error=True), ToolResult("c2"))
    )
    assert [b["type"] for b in user[0]["content"]] == ["text", "image", "document"] and user[0]["is_error"] is True
    assert user[0]["content"][1]["source"]["media_type"] == "image/jpeg" and user[1] == {
        "type": "tool_result",
        "tool_use_id": "c2",
    }


def test_the_user_begins_and_ends() -> None:
    assert messages(turn("assistant", "hello"), turn("user", "x"))[0] == ("user", BEGIN)
    ended = (turn("user", "x"), turn("assistant", "It is "))
    assert messages(*ended)[-1] == ("assistant", "It is"), "an older model goes on from there; the API refuses blanks at the end"
    assert messages(*ended, to=attempt("claude-opus-4-7"))[-1] == ("user", GO_ON)
    assert messages(turn("user", "x"), turn("assistant", CALL))[-1][1][0]["tool_use_id"] == "c1"


def test_system_in_front_and_in_the_middle() -> None:
    turns = (
        turn("system", Text("a", CACHE)),
        turn("system", "b"),
        turn("user", "x"),
        turn("system", "c"),
        turn("assistant", "y"),
        turn("user", "z"),
        turn("system", "d"),
    )
    new = body(*turns, to=attempt("claude-opus-4-8"))
    assert new["system"] == [{"type": "text", "text": "a", "cache_control": CACHE}, {"type": "text", "text": "b"}]
    assert [m["role"] for m in new["messages"]] == ["user", "system", "assistant", "user", "system"]
    old = body(*turns)
    assert [m["role"] for m in old["messages"]] == ["user", "assistant", "user"] and old["messages"][0]["content"][1][
        "text"
    ] == "<system>\nc\n</system>"
    before_user = messages(turn("user", "x"), turn("system", "c"), turn("user", "z"), to=attempt("claude-opus-4-8"))
    assert [role for role, _ in before_user] == ["user"], "behind a user's turn, and only before one of the model"


def test_blank_texts_are_left_out() -> None:
    assert messages(turn("user", "", "  \n", "x")) == [("user", "x")]


def test_thoughts_of_this_host_go_back_and_no_others() -> None:
    thoughts = (
        Thought("hm", "lr1.x", "U0lH"),
        Thought("", "lr1.y", "redacted_thinking:UkVE"),
        Thought("foreign"),
        Thought("sealed", "lr1.z"),
    )
    [_, (_, found), _] = messages(turn("user", "x"), turn("assistant", *thoughts, "y"), turn("user", "z"))
    assert found == [
        {"type": "thinking", "thinking": "hm", "signature": "U0lH"},
        {"type": "redacted_thinking", "data": "UkVE"},
        {"type": "text", "text": "y"},
    ]


def test_ids_names_and_arguments() -> None:
    calls = (
        ToolCall("functions.read:0", "read", "no json"),
        ToolCall("functions_read:0", "read", '"text"'),
        ToolCall("", "patch", "*** x", "custom"),
    )
    results = tuple(ToolResult(c.id, (Text(c.id),)) for c in calls)
    [_, (_, made), (_, answered)] = messages(turn("user", "x"), turn("assistant", *calls), turn("user", *results))
    assert [b["tool_use_id"] for b in answered] == [b["id"] for b in made] and len({b["id"] for b in made}) == 3
    assert [b["input"] for b in made] == [{}, {}, {"input": "*** x"}]
    for name in ("ns.read", "x" * 129, "é", ""):
        with pytest.raises(CannotCross):
            body(tools=(Tool(name),))


@pytest.mark.parametrize(
    "part",
    [
        Image("image/bmp", "aGk="),
        Image(),
        Document("application/zip", "aGk="),
        Document("text/plain", "/w=="),
        Document("audio/wav", "aGk="),
    ],
)
def test_media_that_the_api_does_not_take(part: Any) -> None:
    with pytest.raises(CannotCross):
        body(turn("user", part))
    with pytest.raises(CannotCross):
        body(turn("user", "x"), turn("assistant", Image("image/png", "aGk=")))


def test_media() -> None:
    parts = (
        Image("image/png", "aGk="),
        Image(url="https://a.example/x"),
        Document("application/pdf", "aGk="),
        Document("text/csv", "YSxi"),
        Document(text="t", name="n"),
        Document(url="https://a.example/y"),
    )
    [(_, found)] = messages(turn("user", *parts))
    assert [b["source"]["type"] for b in found] == ["base64", "url", "base64", "text", "text", "url"]
    assert found[3]["source"]["data"] == "a,b" and found[4]["title"] == "n"


# --- cache marks ---------------------------------------------------------------------------------


def test_at_most_four_marks_and_the_longer_ones_first() -> None:
    long = {"type": "ephemeral", "ttl": "1h"}
    turns = [turn("system", *(Text(f"s{i}", CACHE) for i in range(4)))]
    turns += [turn("user", Text(f"u{i}", long)) for i in range(4)]
    tree = body(*turns, tools=(Tool("t", cache=long),))
    marks = [
        b["cache_control"] for b in (*tree["tools"], *tree["system"], *tree["messages"][0]["content"]) if "cache_control" in b
    ]
    assert marks == [CACHE] * 4
    assert "cache_control" in tree["messages"][0]["content"][-1]
    assert body(turn("user", Text("x", long)))["messages"][0]["content"][0]["cache_control"] == long
    assert "cache_control" not in str(body(turn("user", Text("x", {"type": "weird"})))), "what the API does not know is no mark"
    assert "cache_control" not in str(body()), "none is made up"


# --- tools ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (None, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}}, {"properties": {"a": {}}, "type": "object"}),
        ({"type": "object", "x": 1}, {"type": "object", "x": 1}),
        (
            {"anyOf": [{"properties": {"a": {}, "b": {}}, "required": ["a", "b"]}, {"properties": {"a": {}}, "required": ["a"]}]},
            {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]},
        ),
        (
            {
                "type": "object",
                "properties": {"z": {}},
                "required": ["z"],
                "allOf": [{"properties": {"a": {}}, "required": ["a"]}],
            },
            {"type": "object", "properties": {"a": {}, "z": {}}, "required": ["a", "z"]},
        ),
    ],
)
def test_schemas_of_tools(schema: Any, expected: Any) -> None:
    assert body(tools=(Tool("t", "d", schema),))["tools"] == [{"name": "t", "description": "d", "input_schema": expected}]


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("any"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("one", "t"), None, {"type": "tool", "name": "t"}),
    ],
)
def test_choices(choice: Any, parallel: Any, expected: Any) -> None:
    assert body(tools=(Tool("t"),), choice=choice, parallel=parallel).get("tool_choice") == expected
    assert "tool_choice" not in body(choice=choice, parallel=parallel), "without tools there is nothing to choose"


def test_a_custom_tool_is_one_string() -> None:
    [tool] = body(tools=(Tool("patch", "d", kind="custom", grammar={"definition": "start: x"}),))["tools"]
    assert (
        tool["input_schema"]["required"] == ["input"] and "start: x" in tool["input_schema"]["properties"]["input"]["description"]
    )


def test_called_tools_that_nobody_describes_are_described() -> None:
    tree = body(turn("user", "x"), turn("assistant", CALL), turn("user", ToolResult("c1"), "and?"))
    assert [t["name"] for t in tree["tools"]] == ["read"] and tree["tool_choice"] == {"type": "none"}


# --- the shape of the answer ---------------------------------------------------------------------

SCHEMA = {
    "type": "object", "description": "d", "$schema": "s", "required": ["a"],
    "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"type": "array", "items": {"type": "object", "properties": {}}, "maxItems": 3}},
}  # fmt: skip


def test_a_schema_by_name() -> None:
    tree = body(form=Form("schema", "n", SCHEMA))
    shape = tree["output_config"]["format"]
    assert (
        shape["type"] == "json_schema" and shape["schema"]["additionalProperties"] is False and "$schema" not in shape["schema"]
    )
    assert shape["schema"]["properties"]["a"] == {"type": "integer", "description": '{"minimum":1}'}
    assert (
        shape["schema"]["properties"]["b"]["items"]["additionalProperties"] is False and SCHEMA["properties"]["a"]["minimum"] == 1
    )  # type: ignore[index]


def test_a_schema_by_a_forced_tool_or_by_words() -> None:
    plain = attempt("claude-3-5-haiku", json_schema=False)
    tree = body(form=Form("schema", "n", SCHEMA), to=plain, effort="high")
    assert [t["name"] for t in tree["tools"]] == [ANSWER] and tree["tool_choice"] == {"type": "tool", "name": ANSWER}
    assert "output_config" not in tree and "thinking" not in tree
    told = body(form=Form("schema", "n", SCHEMA), to=plain, tools=(Tool("t"),))
    assert "minimum" in told["system"] and "tool_choice" not in told
    assert "JSON" in body(form=Form("object"))["system"]


# --- thinking and sampling -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "effort", "limit", "thinking", "word"),
    [
        ("claude-haiku-4-5", "high", 64_000, {"type": "enabled", "budget_tokens": 16_384}, None),
        ("claude-haiku-4-5", "high", 8_000, {"type": "enabled", "budget_tokens": 4_000}, None),
        ("claude-haiku-4-5", "low", 1_500, None, None),
        ("claude-haiku-4-5", "none", 8_000, None, None),
        ("claude-haiku-4-5", None, 8_000, None, None),
        ("claude-opus-4-5-20251101", "max", 64_000, {"type": "enabled", "budget_tokens": 32_000}, "high"),
        ("claude-opus-4-6", "xhigh", 8_000, {"type": "adaptive"}, "high"),
        ("claude-opus-4-7", "xhigh", 8_000, {"type": "adaptive", "display": "summarized"}, "xhigh"),
        ("claude-opus-5-5", "minimal", 8_000, {"type": "adaptive", "display": "summarized"}, "low"),
        ("claude-opus-5-5", "none", 8_000, {"type": "disabled"}, None),
        ("claude-fable-5", "none", 8_000, None, None),
        ("claude-3-5-haiku", "high", 8_000, None, None),
        ("another-model", "medium", 64_000, {"type": "enabled", "budget_tokens": 8_192}, None),
    ],
)
def test_effort(name: str, effort: Any, limit: int, thinking: Any, word: Any) -> None:
    tree = body(to=attempt(name, limit), effort=effort)
    assert tree.get("thinking") == thinking and tree.get("output_config", {}).get("effort") == word
    assert thinking is None or thinking.get("budget_tokens", 0) < tree["max_tokens"]


def test_a_budget_needs_the_thoughts_of_the_running_loop() -> None:
    loop = (turn("user", "x"), turn("assistant", CALL), turn("user", ToolResult("c1")))
    assert "thinking" not in body(*loop, effort="high", tools=(Tool("read"),))
    signed = (loop[0], turn("assistant", Thought("hm", "", "U0lH"), CALL), loop[2])
    assert body(*signed, effort="high", tools=(Tool("read"),))["thinking"]["type"] == "enabled"
    assert body(*loop, effort="high", tools=(Tool("read"),), to=attempt("claude-opus-4-7"))["thinking"]["type"] == "adaptive"


def test_a_forced_tool_excludes_thinking() -> None:
    assert "thinking" not in body(effort="high", tools=(Tool("t"),), choice=ToolChoice("any"), to=attempt("claude-opus-4-7"))


@pytest.mark.parametrize(
    ("name", "effort", "kept"),
    [
        ("claude-3-5-haiku", None, {"temperature": 1.0, "top_p": 0.5, "top_k": 3}),
        ("claude-haiku-4-5", None, {"temperature": 1.0, "top_k": 3}),
        ("claude-haiku-4-5", "high", {}),
        ("claude-opus-4-7", None, {}),
    ],
)
def test_sampling(name: str, effort: Any, kept: dict[str, Any]) -> None:
    chat = Chat(USER, temperature=1.7, top_p=0.5, top_k=3, effort=effort, seed=4)
    tree = wire.body(chat, attempt(name))
    assert {k: tree[k] for k in ("temperature", "top_p", "top_k", "seed") if k in tree} == kept
    assert any("seed" in note for note in wire.notes(chat, attempt(name)))
    told = any("temperature, top_p, top_k" in note for note in wire.notes(chat, attempt(name)))
    assert told == (len(kept) < 3), "what is sent whole is not said to be left out"


def test_stops_user_and_stream() -> None:
    tree = body(stop=("END", "  "), user="u-1", stream=True)
    assert tree["stop_sequences"] == ["END"] and tree["metadata"] == {"user_id": "u-1"} and tree["stream"] is True


@pytest.mark.parametrize(
    ("name", "thinking", "samplers"),
    [("claude-3-7-sonnet-20250219", "budget", 2), ("claude-opus-4-20250514", "budget", 2), ("claude-opus-4-1-20250805", "budget", 1),
     ("anthropic/claude-sonnet-4.6", "adaptive", 1), ("claude-mythos-preview", "adaptive", 0), ("claude-opus-6", "adaptive", 0)],
)  # fmt: skip
def test_versions_are_read_from_names(name: str, thinking: str, samplers: int) -> None:
    assert (traits(name).thinking, traits(name).samplers) == (thinking, samplers)


# --- any turns -----------------------------------------------------------------------------------

IDS = st.sampled_from(["a", "b", "c.d", ""])
PARTS = st.one_of(
    st.builds(Text, st.sampled_from(["", " ", "x", "y "])),
    st.builds(lambda i: ToolCall(i, "read", "{}"), IDS),
    st.builds(lambda i: ToolResult(i, (Text("r"),)), IDS),
    st.builds(lambda o: Thought("t", "s", o), st.sampled_from(["", "U0lH"])),
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.lists(PARTS, max_size=3)), max_size=6),
    st.sampled_from(["claude-haiku-4-5", "claude-opus-4-8"]),
)
def test_what_the_api_is_strict_about_holds_for_any_turns(turns: list[tuple[Any, list[Any]]], name: str) -> None:
    fitting = {"user": (Text, ToolResult), "assistant": (Text, ToolCall, Thought), "system": (Text,)}
    made = []
    seen: set[str] = set()
    for role, parts in turns:
        kept = []
        for part in parts:
            if isinstance(part, ToolCall) and part.id in seen:
                continue
            seen |= {part.id} if isinstance(part, ToolCall) else set()
            kept += [part] if isinstance(part, fitting[role]) else []
        made.append(Turn(role, tuple(kept)))
    tree = body(*made, to=attempt(name), tools=(Tool("read"),))
    found = tree["messages"]
    assert found[0]["role"] == "user" and all(m["content"] for m in found)
    for before, after in itertools.pairwise(found):
        assert before["role"] != after["role"]
        assert after["role"] != "system" or before["role"] == "user"
        assert before["role"] != "system" or after["role"] == "assistant"
    waiting: list[str] = []
    for message in found:
        blocks = message["content"] if isinstance(message["content"], list) else [{"type": "text", "text": message["content"]}]
        assert all(b["text"].strip() for b in blocks if b["type"] == "text")
        results = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
        if message["role"] == "user":
            assert results == waiting and [b["type"] for b in blocks[: len(results)]] == ["tool_result"] * len(results)
        waiting = [b["id"] for b in blocks if b["type"] == "tool_use"]
    assert not waiting
