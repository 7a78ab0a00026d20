"""The Responses dialect: what is not private travels unchanged; what cannot be read is refused by name; the neutral form says all of it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from responses_events import call, custom, message, response, thought

from localrouter.core.ask import get
from localrouter.core.catalogue import Model
from localrouter.core.chat import Chat, Document, Form, Image, Text, Thought, ToolCall, ToolChoice, ToolResult
from localrouter.core.decide import Attempt
from localrouter.core.errors import BadRequest, CannotCross, Unsupported
from localrouter.dialects import openai_responses as dialect
from localrouter.providers import openai_responses as wire

ATTEMPT = Attempt("h/m", "hosted", 512, 1, Model("h/m", "h", "m"))
REASONS = Attempt("h/m", "hosted", 512, 1, Model("h/m", "h", "m", reasoning=True))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
UNKNOWN = st.dictionaries(st.text(min_size=1, max_size=10).map(lambda k: "x_" + k), JSON, max_size=4)
PNG = "data:image/png;base64,AAAA"


def read(headers: dict[str, str] | None = None, **tree: Any) -> Any:
    return dialect.read(orjson.dumps({"input": "x", **tree}), headers or {})


def chat(**tree: Any) -> Chat:
    ask = read(**tree)
    return dialect.chat(ask.tree, ask)


def strings(node: Any) -> set[str]:
    if isinstance(node, str):
        return {node} - {""}
    if isinstance(node, dict):
        return set().union(*(strings(v) for v in node.values()), set())
    return set().union(*(strings(v) for v in node), set()) if isinstance(node, list) else set()


# --- reading ---------------------------------------------------------------------------------------

AGENT: dict[str, Any] = {
    "model": "mock",
    "stream": True,
    "input": [
        {"type": "message", "id": "msg_1", "role": "developer", "content": [{"type": "input_text", "text": "You code."}]},
        {"type": "message", "id": "msg_2", "role": "user", "content": [{"type": "input_text", "text": "Do it."}]},
        thought("Hm.", mark="gAAA=="),
        call("exec_command", '{"cmd":"ls"}', n=1),
        {"type": "function_call_output", "id": "fco_1", "call_id": "call_1", "output": "a.txt"},
    ],
    "tools": [
        {"type": "function", "name": "exec_command", "description": "Runs.", "strict": False, "parameters": {"type": "object"}},
        {
            "type": "namespace",
            "name": "agents",
            "description": "Sub-agents.",
            "tools": [{"type": "function", "name": "spawn", "parameters": {"type": "object"}}],
        },
        {"type": "web_search", "external_web_access": False},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"summary": "auto"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "01a1fb63",
    "client_metadata": {"session_id": "01a1fb63", "x-codex-turn-metadata": '{"workspaces":{"/home/dev":{}}}'},
}


@given(UNKNOWN, UNKNOWN)
@settings(max_examples=50, deadline=None)
def test_only_the_listed_edits_are_made(top: dict[str, Any], inner: dict[str, Any]) -> None:
    items = [{**item, **inner} for item in AGENT["input"]]
    tree = {**AGENT, "input": items, **top}
    ask = dialect.read(orjson.dumps(tree), {})
    sent = orjson.loads(wire.prepare(dialect.outgoing(ask.tree, ask, ATTEMPT), True, {}).body)
    tools = [tool for tool in AGENT["tools"] if tool["type"] != "web_search"]
    assert sent == {**tree, "tools": tools, "model": "m", "max_output_tokens": 512}
    assert list(sent)[: len(tree)] == list(tree), "the order of keys is kept: a prompt cache may depend on it"
    texts = {leaf.text for leaf in ask.leaves} | set(strings([v for v in (*top.values(), *inner.values()) if v is None]))
    assert strings(top) | strings(inner) <= texts


def test_each_edit() -> None:
    ask = read(
        input=[
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"role": "assistant", "content": [{"type": "output_text", "text": "a", "logprobs": [{"token": "a"}]}]},
        ],
        model="auto",
        max_output_tokens=9000,
    )
    sent = dialect.outgoing(ask.tree, ask, REASONS)
    assert sent["model"] == "m" and sent["max_output_tokens"] == 512 and sent["store"] is False
    assert sent["include"] == ["reasoning.encrypted_content"], "a stored client does not ask for what it now needs"
    assert len(sent["input"]) == 1 and sent["input"][0]["content"][0]["logprobs"] == []
    assert "include" not in dialect.outgoing(ask.tree, ask, ATTEMPT)
    stateless = read(store=False)
    assert "include" not in dialect.outgoing(stateless.tree, stateless, REASONS)


def test_a_model_that_the_recipe_chose_is_not_told_what_it_refuses() -> None:
    fixed = Attempt("openai/m", "hosted", 512, 1, Model("openai/m", "openai", "m", reasoning=True))
    for model, kept in (("localrouter/auto", set()), ("openai/m", {"temperature", "top_p"})):
        ask = read(model=model, input="x", temperature=0, top_p=0.5)
        assert {"temperature", "top_p"} & set(dialect.outgoing(ask.tree, ask, fixed)) == kept


@pytest.mark.parametrize(
    ("tree", "where"),
    [
        ({"input": "find me"}, "user"),
        ({"instructions": "find me"}, "system"),
        ({"input": [{"role": "user", "content": "find me"}]}, "user"),
        ({"input": [{"role": "developer", "content": [{"type": "input_text", "text": "find me"}]}]}, "system"),
        ({"input": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "find me"}]}]}, "assistant"),
        ({"input": [call("f", "find me")]}, "tool_arguments"),
        ({"input": [custom("f", "find me")]}, "tool_arguments"),
        ({"input": [{"type": "function_call_output", "call_id": "1", "output": [{"type": "input_text", "text": "find me"}]}]}, "tool_result"),
        ({"input": [{"type": "custom_tool_call_output", "call_id": "1", "output": "find me"}]}, "tool_result"),
        ({"input": [thought("find me")]}, "assistant"),
        ({"input": [thought("find me", mark="gAAA==")]}, "assistant"),
        ({"input": [{"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["find me"], "env": {}}}]}, "tool_arguments"),
        ({"input": [{"type": "local_shell_call", "call_id": "c", "action": {"env": {"find me": "1"}}}]}, "key"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "AAAA", "filename": "find me"}]}]}, "user"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://h/find me"}]}]}, "user"),
        ({"tools": [{"type": "function", "name": "f", "parameters": {"properties": {"find me": {"type": "string"}}}}]}, "key"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "c", "format": {"type": "grammar", "definition": "find me"}}]}]}, "tool_schema"),
        ({"text": {"format": {"type": "json_schema", "name": "n", "schema": {"enum": ["find me"]}}}}, "tool_schema"),
        ({"tool_choice": {"type": "function", "name": "find me"}}, "tool_schema"),
        ({"metadata": {"a": "find me"}}, "metadata"),
        ({"metadata": {"find me": "a"}}, "key"),
        ({"prompt": {"id": "pmpt_1", "variables": {"who": "find me"}}}, "user"),
        ({"client_metadata": {"a": "find me"}}, "metadata"),
        ({"anything_new": [{"deep": {"er": "find me"}}]}, "metadata"),
        ({"reasoning": {"effort": "find me"}}, "metadata"),
        ({"input": [{"role": "user", "content": "a", "id": "find me"}]}, "metadata"),
    ],
)  # fmt: skip
def test_no_text_is_outside_the_leaves(tree: dict[str, Any], where: str) -> None:
    ask = read(**tree)
    found = [leaf for leaf in ask.leaves if "find me" in leaf.text]
    assert [leaf.where for leaf in found] == [where]
    if where != "key":
        assert get(ask.tree, found[0].path) == found[0].text


def test_what_a_host_signed_is_no_leaf() -> None:
    ask = read(input=[thought("Hm.", mark="gAAA=="), {"type": "compaction", "encrypted_content": "gBBB=="}])
    assert [(s.path, s.mark, s.text) for s in ask.signed] == [(("input", 0), "gAAA==", ""), (("input", 1), "gBBB==", "")]
    assert not any("gAAA" in leaf.text for leaf in ask.leaves)
    plain = read(input=[thought("Hm.", mark="not what a cipher looks like")])
    assert plain.signed[0].text == "not what a cipher looks like"


@pytest.mark.parametrize(
    ("tree", "unread"),
    [
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": PNG}]}]}, ("input_image",)),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]}, ("input_file", "file_id")),
        ({"input": [{"type": "function_call_output", "call_id": "1", "output": [{"type": "input_image", "image_url": PNG}]}]}, ("input_image",)),
        ({"prompt": {"id": "pmpt_1"}}, ("prompt",)),
        ({"previous_response_id": "resp_1"}, ("previous_response_id",)),
        ({"input": [{"type": "shell_call", "call_id": "1", "action": {}, "environment": {"type": "container_reference"}}]}, ("shell container_reference",)),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(tree: dict[str, Any], unread: tuple[str, ...]) -> None:
    for _ in range(2):  # the second time the tools are remembered
        assert read(**tree).unread == unread


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "reference"),
        ({"input": [{"id": "msg_1"}]}, "reference"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"blob": "A" * 400}, "cannot be read"),
    ],
)
def test_what_would_be_looked_up_is_refused_by_name(tree: dict[str, Any], says: str) -> None:
    with pytest.raises(Unsupported, match=says):
        read(**tree)


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({"input": None}, "'input'"),
        ({"input": 7}, "'input'"),
        ({"input": ["a"]}, "input[0]"),
        ({"input": [{"type": "message", "content": "a"}]}, "role"),
        ({"input": [{"role": "user", "content": 7}]}, "input[0].content"),
        ({"model": 7}, "'model'"),
        ({"stream": "yes"}, "'stream'"),
        ({"max_output_tokens": 0}, "'max_output_tokens'"),
        ({"tools": {}}, "'tools'"),
        ({"tools": [7]}, "tools[0]"),
        ({"instructions": 7}, "'instructions'"),
    ],
)
def test_malformed(tree: dict[str, Any], says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(**tree)
    assert says in caught.value.text


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_no_body_breaks_the_reader(body: Any) -> None:
    for tree in ({"input": body}, {"input": [body]}, {"input": [{"type": "reasoning", "summary": body, "encrypted_content": body}]}, {"input": "x", "tools": body, "text": body, "prompt": body, "tool_choice": body}):  # fmt: skip
        try:
            ask = dialect.read(orjson.dumps(tree), {})
            dialect.chat(ask.tree, ask)
            dialect.outgoing(ask.tree, ask, ATTEMPT)
        except (BadRequest, Unsupported):
            pass


def test_needs_session_and_head() -> None:
    ask = read({"session-id": "s", "openai-beta": "x=1", "authorization": "Bearer t"}, tools=AGENT["tools"], stream=True)
    assert ask.needs.tools and ask.needs.stream and not ask.needs.vision
    assert ask.session == read({"session-id": "s"}, input="other").session != read({"session-id": "t"}).session
    assert ask.head == {"openai-beta": "x=1"}
    form = {"format": {"type": "json_schema", "name": "n", "schema": {}}}
    assert read(text=form).needs.json_schema
    assert read(input=[{"role": "user", "content": [{"type": "input_image", "image_url": PNG}]}]).needs.vision
    assert read(input=[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]).last_user == "a"


# --- going on from a stored answer -----------------------------------------------------------------


def test_a_stored_answer_is_written_out() -> None:
    first = read(input="My name?", instructions="Be kind.")
    answer = response([thought("Hm.", mark="gAAA=="), message("Ann.", n=1)])
    kept = dialect.kept(first, answer)
    assert kept is not None and kept[0] == "resp_host"
    tree = {"input": [{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "And yours?"}], "model": "m"}
    out = dialect.resume({"previous_response_id": "resp_host", **tree}, {"resp_host": kept[1]}.__getitem__)
    assert "previous_response_id" not in out and "instructions" not in out
    assert [i.get("type") or i["role"] for i in out["input"]] == ["message", "reasoning", "message", "user"]
    again = dialect.read(orjson.dumps(out), {})
    assert [t.role for t in dialect.chat(out, again).turns] == ["user", "assistant", "user"]
    assert dialect.resume(tree, {}.__getitem__) is tree
    assert dialect.kept(read(store=False), answer) is None
    assert dialect.kept(first, response([], "failed")) is None and dialect.kept(first, None) is None
    with pytest.raises(BadRequest):
        dialect.resume({"previous_response_id": "no id, but a text"}, {}.__getitem__)


# --- the neutral form ------------------------------------------------------------------------------


def test_an_agents_request_crosses() -> None:
    got = chat(**AGENT, instructions="Be kind.")
    assert [(t.role, [type(p) for p in t.parts]) for t in got.turns] == [
        ("system", [Text]),
        ("system", [Text]),
        ("user", [Text]),
        ("assistant", [Thought, ToolCall]),
        ("user", [ToolResult]),
    ]
    assert got.turns[3].parts[0] == Thought("Hm.", "gAAA==")
    assert [t.name for t in got.tools] == ["exec_command", "agents__spawn"] and got.tools[0].strict is False
    assert got.choice == ToolChoice("auto") and got.parallel is True and got.stream
    assert len(got.notes) == 1 and "web_search" in got.notes[0]


def out(call_id: str, text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def test_results_stand_behind_their_calls_in_order() -> None:
    got = chat(
        input=[
            {"role": "user", "content": "go"},
            call("f", "{}", n=1),
            call("g", "{}", n=2),
            {"role": "developer", "content": "hurry"},
            out("call_2", "two"),
            out("call_1", "one"),
            {"role": "user", "content": "so?"},
        ]
    )
    assert [t.role for t in got.turns] == ["user", "assistant", "user", "system", "user"]
    assert [(p.call_id, p.parts) for p in got.turns[2].parts if isinstance(p, ToolResult)] == [
        ("call_1", (Text("one"),)),
        ("call_2", (Text("two"),)),
    ]


def test_steps_are_turns_of_their_own_and_what_is_said_after_results_joins_them() -> None:
    got = chat(
        input=[
            call("f", "{}", n=1),
            out("call_1", "a"),
            call("f", "{}", n=2),
            out("call_2", "b"),
            {"role": "user", "content": "ok"},
        ]
    )
    assert [t.role for t in got.turns] == ["assistant", "user", "assistant", "user"]
    assert [type(p) for p in got.turns[3].parts] == [ToolResult, Text]


def test_a_call_without_a_result_and_a_result_without_a_call() -> None:
    got = chat(input=[call("f", "{}", n=1), {"role": "user", "content": "stop"}, out("gone", "late")])
    result = got.turns[1].parts[0]
    assert isinstance(result, ToolResult) and result.error and len(got.notes) == 2
    assert got.turns[-1].role == "user" and Text("late") in got.turns[-1].parts


@pytest.mark.parametrize(
    ("items", "name", "arguments", "kind", "result"),
    [
        ([custom("apply_patch", "*** Begin", n=1), {"type": "custom_tool_call_output", "call_id": "call_1", "output": "ok"}], "apply_patch", "*** Begin", "custom", "ok"),
        ([call("find", "{}", n=1, namespace="crm"), out("call_1", "ok")], "crm__find", "{}", "function", "ok"),
        ([{"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"], "env": {}}}, {"type": "local_shell_call_output", "id": "c", "output": "ok"}], "local_shell", '{"command":["ls"],"env":{}}', "function", "ok"),
        ([{"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"], "timeout_ms": None}}, {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "ok"}]}], "shell", '{"commands":["ls"]}', "function", '[{"stdout":"ok"}]'),
        ([{"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "a"}}, {"type": "apply_patch_call_output", "call_id": "c", "status": "failed", "output": "no"}], "apply_patch", '{"type":"delete_file","path":"a"}', "function", "no"),
        ([{"type": "tool_search_call", "call_id": "c", "arguments": {"query": "q"}}, {"type": "tool_search_output", "call_id": "c", "tools": [{"type": "function", "name": "found"}]}], "tool_search", '{"query":"q"}', "function", "Tools that can be called now: found"),
    ],
)  # fmt: skip
def test_every_kind_of_call_crosses(items: list[Any], name: str, arguments: str, kind: str, result: str) -> None:
    got = chat(input=items)
    said, answered = got.turns[0].parts[0], got.turns[1].parts[0]
    assert isinstance(said, ToolCall) and (said.name, said.arguments, said.kind) == (name, arguments, kind)
    assert isinstance(answered, ToolResult) and answered.parts == (Text(result),) and answered.call_id == said.id
    assert answered.error == ("apply_patch_call" in str(items))


def test_tools_that_are_announced_on_the_way_are_offered() -> None:
    found = {"type": "tool_search_output", "call_id": "c", "tools": [{"type": "function", "name": "found"}]}
    added = {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "more"}]}
    got = chat(
        input=[added, {"type": "tool_search_call", "call_id": "c", "arguments": {}}, found], tools=[{"type": "tool_search"}]
    )
    assert [t.name for t in got.tools] == ["tool_search", "more", "found"]


def test_names_fit_and_differ() -> None:
    long = "a" * 70
    got = chat(
        tools=[
            {
                "type": "namespace",
                "name": "n.s",
                "tools": [{"type": "function", "name": long}, {"type": "function", "name": long + "b"}],
            }
        ]
    )
    names = [t.name for t in got.tools]
    assert len(set(names)) == 2 and all(len(n) <= 64 and n.replace("_", "").isalnum() for n in names)


@pytest.mark.parametrize(
    ("choice", "mode", "names"),
    [
        ("required", ToolChoice("any"), ["f", "n__g", "c"]),
        ("none", ToolChoice("none"), ["f", "n__g", "c"]),
        ({"type": "function", "name": "f"}, ToolChoice("one", "f"), ["f", "n__g", "c"]),
        ({"type": "custom", "name": "c"}, ToolChoice("one", "c"), ["f", "n__g", "c"]),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}, ToolChoice("any"), ["f"]),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "namespace", "name": "n"}]}, ToolChoice("auto"), ["n__g"]),
    ],
)
def test_tool_choice(choice: Any, mode: ToolChoice, names: list[str]) -> None:
    tools = [
        {"type": "function", "name": "f"},
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "g"}]},
        {"type": "custom", "name": "c"},
    ]
    got = chat(tools=tools, tool_choice=choice)
    assert (got.choice, [t.name for t in got.tools]) == (mode, names)


def test_settings_and_parts() -> None:
    got = chat(
        input=[
            {"type": "configuration_update", "reasoning": {"effort": "high"}},
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": PNG, "detail": "low"},
                    {"type": "input_image", "image_url": "https://h/a.png"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="},
                    {"type": "input_file", "file_url": "https://h/a.pdf"},
                ],
            },
        ],
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}, "verbosity": "low"},
        reasoning={"effort": "low"},
        temperature=0.5,
        safety_identifier="u",
        max_output_tokens=9,
        brand_new=1,
    )
    assert got.turns[0].parts == (
        Image("image/png", "AAAA", detail="low"),
        Image(url="https://h/a.png"),
        Document("application/pdf", "QQ==", name="a.pdf"),
        Document(url="https://h/a.pdf"),
    )
    assert got.form == Form("schema", "n", {"type": "object"}, True) and got.effort == "high" and got.temperature == 0.5
    assert got.user == "u" and got.max_output == 9 and got.session
    assert any("brand_new" in n for n in got.notes) and any("verbosity" in n for n in got.notes)


@pytest.mark.parametrize(
    "tree",
    [
        {"prompt": {"id": "pmpt_1"}},
        {"top_logprobs": 3},
        {"include": ["message.output_text.logprobs"]},
        {"input": [{"type": "compaction", "encrypted_content": "gAAA=="}]},
        {"input": [{"type": "computer_call", "call_id": "c", "actions": []}]},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
        {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search_preview"}},
    ],
)
def test_what_has_no_word_elsewhere_is_refused_by_name(tree: dict[str, Any]) -> None:
    with pytest.raises(CannotCross):
        chat(**tree)


def test_a_prefix_crosses_the_same_way_in_every_turn() -> None:
    """What stood before stands the same when the conversation grows: a prompt cache is worth nothing otherwise."""
    items = [*AGENT["input"], message("Done.", n=7), {"role": "user", "content": "More."}]
    for n in range(5, len(items)):
        before, after = chat(**{**AGENT, "input": items[:n]}), chat(**{**AGENT, "input": items[: n + 1]})
        assert (
            after.turns[: len(before.turns)] == before.turns
            or after.turns[len(before.turns) - 1].parts[:1] == before.turns[-1].parts[:1]
        )
        assert after.tools == before.tools
