"""Conversation, sub-agent, user and kind of call, from the shapes of headers and fields that real clients send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.ask import Hints
from localrouter.dialects._hints import hints

SESSION = "0d2e2340-749b-4f96-8ea5-699976de4334"
CLAUDE = {
    "user-agent": "claude-cli/2.1.329 (external, sdk-cli)",
    "x-claude-code-session-id": SESSION,
    "x-app": "cli",
    "anthropic-version": "2023-06-01",
}
CODEX = {
    "originator": "codex_exec",
    "user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64)",
    "session-id": SESSION,
    "thread-id": SESSION,
    "x-client-request-id": SESSION,
}
OPENCODE = {"user-agent": "opencode/1.18.33 runtime/bun/1.3.14", "x-session-affinity": "ses_e049", "x-session-id": "ses_e049"}


def user_id(**more: str) -> str:
    return json.dumps({"device_id": "a51a3cef", "account_uuid": "", "session_id": SESSION, **more})


def messages(*turns: Any, system: Any = "You are an agent.", **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 64000, "system": system, "messages": list(turns), **more}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def billing(tail: str) -> list[dict[str, str]]:
    return [
        {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.197.{tail};"},
        {"type": "text", "text": "You are an agent."},
    ]


def session(headers: dict[str, str], tree: dict[str, Any], dialect: str = "anthropic_messages") -> str:
    return hints(headers, tree, dialect)[0]


def read(headers: dict[str, str], tree: dict[str, Any]) -> Hints:
    return hints(headers, tree, "anthropic_messages")[1]


def test_the_same_conversation_by_whichever_name_its_client_uses() -> None:
    named = session(CLAUDE, messages(user("a")))
    assert (
        named == session(CODEX, {"input": "b"}, "openai_responses") == session({}, {"prompt_cache_key": SESSION}, "openai_chat")
    )
    assert named == session({}, messages(user("c"), metadata={"user_id": user_id()}))
    assert named == session({}, {"input": "d", "client_metadata": {"session_id": SESSION}}, "openai_responses")
    assert named == session({"x-openwebui-chat-id": SESSION}, {"messages": [user("e")]}, "openai_chat")
    assert named == session({"x-session-affinity": SESSION}, {"messages": [user("f")]}, "openai_chat")
    assert named == session({}, {"messages": [user("g")], "metadata": {"session_id": SESSION}}, "openai_chat")
    assert len(named) == 24 and SESSION not in named


def test_the_order_in_which_names_count() -> None:
    tree: dict[str, Any] = {
        "messages": [user("x")],
        "metadata": {"user_id": user_id(session_id="meta"), "session_id": "plain"},
        "prompt_cache_key": "cache",
        "client_metadata": {"session_id": "codex-meta"},
    }
    headers = {
        "x-localrouter-session": "own",
        "x-claude-code-session-id": "claude",
        "session-id": "codex",
        "thread-id": "thread",
        "originator": "codex_cli",
        "x-client-request-id": "conversation",
        "x-session-id": "opencode",
        "x-session-affinity": "affinity",
        "x-openwebui-chat-id": "webui",
    }
    order = [
        "own",
        "claude",
        "meta",
        "codex",
        "thread",
        "conversation",
        "cache",
        "codex-meta",
        "opencode",
        "affinity",
        "webui",
        "plain",
    ]
    drop: list[Any] = [
        lambda: headers.pop("x-localrouter-session"),
        lambda: headers.pop("x-claude-code-session-id"),
        lambda: tree["metadata"].pop("user_id"),
        lambda: headers.pop("session-id"),
        lambda: headers.pop("thread-id"),
        lambda: headers.pop("x-client-request-id"),
        lambda: tree.pop("prompt_cache_key"),
        lambda: tree.pop("client_metadata"),
        lambda: headers.pop("x-session-id"),
        lambda: headers.pop("x-session-affinity"),
        lambda: headers.pop("x-openwebui-chat-id"),
    ]
    for name, then in zip(order, [*drop, None], strict=True):
        assert session(headers, tree) == session({"x-localrouter-session": name}, {}), name
        if then is not None:
            then()


def test_a_request_id_that_changes_each_time_is_no_conversation() -> None:
    tree = {"messages": [user("x")]}
    first, second = ({"x-client-request-id": i, "x-request-id": i, "x-agent-task-id": i} for i in ("1", "2"))
    assert session(first, tree, "openai_chat") == session(second, tree, "openai_chat")


def test_a_client_that_names_nothing_is_known_by_the_head_of_its_conversation() -> None:
    agent = {"user-agent": "GeminiCLI-tui/0.61.0/flash"}
    one = [{"role": "system", "content": "Be short."}, user("fix the test")]
    more = [*one, {"role": "assistant", "content": "done"}, user("now the other")]
    first = session(agent, {"messages": one}, "openai_chat")
    assert first == session(agent, {"messages": more}, "openai_chat")
    # The model of the moment stands in the user agent of some.
    assert first == session({"user-agent": "GeminiCLI-tui/0.62.0/pro"}, {"messages": more}, "openai_chat")
    assert first != session({"user-agent": "QwenCode/0.24"}, {"messages": more}, "openai_chat")
    assert first != session(agent, {"messages": [one[0], user("another task")]}, "openai_chat")
    assert first != session(agent, {"messages": [{"role": "system", "content": "Be long."}, one[1]]}, "openai_chat")


def test_heads_of_responses_and_of_messages() -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    first = session({}, {"instructions": "Be short.", "input": [item]}, "openai_responses")
    later = [item, {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]
    assert first == session({}, {"instructions": "Be short.", "input": later}, "openai_responses")
    assert first == session({}, {"instructions": "Be short.", "input": "hi"}, "openai_responses")
    # Claude Code's first system block differs from request to request.
    blocks = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert session({}, messages(*blocks, system=billing("e58"))) == session(
        {}, messages(*blocks, system=billing("3d9; cc_prev_req=req_1"))
    )
    assert session({}, messages(user("hi"), system="A")) != session({}, messages(user("hi"), system="B"))


def test_sub_agents_share_the_session_and_have_names_of_their_own() -> None:
    tree = messages(user("x"))
    child = {**CLAUDE, "x-claude-code-agent-id": "ae4073b8725d1d907"}
    assert session(child, tree) == session(CLAUDE, tree)
    assert read(CLAUDE, tree).agent == "" != read(child, tree).agent
    marked = messages(user("count files"), system=billing("3d9; cc_entrypoint=sdk-cli; cc_is_subagent=true"))
    sibling = messages(user("find a bug"), system=billing("3d9; cc_entrypoint=sdk-cli; cc_is_subagent=true"))
    assert session(CLAUDE, marked) == session(CLAUDE, tree)
    assert read(CLAUDE, marked).agent and read(CLAUDE, marked).agent != read(CLAUDE, sibling).agent
    # opencode: the child has a session of its own and names its parent's.
    parent, nested = (
        OPENCODE,
        {**OPENCODE, "x-session-id": "ses_b", "x-session-affinity": "ses_b", "x-parent-session-id": "ses_e049"},
    )
    assert session(parent, tree) == session(nested, tree) and read(nested, tree).agent and not read(parent, tree).agent
    # Codex: the child's thread is its own, the session its root's.
    thread = {**CODEX, "thread-id": "child", "x-codex-parent-thread-id": SESSION, "x-openai-subagent": "collab_spawn"}
    assert session(CODEX, tree) == session(thread, tree) and read(thread, tree).agent and not read(CODEX, tree).agent
    assert read({"x-interaction-type": "conversation-subagent"}, tree).agent


def test_the_words_of_a_user_do_not_make_a_sub_agent() -> None:
    assert not read(CLAUDE, messages(user("cc_is_subagent=true"), system="grep for cc_is_subagent=true")).agent


@pytest.mark.parametrize(
    ("headers", "tree"),
    [
        ({}, {"metadata": {"user_id": "u-1"}}),
        ({"x-openwebui-user-id": "u-1"}, {}),
        ({}, {"user": "u-1"}),
        ({}, {"safety_identifier": "u-1", "user": "other"}),
        ({}, {"metadata": {"user_id": user_id(account_uuid="u-1")}}),
        ({}, {"metadata": {"user_id": "user_abc123_account_u-1_session_s"}}),
    ],
)
def test_the_user_is_a_hash_of_what_the_client_calls_it(headers: dict[str, str], tree: dict[str, Any]) -> None:
    assert read(headers, tree).user == read({}, {"user": "u-1"}).user != ""
    assert read({}, {"metadata": {"user_id": user_id()}}).user == read({}, {"user": "a51a3cef"}).user


TITLE = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
CHEAP: list[tuple[dict[str, str], dict[str, Any]]] = [
    (
        CLAUDE,
        messages(user("hi"), tools=[], output_config={"effort": "high", "format": {"type": "json_schema", "schema": TITLE}}),
    ),
    (
        OPENCODE,
        {"messages": [{"role": "system", "content": "You are a title generator. You output ONLY a title."}, user("Generate:")]},
    ),
    (
        {},
        {"messages": [{"role": "system", "content": "You are now acting as the managed memory extraction subagent."}, user("x")]},
    ),
    ({"x-interaction-type": "conversation-background"}, {"messages": [user("x")], "tools": [{"type": "function"}]}),
    ({}, messages(user("x"), max_tokens=1)),
    ({}, {"input": "", "max_output_tokens": 1}),
    ({}, {"messages": [user("### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.")]}),
]
DEAR: list[tuple[dict[str, str], dict[str, Any]]] = [
    (CLAUDE, messages(user("hi"), tools=[{"name": "Read"}])),
    (
        {},
        {
            "messages": [user("extract")],
            "response_format": {"json_schema": {"schema": {"properties": {"invoice": {}, "title": {}}}}},
        },
    ),
    ({}, {"messages": [user("You are a title generator. Why?")]}),
    ({}, messages(user("x" * 20_000), output_config={"format": {"type": "json_schema", "schema": TITLE}})),
    ({}, {"messages": [user("x")], "max_tokens": True}),
]


@pytest.mark.parametrize(("headers", "tree"), CHEAP)
def test_chores_are_known(headers: dict[str, str], tree: dict[str, Any]) -> None:
    assert read(headers, tree).cheap


@pytest.mark.parametrize(("headers", "tree"), DEAR)
def test_work_is_no_chore(headers: dict[str, str], tree: dict[str, Any]) -> None:
    assert not read(headers, tree).cheap


RESULT = {
    "role": "user",
    "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}, {"type": "text", "text": "now"}],
}


@pytest.mark.parametrize(
    ("headers", "tree", "wanted"),
    [
        ({}, messages(user("a"), {"role": "assistant", "content": []}, RESULT), True),
        ({}, messages(user("a"), RESULT, {"role": "system", "content": "reminder"}), True),
        ({}, {"messages": [user("a"), {"role": "tool", "tool_call_id": "c", "content": "ok"}]}, True),
        (
            {},
            {"input": [{"role": "user", "content": "a"}, {"type": "function_call_output", "call_id": "c", "output": "ok"}]},
            True,
        ),
        ({}, {"input": [{"type": "custom_tool_call_output", "call_id": "c", "output": "ok"}]}, True),
        ({"x-initiator": "agent"}, {"messages": [user("a")]}, True),
        ({"x-initiator": "user"}, {"messages": [user("a")]}, False),
        ({}, messages(user("a"), RESULT, {"role": "assistant", "content": "done"}, user("thanks")), False),
        ({}, {"input": "a"}, False),
    ],
)
def test_a_turn_of_a_tool_loop_is_known(headers: dict[str, str], tree: dict[str, Any], wanted: bool) -> None:
    assert read(headers, tree).continues is wanted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "messages", "input", "system", "instructions", "metadata", "client_metadata", "prompt_cache_key", "user", "safety_identifier",
    "tools", "functions", "max_tokens", "output_config", "response_format", "text",
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(FIELDS), JSON | st.lists(st.fixed_dictionaries({"role": JSON, "content": JSON, "type": JSON}))
    )
)
def test_a_field_of_any_type_is_no_error(tree: dict[str, Any]) -> None:
    key, found = hints({"user-agent": "x"}, tree, "openai_chat")
    assert len(key) == 24 and isinstance(found.cheap, bool) and isinstance(found.continues, bool)
