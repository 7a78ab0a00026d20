"""The rehearsal host is a fair stand-in: it takes what the SDKs' own types allow, refuses what the real APIs refuse, and says it legally."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from typing import Any

import anthropic
import legal
import openai
import pytest
from anthropic.types import message_create_params
from drivers import DRIVERS, PNG, READ, SCHEMA, WRITE
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params

from localrouter.daemon import rehearsal_chat, rehearsal_messages_check, rehearsal_responses_check
from localrouter.daemon.rehearsal import Call, Rehearsal, Reply, Seen


@pytest.fixture(scope="module")
def strict() -> Iterator[Rehearsal]:
    with Rehearsal(strict=True) as host:
        yield host


@pytest.mark.parametrize(
    ("known", "params", "more"),
    [
        (rehearsal_chat.FIELDS, completion_create_params.CompletionCreateParamsStreaming, set()),
        # Codex sends client_metadata; the SDK has no word for it.
        (rehearsal_responses_check.FIELDS, response_create_params.ResponseCreateParamsStreaming, {"client_metadata"}),
        # The sampling parameters are of API version 2023-06-01; the SDK of today is of the next one.
        (rehearsal_messages_check.FIELDS, message_create_params.MessageCreateParamsStreaming, {"temperature", "top_p", "top_k"}),
    ],
)
def test_it_knows_the_fields_that_the_sdks_know(known: frozenset[str], params: Any, more: set[str]) -> None:
    assert set(typing.get_type_hints(params)) <= known
    assert known - set(typing.get_type_hints(params)) <= more


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", list(DRIVERS))
def test_the_sdks_talk_to_it_directly(strict: Rehearsal, name: str, stream: bool) -> None:
    with DRIVERS[name](strict.origin, "k") as driver:
        body = driver.user("call the tools").body("rehearsal-parallel", (WRITE, READ), effort="low")
        got, _ = driver.send(body, stream)
        assert len(got.calls) == 2 and got.finish == "tool_calls"
        driver.remember(got)
        driver.results([(i, "done") for i, _, _ in got.calls])
        got, _ = driver.send(driver.body("rehearsal-1", (WRITE, READ), effort="low"), stream)
        assert "simulated answer" in got.text and got.finish == "stop"
        assert json.loads(driver.send(driver.body("rehearsal-1", (), schema=SCHEMA), stream)[0].text)["count"] == 7
        driver.items.clear()
        assert driver.send(driver.user("what?", image=PNG).body("rehearsal-1", ()), stream)[0].text


USER = {"role": "user", "content": "hi"}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x"}]}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
CACHED = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
CALLS = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
SAID = {"role": "tool", "tool_call_id": "c1", "content": "x"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "x"}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("messages", {"messages": [USER], "max_tokens": None}, "max_tokens: Field required"),
    ("messages", {"messages": [USER], "stop": ["x"]}, "stop: Extra inputs are not permitted"),
    ("messages", {"messages": [USER], "context_management": {}}, "Extra inputs are not permitted"),
    ("messages", {"messages": [USE]}, "first message must use"),
    ("messages", {"messages": [USER, USE, USER]}, "without `tool_result` blocks immediately after: t1"),
    ("messages", {"messages": [USER, RESULT]}, "unexpected `tool_use_id`"),
    ("messages", {"messages": [USER, USE, {"role": "user", "content": [CACHED, *RESULT["content"]]}]}, "must come first"),
    ("messages", {"messages": [{"role": "user", "content": ""}]}, "non-empty content"),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "text content blocks must be non-empty"),
    ("messages", {"messages": [{"role": "user", "content": [CACHED] * 5}]}, "A maximum of 4 blocks with cache_control"),
    ("messages", {"messages": [USER, {"role": "assistant", "content": [THOUGHT]}, USER]}, "Invalid `signature`"),
    ("messages", {"messages": [USER], "temperature": 1.5}, "temperature: range"),
    ("messages", {"messages": [USER], "temperature": 1, "top_p": 0.5}, "cannot both be specified"),
    ("messages", {"messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 4000}}, "must be greater than"),
    ("messages", {"messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 100}}, "greater than or equal to 1024"),
    ("messages", {"messages": [USER, USE, RESULT], "thinking": {"type": "enabled", "budget_tokens": 1024}}, "Expected `thinking`"),
    ("messages", {"messages": [USER], "tools": [{"name": "f"}]}, "input_schema"),
    ("messages", {"messages": [USER], "tool_choice": {"type": "any"}}, "while providing tools"),
    ("messages", {"messages": [USER], "metadata": {"session": "x"}}, "metadata.session"),
    ("messages", {"messages": [USER], "output_config": {"format": {"type": "json_schema", "schema": OPEN}}}, "additionalProperties"),
    ("chat", {"messages": [USER], "thinking": {}}, "Unrecognized request argument supplied: thinking"),
    ("chat", {"messages": [USER, CALLS, USER]}, "did not have response messages: c1"),
    ("chat", {"messages": [USER, SAID]}, "must be a response to a preceeding message"),
    ("chat", {"messages": [USER, {"role": "assistant", "content": None}]}, "expected a string, got null"),
    ("chat", {"messages": [USER], "max_tokens": 1, "max_completion_tokens": 1}, "at the same time"),
    ("chat", {"messages": [USER], "tool_choice": "auto"}, "only allowed when 'tools' are specified"),
    ("chat", {"messages": [USER], "tools": []}, "too short"),
    ("chat", {"messages": [USER], "stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled"),
    ("chat", {"messages": [USER], "stop": ["a", "b", "c", "d", "e"]}, "array too long"),
    ("chat", {"messages": [{"role": "user", "content": [CACHED]}]}, "Unknown parameter: 'messages[0].content[0].cache_control'"),
    ("chat", {"messages": [USER, CALLS, {**SAID, "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]}, "only allowed for messages with role 'user'"),
    ("chat", {"messages": [USER], "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}, "'type: \"object\"'"),
    ("chat", {"messages": [USER], "tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "'g' not found"),
    ("responses", {"input": "hi", "max_tokens": 5}, "Unknown parameter: 'max_tokens'"),
    ("responses", {"input": "hi", "max_output_tokens": 5}, "Expected a value >= 16"),
    ("responses", {"input": "hi", "previous_response_id": "resp_1"}, "not found"),
    ("responses", {"input": [USER, CALL]}, "No tool output found for function call c1"),
    ("responses", {"input": [USER, OUTPUT]}, "No tool call found"),
    ("responses", {"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}, CALL, OUTPUT]}, "could not be verified"),
    ("responses", {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}, "'output_text' and 'refusal'"),
    ("responses", {"input": [{"type": "message", "id": "x1", "role": "user", "content": "x"}]}, "begins with 'msg'"),
    ("responses", {"input": "hi", "tools": [FUNCTION]}, "tools[0].function"),
    ("responses", {"input": "hi", "text": {"format": {"type": "json_schema", "schema": OPEN}}}, "text.format.name"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "text"), WRONG, ids=[f"{n}-{t[:30]}" for n, _, t in WRONG])
def test_it_refuses_what_the_real_api_refuses(strict: Rehearsal, name: str, body: dict[str, Any], text: str) -> None:
    with DRIVERS[name](strict.origin, "k") as driver:
        whole = {"model": "rehearsal-1", **({"max_tokens": 2000} if name == "messages" else {}), **body}
        path = {"chat": "/chat/completions", "responses": "/responses", "messages": "/v1/messages"}[name]
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)) as caught:
            options = {"headers": {"anthropic-version": "2023-06-01"}}
            driver.client.post(path, body={k: v for k, v in whole.items() if v is not None}, cast_to=object, options=options)
        assert text in str(caught.value)


def test_sampling_is_refused_with_the_newer_version(strict: Rehearsal) -> None:
    with DRIVERS["messages"](strict.origin, "k") as driver:
        body = driver.user("hi").body("rehearsal-1", ()) | {"temperature": 1}
        for version, fine in (("2023-06-01", True), ("2026-10-21", False)):
            ask: dict[str, Any] = {"body": body, "cast_to": object, "options": {"headers": {"anthropic-version": version}}}
            if fine:
                driver.client.post("/v1/messages", **ask)
                continue
            with pytest.raises(anthropic.BadRequestError, match="temperature"):
                driver.client.post("/v1/messages", **ask)


def test_a_host_knows_its_own_marks_only(strict: Rehearsal) -> None:
    for name, mark in (("messages", "signature"), ("responses", "encrypted_content")):
        with DRIVERS[name](f"{strict.root}/a/v1", "k") as one, DRIVERS[name](f"{strict.root}/b/v1", "k") as other:
            got, _ = one.send(one.user("call it").body("rehearsal-1", (READ,), effort="low"), False)
            one.remember(got)
            one.results([(got.calls[0][0], "x")])
            body = one.body("rehearsal-1", (READ,), effort="low")
            one.send(body, False)
            with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
                other.send(body, False)
            assert mark in json.dumps(body)
            body = json.loads(json.dumps(body).replace(got.mark, got.mark[:-4] + "AAAA"))
            with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
                one.send(body, False)


def test_the_prompt_cache_reads_what_it_wrote(strict: Rehearsal) -> None:
    with DRIVERS["messages"](strict.origin, "k") as driver:
        first = [{"type": "text", "text": "long " * 900, "cache_control": {"type": "ephemeral"}}]
        driver.items = [{"role": "user", "content": first}]
        used = [driver.client.messages.create(**driver.body("rehearsal-1", ())).usage for _ in range(2)]
        assert used[0].cache_creation_input_tokens > 1000 and used[0].cache_read_input_tokens == 0
        assert used[1].cache_read_input_tokens == used[0].cache_creation_input_tokens and used[1].cache_creation_input_tokens == 0


def test_a_script_is_followed_turn_by_turn() -> None:
    def second(seen: Seen) -> Reply:
        return Reply(f"read: {seen.results[0]}", (Call("write_file", json.dumps({"path": "b", "content": seen.results[0]})),))

    script = [Reply(calls=(Call("read_file", '{"path": "a"}'),)), second, Reply("all done", fault="529", times=2)]
    for name in DRIVERS:
        with Rehearsal(script) as host, DRIVERS[name](host.origin, "k") as driver:
            driver.user("go")
            got, _ = driver.send(driver.body("x", (READ, WRITE)), True)
            driver.remember(got)
            driver.results([(got.calls[0][0], "its words")])
            got, _ = driver.send(driver.body("x", (READ, WRITE)), True)
            assert got.text == "read: its words" and json.loads(got.calls[0][2])["content"] == "its words"
            driver.remember(got)
            driver.results([(got.calls[0][0], "ok")])
            for _ in range(2):
                with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)):
                    driver.send(driver.body("x", (READ, WRITE)), False)
            assert driver.send(driver.body("x", (READ, WRITE)), False)[0].text == "all done"
            aside, _ = driver.send(driver.body("x", ()), False)
            assert "simulated" in aside.text, "a request without tools is no turn of the script"
            assert [e["headers"]["content-type"] for e in host.record()] == ["application/json"] * 6


@pytest.mark.parametrize("name", list(DRIVERS))
def test_its_raw_streams_are_legal(strict: Rehearsal, name: str) -> None:
    with DRIVERS[name](strict.origin, "k") as driver:
        driver.send(driver.user("use the tools").body("rehearsal-parallel", (READ, WRITE), effort="low"), True)
        events = legal.events_of(strict.record()[-1]["sent"].encode())
        got = legal.chat(events, usage=True) if name == "chat" else getattr(legal, name)(events)
        assert len(got.calls) == 2
