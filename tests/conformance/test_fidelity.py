"""Same dialect in and out is byte-faithful (law 5): with nothing to veil, what leaves is what came but for the listed edits, and the client
reads the host's own bytes. Hypothesis adds unknown fields at random places, and they survive.

Recorded bodies of real clients are used when the folder that `LOCALROUTER_DATA` names has them (`clients/*.jsonl`).
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from crossing import NAMES, OTHERS, answer, over, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_answers import REPLIES, said

from localrouter.core.errors import CannotCross
from localrouter.dialects._hosted import without

DATA = Path(os.environ.get("LOCALROUTER_DATA", "")) / "clients"
HI = {"role": "user", "content": "hi there"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "description": "Where."}}, "required": ["city"]}
BODIES: dict[str, dict[str, Any]] = {
    "chat": {
        "model": "m-1",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "be brief"}]},
            HI,
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"city": "Rome"}'}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "sun"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        "tool_choice": "auto",
        "temperature": 0.5,
        "max_tokens": 4000,
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {"type": "text"},
        "metadata": {"a": "b"},
    },
    "responses": {
        "model": "m-1",
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "be brief"}]},
            {"type": "message", "role": "user", "content": "hi there"},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"city": "Rome"}'},
            {"type": "function_call_output", "call_id": "c1", "output": "sun"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}],
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "max_output_tokens": 4000,
        "store": False,
        "stream": True,
        "text": {"format": {"type": "text"}, "verbosity": "low"},
    },
    "messages": {
        "model": "m-1",
        "max_tokens": 4000,
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi there"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"city": "Rome"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "sun"}]}]},
        ],
        "tools": [{"name": "f", "input_schema": SCHEMA, "eager_input_streaming": True}],
        "output_config": {"effort": "low"},
        "stream": True,
    },
}  # fmt: skip


def compact(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("name", list(NAMES))
def test_a_body_that_needs_no_edit_is_sent_byte_for_byte(name: str) -> None:
    assert over(name, name, BODIES[name], lenient=True).body == compact(BODIES[name])


@pytest.mark.parametrize("name", list(NAMES))
def test_the_edits_are_the_listed_ones(name: str) -> None:
    """The model's own name, the limit of the answer, usage in streams (chat), nothing stored (Responses)."""
    body = copy.deepcopy(BODIES[name])
    body["model"] = "localrouter/auto"
    body.pop("stream_options", None)
    if name == "responses":
        body["store"] = True
    field = {"chat": "max_tokens", "responses": "max_output_tokens", "messages": "max_tokens"}[name]
    body[field] = 9000
    tree = over(name, name, body, lenient=True, limit=4000).tree
    assert tree == BODIES[name]


def nodes(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all objects in a tree."""
    found: list[tuple[Any, ...]] = []
    if isinstance(tree, dict):
        found.append(path)
        for key, value in tree.items():
            found += nodes(value, (*path, key))
    elif isinstance(tree, list):
        for i, value in enumerate(tree):
            found += nodes(value, (*path, i))
    return found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99_999, 99_999) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdefgh", min_size=1, max_size=6), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.parametrize("name", list(NAMES))
def test_unknown_fields_survive_at_random_places(name: str, data: st.DataObject) -> None:
    tree = copy.deepcopy(BODIES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        node: Any = tree
        for step in data.draw(st.sampled_from(nodes(tree))):
            node = node[step]
        node["x_" + data.draw(st.text("abcxyz", min_size=1, max_size=5))] = data.draw(VALUES)
    assert over(name, name, tree, strict=False).tree == tree
    for host in OTHERS[name]:
        with contextlib.suppress(CannotCross):  # what crosses is another form; it must not break on them
            over(name, host, tree, strict=False)


@pytest.mark.parametrize("kind", list(REPLIES))
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", list(NAMES))
def test_the_client_reads_the_hosts_own_bytes(name: str, stream: bool, kind: str) -> None:
    data = said(name, REPLIES[kind], stream=stream)
    assert answer(name, name, data, stream=stream) == data


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.parametrize("name", list(NAMES))
def test_unknown_fields_and_events_of_a_stream_survive(name: str, data: st.DataObject) -> None:
    out = b""
    for event in said(name, REPLIES["all"]).split(b"\n\n")[:-1]:
        head, _, text = event.rpartition(b"data: ")
        if text.startswith(b"{") and data.draw(st.booleans()):
            tree = json.loads(text)
            tree["x_new"] = data.draw(VALUES)
            text = compact(tree)
        if data.draw(st.integers(0, 9)) == 0:
            out += b": a comment\n\n"
        out += head + b"data: " + text + b"\n\n"
    assert answer(name, name, out) == out


ROUTES = {"/v1/chat/completions": "chat", "/chat/completions": "chat", "/v1/responses": "responses", "/responses": "responses",
          "/v1/messages": "messages", "/messages": "messages"}  # fmt: skip
EDITED = {"model", "max_tokens", "max_completion_tokens", "max_output_tokens", "stream_options", "store", "include"}


def recorded() -> list[Any]:
    out: list[Any] = []
    for file in sorted(DATA.glob("*.jsonl")) if os.environ.get("LOCALROUTER_DATA") else ():
        for i, line in enumerate(file.read_text().splitlines()):
            entry = json.loads(line)
            if entry["method"] == "POST" and entry["path"] in ROUTES and isinstance(entry.get("body"), (dict, str)):
                out.append(pytest.param(entry, id=f"{file.stem}-{i}"))
    return out


@pytest.mark.parametrize(
    "entry", recorded() or [pytest.param(None, marks=pytest.mark.skip("LOCALROUTER_DATA names no recordings"))]
)
def test_recorded_bodies_round_trip(entry: dict[str, Any]) -> None:
    """What real clients sent: on the raw plane all of it survives but for the listed edits; each crosses to both other wires without a 400,
    or is refused by name."""
    name = ROUTES[entry["path"]]
    body = entry["body"] if isinstance(entry["body"], dict) else json.loads(entry["body"])
    headers = {k.lower(): v for k, v in entry["headers"]}
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or body.get("max_output_tokens") or 8000
    ask = read(name, body, headers)
    if ask.signed:
        return  # whose they are is judged elsewhere
    whole = body
    for kind in ask.hosted:  # Codex offers a search with each request
        whole = without(whole, kind)
    tree = over(name, name, body, headers, strict=False, limit=limit).tree
    assert {k: v for k, v in tree.items() if k not in EDITED} == {k: v for k, v in whole.items() if k not in EDITED}
    for host in OTHERS[name]:
        with contextlib.suppress(CannotCross):
            over(name, host, body, headers, limit=max(limit, 16), model="claude-opus-4-6" if host == "messages" else "m-1")
