"""The OpenAI dialect: what is not private travels unchanged; what cannot be read is refused by name."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.ask import rename_keys
from localrouter.core.catalogue import Model
from localrouter.core.decide import Attempt
from localrouter.core.errors import BadRequest, Unsupported
from localrouter.dialects import Made
from localrouter.dialects import openai_chat as dialect
from localrouter.providers import openai_chat as wire

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
UNKNOWN = st.dictionaries(st.text(min_size=1, max_size=10).map(lambda k: "x_" + k), JSON, max_size=4)


@given(UNKNOWN, st.text(min_size=1, max_size=50), st.booleans())
def test_unknown_fields_survive(extra: dict[str, Any], text: str, stream: bool) -> None:
    tree = {"model": "localrouter/auto", "messages": [{"role": "user", "content": text, **extra}], **extra, "stream": stream}
    ask = dialect.read(orjson.dumps(tree), {})
    sent = orjson.loads(wire.prepare(dialect.outgoing(ask.tree, ask, ATTEMPT), stream, {}).body)
    edited = {"model", "max_tokens", "max_completion_tokens", "stream_options"}
    assert {k: v for k, v in sent.items() if k not in edited} == {k: v for k, v in tree.items() if k not in edited}
    assert sent["model"] == "m" and list(sent)[:2] == ["model", "messages"], (
        "the order of keys is kept: a prompt cache may depend on it"
    )


def test_an_empty_list_of_tools_is_left_out() -> None:
    """Strands sends one with each request that has no tools; vLLM, DeepSeek and OpenAI refuse it."""
    tree = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 512}
    none = {**tree, "tools": [], "tool_choice": "auto", "parallel_tool_calls": False}
    ask = dialect.read(orjson.dumps(none), {})
    made: list[Made] = []
    assert dialect.outgoing(ask.tree, ask, ATTEMPT, made) == tree
    assert [m.name for m in made] == ["no_empty_tools"]
    some = {**none, "tools": [{"type": "function", "function": {"name": "f"}}]}
    assert dialect.outgoing(some, ask, ATTEMPT) == some


@pytest.mark.parametrize(
    "body",
    [
        {"Jane Doe": 1},
        {"x_notes": {"deep": [{"Jane Doe": None}]}},
        {"messages": [{"role": "user", "content": "x", "Jane Doe": True}]},
        {"messages": [{"role": "user", "content": "x", "extra": {"Jane Doe": 1}}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "more": {"Jane Doe": {}}}]}]},
        {"metadata": {"Jane Doe": "y"}},
        {"tools": [{"type": "function", "function": {"name": "f", "Jane Doe": 1}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"Jane Doe": {}}}}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"default": {"Jane Doe": 1}}}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"properties": {"Jane Doe": {}}}}}},
    ],
)
def test_a_key_that_no_reference_names_is_read_like_any_text(body: dict[str, Any]) -> None:
    ask = dialect.read(orjson.dumps({"messages": [{"role": "user", "content": "x"}], **body}), {})
    found = [leaf for leaf in ask.leaves if leaf.where == "key" and leaf.text == "Jane Doe"]
    assert len(found) == 1
    changed = rename_keys(ask.tree, {found[0].path: "PERSON_1"})
    assert "Jane Doe" not in orjson.dumps(changed).decode() and "PERSON_1" in orjson.dumps(changed).decode()


@given(JSON)
def test_every_string_of_a_tool_schema_is_a_leaf(schema: Any) -> None:
    tree = {
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "zz": schema}}],
    }
    ask = dialect.read(orjson.dumps(tree), {})
    texts = {leaf.text for leaf in ask.leaves}

    def strings(node: Any) -> set[str]:
        if isinstance(node, str):
            return {node} - {""}
        if isinstance(node, dict):
            return set().union(*(strings(v) for v in node.values()), set())
        return set().union(*(strings(v) for v in node), set()) if isinstance(node, list) else set()

    assert strings(schema) <= texts


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"messages": [{"role": "user", "content": "find me"}]}, "user"),
        ({"messages": [{"role": "system", "content": "find me"}]}, "system"),
        ({"messages": [{"role": "developer", "content": [{"type": "text", "text": "find me"}]}]}, "system"),
        ({"messages": [{"role": "tool", "tool_call_id": "1", "content": "find me"}]}, "tool_result"),
        ({"messages": [{"role": "user", "content": "x", "name": "find me"}]}, "user"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "find me"}}]}]}, "tool_arguments"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "f", "description": "find me"}}]}, "tool_schema"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"find me": {}}}}}]}, "key"),
        ({"messages": [{"role": "user", "content": "x"}], "metadata": {"a": "find me"}}, "metadata"),
        ({"messages": [{"role": "user", "content": "x"}], "metadata": {"find me": "b"}}, "key"),
        ({"messages": [{"role": "user", "content": "x"}], "user": "find me"}, "metadata"),
        ({"messages": [{"role": "user", "content": "x"}], "stop": ["find me"]}, "metadata"),
        ({"messages": [{"role": "user", "content": "x"}], "prediction": {"type": "content", "content": "find me"}}, "metadata"),
        ({"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": ["find me"]}}}}, "tool_schema"),
        ({"messages": [{"role": "user", "content": "x"}], "anything_new": [{"deep": {"er": "find me"}}]}, "metadata"),
    ],
)  # fmt: skip
def test_no_text_is_outside_the_leaves(body: dict[str, Any], where: str) -> None:
    ask = dialect.read(orjson.dumps(body), {})
    assert [leaf.where for leaf in ask.leaves if leaf.text == "find me"] == [where]


def test_large_numbers_are_leaves() -> None:
    ask = dialect.read(
        orjson.dumps({"messages": [{"role": "user", "content": "x"}], "metadata": {"account": 4539148803436467, "n": 12}}), {}
    )
    assert [leaf.text for leaf in ask.leaves if leaf.where == "number"] == ["4539148803436467"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "UTF-8"),
        (b'{"messages":[],"x":NaN}', "NaN"),
        (b'{"messages":[{"role":"user","content":"\\ud800"}]}', "surrogate"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested deeper"),
        (b'{"messages":{}}', "'messages'"),
        (b'{"messages":[{"content":"x"}]}', "messages[0]"),
        (b'{"messages":[{"role":"user","content":"x"}],"stream":"yes"}', "'stream'"),
        (b'{"messages":[{"role":"user","content":"x"}],"max_tokens":-1}', "'max_tokens'"),
        (b'{"messages":[{"role":"user","content":"x"}],"max_tokens":true}', "'max_tokens'"),
        (b'{"messages":[{"role":"user","content":"x"}],"tools":{}}', "'tools'"),
        (b'{"model":7,"messages":[{"role":"user","content":"x"}]}', "'model'"),
        (b'{"messages":[{"role":"user","content":{"a":1}}]}', "messages[0].content"),
    ],
)
def test_malformed(body: bytes, says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        dialect.read(body, {})
    assert says in caught.value.text


def test_unknown_parts_are_refused_and_images_are_named() -> None:
    def body(part: dict[str, Any]) -> bytes:
        return orjson.dumps({"messages": [{"role": "user", "content": [part]}]})

    with pytest.raises(Unsupported, match="hologram"):
        dialect.read(body({"type": "hologram", "data": "x"}), {})
    assert dialect.read(body({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}), {}).unread == (
        "image_url",
    )
    with pytest.raises(Unsupported, match="cannot be read"):
        dialect.read(orjson.dumps({"messages": [{"role": "user", "content": "x"}], "blob": "A" * 400}), {})


def test_integers_beyond_64_bits_are_kept() -> None:
    body = b'{"messages":[{"role":"user","content":"x"}],"metadata":{"n":123456789012345678901234567890}}'
    ask = dialect.read(body, {})
    assert b"123456789012345678901234567890" in wire.prepare(dialect.outgoing(ask.tree, ask, ATTEMPT), False, {}).body


@pytest.mark.parametrize("key", ["max_tokens", "max_completion_tokens"])
def test_the_answers_limit_is_bounded(key: str) -> None:
    ask = dialect.read(orjson.dumps({"messages": [{"role": "user", "content": "x"}], key: 9000}), {})
    assert dialect.outgoing(ask.tree, ask, ATTEMPT)[key] == 512


GPT = Attempt("openai/gpt-5-mini", "hosted", 512, 1, Model("openai/gpt-5-mini", "openai", "gpt-5-mini", reasoning=True))
MISTRAL = Attempt("mistral/small", "hosted", 512, 1, Model("mistral/small", "mistral", "small"))
SET = {"temperature": 0, "top_p": 0.5, "stop": ["Observation:"], "presence_penalty": 0.1, "logprobs": False}


def sent(attempt: Attempt, model: str, **fields: Any) -> dict[str, Any]:
    ask = dialect.read(orjson.dumps({"model": model, "messages": [{"role": "user", "content": "x"}], **fields}), {})
    return {k: v for k, v in dialect.outgoing(ask.tree, ask, attempt).items() if k not in ("model", "messages")}


def test_a_model_that_the_recipe_chose_is_not_told_what_it_refuses() -> None:
    """aider, smolagents, CrewAI: a temperature of 0, stop sequences, `max_tokens`; OpenAI's reasoning models answer each with 400."""
    assert sent(GPT, "localrouter/auto", **SET, max_tokens=9000, seed=1) == {"max_completion_tokens": 512, "seed": 1}
    assert sent(GPT, "localrouter/auto", temperature=1) == {"temperature": 1, "max_completion_tokens": 512}
    assert sent(MISTRAL, "localrouter/auto", max_completion_tokens=9000, **SET) == {"max_tokens": 512, **SET}
    both = sent(GPT, "localrouter/auto", max_tokens=9000, max_completion_tokens=8000)
    assert both == {"max_tokens": 9000, "max_completion_tokens": 512}, "two limits are for the host to judge"


@pytest.mark.parametrize("model", ["gpt-5-mini", "openai/gpt-5-mini"])
def test_a_model_that_the_client_named_is_told_all(model: str) -> None:
    assert sent(GPT, model, **SET, max_tokens=9000) == {**SET, "max_tokens": 512}


def test_a_restored_whole_answer_keeps_the_hosts_own_fields() -> None:
    ask = dialect.read(b'{"messages":[{"role":"user","content":"x"}]}', {})
    reader = wire.Reader(False)
    raw = b'{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"a TOKEN b","annotations":[]},"finish_reason":"stop","odd":{"k":1}}],"system_fingerprint":"fp"}'
    reader.feed(raw)
    (chunk,) = reader.end()
    same = dialect.Writer(ask, "r").write(chunk, [p.text for p in chunk.pieces], [])
    assert same == raw, "nothing restored: byte for byte"
    out = orjson.loads(dialect.Writer(ask, "r").write(chunk, ["a value b"], []))
    assert out["choices"][0]["message"] == {"role": "assistant", "content": "a value b", "annotations": []}
    assert out["choices"][0]["odd"] == {"k": 1} and out["system_fingerprint"] == "fp"
