"""Requests that other gateways get wrong, on both planes: what the client says, as the host gets it.

Each case names where it is from: the test suites of Olla (internal/adapter/translator/anthropic), Ollama (openai, anthropic, middleware),
Plano (crates/hermesllm), Bifrost (core/providers/anthropic), LiteLLM (anthropic/experimental_pass_through and
responses/litellm_completion_transformation), Portkey 2.0 (src/adapters), Claude Code Router (packages/core), or a client that was seen to
send it. Whatever leaves goes through the rehearsal host's checks, so a shape that the real API refuses fails here.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from crossing import NAMES, OTHERS, attempt, dialect, over, read, wire
from drivers import PNG

from localrouter.core.errors import BadRequest, CannotCross, ClientFault

M = {"model": "m", "max_tokens": 2000}
HI = {"role": "user", "content": "hi"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"name": "weather", "description": "The weather.", "input_schema": SCHEMA}
FUNCTION = {"type": "function", "function": {"name": "weather", "description": "The weather.", "parameters": SCHEMA}}
FLAT = {"type": "function", "name": "weather", "description": "The weather.", "parameters": SCHEMA, "strict": False}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}


def use(name: str, given: Any = None, id_: str = "toolu_1") -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": name, "input": {"city": "Rome"} if given is None else given}


def result(content: Any, id_: str = "toolu_1", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, "content": content, **more}


def loop(*blocks: dict[str, Any], calls: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """A Messages request in the middle of a tool loop."""
    said = {"role": "assistant", "content": list(calls) or [use("weather")]}
    return {**M, "messages": [HI, said, {"role": "user", "content": list(blocks)}], "tools": [TOOL]}


def chat_roles(tree: dict[str, Any]) -> list[str]:
    return [m["role"] for m in tree["messages"]]


def item_kinds(tree: dict[str, Any]) -> list[str]:
    return [i.get("role") or i["type"] for i in tree["input"]]


def words(node: Any) -> str:
    return json.dumps(node, ensure_ascii=False)


# --- 1: system prompts -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", list(NAMES))
@pytest.mark.parametrize(
    "system",
    ["be brief", [{"type": "text", "text": "be"}, {"type": "text", "text": "brief"}], [{"type": "text", "text": "be brief"}, {"type": "text", "text": ""}], [], None],
)  # fmt: skip
def test_system_in_every_shape(host: str, system: Any) -> None:
    """Source: Olla: string, array, array with empty blocks, absent."""
    if host == "messages" and isinstance(system, list) and any(not b["text"] for b in system):
        pytest.skip("on the raw plane the client's own empty block is the host's to judge")
    body = {**M, "messages": [HI]} | ({} if system is None else {"system": system})
    tree = over("messages", host, body).tree
    if host == "messages":
        assert tree.get("system") == body.get("system")
    elif host == "chat":
        assert chat_roles(tree) == (["system", "user"] if system else ["user"])
        assert not system or "brief" in words(tree["messages"][0])
    else:
        assert bool(system) == ("brief" in words(tree))
        assert item_kinds(tree)[-1] == "user"


@pytest.mark.parametrize("host", list(NAMES))
@pytest.mark.parametrize("content", ["the date is now 2 May", [{"type": "text", "text": "the date is now 2 May"}]])
def test_system_in_the_middle_of_a_conversation(host: str, content: Any) -> None:
    """Source: Claude Code puts role:"system" inside messages (ollama#16372, LiteLLM mid_conversation_system, Bifrost systemflatten)."""
    body = {**M, "messages": [HI, {"role": "system", "content": content}, {"role": "assistant", "content": "yes"}, HI]}
    tree = over("messages", host, body).tree
    assert "2 May" in words(tree)
    if host == "chat":
        assert chat_roles(tree) == ["user", "system", "assistant", "user"]
    elif host == "responses":
        assert item_kinds(tree) in (["user", "system", "assistant", "user"], ["user", "developer", "assistant", "user"])


@pytest.mark.parametrize("name", ["chat", "responses"])
def test_developer_and_system_turns_reach_messages(name: str) -> None:
    """Source: OpenAI's developer role (Codex sends no instructions but a developer message); pi and VS Code send it in chat."""
    turns = [
        {"role": "developer", "content": "be brief"},
        HI,
        {"role": "assistant", "content": "yes"},
        {"role": "system", "content": "be kind"},
        HI,
    ]
    body = {"model": "m", ("messages" if name == "chat" else "input"): turns}
    tree = over(name, "messages", body).tree
    assert "be brief" in words(tree["system"]) and "be kind" in words(tree)
    assert tree["messages"][0]["role"] == "user"


# --- 2, 3: tool results and tool calls -------------------------------------------------------------


@pytest.mark.parametrize("host", list(NAMES))
def test_results_come_before_what_the_user_says(host: str) -> None:
    """Source: Olla: tool_result must precede user text when mixed; several results."""
    calls = (use("weather"), use("weather", {"city": "Oslo"}, "toolu_2"))
    body = loop(result("sun"), result("snow", "toolu_2"), {"type": "text", "text": "and?"}, calls=calls)
    tree = over("messages", host, body).tree
    if host == "chat":
        assert chat_roles(tree) == ["user", "assistant", "tool", "tool", "user"]
        assert [m["tool_call_id"] for m in tree["messages"] if m["role"] == "tool"] == [
            c["id"] for c in tree["messages"][1]["tool_calls"]
        ]
        assert [m["content"] for m in tree["messages"][2:4]] == ["sun", "snow"]
    elif host == "responses":
        kinds = [k for k in item_kinds(tree) if k != "reasoning"]
        assert sorted(kinds[1:5]) == ["function_call"] * 2 + ["function_call_output"] * 2 and kinds[5] == "user"


@pytest.mark.parametrize("host", ["chat", "responses"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("sun", "sun"),
        ([{"type": "text", "text": "sun"}, {"type": "text", "text": "warm"}], "warm"),
        ("", ""),
        ([], ""),
        (None, ""),
    ],
)
def test_a_result_in_every_shape(host: str, content: Any, expected: str) -> None:
    """Source: Olla, Ollama; Bifrost emptytoolresult: an empty result still yields a tool message."""
    tree = over("messages", host, loop(result(content))).tree
    (said,) = (
        [m for m in tree["messages"] if m["role"] == "tool"]
        if host == "chat"
        else [i for i in tree["input"] if i.get("type") == "function_call_output"]
    )
    assert expected in words(said)


@pytest.mark.parametrize("host", ["chat", "responses"])
def test_an_error_of_a_tool_is_said_once(host: str) -> None:
    """Source: Olla: is_error preserved as a prefix, and not twice."""
    tree = over("messages", host, loop(result("no such city", is_error=True))).tree
    assert "error" in words(tree).lower() and "no such city" in words(tree)
    tree = over("messages", host, loop(result("Error: no such city", is_error=True))).tree
    assert words(tree).count("Error:") == 1


@pytest.mark.parametrize("host", list(NAMES))
def test_a_picture_in_a_result(host: str) -> None:
    """Source: Claude Code reads images through a tool; OpenAI's tool messages take text only."""
    tree = over("messages", host, loop(result([{"type": "text", "text": "a map"}, IMAGE]))).tree
    assert PNG in words(tree) and "a map" in words(tree)


@pytest.mark.parametrize("host", list(NAMES))
def test_a_document_in_a_result(host: str) -> None:
    """Source: Bifrost toolresultdocument."""
    source = {"type": "text", "media_type": "text/plain", "data": "rain all week"}
    tree = over("messages", host, loop(result([{"type": "document", "source": source, "title": "notes.txt"}]))).tree
    assert "rain all week" in words(tree)


@pytest.mark.parametrize("host", list(NAMES))
def test_an_assistant_with_calls_only_and_a_user_with_results_only(host: str) -> None:
    """Source: Olla: content null or left out, not "", beside tool_calls; no empty user message."""
    tree = over("messages", host, loop(result("sun"))).tree
    if host == "chat":
        assert tree["messages"][1].get("content") is None and chat_roles(tree)[-1] == "tool"
    elif host == "responses":
        assert item_kinds(tree) == ["user", "function_call", "function_call_output"]


def test_calls_only_reach_messages_without_an_empty_text() -> None:
    """Source: Copilot's CLI sends content:null and refusal:null; others send content ""."""
    for content in (None, "", []):
        call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
        said = {"role": "assistant", "content": content, "refusal": None, "tool_calls": [call]}
        body = {
            "model": "m",
            "messages": [HI, said, {"role": "tool", "tool_call_id": "c1", "content": "sun"}],
            "tools": [FUNCTION],
        }
        tree = over("chat", "messages", body).tree
        assert [b["type"] for b in tree["messages"][1]["content"]] == ["tool_use"]


# --- 4: tool choice --------------------------------------------------------------------------------

CHOICES = {
    "auto": ("auto", "auto", {"type": "auto"}),
    "none": ("none", "none", {"type": "none"}),
    "any": ("required", "required", {"type": "any"}),
    "one": (
        {"type": "function", "function": {"name": "weather"}},
        {"type": "function", "name": "weather"},
        {"type": "tool", "name": "weather"},
    ),
}


@pytest.mark.parametrize("name", list(NAMES))
@pytest.mark.parametrize("mode", list(CHOICES))
def test_tool_choice_in_each_direction(name: str, mode: str) -> None:
    """Source: Olla, Bifrost toolchoiceany."""
    order = list(NAMES)
    given = dict(zip(order, CHOICES[mode], strict=True))
    for host in OTHERS[name]:
        tools = {"chat": [FUNCTION], "responses": [FLAT], "messages": [TOOL]}[name]
        turns = {"input": "hi"} if name == "responses" else {"messages": [HI]}
        tree = over(
            name,
            host,
            {
                "model": "m",
                **turns,
                "tools": tools,
                "tool_choice": given[name],
                **({"max_tokens": 99} if name == "messages" else {}),
            },
        ).tree
        assert tree.get("tool_choice", given[host]) == given[host], host
        assert tree["tools"] or mode == "none"


@pytest.mark.parametrize("host", ["chat", "responses"])
def test_one_call_at_a_time(host: str) -> None:
    """Source: LiteLLM parallel_tool_calls, Olla: disable_parallel_tool_use."""
    body = {**M, "messages": [HI], "tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    assert over("messages", host, body).tree["parallel_tool_calls"] is False
    body = {"model": "m", "messages": [HI], "tools": [FUNCTION], "parallel_tool_calls": False}
    assert over("chat", "messages", body).tree["tool_choice"]["disable_parallel_tool_use"] is True


def test_a_choice_without_a_name_is_an_error_and_an_unknown_word_is_auto() -> None:
    """Source: Olla: unknown => auto, object without name => error."""
    for host in ("chat", "responses"):
        with pytest.raises(ClientFault):
            over("messages", host, {**M, "messages": [HI], "tools": [TOOL], "tool_choice": {"type": "tool"}})
        tree = over("messages", host, {**M, "messages": [HI], "tools": [TOOL], "tool_choice": {"type": "sometimes"}}).tree
        assert tree.get("tool_choice", "auto") == "auto"


@pytest.mark.parametrize("effort", [{"thinking": {"type": "enabled", "budget_tokens": 1024}}, {}])
def test_a_forced_choice_and_reasoning_do_not_meet_in_messages(effort: dict[str, Any]) -> None:
    """Source: Anthropic, "Extended thinking": tool_choice any and tool are refused with thinking (the host's check fails here)."""
    body = {"model": "m", "messages": [HI], "tools": [FUNCTION], "tool_choice": "required", "reasoning_effort": "high"}
    tree = over("chat", "messages", body).tree
    assert tree["tool_choice"] == {"type": "any"}


# --- 5: odd tools ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"properties": {"city": {"type": "string"}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", **SCHEMA},
        None,
    ],
)
def test_schemas_without_type_or_with_a_dialect(schema: Any) -> None:
    """Source: Bifrost paramlesstool, typelesstoolschema, schemasanitize; LiteLLM strip_schema. A host refuses what is no object."""
    inner = {"name": "weather"} | ({} if schema is None else {"parameters": schema})
    tree = over("chat", "messages", {"model": "m", "messages": [HI], "tools": [{"type": "function", "function": inner}]}).tree
    assert tree["tools"][0]["input_schema"]["type"] == "object"
    flat = {"type": "function", "name": "weather", "parameters": schema, "strict": None}
    for host in ("messages", "chat"):
        over("responses", host, {"model": "m", "input": "hi", "tools": [flat]})
    for host in ("chat", "responses"):
        over("messages", host, {**M, "messages": [HI], "tools": [{"name": "weather", "input_schema": schema or {}}]})


@pytest.mark.parametrize("given", ['{"city": ', "", "null", "[1]", '"Rome"'])
def test_arguments_that_are_no_object(given: str) -> None:
    """Source: Olla, Ollama (unmarshalable args): {} or wrapped, with what was said kept; not a crash. Messages takes objects only."""
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": given}}
    turns = [
        HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "?"},
    ]
    tree = over("chat", "messages", {"model": "m", "messages": turns, "tools": [FUNCTION]}).tree
    assert isinstance(tree["messages"][1]["content"][0]["input"], dict)


def test_a_call_without_a_name_or_an_id_is_refused_by_name() -> None:
    """Source: Olla: missing tool id or name."""
    for block in ({"type": "tool_use", "id": "toolu_1", "input": {}}, {"type": "tool_use", "name": "weather", "input": {}}):
        for host in ("chat", "responses"):
            with pytest.raises(BadRequest, match="id"):
                over("messages", host, loop(result("x"), calls=(block,)))


@pytest.mark.parametrize("id_", ["call_" + "x" * 60, "call.with/odd:signs", "", "功能-1"])
def test_ids_of_calls_fit_the_host(id_: str) -> None:
    """Source: OpenAI takes 40 characters (chat) and 64 (Responses), Anthropic ^[a-zA-Z0-9_-]+$; the pair must still match."""
    if not id_:
        return
    call = {"id": id_[:40], "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    turns = [
        HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": id_[:40], "content": "sun"},
    ]
    over("chat", "messages", {"model": "m", "messages": turns, "tools": [FUNCTION]})
    over("chat", "responses", {"model": "m", "messages": turns, "tools": [FUNCTION]})
    if id_.isascii() and "." not in id_:
        calls = (use("weather", id_=id_),)
        over("messages", "chat", loop(result("sun", id_), calls=calls))
        over("messages", "responses", loop(result("sun", id_), calls=calls))


# --- 6: names of tools -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["chat", "responses"])
def test_a_clients_tool_named_like_a_hosts_stays_a_function(host: str) -> None:
    """Source: Bifrost clienttoolnamecollision; Ollama drops a custom web_search only when the built-in one is present."""
    mine = {"name": "web_search", "input_schema": SCHEMA}
    tree = over("messages", host, {**M, "messages": [HI], "tools": [mine]}).tree
    assert tree["tools"][0]["type"] == "function" and "web_search" in words(tree["tools"])
    builtin = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    sent = over("messages", host, {**M, "messages": [HI], "tools": [builtin, TOOL]})
    assert "web_search" not in words(sent.tree) and any("web_search" in n for n in sent.notes), (
        "left out with a note (Cline sends it)"
    )


# --- 7, 8: reasoning -------------------------------------------------------------------------------

EFFORTS = [
    ({"thinking": {"type": "disabled"}}, (None, "none", "minimal", "low")),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, ("low",)),
    ({"thinking": {"type": "enabled", "budget_tokens": 1900}, "output_config": {"effort": "high"}}, ("high",)),
    ({"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max"}}, ("high", "xhigh", "max")),
    ({"output_config": {"effort": "medium"}}, ("medium",)),
]


@pytest.mark.parametrize("host", ["chat", "responses"])
@pytest.mark.parametrize(("asked", "allowed"), EFFORTS)
def test_thinking_becomes_effort(host: str, asked: dict[str, Any], allowed: tuple[Any, ...]) -> None:
    """Source: Ollama, LiteLLM, Bifrost providereffort: clamped to the words of the host."""
    tree = over("messages", host, {**M, "messages": [HI], **asked}).tree
    got = tree.get("reasoning_effort") if host == "chat" else (tree.get("reasoning") or {}).get("effort")
    assert got in allowed


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh"])
@pytest.mark.parametrize("name", ["chat", "responses"])
def test_effort_becomes_thinking(name: str, effort: str) -> None:
    """Source: as above, the other way; a budget stays below max_tokens (the host's check)."""
    said = {"reasoning_effort": effort} if name == "chat" else {"reasoning": {"effort": effort}}
    turns = {"messages": [HI]} if name == "chat" else {"input": "hi"}
    for limit in ({}, {"max_completion_tokens" if name == "chat" else "max_output_tokens": 500}):
        over(name, "messages", {"model": "claude-opus-4-6", **turns, **said, **limit}, model="claude-opus-4-6")
        over(name, "messages", {"model": "claude-haiku-4-5", **turns, **said, **limit}, model="claude-haiku-4-5")


@pytest.mark.parametrize("host", ["chat", "responses"])
def test_a_foreign_signature_is_never_replayed(host: str) -> None:
    """Source: Bifrost redactedthinking*, LiteLLM signature_codec and thinking_block_order; the incident of encrypted reasoning sent to
    another organisation's key (LiteLLM, February 2026)."""
    blocks = (
        {"type": "thinking", "thinking": "hm", "signature": "c2lnbmVkLWJ5LW1l"},
        {"type": "redacted_thinking", "data": "c2VhbGVk"},
        use("weather"),
    )
    sent = over("messages", host, loop(result("sun"), calls=blocks))
    assert "c2lnbmVk" not in words(sent.tree) and "c2VhbGVk" not in words(sent.tree)
    assert any("reasoning" in n for n in sent.notes)


@pytest.mark.parametrize("host", ["chat", "messages"])
def test_encrypted_reasoning_is_never_replayed_to_another_wire(host: str) -> None:
    """Source: Codex sends reasoning items back with encrypted_content; LiteLLM and Bifrost muxreasoning."""
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": None, "encrypted_content": "gAAAAsecret"},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "sun"},
    ]
    sent = over(
        "responses",
        host,
        {"model": "m", "input": items, "tools": [FLAT], "store": False, "include": ["reasoning.encrypted_content"]},
    )
    assert "gAAAA" not in words(sent.tree) and any("reasoning" in n for n in sent.notes)


def test_thinking_on_a_tool_turn_without_a_thought_is_no_400() -> None:
    """Source: Anthropic, "Extended thinking": with thinking enabled the assistant's turn of a tool loop must begin with a thought. A
    conversation that began at another host has none (the host's check fails here)."""
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    turns = [
        HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sun"},
    ]
    for model in ("claude-opus-4-6", "claude-haiku-4-5", "claude-sonnet-4-5"):
        over("chat", "messages", {"model": "m", "messages": turns, "tools": [FUNCTION], "reasoning_effort": "high"}, model=model)


# --- 9: cache marks --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["chat", "responses"])
def test_cache_marks_reach_messages_and_no_other_host(name: str) -> None:
    """Source: OpenRouter style marks in chat parts (Roo); theopenco/llmgateway#3723: at most 4. Dropped for hosts that know none."""
    part = {"type": "text" if name == "chat" else "input_text", "text": "long"}
    marked = {**part, "cache_control": {"type": "ephemeral"}}
    turns = [{"role": "user", "content": [marked]}] * 6
    body = {"model": "m", ("messages" if name == "chat" else "input"): turns}
    tree = over(name, "messages", body).tree
    assert words(tree).count("cache_control") <= 4
    other = "responses" if name == "chat" else "chat"
    assert "cache_control" not in words(over(name, other, body).tree)


@pytest.mark.parametrize("host", ["chat", "responses"])
def test_cache_marks_of_messages_are_dropped_elsewhere(host: str) -> None:
    """Source: Claude Code and opencode set them on system, tools, text, tool_use and tool_result."""
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    body = {
        **M,
        "system": [{"type": "text", "text": "s", **mark}],
        "tools": [{**TOOL, **mark}],
        "messages": [
            HI,
            {"role": "assistant", "content": [{**use("weather"), **mark}]},
            {"role": "user", "content": [result("sun", **mark)]},
        ],
    }
    assert "cache_control" not in words(over("messages", host, body).tree)


# --- 10, 11: what nobody knows ---------------------------------------------------------------------


@pytest.mark.parametrize("name", list(NAMES))
def test_unknown_fields_survive_on_the_raw_plane_and_are_noted_on_the_other(name: str) -> None:
    """Source: Olla, Plano (input_item_unknown_type_is_preserved)."""
    body = {"model": "m", "brand_new": {"deep": ["x", 1]}} | (
        {"input": "hi"} if name == "responses" else {"messages": [HI], "max_tokens": 100}
    )
    assert over(name, name, body, lenient=True).tree["brand_new"] == {"deep": ["x", 1]}
    for host in OTHERS[name]:
        sent = over(name, host, body)
        assert "brand_new" not in sent.tree and any("brand_new" in n for n in sent.notes)


def test_version_and_beta_flags_go_to_their_own_host_only() -> None:
    """Source: LiteLLM incident of February 2026 (unknown flags at Bedrock); Anthropic's gateway contract: forward the version unchanged."""
    head = {
        "anthropic-version": "2026-10-21",
        "anthropic-beta": "context-management-2025-06-27,effort-2025-11-24",
        "x-api-key": "lr-" + "local",
    }
    body = {**M, "messages": [HI], "context_management": {"edits": []}}
    raw = over("messages", "messages", body, head)
    assert raw.headers["anthropic-version"] == "2026-10-21" and "context-management-2025-06-27" in raw.headers["anthropic-beta"]
    assert "x-api-key" not in raw.headers, "the client's own token never leaves"
    for host in ("chat", "responses"):
        sent = over("messages", host, body, head)
        assert not [h for h in sent.headers if h.startswith("anthropic-")] and "context_management" not in sent.tree


def test_sampling_is_never_added_for_the_newer_version() -> None:
    """Source: API version 2026-10-21 answers 400 to temperature; a wire that crosses chooses the version itself."""
    for name in ("chat", "responses"):
        turns = {"messages": [HI]} if name == "chat" else {"input": "hi"}
        over(name, "messages", {"model": "m", **turns, "temperature": 1.7, "top_p": 0.5}, model="claude-opus-4-6")
    assert "temperature" not in over("messages", "messages", {**M, "messages": [HI]}, {"anthropic-version": "2026-10-21"}).tree


# --- 14, 15: empty texts, limits -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["chat", "responses"])
def test_empty_texts_go_but_a_turn_does_not_become_empty(name: str) -> None:
    """Source: LiteLLM empty_text_sanitization: Anthropic refuses empty text blocks and empty messages."""
    turns = [
        HI,
        {"role": "assistant", "content": ""},
        {"role": "user", "content": [{"type": "text" if name == "chat" else "input_text", "text": ""}]},
        HI,
    ]
    tree = over(name, "messages", {"model": "m", ("messages" if name == "chat" else "input"): turns}).tree
    assert tree["messages"][-1]["role"] == "user"


def test_a_conversation_that_begins_with_the_assistant_can_go_to_messages() -> None:
    """Source: Anthropic: the first message must be the user's."""
    turns = [{"role": "assistant", "content": "Hello, how can I help?"}, HI]
    assert over("chat", "messages", {"model": "m", "messages": turns}).tree["messages"][0]["role"] == "user"


@pytest.mark.parametrize(
    ("name", "field"), [("chat", "max_tokens"), ("chat", "max_completion_tokens"), ("responses", "max_output_tokens")]
)
def test_the_limit_crosses_and_is_never_missing(name: str, field: str) -> None:
    """Source: LiteLLM max_tokens_truncation; Anthropic demands max_tokens; the recipe's limit bounds it."""
    turns = {"messages": [HI]} if name == "chat" else {"input": "hi"}
    assert over(name, "messages", {"model": "m", **turns, field: 777}, limit=777).tree["max_tokens"] == 777
    assert over(name, "messages", {"model": "m", **turns}, limit=5000).tree["max_tokens"] == 5000
    assert over("messages", "responses", {**M, "max_tokens": 1, "messages": [HI]}, limit=1).tree["max_output_tokens"] >= 16


@pytest.mark.parametrize("name", ["chat", "responses", "messages"])
def test_stop_sequences_and_sampling(name: str) -> None:
    """Source: Anthropic's stop_sequences and 0..1 temperature, OpenAI's 4 stops and 0..2; Responses has no stop at all."""
    stops = ["a", "b", "c", "d", "e", "f"]
    if name == "messages":
        sent = over("messages", "chat", {**M, "messages": [HI], "stop_sequences": stops, "temperature": 0.5})
        assert sent.tree["stop"] == stops[:4] and any("stop" in n for n in sent.notes)
        with pytest.raises(CannotCross, match="stop sequences"):
            over("messages", "responses", {**M, "messages": [HI], "stop_sequences": stops})
    elif name == "chat":
        assert over("chat", "messages", {"model": "m", "messages": [HI], "stop": stops[:2]}).tree["stop_sequences"] == ["a", "b"]
        assert over("chat", "messages", {"model": "m", "messages": [HI], "stop": "a"}).tree["stop_sequences"] == ["a"]


# --- 34 to 40: Responses ---------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["chat", "messages"])
@pytest.mark.parametrize(
    "given", ["hi", [HI], [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]]
)
def test_input_in_every_shape(host: str, given: Any) -> None:
    """Source: Plano, Ollama: string, shorthand messages, item arrays."""
    tree = over("responses", host, {"model": "m", "input": given, "instructions": "be brief"}).tree
    assert "hi" in words(tree["messages"][-1]) and "be brief" in words(tree)


@pytest.mark.parametrize("host", ["chat", "messages"])
def test_calls_are_merged_and_outputs_stand_next_to_them(host: str) -> None:
    """Source: LiteLLM adjacency and parallel_merging; Plano: several calls in one assistant message, outputs in their order."""
    items = [
        HI,
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c2", "output": "snow"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "sun"}]},
        {"role": "user", "content": "and?"},
    ]
    tree = over("responses", host, {"model": "m", "input": items, "tools": [FLAT]}).tree
    if host == "chat":
        assert chat_roles(tree) == ["user", "assistant", "tool", "tool", "user"] and len(tree["messages"][1]["tool_calls"]) == 2
    else:
        blocks = [b["type"] for b in tree["messages"][2]["content"]]
        assert blocks[:2] == ["tool_result", "tool_result"] and "sun" in words(tree["messages"][2]["content"][0])


@pytest.mark.parametrize("host", ["chat", "messages"])
def test_orphans_are_no_400(host: str) -> None:
    """Source: Plano, LiteLLM: a malformed call, a call without output, an output without a call (after a compaction)."""
    over(
        "responses",
        host,
        {
            "model": "m",
            "input": [HI, {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{"}],
            "tools": [FLAT],
        },
    )
    over(
        "responses",
        host,
        {"model": "m", "input": [HI, {"type": "function_call_output", "call_id": "c9", "output": "sun"}], "tools": [FLAT]},
    )


def test_orphans_of_chat_and_messages_are_no_400_either() -> None:
    """Source: as above; clients that trim their history leave such pairs."""
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    for turns in (
        [HI, {"role": "assistant", "content": None, "tool_calls": [call]}, HI],
        [HI, {"role": "tool", "tool_call_id": "c9", "content": "sun"}, HI],
    ):
        for host in ("messages", "responses"):
            over("chat", host, {"model": "m", "messages": turns, "tools": [FUNCTION]})
    for messages in (
        [HI, {"role": "assistant", "content": [use("weather")]}, HI],
        [{"role": "user", "content": [result("sun", "toolu_9")]}],
    ):
        for host in ("chat", "responses"):
            over("messages", host, {**M, "messages": messages, "tools": [TOOL]})


@pytest.mark.parametrize("host", ["chat", "messages"])
def test_a_freeform_tool_becomes_a_function_and_its_calls_too(host: str) -> None:
    """Source: Codex apply_patch with a lark grammar; CCR codex-patch-bridge."""
    patch = "*** Begin Patch\n*** Add File: a.txt\n+hi\n*** End Patch"
    custom = {
        "type": "custom",
        "name": "apply_patch",
        "description": "Patch.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
    }
    items = [
        HI,
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": patch},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done!"},
    ]
    sent = over("responses", host, {"model": "m", "input": items, "tools": [custom]})
    assert "apply_patch" in words(sent.tree["tools"]) and "Begin Patch" in words(sent.tree["messages"])


@pytest.mark.parametrize("host", ["chat", "messages"])
def test_namespaces_are_flattened_and_hosted_tools_left_out_with_a_note(host: str) -> None:
    """Source: Codex sends tools of the types function, namespace and web_search."""
    space = {"type": "namespace", "name": "mcp__fs", "description": "Files.", "tools": [FLAT]}
    sent = over(
        "responses",
        host,
        {
            "model": "m",
            "input": "hi",
            "tools": [space, {"type": "web_search", "external_web_access": False}, {**FLAT, "name": "other"}],
        },
    )
    assert len(sent.tree["tools"]) == 2 and "weather" in words(sent.tree["tools"])
    assert any("web_search" in n for n in sent.notes)


@pytest.mark.parametrize("host", ["chat", "messages"])
def test_the_form_of_the_answer_crosses(host: str) -> None:
    """Source: Ollama: text.format json_schema <-> response_format <-> output_config.format."""
    schema = {**SCHEMA, "additionalProperties": False}
    form = {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}
    tree = over("responses", host, {"model": "m", "input": "hi", "text": {"format": form}}, model="claude-opus-4-6").tree
    found = tree["response_format"]["json_schema"]["schema"] if host == "chat" else tree["output_config"]["format"]["schema"]
    assert found["properties"] == schema["properties"]
    open_form = {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object", "properties": {"a": SCHEMA}}},
    }
    over("chat", "messages", {"model": "m", "messages": [HI], "response_format": open_form})
    over(
        "chat",
        "messages",
        {"model": "m", "messages": [{"role": "user", "content": "as json"}], "response_format": {"type": "json_object"}},
    )


def test_a_schema_of_messages_reaches_both_openai_wires() -> None:
    """Source: Claude Code's title call (json_schema output, no tools, thinking disabled)."""
    config = {"format": {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}}}
    for host in ("chat", "responses"):
        tree = over("messages", host, {**M, "messages": [HI], "output_config": config, "thinking": {"type": "disabled"}}).tree
        assert "city" in words(tree.get("response_format") or tree["text"])


@pytest.mark.parametrize("name", list(NAMES))
@pytest.mark.parametrize("host", list(NAMES))
def test_nothing_is_stored_at_a_host(name: str, host: str) -> None:
    """Source: the law that nothing is kept by reference; VS Code sends store:true."""
    body = {"model": "m"} | ({"input": "hi"} if name == "responses" else {"messages": [HI], "max_tokens": 50})
    if name != "messages":
        body["store"] = True
    tree = over(name, host, body).tree
    if host == "responses":
        assert tree["store"] is False
    else:
        assert not (name != host and tree.get("store"))


@pytest.mark.parametrize(
    "body",
    [
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
        {"input": "hi", "conversation": "conv_1"},
        {"input": "hi", "prompt": {"id": "pmpt_1"}},
    ],
)
def test_references_to_what_a_host_keeps_do_not_pass_unread(body: dict[str, Any]) -> None:
    """Source: LiteLLM item_reference_resolver; law 1: content by reference is unread. Named as such, or refused."""
    refused, unread = False, ()
    try:
        unread = read("responses", {"model": "m", **body}).unread
    except ClientFault:
        refused = True
    assert refused or unread


# --- quirks of clients -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["messages", "responses"])
def test_a_tool_messages_content_may_be_a_list(host: str) -> None:
    """Source: qwen-code sends the tool message's content as a list of text parts."""
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    said = {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "sun"}, {"type": "text", "text": "warm"}]}
    tree = over(
        "chat",
        host,
        {"model": "m", "messages": [HI, {"role": "assistant", "content": None, "tool_calls": [call]}, said], "tools": [FUNCTION]},
    ).tree
    assert "sun" in words(tree) and "warm" in words(tree)


@pytest.mark.parametrize("host", ["chat", "responses"])
def test_deferred_tools_and_references(host: str) -> None:
    """Source: Claude Code: defer_loading, DeferredToolPlaceholder and tool_reference inside tool_result."""
    tools = [
        {**TOOL, "name": "ToolSearch"},
        {**TOOL, "defer_loading": True},
        {**TOOL, "name": "never", "defer_loading": True},
        {"name": "DeferredToolPlaceholder", "description": "x", "input_schema": {"type": "object"}, "defer_loading": True},
    ]
    calls = (use("ToolSearch", {"city": "weather"}),)
    body = {**loop(result([{"type": "tool_reference", "tool_name": "weather"}]), calls=calls), "tools": tools}
    names = words(over("messages", host, body).tree["tools"])
    assert "weather" in names and "ToolSearch" in names and '"never"' not in names and "Placeholder" not in names


@pytest.mark.parametrize("host", ["chat", "responses"])
def test_the_billing_line_of_claude_code_does_not_cross(host: str) -> None:
    """Source: Claude Code's first system block differs by conversation and breaks every prefix cache."""
    system = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329.abc; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are Claude Code"},
    ]
    assert "billing" not in words(over("messages", host, {**M, "messages": [HI], "system": system}).tree)
    assert over("messages", "messages", {**M, "messages": [HI], "system": system}).tree["system"] == system


@pytest.mark.parametrize("name", list(NAMES))
def test_a_picture_crosses_everywhere(name: str) -> None:
    """Source: OpenAI's data URLs (with and without detail), Anthropic's base64 source."""
    url = f"data:image/png;base64,{PNG}"
    content: dict[str, list[Any]] = {
        "chat": [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url, "detail": "low"}}],
        "responses": [{"type": "input_text", "text": "what?"}, {"type": "input_image", "image_url": url, "detail": "auto"}],
        "messages": [IMAGE, {"type": "text", "text": "what?"}],
    }
    turn = {"role": "user", "content": content[name]}
    body = {"model": "m"} | ({"input": [turn]} if name == "responses" else {"messages": [turn], "max_tokens": 100})
    for host in NAMES:
        assert PNG in words(over(name, host, body).tree)


def test_a_file_crosses() -> None:
    """Source: OpenAI's file parts, Anthropic's documents (PDF)."""
    pdf = base64.b64encode(b"%PDF-1.4 x").decode()
    document = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": pdf}, "title": "a.pdf"}
    for host in ("chat", "responses"):
        assert pdf in words(
            over(
                "messages", host, {**M, "messages": [{"role": "user", "content": [document, {"type": "text", "text": "?"}]}]}
            ).tree
        )
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{pdf}"}}
    assert pdf in words(over("chat", "messages", {"model": "m", "messages": [{"role": "user", "content": [part]}]}).tree)


def test_slashes_in_model_names_are_the_hosts_own_name() -> None:
    """Source: CCR: `provider/model` prefixes and names with slashes parsed unambiguously."""
    for name in NAMES:
        body = {"model": "openrouter/meta/llama-3"} | (
            {"input": "hi"} if name == "responses" else {"messages": [HI], "max_tokens": 99}
        )
        for host in NAMES:
            assert over(name, host, body, model="meta/llama-3").tree["model"] == "meta/llama-3"


@pytest.mark.parametrize("name", list(NAMES))
@pytest.mark.parametrize("host", list(NAMES))
def test_crossing_twice_is_the_same_bytes(name: str, host: str) -> None:
    """Source: prompt caches (theopenco/llmgateway#3918): a rewritten prefix that changes from turn to turn is never read."""
    body: dict[str, Any] = {"model": "m", "tools": {"chat": [FUNCTION], "responses": [FLAT], "messages": [TOOL]}[name]}
    turns = [HI, {"role": "assistant", "content": "yes"}, HI]
    body |= {"input": turns} if name == "responses" else {"messages": turns, "max_tokens": 100}
    first, second = over(name, host, body), over(name, host, json.loads(json.dumps(body)))
    assert first.body == second.body
    longer = {**body, ("input" if name == "responses" else "messages"): [*turns, {"role": "assistant", "content": "more"}, HI]}
    key = "input" if host == "responses" else "messages"
    assert over(name, host, longer).tree[key][: len(first.tree[key])] == first.tree[key]


def test_every_pair_has_both_planes() -> None:
    assert {dialect(n).WIRE for n in NAMES} == {wire(n).NAME for n in NAMES} == set(NAMES.values())
    assert attempt().model is not None
