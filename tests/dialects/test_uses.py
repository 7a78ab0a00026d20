"""What a request's hosted tools can be billed at most, in each dialect, and the limits that hosts are told.

Sources: as in dialects/_uses.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from crossing import attempt, dialect, read

from localrouter.core.ask import Ask
from localrouter.core.hosted_tools import RESULT_TOKENS, USES, Offer
from localrouter.dialects import Made


def body(name: str, **more: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": "hi"}]
    return {"model": "m", **({"input": turns} if name == "responses" else {"messages": turns, "max_tokens": 99}), **more}


def offers(name: str, *tools: dict[str, Any], **more: Any) -> tuple[Offer, ...]:
    return read(name, body(name, **({"tools": list(tools)} if tools else {}), **more)).offers


def sent(name: str, tree: dict[str, Any], *, allowed: bool = True) -> tuple[dict[str, Any], list[str]]:
    """The host's tree and the names of the edits, under a recipe that allows what is offered, or not."""
    ask: Ask = read(name, tree)
    made: list[Made] = []
    one = replace(attempt(), offers=ask.offers if allowed else ())
    out = dialect(name).outgoing(ask.tree, replace(ask, hosted=() if allowed else ask.hosted), one, made)
    return out, [m.name for m in made]


WEB = {"type": "web_search_20250305", "name": "web_search"}


@pytest.mark.parametrize(
    ("name", "tool", "more", "wanted"),
    [
        ("messages", {**WEB, "max_uses": 5}, {}, Offer("web_search", 5, calls=5)),
        ("messages", WEB, {}, Offer("web_search", USES)),
        ("messages", {**WEB, "max_uses": True}, {}, Offer("web_search", USES)),
        ("messages", {"type": "web_fetch_20250910", "name": "web_fetch", "max_content_tokens": 700}, {}, Offer("web_fetch", USES, tokens=700)),
        ("messages", {"type": "web_fetch_20250910", "name": "web_fetch"}, {}, Offer("web_fetch", USES, tokens=25_000)),
        ("messages", {"type": "code_execution_20250825", "name": "code_execution"}, {}, Offer("code_execution", 1)),
        ("responses", {"type": "web_search"}, {"max_tool_calls": 2}, Offer("web_search", 2, calls=2)),
        ("responses", {"type": "web_search"}, {"max_tool_calls": 40}, Offer("web_search", 40, calls=40, limit=40)),
        ("responses", {"type": "web_search_preview_2025_03_11"}, {}, Offer("web_search_preview", USES)),
        ("responses", {"type": "file_search", "vector_store_ids": ["v"]}, {}, Offer("file_search", USES)),
        ("responses", {"type": "code_interpreter", "container": {"type": "auto"}}, {}, Offer("code_interpreter", 1, 1, shown=False)),
        ("responses", {"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "16g"}}, {}, Offer("code_interpreter", 16, 16, shown=False)),
        ("responses", {"type": "code_interpreter", "container": "cntr_1"}, {}, Offer("code_interpreter", 64, 64, shown=False)),
        ("responses", {"type": "shell", "environment": {"type": "container_auto", "memory_limit": "4g"}}, {}, Offer("container_shell", 4, 4, shown=False)),
        ("chat", {"type": "web_search"}, {}, Offer("web_search", USES, shown=False)),
    ],
)  # fmt: skip
def test_the_most_of_a_tool(name: str, tool: dict[str, Any], more: dict[str, Any], wanted: Offer) -> None:
    assert offers(name, tool, **more) == (wanted,)


@pytest.mark.parametrize(
    ("more", "most"),
    [
        ({"web_search_options": {}}, 1),
        ({"search_parameters": {"mode": "auto"}}, 20),
        ({"search_parameters": {"mode": "on", "max_search_results": 3}}, 3),
        ({"plugins": [{"id": "web", "max_results": 2}]}, 2),
        ({"plugins": [{"id": "web"}]}, 5),
    ],
)
def test_fields_of_chat_completions(more: dict[str, Any], most: int) -> None:
    assert offers("chat", **more) == (Offer("web_search", most, calls=1, shown=False),)


def test_code_that_runs_for_a_newer_search_is_free() -> None:
    code = {"type": "code_execution_20260120", "name": "code_execution"}
    found = {o.kind: o.most for o in offers("messages", code, {"type": "web_search_20260209", "name": "web_search"})}
    assert found == {"code_execution": 0, "web_search": USES}
    assert {o.kind: o.most for o in offers("messages", code, WEB)} == {"code_execution": 1, "web_search": USES}


def test_a_kind_that_stands_there_twice_is_billed_for_both() -> None:
    (one,) = offers("messages", {**WEB, "max_uses": 2}, {**WEB, "name": "other", "max_uses": 3})
    assert (one.most, one.calls, one.tokens) == (5, 5, RESULT_TOKENS)


def test_a_request_without_them_offers_nothing_and_is_not_touched() -> None:
    for name in ("chat", "responses", "messages"):
        tree = body(name, tools=[])
        assert read(name, tree).offers == () and not {"limit_uses", "limit_calls"} & set(sent(name, tree)[1])


def test_the_host_is_told_a_limit_where_the_request_has_none() -> None:
    own = {"name": "f", "input_schema": {"type": "object"}}
    tree, made = sent("messages", body("messages", tools=[own, WEB, {**WEB, "name": "b", "max_uses": 2}]))
    assert [t.get("max_uses") for t in tree["tools"]] == [None, USES, 2] and "limit_uses" in made
    tree, made = sent("responses", body("responses", tools=[{"type": "web_search"}]))
    assert tree["max_tool_calls"] == USES and "limit_calls" in made
    tree, made = sent("responses", body("responses", tools=[{"type": "web_search"}], max_tool_calls=3))
    assert tree["max_tool_calls"] == 3 and "limit_calls" not in made


def test_what_is_left_out_gets_no_limit() -> None:
    tree, made = sent("responses", body("responses", tools=[{"type": "web_search"}]), allowed=False)
    assert "max_tool_calls" not in tree and made == ["leave_out_web_search", *[m for m in made if m != "leave_out_web_search"]]


def test_a_compaction_runs_none() -> None:
    import json

    from localrouter.dialects import openai_compact

    tree = {"model": "m", "input": "hi", "tools": [{"type": "web_search"}]}
    assert openai_compact.read(json.dumps(tree).encode(), {}).offers == ()
