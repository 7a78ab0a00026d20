"""Tools that a host would run by itself: offered, they are left out and named; forced, the request is refused; a recipe may allow a kind.

Sources: law 1 (hosted search, remote MCP servers and content by reference are unread); Codex offers `web_search` with each request, cline
`web_search_20250305` (notes on clients, 4.1 and 7.2).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from crossing import NAMES, attempt, dialect, read

from localrouter.core.ask import Ask
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import Plan, decide
from localrouter.core.errors import Unsupported
from localrouter.core.hosted_tools import LEFT_OUT, PASSES
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.dialects import Made
from localrouter.gates import all_gates

OWN = {
    "chat": {"type": "function", "function": {"name": "web_search", "parameters": {"type": "object"}}},
    "responses": {"type": "function", "name": "web_search", "parameters": {"type": "object"}},
    "messages": {"name": "web_search", "input_schema": {"type": "object"}},
}
OFFERS: list[tuple[str, dict[str, Any], str]] = [
    ("responses", {"type": "web_search"}, "web_search"),
    ("responses", {"type": "web_search", "external_web_access": False}, "web_search"),
    ("responses", {"type": "web_search_2025_08_26", "external_web_access": True}, "web_search"),
    ("responses", {"type": "web_search_preview_2025_03_11"}, "web_search_preview"),
    ("responses", {"type": "file_search", "vector_store_ids": ["vs_1"]}, "file_search"),
    ("responses", {"type": "code_interpreter", "container": {"type": "auto"}}, "code_interpreter"),
    ("responses", {"type": "image_generation"}, "image_generation"),
    ("responses", {"type": "mcp", "server_label": "l", "server_url": "https://x.example"}, "mcp"),
    ("responses", {"type": "shell", "environment": {"type": "container_auto"}}, "container_shell"),
    ("chat", {"type": "web_search"}, "web_search"),
    ("chat", {"type": "mcp", "server_label": "l"}, "mcp"),
    ("messages", {"type": "web_search_20250305", "name": "web"}, "web_search"),
    ("messages", {"type": "web_fetch_20260209", "name": "web_fetch"}, "web_fetch"),
    ("messages", {"type": "code_execution_20260120", "name": "code_execution"}, "code_execution"),
    ("messages", {"type": "mcp_toolset", "mcp_server_name": "s"}, "mcp_toolset"),
    ("messages", {"type": "advisor_20260301", "name": "advisor"}, "advisor"),
]


def body(name: str, **more: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": "hi"}]
    return {"model": "m", **({"input": turns} if name == "responses" else {"messages": turns, "max_tokens": 99}), **more}


def sent(name: str, tree: dict[str, Any]) -> tuple[dict[str, Any], list[Made], Ask]:
    ask = read(name, tree)
    made: list[Made] = []
    return dialect(name).outgoing(ask.tree, ask, attempt(), made), made, ask


@pytest.mark.parametrize(("name", "tool", "kind"), OFFERS)
def test_what_is_only_offered_is_left_out_and_named(name: str, tool: dict[str, Any], kind: str) -> None:
    choice = {"type": "auto"} if name == "messages" else "auto"
    tree, made, ask = sent(name, body(name, tools=[OWN[name], tool], tool_choice=choice))
    assert (ask.hosted, ask.forced, ask.unread) == ((kind,), "", ())
    assert tree["tools"] == [OWN[name]] and tree["tool_choice"] == choice, "a client's own tool of that name stays (6.6)"
    (note,) = [m for m in made if m.name.startswith("leave_out")]
    assert note.name == f"leave_out_{kind}" and f"'{kind}'" in note.why and LEFT_OUT[kind] in note.why
    assert "hi" in json.dumps(tree) and kind not in json.dumps({**tree, "tools": []}), "the model is told nothing"
    assert ask.needs.tools


@pytest.mark.parametrize(("name", "tool", "kind"), OFFERS)
def test_a_choice_among_no_tools_goes_with_them(name: str, tool: dict[str, Any], kind: str) -> None:
    choice = {"type": "auto"} if name == "messages" else "auto"
    tree, _, ask = sent(name, body(name, tools=[tool], tool_choice=choice))
    assert "tools" not in tree and "tool_choice" not in tree and not ask.needs.tools


@pytest.mark.parametrize(
    ("name", "more", "kind"),
    [
        ("chat", {"web_search_options": {}}, "web_search"),
        ("chat", {"web_search_options": {"search_context_size": "low"}}, "web_search"),
        ("chat", {"search_parameters": {"mode": "auto"}}, "web_search"),
        ("chat", {"plugins": [{"id": "web"}, {"id": "response-healing"}]}, "web_search"),
        ("messages", {"mcp_servers": [{"type": "url", "name": "s", "url": "https://s.example"}]}, "mcp_toolset"),
    ],
)
def test_fields_that_turn_one_on(name: str, more: dict[str, Any], kind: str) -> None:
    tree, made, ask = sent(name, body(name, **more))
    assert ask.hosted == (kind,) and not ask.unread and any(m.name == f"leave_out_{kind}" for m in made)
    (field,) = more
    assert tree.get(field, "gone") == ([{"id": "response-healing"}] if field == "plugins" else "gone")


def test_fields_that_turn_none_on_stay() -> None:
    more = {"search_parameters": {"mode": "off"}, "plugins": [{"id": "response-healing"}]}
    tree, _, ask = sent("chat", body("chat", **more))
    assert not ask.hosted and {k: tree[k] for k in more} == more


def test_tools_that_were_found_on_the_way_and_nested_ones() -> None:
    space = {"type": "namespace", "name": "n", "tools": [OWN["responses"], {"type": "mcp", "server_label": "l"}]}
    found = {"type": "additional_tools", "role": "developer", "tools": [{"type": "web_search"}, OWN["responses"]]}
    tree, made, ask = sent("responses", {"model": "m", "input": [found, {"role": "user", "content": "hi"}], "tools": [space]})
    assert set(ask.hosted) == {"mcp", "web_search"} and len([m for m in made if m.name.startswith("leave_out")]) == 2
    assert tree["tools"] == [{**space, "tools": [OWN["responses"]]}]
    assert tree["input"][0] == {**found, "tools": [OWN["responses"]]}


@pytest.mark.parametrize("nested", [True, False])
def test_allowed_tools_name_them_once_more(nested: bool) -> None:
    name = "chat" if nested else "responses"
    own = {"type": "function", "function": {"name": "web_search"}} if nested else {"type": "function", "name": "web_search"}

    def choice(mode: str, *entries: Any) -> dict[str, Any]:
        inner = {"mode": mode, "tools": list(entries)}
        return {"type": "allowed_tools", "allowed_tools": inner} if nested else {"type": "allowed_tools", **inner}

    tools = [OWN[name], {"type": "web_search"}]
    tree, _, _ = sent(name, body(name, tools=tools, tool_choice=choice("required", own, {"type": "web_search"})))
    assert tree["tool_choice"] == choice("required", own)
    tree, _, _ = sent(name, body(name, tools=tools, tool_choice=choice("auto", {"type": "web_search"})))
    assert tree["tool_choice"] == "none" and tree["tools"] == [OWN[name]]
    assert read(name, body(name, tools=tools, tool_choice=choice("required", {"type": "web_search"}))).forced == "web_search"


FORCED: list[tuple[str, dict[str, Any]]] = [
    ("responses", {"tools": [OWN["responses"], {"type": "web_search"}], "tool_choice": {"type": "web_search"}}),
    ("responses", {"tools": [{"type": "web_search"}], "tool_choice": "required"}),
    ("chat", {"tools": [{"type": "web_search"}], "tool_choice": "required"}),
    ("messages", {"tools": [{"type": "web_search_20250305", "name": "w"}, OWN["messages"]], "tool_choice": {"type": "tool", "name": "w"}}),
    ("messages", {"tools": [{"type": "web_search_20250305", "name": "w"}], "tool_choice": {"type": "any"}}),
]  # fmt: skip
MODEL = Model("h/m", "h", "m", Price(1, 1, tools={"web_search": 10_000_000}), 100_000, 100, True, True, True, True)
STANDING = Standing(0.0, Catalogue("t", {"h": Host("h", "https://h.invalid")}, {"h/m": MODEL}), None, keys=frozenset({"h"}), local="l", local_context=4096)  # fmt: skip


def plan(ask: Ask, **more: Any) -> Plan:
    recipe = Recipe.model_validate({"name": "mine", "route": [{"name": "r", "try": ["h/m", "local:chat"]}], **more})
    return decide(ask, Signals(prompt_bound=10), recipe, STANDING, all_gates())


@pytest.mark.parametrize(("name", "more"), FORCED)
def test_what_is_forced_is_refused_by_name_unless_the_recipe_allows_it(name: str, more: dict[str, Any]) -> None:
    ask = read(name, body(name, **more))
    assert ask.forced == "web_search"
    error = plan(ask).error
    assert isinstance(error, Unsupported) and "'web_search'" in error.text and 'hosted_tools = ["web_search"]' in error.text
    assert "'mine'" in error.text and error.status == 400
    allowed = plan(ask, hosted_tools=["web_search"])
    assert [a.id for a in allowed.attempts] == ["h/m"], "the local model has none"


@pytest.mark.parametrize("name", NAMES)
def test_a_forced_tool_of_the_client_is_none_of_these(name: str) -> None:
    tools = [OWN[name], {"type": "web_search_20250305", "name": "x"}]
    choice = {
        "chat": {"type": "function", "function": {"name": "web_search"}},
        "responses": {"type": "function", "name": "web_search"},
    }
    ask = read(name, body(name, tools=tools, tool_choice=choice.get(name, {"type": "tool", "name": "web_search"})))
    assert ask.forced == "" and ask.hosted == ("web_search",) and plan(ask).attempts


def test_what_passes_and_why() -> None:
    for kind in PASSES.keys() - {"tool_search"}:
        tool = {"type": kind, "display_width": 800, "display_height": 600, "environment": "browser"}
        tree, _, ask = sent("responses", body("responses", tools=[tool]))
        assert not ask.hosted and not ask.unread and tree["tools"] == [tool]
    assert not LEFT_OUT.keys() & PASSES.keys()


def test_a_recipe_names_kinds_that_exist() -> None:
    with pytest.raises(ValueError, match="did you mean 'web_search'"):
        Recipe.model_validate({"name": "t", "hosted_tools": ["websearch"]})
