"""Prompts and tool sets of a recipe: what hosts get on both planes, what is veiled in it, what the trace tells, and what is refused."""

from __future__ import annotations

import http.client
import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import surfaces as three
from conftest import BUSY_S, Daemon, call, start, stop, trace, wait

from localrouter.core.findings import Finding
from localrouter.core.recipe import Recipe
from localrouter.core.shape import FIELDS, Prompt, Toolset
from localrouter.core.signals import Signals
from localrouter.daemon.rehearsal import Rehearsal
from localrouter.daemon.shaping import shaped
from localrouter.dialects import openai_chat
from localrouter.dialects._shaping import tool_name, with_instructions, without_tools

RECIPE = """name = "rehearse"
extends = "balanced"
[prompts.house]
text = "House rule 7: answer in {language}. Task {task}, project {project}. Ask Miriam.Castle@example.org."
[prompts.keyed]
text = "The card of the house is 4111 1111 1111 1111."
[toolsets.read]
offer = ["read_*", "grep"]
[[route]]
name = "refused"
match = { tags = ["refused"] }
try = ["asked"]
prompt = "keyed"
[[route]]
name = "default"
try = ["asked"]
prompt = "house"
toolset = "read"
[classes.regulated]
request = "local"
"""


@pytest.fixture(scope="module")
def shaping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("shaping")
    with Rehearsal(strict=True) as host:
        three.write(home, host)
        (home / "config" / "recipes" / "rehearse.toml").write_text(RECIPE)
        process = start(home)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


def chat(model: str) -> tuple[str, dict[str, Any]]:
    tools = [{"type": "function", "function": {"name": n, "parameters": {"type": "object"}}} for n in ("read_file", "run_shell")]
    turns = [{"role": "system", "content": "You help."}, {"role": "user", "content": "What stands in the file?"}]
    return "/v1/chat/completions", {"model": model, "messages": turns, "tools": tools}


def messages(model: str) -> tuple[str, dict[str, Any]]:
    tools = [{"name": n, "input_schema": {"type": "object"}} for n in ("read_file", "run_shell")]
    system = [{"type": "text", "text": "You help.", "cache_control": {"type": "ephemeral"}}]
    turns = [{"role": "user", "content": "What stands in the file?"}]
    return "/v1/messages", {"model": model, "max_tokens": 100, "system": system, "messages": turns, "tools": tools}


def responses(model: str) -> tuple[str, dict[str, Any]]:
    tools = [{"type": "function", "name": n, "parameters": {"type": "object"}} for n in ("read_file", "run_shell")]
    return "/v1/responses", {
        "model": model,
        "instructions": "You help.",
        "input": "What stands in the file?",
        "tools": tools,
        "store": False,
    }


@pytest.mark.parametrize("wire", ["chat", "responses", "messages"])
@pytest.mark.parametrize("make", [chat, messages, responses])
def test_every_plane_gets_the_prompt_and_only_the_offered_tools(shaping: Daemon, make: Any, wire: str) -> None:
    before = len(shaping.host.record())
    path, body = make(f"{wire}/rehearsal-1")
    status, _ = call(shaping, path, body, token=shaping.client)
    assert status == 200
    sent = json.dumps(shaping.host.record()[before:][-1])
    assert "House rule 7" in sent and "You help." in sent and "read_file" in sent and "run_shell" not in sent
    assert sent.index("You help.") < sent.index("House rule 7"), "behind the client's own words"
    assert "Miriam.Castle" not in sent, "the recipe's own words are veiled as well"


def test_the_trace_tells_it(shaping: Daemon) -> None:
    path, body = chat("chat/rehearsal-2")
    _, answer = call(shaping, path, body, token=shaping.client)
    latest = call(shaping, "/control/traces?limit=1")[1]
    rows = latest["traces"] if isinstance(latest, dict) else latest
    made = trace(shaping, rows[0]["id"])["attempts"][-1]["edits"]
    assert {"withhold_tools", "add_prompt"} <= {edit["name"] for edit in made}
    assert "1 of the offered tools" in json.dumps(made) and answer["choices"]


def test_a_prompt_that_may_not_leave_refuses_and_names_itself(shaping: Daemon) -> None:
    before = len(shaping.host.record())
    path, body = chat("chat/rehearsal-1")
    connection = http.client.HTTPConnection("127.0.0.1", shaping.port, timeout=BUSY_S)
    try:
        headers = {
            "authorization": f"Bearer {shaping.client}",
            "content-type": "application/json",
            "x-localrouter-tags": "refused",
        }
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        told = answer.read().decode()
    finally:
        connection.close()
    assert answer.status >= 400 and "[prompts]" in told and "regulated" in told and "4111" not in told
    assert len(shaping.host.record()) == before, "nothing was sent"


# --- the trees -------------------------------------------------------------------------------------


def test_where_the_instructions_stand() -> None:
    bare = {"messages": [{"role": "user", "content": "hi"}]}
    assert with_instructions(bare, "openai_chat", "P")["messages"][0] == {"role": "system", "content": "P"}
    led = {"messages": [{"role": "system", "content": "S"}, {"role": "developer", "content": [{"type": "text", "text": "D"}]}]}
    turns = with_instructions(led, "openai_chat", "P")["messages"]
    assert turns[0]["content"] == "S" and [p["text"] for p in turns[1]["content"]] == ["D", "P"]
    assert with_instructions({}, "anthropic_messages", "P")["system"] == "P"
    assert with_instructions({"system": "S"}, "anthropic_messages", "P")["system"] == "S\n\nP"
    assert with_instructions({"instructions": None}, "openai_responses", "P")["instructions"] == "P"
    compact = {"input": []}
    assert with_instructions(compact, "openai_compact", "P") is compact


@pytest.mark.parametrize(
    ("tree", "left", "count"),
    [
        ({"tools": [{"name": "a"}, {"name": "b"}], "tool_choice": "auto"}, {"tools": [{"name": "a"}], "tool_choice": "auto"}, 1),
        ({"tools": [{"name": "b"}], "tool_choice": "auto", "parallel_tool_calls": True, "x": 1}, {"x": 1}, 1),
        ({"tools": [{"name": "a"}, {"name": "b"}], "tool_choice": {"type": "tool", "name": "b"}}, {"tools": [{"name": "a"}]}, 1),
        (
            {"tools": [{"name": "a"}, {"name": "b"}], "tool_choice": {"type": "tool", "name": "a"}},
            {"tools": [{"name": "a"}], "tool_choice": {"type": "tool", "name": "a"}},
            1,
        ),
        ({"functions": [{"name": "b"}], "function_call": {"name": "b"}}, {}, 1),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{"name": "a"}, {"name": "b"}]}]},
         {"tools": [{"type": "namespace", "name": "n", "tools": [{"name": "a"}]}]}, 1),
        ({"tools": [{"type": "function", "function": {"name": "b"}}, {"type": "web_search"}]}, {}, 2),
        ({"input": [{"type": "tool_search_output", "tools": [{"name": "b"}]}]}, {"input": [{"type": "tool_search_output", "tools": []}]}, 1),
    ],
)  # fmt: skip
def test_tools_that_are_left_out(tree: dict[str, Any], left: dict[str, Any], count: int) -> None:
    assert without_tools(tree, Toolset(offer=("a",)).shows) == (left, count)


def test_nothing_to_do_is_the_same_object() -> None:
    tree = {"tools": [{"name": "a"}], "input": "text"}
    assert without_tools(tree, Toolset(withhold=("z*",)).shows)[0] is tree


def test_names_and_fields() -> None:
    assert [tool_name(t) for t in ({"name": "x"}, {"function": {"name": "y"}}, {"type": "web_search"}, {"custom": {"name": "z"}}, 7)] == [
        "x", "y", "web_search", "z", "",
    ]  # fmt: skip
    assert Toolset(offer=("read_*",), withhold=("read_secret",)).shows("read_file")
    assert not Toolset(offer=("read_*",), withhold=("read_secret",)).shows("read_secret")
    prompt = Prompt(text="{task} {language} {" + "} {x:1} ")
    assert prompt.filled({"task": "chat"}) == "chat  {} {x:1} "
    assert all(Prompt(text=f"{{{name}}}").filled({name: "v"}) == "v" for name in FIELDS)
    assert prompt.most_bytes >= len(prompt.filled(dict.fromkeys(FIELDS, "v" * 512)).encode())


@pytest.mark.anyio
async def test_for_this_machine_nothing_is_scanned_and_all_is_shaped() -> None:
    path, body = chat("local:chat")
    ask = openai_chat.read(json.dumps(body).encode(), {})
    recipe = Recipe.model_validate(tomllib.loads(RECIPE))
    rows: list[tuple[Finding, ...]] = [() for _ in ask.leaves]
    scan: Any = None  # not to be touched
    found = await shaped(scan, openai_chat, ask, rows, Signals(task="chat"), recipe, "default", leaves=False)
    assert path and len(found.findings) == len(found.ask.leaves) and found.ask.model == ask.model
    assert "House rule 7" in found.ask.tree["messages"][0]["content"] and len(found.ask.tree["tools"]) == 1
    assert [made.name for made in found.made] == ["withhold_tools", "add_prompt"] and "tools" in ask.tree, (
        "the client's own tree is left alone"
    )
    plain = await shaped(scan, openai_chat, ask, rows, Signals(), Recipe(name="t"), "default", leaves=True)
    assert plain.ask is ask and plain.findings is rows
