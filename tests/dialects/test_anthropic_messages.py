"""The Messages dialect: what is not private travels unchanged; what cannot be read is refused by name."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localrouter.core.ask import get, replace
from localrouter.core.catalogue import Model
from localrouter.core.decide import Attempt
from localrouter.core.errors import (
    BadRequest,
    BudgetExceeded,
    Busy,
    HostRateLimited,
    HostRejected,
    RouterError,
    TooLarge,
    Unsupported,
)
from localrouter.dialects import _anthropic_thoughts as thoughts
from localrouter.dialects import anthropic_messages as dialect
from localrouter.providers import anthropic_messages as wire
from localrouter.providers._anthropic_turns import REDACTED

ATTEMPT = Attempt("h/m", "hosted", 512, 1, Model("h/m", "h", "m"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CALM = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])  # a busy machine decides nothing
UNKNOWN = st.dictionaries(st.text(min_size=1, max_size=10).map(lambda k: "x_" + k), JSON, max_size=4)

AGENT: dict[str, Any] = {
    "model": "claude-opus-4-8",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "<reminder>date</reminder>"}, {"type": "text", "text": "Fix it."}]},
        {"role": "system", "content": "Agents: one.", "output_config": {"effort": "medium"}},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "a plan", "signature": "U0lH"},
                {"type": "redacted_thinking", "data": "UkVE"},
                {"type": "text", "text": "Reading. "},
                {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "/home/jane/a.py", "n": {"deep": ["x"]}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "print(1)", "cache_control": {"type": "ephemeral"}},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": [{"type": "tool_reference", "tool_name": "WebFetch"}]},
            ],
        },
    ],
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329.0bc; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ],
    "tools": [
        {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}}}},
        {"name": "WebFetch", "description": "Fetches.", "input_schema": {"type": "object"}, "defer_loading": True},
        {"name": "DeferredToolPlaceholder", "description": "Reserved.", "input_schema": {"type": "object"}, "defer_loading": True},
    ],
    "metadata": {"user_id": '{"device_id":"d","account_uuid":"","session_id":"s"}'},
    "max_tokens": 64_000,
    "thinking": {"type": "adaptive", "display": "omitted"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "high"},
    "stream": True,
}  # fmt: skip


def read(tree: dict[str, Any], **headers: str) -> Any:
    return dialect.read(orjson.dumps(tree), {k.replace("_", "-"): v for k, v in headers.items()})


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": list(blocks)}]}


# --- fidelity ------------------------------------------------------------------------------------


@CALM
@given(UNKNOWN, st.text(min_size=1, max_size=50), st.booleans())
def test_unknown_fields_survive(extra: dict[str, Any], text: str, stream: bool) -> None:
    block = {"type": "text", "text": text, **extra}
    tree = {
        "model": "localrouter/auto",
        "max_tokens": 7,
        "messages": [{"role": "user", "content": [block], **extra}],
        "system": [{"type": "text", "text": "s", **extra}],
        "tools": [{"name": "t", "input_schema": {"type": "object", **extra}, **extra}],
        **extra,
        "stream": stream,
    }
    ask = read(tree)
    sent = orjson.loads(wire.prepare(dialect.outgoing(ask.tree, ask, ATTEMPT), stream, {}).body)
    assert sent == {**tree, "model": "m", "max_tokens": 512}
    assert list(sent) == list(tree), "the order of keys is kept: a prompt cache depends on it"
    for leaf in ask.leaves:
        if leaf.where not in ("key", "number"):
            assert get(ask.tree, leaf.path) == leaf.text


def test_an_agents_body_leaves_as_it_came_but_for_two_fields() -> None:
    ask = read(AGENT)
    sent = dialect.outgoing(ask.tree, ask, ATTEMPT)
    assert orjson.dumps(sent) == orjson.dumps({**AGENT, "model": "m", "max_tokens": 512})
    same = Attempt("h/m", "hosted", 64_000, 1, Model("h/m", "h", "claude-opus-4-8"))
    assert dialect.outgoing(ask.tree, ask, same) is ask.tree, "nothing to edit, nothing copied"


def test_editing_leaves_moves_nothing_else() -> None:
    ask = read(AGENT)
    edits = [(leaf.path, leaf.text.upper()) for leaf in ask.leaves if leaf.where not in ("key", "number")]
    back = replace(
        replace(ask.tree, edits), [(leaf.path, leaf.text) for leaf in ask.leaves if leaf.where not in ("key", "number")]
    )
    assert orjson.dumps(back) == orjson.dumps(AGENT)


# --- edits, each with its reason -----------------------------------------------------------------


def test_a_thinking_budget_stays_below_a_lowered_limit() -> None:
    tree = {
        **user({"type": "text", "text": "x"}),
        "thinking": {"type": "enabled", "budget_tokens": 8000, "display": "summarized"},
    }
    ask = read(tree)
    lowered = Attempt("h/m", "hosted", 4000, 1, Model("h/m", "h", "m"))
    assert dialect.outgoing(ask.tree, ask, lowered)["thinking"] == {
        "type": "enabled",
        "budget_tokens": 2000,
        "display": "summarized",
    }
    assert dialect.outgoing(ask.tree, ask, ATTEMPT)["thinking"] == {"type": "disabled"}


def to(name: str) -> Attempt:
    return Attempt(f"anthropic/{name}", "hosted", 64_000, 1, Model(f"anthropic/{name}", "anthropic", name))


def test_another_claude_than_the_client_named_gets_what_it_takes() -> None:
    """Sources: Anthropic, "Migration guide", "Effort", "Mid-conversation system messages"; `clear_thinking` wants thinking to be on."""
    ask = read({**AGENT, "temperature": 0.5, "top_p": 0.9})
    small = dialect.outgoing(ask.tree, ask, to("claude-haiku-4-5"))
    assert not {"thinking", "context_management", "output_config", "top_p"} & set(small) and small["temperature"] == 0.5
    assert [m["role"] for m in small["messages"]] == ["user", "user", "assistant", "user"] and set(small["messages"][1]) == {
        "role",
        "content",
    }
    large = dialect.outgoing(ask.tree, ask, to("claude-opus-5-5"))
    assert large == {**{k: v for k, v in ask.tree.items() if k not in ("temperature", "top_p")}, "model": "claude-opus-5-5"}
    budget = read(
        {**AGENT, "model": "claude-sonnet-4-5", "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}}
    )
    sent = dialect.outgoing(budget.tree, budget, to("claude-opus-4-7"))
    assert sent["thinking"] == {"type": "adaptive", "display": "omitted"} and sent["output_config"] == {"effort": "high"}


def test_the_model_that_the_client_named_gets_what_the_client_wrote() -> None:
    for name in ("claude-opus-4-8", "anthropic/claude-opus-4-8"):
        ask = read({**AGENT, "model": name, "temperature": 0.5, "thinking": {"type": "enabled", "budget_tokens": 2000}})
        assert dialect.outgoing(ask.tree, ask, to("claude-opus-4-8")) == {**ask.tree, "model": "claude-opus-4-8"}


def test_what_changes_the_price_stays_behind() -> None:
    ask = read({**user({"type": "text", "text": "x"}), "fallbacks": [{"model": "big"}], "speed": "fast"})
    assert not {"fallbacks", "speed"} & set(dialect.outgoing(ask.tree, ask, ATTEMPT))
    with pytest.raises(Unsupported) as caught:
        read({**user({"type": "text", "text": "x"}), "inference_geo": "us"})
    assert "inference_geo" in caught.value.text


def test_thoughts_of_our_own_making_are_taken_out_and_read() -> None:
    own = {"type": "thinking", "thinking": "a thought of another vendor", "signature": thoughts.UNSIGNED}
    awake = {"type": "thinking", "thinking": "", "signature": thoughts.AWAKE}
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [own, awake, {"type": "text", "text": "hello"}]},
        {"role": "user", "content": "y"},
        {"role": "assistant", "content": [awake]},
        {"role": "user", "content": "z"},
    ]
    ask = read({"model": "m", "max_tokens": 9, "messages": messages})
    assert not ask.signed and "a thought of another vendor" in [leaf.text for leaf in ask.leaves]
    sent = dialect.outgoing(ask.tree, ask, ATTEMPT)["messages"]
    assert [m["content"] for m in sent] == ["x", [{"type": "text", "text": "hello"}], "y", "z"]


# --- leaves --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (user({"type": "text", "text": "find me"}), "user"),
        ({"messages": [{"role": "user", "content": "find me"}]}, "user"),
        ({"messages": [{"role": "system", "content": "find me"}]}, "system"),
        ({"messages": [{"role": "user", "content": "x"}], "system": "find me"}, "system"),
        ({"messages": [{"role": "user", "content": "x"}], "system": [{"type": "text", "text": "find me"}]}, "system"),
        ({"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "find me", "signature": ""}]}]}, "assistant"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"a": ["find me"]}}]}]}, "tool_arguments"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"find me": 1}}]}]}, "key"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "find me", "name": "n", "input": {}}]}]}, "tool_arguments"),
        (user({"type": "tool_result", "tool_use_id": "t", "content": "find me"}), "tool_result"),
        (user({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "find me"}]}), "tool_result"),
        (user({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "find me"}}), "user"),
        (user({"type": "document", "title": "find me", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}), "user"),
        (user({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "find me"}]}}), "user"),
        (user({"type": "search_result", "source": "find me", "title": "t", "content": [{"type": "text", "text": "x"}]}), "user"),
        (user({"type": "text", "text": "x", "citations": [{"type": "char_location", "cited_text": "find me"}]}), "user"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": [{"name": "n", "description": "find me", "input_schema": {}}]}, "tool_schema"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": [{"name": "n", "input_schema": {"properties": {"a": {"enum": ["find me"]}}}}]}, "tool_schema"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": [{"name": "n", "input_schema": {"properties": {"find me": {}}}}]}, "key"),
        ({"messages": [{"role": "user", "content": "x"}], "metadata": {"user_id": "find me"}}, "metadata"),
        ({"messages": [{"role": "user", "content": "x"}], "stop_sequences": ["find me"]}, "metadata"),
        ({"messages": [{"role": "user", "content": "x"}], "anything_new": [{"deep": {"er": "find me"}}]}, "metadata"),
        ({"messages": [{"role": "user", "content": "x"}], "find me": 1}, "key"),
        ({"messages": [{"role": "user", "content": "x"}], "output_config": {"format": {"type": "json_schema", "schema": {"const": "find me"}}}}, "tool_schema"),
    ],
)  # fmt: skip
def test_no_text_is_outside_the_leaves(body: dict[str, Any], where: str) -> None:
    assert [leaf.where for leaf in read(body).leaves if leaf.text == "find me"] == [where]


def test_arguments_are_read_one_by_one_with_their_path_of_keys() -> None:
    tree = {
        "messages": [
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"customer": {"password": "hunter2"}}}],
            }
        ]
    }
    [leaf] = [leaf for leaf in read(tree).leaves if leaf.text == "hunter2"]
    assert leaf.context == "customer.password" and leaf.path == ("messages", 0, "content", 0, "input", "customer", "password")


def test_a_schemas_own_words_are_no_leaves() -> None:
    schema = {"type": "object", "properties": {"type": {"type": "string", "format": "date"}}, "examples": [{"type": "Jane Doe"}]}
    leaves = read({"messages": [{"role": "user", "content": "x"}], "tools": [{"name": "n", "input_schema": schema}]}).leaves
    texts = [leaf.text for leaf in leaves]
    assert "Jane Doe" in texts and not {"object", "string", "date"} & set(texts)


def test_large_numbers_are_leaves() -> None:
    tree = {
        "messages": [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"card": 4539148803436467}}]}
        ]
    }
    assert [leaf.text for leaf in read(tree).leaves if leaf.where == "number"] == ["4539148803436467"]


# --- what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "name"),
    [
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}, "image"),
        ({"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}}, "image_url"),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, "file_id"),
        ({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}}, "pdf"),
        ({"type": "document", "source": {"type": "url", "url": "https://a.example/x.pdf"}}, "document_url"),
        ({"type": "document", "source": {"type": "file", "file_id": "file_1"}}, "file_id"),
        ({"type": "container_upload", "file_id": "file_1"}, "container_upload"),
        ({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}]}, "image"),
    ],
)  # fmt: skip
def test_media_and_references_are_named(block: dict[str, Any], name: str) -> None:
    ask = read(user(block))
    assert name in ask.unread
    assert ask.needs.vision == (block["type"] == "image" or block["type"] == "tool_result")
    assert "aGk=" not in [leaf.text for leaf in ask.leaves]


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("container", "container_1", "container"),
        ("thread", {"type": "continue", "previous_message_id": "msg_1"}, "thread"),
    ],
)
def test_what_the_host_reads_for_itself_is_named(field: str, value: Any, name: str) -> None:
    assert read({**user({"type": "text", "text": "x"}), field: value}).unread == (name,)


@pytest.mark.parametrize(
    "kind", ["bash_20250124", "text_editor_20250728", "memory_20250818", "tool_search_tool_regex_20251119", "custom"]
)
def test_tools_that_the_client_runs_are_readable(kind: str) -> None:
    assert read({**user({"type": "text", "text": "x"}), "tools": [{"type": kind, "name": "n"}]}).unread == ()


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        (user({"type": "hologram", "data": "x"}), "hologram"),
        (user({"type": "image", "source": {"type": "ftp", "url": "x"}}), "ftp"),
        ({**user({"type": "text", "text": "x"}), "tools": [{"type": "teleport_20270101", "name": "t"}]}, "teleport_20270101"),
        (user({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "hologram"}]}), "hologram"),
        ({**user({"type": "text", "text": "x"}), "blob": "QUJD" * 100}, "'blob'"),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_refused_by_name(tree: dict[str, Any], says: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read(tree)
    assert says in caught.value.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "UTF-8"),
        (b'{"messages":{}}', "'messages'"),
        (b'{"messages":[]}', "'messages'"),
        (b'{"messages":[{"content":"x"}]}', "messages[0]"),
        (b'{"messages":[{"role":"tool","content":"x"}]}', "messages[0]"),
        (b'{"messages":[{"role":"user","content":{"a":1}}]}', "messages[0].content"),
        (b'{"messages":[{"role":"user","content":["x"]}]}', "messages[0].content[0]"),
        (b'{"messages":[{"role":"user","content":"x"}],"system":7}', "system"),
        (b'{"messages":[{"role":"user","content":"x"}],"stream":"yes"}', "'stream'"),
        (b'{"messages":[{"role":"user","content":"x"}],"max_tokens":0}', "'max_tokens'"),
        (b'{"messages":[{"role":"user","content":"x"}],"tools":{}}', "'tools'"),
        (b'{"messages":[{"role":"user","content":"x"}],"tools":["a"]}', "tools[0]"),
        (b'{"model":7,"messages":[{"role":"user","content":"x"}]}', "'model'"),
    ],
)
def test_malformed(body: bytes, says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        dialect.read(body, {})
    assert says in caught.value.text


@CALM
@given(
    JSON,
    st.sampled_from(
        ["messages", "system", "tools", "metadata", "thinking", "output_config", "tool_choice", "container", "context_management"]
    ),
)
def test_any_json_in_any_field_is_read_or_refused(value: Any, field: str) -> None:
    tree = {"messages": [{"role": "user", "content": "x"}], field: value}
    try:
        ask = read(tree)
    except (BadRequest, Unsupported):
        return
    assert dialect.outgoing(ask.tree, ask, ATTEMPT)["model"] == "m"


@CALM
@given(JSON)
def test_any_json_as_a_block_is_read_or_refused(value: Any) -> None:
    for block in (
        value,
        {"type": "text", "text": value},
        {"type": "tool_result", "content": value},
        {"type": "document", "source": value},
        {"type": "thinking", "thinking": value, "signature": value},
    ):
        try:
            ask = read({"messages": [{"role": "user", "content": [block]}]})
            dialect.chat(ask.tree, ask)
        except (BadRequest, Unsupported):
            continue


# --- signed blocks -------------------------------------------------------------------------------


def test_signed_blocks_stand_apart() -> None:
    ask = read(AGENT)
    at = ("messages", 2, "content")
    assert [(s.path, s.mark, s.text) for s in ask.signed] == [
        ((*at, 0), "U0lH", "a plan"),
        ((*at, 1), "redacted_thinking:UkVE", ""),
    ]
    assert not {"a plan", "U0lH", "UkVE"} & {leaf.text for leaf in ask.leaves}
    assert thoughts.REDACTED == REDACTED, "the wire names the same mark"


def test_host_encrypted_results_stand_apart_with_what_can_be_read_of_them() -> None:
    result = {
        "type": "web_search_result",
        "title": "A title",
        "url": "https://a.example",
        "encrypted_content": "RU5D",
        "page_age": "now",
    }
    cited = {
        "type": "web_search_result_location",
        "cited_text": "quoted",
        "encrypted_index": "SU5E",
        "title": "T",
        "url": "https://b.example",
    }
    content = [
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [result]},
        {"type": "text", "text": "So.", "citations": [cited]},
    ]
    ask = read({"messages": [{"role": "assistant", "content": content}, {"role": "user", "content": "x"}]})
    first, second = ask.signed
    assert first.path == ("messages", 0, "content", 0, "content", 0) and first.mark == "RU5D"
    assert first.text == "A title\nhttps://a.example\nnow"
    assert second.path == ("messages", 0, "content", 1, "citations", 0) and second.text == "quoted\nT\nhttps://b.example"


def test_a_text_in_the_place_of_a_signature_is_a_text() -> None:
    block = {"type": "thinking", "thinking": "plan", "signature": "call Jane Doe"}
    ask = read({"messages": [{"role": "assistant", "content": [block]}]})
    assert not ask.signed and {"plan", "call Jane Doe"} <= {leaf.text for leaf in ask.leaves}


# --- who, and what the host may see of it --------------------------------------------------------


def test_headers_for_the_host() -> None:
    ask = read(
        AGENT,
        anthropic_version="2026-10-21",
        anthropic_beta="a-2025-01-01",
        authorization="Bearer x",
        x_claude_code_session_id="s",
    )
    assert ask.head == {"anthropic-version": "2026-10-21", "anthropic-beta": "a-2025-01-01"}


def test_a_session_does_not_depend_on_the_billing_line() -> None:
    other = [{"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329.fff;"}, *AGENT["system"][1:]]
    bare = {k: v for k, v in AGENT.items() if k != "metadata"}
    assert read(bare).session == read({**bare, "system": other}).session != read({**bare, "system": "else"}).session
    assert read(AGENT, x_claude_code_session_id="one").session != read(AGENT, x_claude_code_session_id="two").session


def test_what_the_person_said_is_no_result_of_a_tool() -> None:
    assert read(AGENT).last_user == "<reminder>date</reminder>\nFix it." and read(AGENT).hints.continues


def test_needs() -> None:
    needs = read(AGENT).needs
    assert needs.tools and needs.stream and not needs.vision and not needs.json_schema
    form = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert read({**user({"type": "text", "text": "x"}), "output_config": form}).needs.json_schema


# --- the counter and errors ----------------------------------------------------------------------


def test_the_counters_requests_have_no_limit() -> None:
    ask = read({"model": "m", "messages": [{"role": "user", "content": "foo"}], "tools": []})
    assert ask.max_output is None and orjson.loads(dialect.counted(7)) == {"input_tokens": 7}
    assert ("POST", "/v1/messages/count_tokens") in dialect.COUNT


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("No."), "invalid_request_error"),
        (TooLarge("No."), "request_too_large"),
        (BudgetExceeded("No."), "billing_error"),
        (HostRateLimited("No."), "rate_limit_error"),
        (Busy("No."), "overloaded_error"),
        (wire.fault("h", 529, {}, b""), "overloaded_error"),
        (wire.fault("h", 500, {}, b""), "api_error"),
        (wire.fault("h", 413, {}, b""), "request_too_large"),
        (HostRejected("No.", status=404), "not_found_error"),
        (HostRejected("No.", status=401), "authentication_error"),
    ],
)
def test_errors_in_anthropics_words(error: RouterError, kind: str) -> None:
    tree = orjson.loads(dialect.error_body(error))
    assert tree["type"] == "error" and tree["error"]["type"] == kind and tree["error"]["message"] and "request_id" in tree


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 215000 tokens > 32768 maximum",
        "This model's maximum context length is 32768 tokens. However, your messages resulted in 215000 tokens.",
        "the request has 215,000 tokens, the limit is 32,768",
        "request (215000 tokens) exceeds the available context size (32768 tokens), try increasing it",
        "The input token count (215000) exceeds the maximum number of tokens allowed (32768).",
    ],
)
def test_an_overflow_in_the_words_that_clients_look_for(message: str) -> None:
    error = HostRejected(message, "Shorten it.", code="context_length_exceeded")
    assert orjson.loads(dialect.error_body(error))["error"]["message"] == "prompt is too long: 215000 tokens > 32768 maximum"
    vague = HostRejected("It is too long.", code="context_length_exceeded")
    assert orjson.loads(dialect.error_body(vague))["error"]["message"].startswith("prompt is too long")
