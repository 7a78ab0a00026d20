"""A Messages request in neutral form: all of it crosses, is degraded by a rule with a note, or is refused by name."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from localrouter.core.chat import Chat, Document, Form, Image, Text, Thought, Tool, ToolCall, ToolChoice, ToolResult, Turn
from localrouter.core.errors import BadRequest, CannotCross
from localrouter.dialects import _anthropic_thoughts as thoughts
from localrouter.dialects import anthropic_messages as dialect
from localrouter.dialects._anthropic_pairs import MISSING, STRAY

PNG = {"type": "base64", "media_type": "image/png", "data": "aGk="}
CACHE = {"type": "ephemeral"}


def cross(tree: dict[str, Any]) -> Chat:
    ask = dialect.read(orjson.dumps({"model": "m", "max_tokens": 9, **tree}), {})
    return dialect.chat(ask.tree, ask)


def turns(*messages: tuple[str, Any], **more: Any) -> tuple[Turn, ...]:
    return cross({"messages": [{"role": role, "content": content} for role, content in messages], **more}).turns


def user(*blocks: dict[str, Any]) -> Turn:
    """A user's turn, behind one of the model that made the calls whose results stand in it."""
    calls = [{"type": "tool_use", "id": b["tool_use_id"], "name": "n", "input": {}} for b in blocks if "tool_use_id" in b]
    return turns(("user", "x"), ("assistant", calls), ("user", list(blocks)))[-1]


# --- system --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "system",
    ["Be brief.", [{"type": "text", "text": "Be brief."}], [{"type": "text", "text": ""}, {"type": "text", "text": "Be brief."}]],
)
def test_system_as_text_blocks_and_empty_blocks(system: Any) -> None:
    assert turns(("user", "x"), system=system)[0] == Turn("system", (Text("Be brief."),))


@pytest.mark.parametrize("system", ["", [], [{"type": "text", "text": ""}], None])
def test_no_system(system: Any) -> None:
    assert [t.role for t in turns(("user", "x"), system=system)] == ["user"]


def test_the_billing_line_stays_and_cache_marks_are_kept() -> None:
    system = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=1;"},
        {"type": "text", "text": "s", "cache_control": CACHE},
    ]
    assert turns(("user", "x"), system=system)[0] == Turn("system", (Text("s", CACHE),))


def test_system_in_the_middle_stays_there() -> None:
    found = turns(("user", "a"), ("system", [{"type": "text", "text": "b"}]), ("assistant", "c"), ("system", "d"), ("user", "e"))
    assert [t.role for t in found] == ["user", "system", "assistant", "system", "user"] and found[1].parts == (Text("b"),)


# --- turns ---------------------------------------------------------------------------------------


def test_results_come_first_and_the_rest_in_order() -> None:
    content = [
        {"type": "text", "text": "one"},
        {"type": "tool_result", "tool_use_id": "a", "content": "A", "is_error": True},
        {"type": "text", "text": "two"},
        {"type": "tool_result", "tool_use_id": "b", "cache_control": CACHE},
    ]
    assert user(*content).parts == (
        ToolResult("a", (Text("A"),), error=True),
        ToolResult("b", (), cache=CACHE),
        Text("one"),
        Text("two"),
    )


def test_a_result_with_texts_pictures_files_and_references() -> None:
    content = [
        {"type": "text", "text": "t"},
        {"type": "image", "source": PNG},
        {"type": "document", "title": "d", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
        {"type": "tool_reference", "tool_name": "WebFetch"},
        {"type": "search_result", "title": "T", "source": "S", "content": [{"type": "text", "text": "found"}]},
    ]
    [result] = user({"type": "tool_result", "tool_use_id": "a", "content": content}).parts
    assert isinstance(result, ToolResult)
    assert result.parts == (
        Text("t"),
        Image("image/png", "aGk="),
        Document("application/pdf", "aGk=", name="d"),
        Text("The tool WebFetch is loaded and can be called."),
        Text("T\nS\n\nfound"),
    )


def test_an_assistant_of_calls_alone_and_calls_without_input() -> None:
    content = [
        {"type": "tool_use", "id": "a", "name": "n", "input": {"x": [1, "é"]}, "cache_control": CACHE},
        {"type": "tool_use", "id": "b", "name": "n"},
    ]
    turn = turns(("user", "x"), ("assistant", content))[1]
    assert turn.parts == (ToolCall("a", "n", '{"x":[1,"é"]}', cache=CACHE), ToolCall("b", "n", "{}"))


def test_thoughts_keep_their_seals_and_our_marks_are_none() -> None:
    content = [
        {"type": "thinking", "thinking": "a", "signature": "lr1.seal"},
        {"type": "thinking", "thinking": "b", "signature": thoughts.UNSIGNED},
        {"type": "thinking", "thinking": "c"},
        {"type": "thinking", "thinking": "", "signature": thoughts.AWAKE},
        {"type": "redacted_thinking", "data": "UkVE"},
        {"type": "text", "text": "x"},
    ]
    [_, turn] = turns(("user", "x"), ("assistant", content))
    assert turn.parts == (Thought("a", "lr1.seal"), Thought("b"), Thought("c"), Thought(sealed="UkVE"), Text("x"))


def test_empty_blocks_go_and_empty_turns_with_them() -> None:
    found = turns(("user", [{"type": "text", "text": ""}, {"type": "text", "text": "a"}]), ("assistant", []), ("user", "b"))
    assert [t.parts for t in found] == [(Text("a"),), (Text("b"),)]
    with pytest.raises(BadRequest):
        turns(("user", ""))


def test_documents_in_every_form() -> None:
    found = user(
        {"type": "document", "context": "Old.", "source": {"type": "text", "media_type": "text/plain", "data": "plain"}},
        {
            "type": "document",
            "source": {"type": "content", "content": [{"type": "text", "text": "in"}, {"type": "image", "source": PNG}]},
        },
        {"type": "document", "source": {"type": "url", "url": "https://a.example/x.pdf"}},
    )
    assert found.parts == (
        Text("Old."), Document("text/plain", text="plain"), Document("text/plain", text="in"), Image("image/png", "aGk="),
        Document(url="https://a.example/x.pdf"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]},
    ],
)
def test_what_only_its_host_has_is_refused_by_place(block: dict[str, Any]) -> None:
    with pytest.raises(CannotCross) as caught:
        turns(("user", [block]))
    assert "messages[0].content[0]" in caught.value.text


def test_what_the_hosts_tools_did_is_told_without_what_is_encrypted() -> None:
    content = [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "weather"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s",
            "content": [{"type": "web_search_result", "title": "T", "url": "u", "encrypted_content": "RU5D"}],
        },
    ]
    chat = cross({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": content}]})
    told = "\n".join(p.text for p in chat.turns[1].parts if isinstance(p, Text))
    assert (
        "weather" in told
        and '"title":"T"' in told
        and "RU5D" not in told
        and any("web_search_tool_result" in n for n in chat.notes)
    )


def test_a_summary_of_the_host_stands_for_what_was_before() -> None:
    content = [{"type": "compaction", "content": "They greeted."}, {"type": "text", "text": "Go on."}]
    found = turns(("user", "hello"), ("assistant", content), ("user", "x"), system="s")
    assert [t.role for t in found] == ["system", "user", "assistant", "user"]
    assert found[1].parts == (Text("Summary of the conversation so far:\n\nThey greeted."),)
    with pytest.raises(CannotCross):
        turns(("user", "x"), ("assistant", [{"type": "compaction", "content": None, "encrypted_content": "RU5D"}]))


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "name": "n", "input": {}},
        {"type": "tool_use", "id": "a", "input": {}},
        {"type": "tool_result", "content": "x"},
    ],
)
def test_calls_without_id_or_name_are_refused_by_place(block: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        turns(("user", [block]))
    assert "messages[0].content[0]" in caught.value.text


def test_calls_and_results_cross_in_pairs() -> None:
    call = {"type": "tool_use", "id": "a", "name": "n", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "b", "content": "sun"}
    found = turns(("user", "x"), ("assistant", [call]), ("user", [result, {"type": "text", "text": "y"}]), ("assistant", [call]))
    assert found[2].parts == (ToolResult("a", (Text(MISSING),), error=True), Text(STRAY), Text("sun"), Text("y"))
    assert found[-1] == Turn("user", (ToolResult("a", (Text(MISSING),), error=True),))


# --- tools ---------------------------------------------------------------------------------------


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": "d", "input_schema": {"type": "object"}, **more}


def names(tools: list[dict[str, Any]], *content: dict[str, Any], **more: Any) -> list[str]:
    return [
        t.name for t in cross({"messages": [{"role": "user", "content": list(content) or "x"}], "tools": tools, **more}).tools
    ]


def test_a_tool() -> None:
    chat = cross(
        {
            "messages": [{"role": "user", "content": "x"}],
            "tools": [tool("n", strict=True, cache_control=CACHE, eager_input_streaming=True)],
        }
    )
    assert chat.tools == (Tool("n", "d", {"type": "object"}, strict=True, cache=CACHE),)


def test_tools_on_demand_cross_when_a_reference_names_them() -> None:
    tools = [
        tool("a"),
        tool("b", defer_loading=True),
        tool("c", defer_loading=True),
        tool("DeferredToolPlaceholder", defer_loading=True),
    ]
    assert names(tools) == ["a"]
    assert names(
        tools, {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference", "tool_name": "c"}]}
    ) == ["a", "c"]
    search = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
    assert names([search, *tools]) == ["a", "b", "c"], "no other host searches them, so all of them cross"


def test_tools_of_the_host_are_left_out_with_a_note_unless_one_must_be_called() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}, tool("mine")]
    chat = cross({"messages": [{"role": "user", "content": "x"}], "tools": tools})
    assert [t.name for t in chat.tools] == ["mine"] and any("web_search_20250305" in n for n in chat.notes)
    with pytest.raises(CannotCross):
        cross(
            {
                "messages": [{"role": "user", "content": "x"}],
                "tools": tools,
                "tool_choice": {"type": "tool", "name": "web_search"},
            }
        )


def test_a_tool_of_the_client_that_is_named_like_one_of_the_host_stays() -> None:
    assert names([tool("web_search")]) == ["web_search"]


def test_the_clients_own_anthropic_tools_have_parameters() -> None:
    chat = cross({"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "bash_20250124", "name": "bash"}]})
    assert chat.tools[0].schema is not None and "command" in chat.tools[0].schema["properties"]
    with pytest.raises(CannotCross):
        names([{"type": "computer_20250124", "name": "computer", "display_width_px": 1, "display_height_px": 1}])


def test_tools_that_come_and_go() -> None:
    content = [
        {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": tool("new")}},
        {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "old"}},
    ]
    messages = [{"role": "user", "content": "x"}, {"role": "system", "content": content}]
    assert [t.name for t in cross({"messages": messages, "tools": [tool("old"), tool("kept")]}).tools] == ["kept", "new"]


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        (None, None, None),
        ({"type": "auto"}, ToolChoice(), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("any"), False),
        ({"type": "none"}, ToolChoice("none"), None),
        ({"type": "tool", "name": "n"}, ToolChoice("one", "n"), None),
        ({"type": "whatever"}, ToolChoice(), None),
        ("any", ToolChoice("any"), None),
    ],
)
def test_tool_choice(choice: Any, expected: Any, parallel: Any) -> None:
    chat = cross({"messages": [{"role": "user", "content": "x"}], "tools": [tool("n")], "tool_choice": choice})
    assert (chat.choice, chat.parallel) == (expected, parallel)


def test_a_choice_without_a_name_is_refused() -> None:
    with pytest.raises(BadRequest):
        cross({"messages": [{"role": "user", "content": "x"}], "tools": [tool("n")], "tool_choice": {"type": "tool"}})


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "effort"),
    [
        ({}, None),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, "none"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31_999}}, "high"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}, "xhigh"),
        ({"output_config": {"effort": "max"}}, "max"),
        ({"output_config": {"effort": "immense"}}, None),
    ],
)
def test_effort(more: dict[str, Any], effort: Any) -> None:
    assert cross({"messages": [{"role": "user", "content": "x"}], **more}).effort == effort


def test_effort_of_the_last_turn_that_has_one() -> None:
    messages = [{"role": "user", "content": "x"}, {"role": "system", "content": "s", "output_config": {"effort": "low"}}]
    assert cross({"messages": messages, "output_config": {"effort": "high"}}).effort == "low"


def test_numbers_stops_form_and_user() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    chat = cross(
        {
            "messages": [{"role": "user", "content": "x"}], "temperature": 0, "top_p": 0.9, "top_k": 5, "stop_sequences": ["END", ""],
            "output_config": {"format": {"type": "json_schema", "schema": schema}}, "metadata": {"user_id": "u-1"}, "stream": True,
            "service_tier": "auto", "cache_control": CACHE,
        }
    )  # fmt: skip
    assert (chat.temperature, chat.top_p, chat.top_k, chat.stop, chat.user, chat.stream, chat.max_output) == (
        0,
        0.9,
        5,
        ("END",),
        "u-1",
        True,
        9,
    )
    assert chat.form == Form("schema", "answer", schema) and chat.notes == ()
    code = '{"device_id":"d","account_uuid":"a","session_id":"s"}'
    assert cross({"messages": [{"role": "user", "content": "x"}], "metadata": {"user_id": code}}).user == ""


def test_what_has_no_counterpart_is_named() -> None:
    chat = cross(
        {"messages": [{"role": "user", "content": "x"}], "context_management": {"edits": []}, "tomorrow": 1, "mcp_servers": []}
    )
    assert len(chat.notes) == 3 and "context_management" in chat.notes[0] and "tomorrow" in chat.notes[1]
    for field, value in (("container", "c"), ("thread", {"type": "continue", "previous_message_id": "m"})):
        with pytest.raises(CannotCross) as caught:
            cross({"messages": [{"role": "user", "content": "x"}], field: value})
        assert field in caught.value.text
