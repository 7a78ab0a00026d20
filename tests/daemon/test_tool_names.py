"""A tool whose name holds a private value: the host knows it by another name, the client by its own, on each pair of dialects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import surfaces
from conftest import Daemon, start, stop, wait
from test_planes import PATHS, ask, sent, trace

from localrouter.core.ask import Leaf
from localrouter.daemon.origins import Origins
from localrouter.daemon.rehearsal import Rehearsal
from localrouter.daemon.restoring import Restorer
from localrouter.daemon.tool_names import fitting, names_a_tool, veiled
from localrouter.dialects import openai_responses as dialect
from localrouter.providers import openai_responses

OWN = "Quellmannshof"
TOOL = f"ask_{OWN}"
SPACE = f"srv_{OWN}"


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory, host: Rehearsal) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("names")
    surfaces.write(home, host)
    config = home / "config" / "config.toml"
    config.write_text(config.read_text() + f'\n[privacy]\ndeny = ["{OWN}"]\n')
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}


def tools(client: str, name: str) -> list[dict[str, Any]]:
    if client == "chat":
        return [{"type": "function", "function": {"name": name, "description": "asks", "parameters": SCHEMA}}]
    if client == "messages":
        return [{"name": name, "description": "asks", "input_schema": SCHEMA}]
    return [{"type": "function", "name": name, "description": "asks", "parameters": SCHEMA}]


def forced(client: str, name: str) -> Any:
    """So that the host calls it."""
    if client == "chat":
        return {"type": "function", "function": {"name": name}}
    return {"type": "tool", "name": name} if client == "messages" else {"type": "function", "name": name}


def request(client: str, model: str, turns: list[Any], stream: bool, name: str = TOOL) -> dict[str, Any]:
    more = {"tools": tools(client, name), "tool_choice": forced(client, name), "stream": stream}
    if client == "responses":
        return {"model": model, "input": turns, **more}
    return {"model": model, "messages": turns, "max_tokens": 2000, **more}


def names_in(node: Any) -> set[str]:
    """Every `name` and `namespace` of a tree."""
    if isinstance(node, list):
        return {n for item in node for n in names_in(item)}
    if not isinstance(node, dict):
        return set()
    own = {node[key] for key in ("name", "namespace") if isinstance(node.get(key), str)}
    return own | {n for value in node.values() for n in names_in(value)}


def events(text: str) -> list[Any]:
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"] if lines else [json.loads(text)]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("to", PATHS)
@pytest.mark.parametrize("client", PATHS)
def test_the_client_is_called_by_its_own_name(named: Daemon, client: str, to: str, stream: bool) -> None:
    before = len(named.host.record())
    turns = [{"role": "user", "content": f"Please ask, {client} {to} {stream}."}]
    status, head, text = ask(named, client, request(client, f"{to}/rehearsal-1", turns, stream))
    assert status == 200, text
    (got,) = sent(named, before)
    assert OWN not in json.dumps(got), "the name is private, wherever it stands"
    (there,) = {n for n in names_in(got["tools"]) if n.startswith("ask_")}
    assert names_in(got["tool_choice"]) == {there}
    said = [tree for tree in events(text) if names_in(tree) & {TOOL, there}]
    assert said and all(there not in json.dumps(tree) for tree in said), "in each event, and in its repeats"
    record = trace(named, head["x-localrouter-id"])
    assert OWN not in json.dumps(record), "law 8"
    assert [c["name"] for c in record["tool_calls"]] == [there]


@pytest.mark.parametrize("to", PATHS)
def test_a_call_in_the_history_bears_the_same_name(named: Daemon, to: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": TOOL, "arguments": '{"path": "a"}'}}
    turns = [
        {"role": "user", "content": f"go on {to}"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ]
    before = len(named.host.record())
    tree = request("chat", f"{to}/rehearsal-1", turns, False)
    status, _, text = ask(named, "chat", tree | {"tool_choice": "auto"})
    assert status == 200, text
    (got,) = sent(named, before)
    called = {n for key in ("messages", "input") for n in names_in(got.get(key, [])) if n.startswith("ask_")}
    assert called == {n for n in names_in(got["tools"]) if n.startswith("ask_")} and len(called) == 1 and TOOL not in called


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("to", PATHS)
def test_a_namespace_keeps_its_own_name_too(named: Daemon, to: str, stream: bool) -> None:
    inner = {"type": "function", "name": "find", "description": "finds", "parameters": SCHEMA}
    tree = {
        "model": f"{to}/rehearsal-1",
        "input": f"find it, {to} {stream}",
        "tools": [{"type": "namespace", "name": SPACE, "description": "theirs", "tools": [inner]}],
        "tool_choice": "required",
        "stream": stream,
    }
    before = len(named.host.record())
    status, head, text = ask(named, "responses", tree)
    assert status == 200, text
    assert OWN not in json.dumps(sent(named, before))
    calls = [i for t in events(text) for i in _items(t) if i.get("type") == "function_call"]
    # The host here says no namespaces of its own; where one does: test_a_host_that_says_the_namespace.
    wanted = ("find", None if to == "responses" else SPACE)
    assert calls and {(c["name"], c.get("namespace")) for c in calls} == {wanted}
    assert OWN not in json.dumps(trace(named, head["x-localrouter-id"]))


def _items(tree: dict[str, Any]) -> list[dict[str, Any]]:
    if isinstance(tree.get("item"), dict):
        return [tree["item"]]
    found: list[dict[str, Any]] = (tree.get("response") or tree).get("output") or []
    return found


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
def test_a_host_that_says_the_namespace(kind: str) -> None:
    """A Responses host's own events: the name and the namespace stand beside the arguments, in the event and in each repeat."""
    field = "arguments" if kind == "function_call" else "input"
    item = {"type": kind, "id": "i", "call_id": "c", "name": "DENIED_7KQ4ZX", "namespace": "srv_DENIED_7KQ4ZX", field: "{}"}
    final = {"type": "response.completed", "response": {"status": "completed", "output": [item]}}
    sse = [{"type": "response.output_item.added", "output_index": 0, "item": item}, final]
    reader = openai_responses.Reader(True)
    names = {"DENIED_7KQ4ZX": OWN, "srv_DENIED_7KQ4ZX": SPACE}
    own = Restorer(None, Origins(b"1" * 32), host="h", wire="w", crosses=False, names=names, veiled=names)
    writer = dialect.Writer(dialect.read(b'{"model": "m", "input": "hi", "stream": true}', {}), "lr-1")
    out = b""
    for event in sse:
        for chunk in reader.feed(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()):
            shown, texts, extra = own.restore(chunk)
            assert all(p.tool in (None, f"{SPACE}__{OWN}") for p in shown.pieces)
            out += writer.write(shown, texts, extra)
    calls = [i for t in events(out.decode()) for i in _items(t)]
    assert len(calls) == 2 and all((c["name"], c["namespace"], c[field]) == (OWN, SPACE, "{}") for c in calls)
    assert own.recorded(f"{SPACE}__{OWN}") == "srv_DENIED_7KQ4ZX__DENIED_7KQ4ZX"


# --- the names themselves --------------------------------------------------------------------------


def leaf(path: tuple[str | int, ...], text: str, where: Any = "tool_schema") -> Leaf:
    return Leaf(path, text, where)


def test_what_stands_for_a_name_fits_every_host() -> None:
    there = "mcp__h7kq4zx.invalid__run"
    leaves = [
        leaf(("tools", 0, "function", "name"), "mcp__buildbox__run"),
        leaf(("messages", 1, "tool_calls", 0, "function", "name"), "mcp__buildbox__run", "tool_arguments"),
        leaf(("messages", 0, "content"), "log in to mcp__buildbox__run", "user"),
        leaf(("messages", 0, "name"), "buildbox", "user"),
    ]
    texts = [there, there, f"log in to {there}", "h7kq4zx.invalid"]
    edits, back = veiled(leaves, texts)
    assert back == {fitting(there): "mcp__buildbox__run"} and "." not in fitting(there)
    assert edits == [(leaves[0].path, fitting(there)), (leaves[1].path, fitting(there))], (
        "prose and participants stay as they are"
    )
    assert veiled(leaves, [x.text for x in leaves]) == ([], {})


@pytest.mark.parametrize(
    ("path", "is_name"),
    [
        (("tools", 0, "name"), True),
        (("tools", 0, "tools", 3, "name"), True),
        (("input", 4, "namespace"), True),
        (("messages", 2, "content", 0, "tool_name"), True),
        (("messages", 2, "content", 0, "tool", "definition", "name"), True),
        (("tools", 0, "input_schema", "properties", "name"), False),
        (("messages", 2, "content", 0, "input", "name"), False),
        (("metadata", "name"), False),
        (("messages", 0, "content"), False),
    ],
)
def test_where_a_tool_is_named(path: tuple[str | int, ...], is_name: bool) -> None:
    assert names_a_tool(path) is is_name
