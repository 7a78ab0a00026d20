"""Marks for a Messages host's prompt cache where the client has none: where they stand, when there are none, and that the reservation covers them."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.catalogue import Model
from localrouter.core.chat import Chat, Image, Text, Thought, Tool, ToolCall, ToolResult, Turn
from localrouter.core.decide import Attempt
from localrouter.core.money import Price, Usage, ceiling, cost
from localrouter.providers import anthropic_messages as wire
from localrouter.providers._anthropic_marks import least, marked

PRICE = Price(3_000_000, 15_000_000, cache_read=300_000, cache_write=3_750_000, cache_write_1h=6_000_000)
SONNET = Attempt("anthropic/m", "hosted", 1000, 1, Model("anthropic/m", "anthropic", "claude-sonnet-4-5", PRICE, 200_000))
LONG = "The committee met on Tuesday. " * 200
TOOL = Tool("look", LONG, {"type": "object"})


def user(*parts: Any) -> Turn:
    return Turn("user", tuple(Text(p) if isinstance(p, str) else p for p in parts))


def said(*parts: Any) -> Turn:
    return Turn("assistant", tuple(Text(p) if isinstance(p, str) else p for p in parts))


SYSTEM = Turn("system", (Text(LONG),))


def sent(*turns: Turn, attempt: Attempt = SONNET, **more: Any) -> tuple[dict[str, Any], str]:
    tree = wire.body(Chat(turns=turns, **more), attempt)
    return tree, marked(tree, attempt)


def places(tree: dict[str, Any]) -> list[str]:
    """Where the marks stand."""
    out = [f"tools.{n}" for n, t in enumerate(tree.get("tools", ())) if "cache_control" in t]
    system = tree.get("system")
    out += [f"system.{n}" for n, b in enumerate(system) if "cache_control" in b] if isinstance(system, list) else []
    for at, message in enumerate(tree["messages"]):
        content = message["content"]
        out += [f"{at}.{n}" for n, b in enumerate(content) if "cache_control" in b] if isinstance(content, list) else []
    return out


def test_an_agents_turn() -> None:
    tree, why = sent(SYSTEM, user("one"), said("two"), user("three"), said("four"), user("five"), tools=(TOOL, TOOL))
    assert places(tree) == ["tools.1", "system.0", "2.0", "4.0"] and why
    assert tree["system"][0] == {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}


def test_what_one_turn_writes_the_next_one_reads() -> None:
    """The prefix up to each mark of a turn stands there again in the next, byte for byte but for the marks themselves."""
    turns = [SYSTEM, user(LONG), said("two"), user("three"), said("four"), user("five")]
    before, after = sent(*turns[:4])[0], sent(*turns)[0]
    assert places(before) == ["system.0", "0.0", "2.0"] and places(after) == ["system.0", "2.0", "4.0"]

    def plain(tree: dict[str, Any]) -> list[Any]:
        return [
            [{"type": "text", "text": m["content"]}]
            if isinstance(m["content"], str)
            else [{k: v for k, v in b.items() if k != "cache_control"} for b in m["content"]]
            for m in tree["messages"]
        ]

    assert plain(after)[:3] == plain(before)


def test_one_turn_without_tools_pays_for_no_write_of_its_question() -> None:
    assert places(sent(SYSTEM, user(LONG))[0]) == ["system.0"]
    tree, why = sent(user(LONG))
    assert places(tree) == [] and why == "" and tree["messages"][0]["content"] == LONG, "as it was"
    assert places(sent(user(LONG), tools=(TOOL,))[0]) == ["tools.0", "0.0"], "an agent asks again"


def test_a_short_prefix_is_left_alone() -> None:
    tree, why = sent(Turn("system", (Text("Be brief."),)), user("hi"), said("hello"), user("how are you?"))
    assert places(tree) == [] and why == ""
    short = Turn("system", (Text("Be brief."),))
    assert places(sent(short, user(LONG), said("hello"), user("and?"))[0]) == ["0.0", "2.0"], "long enough with what follows"


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-opus-5", 512), ("claude-opus-5-5", 512), ("claude-opus-4-8", 1024), ("claude-opus-4-7", 2048), ("claude-opus-4-6", 4096),
        ("claude-opus-4-5-20251101", 4096), ("claude-opus-4-1", 1024), ("claude-sonnet-4-5", 1024), ("claude-sonnet-4-6", 1024),
        ("claude-haiku-4-5", 4096), ("anthropic/claude-haiku-4.5", 4096), ("claude-3-5-haiku-latest", 2048), ("claude-sonnet-5", 1024),
    ],
)  # fmt: skip
def test_the_least_size_is_the_models(model: str, tokens: int) -> None:
    assert least(model) == tokens


def test_the_clients_own_marks_are_the_only_ones() -> None:
    own = Turn("system", (Text(LONG), Text(LONG, {"type": "ephemeral"})))
    tree, why = sent(own, user("one"), said("two"), user("three"), tools=(TOOL,))
    assert places(tree) == ["system.1"] and why == ""


@pytest.mark.parametrize(
    "attempt",
    [
        replace(SONNET, model=replace(SONNET.model, name="glm-5")),  # type: ignore[type-var]  # it has one
        replace(SONNET, model=replace(SONNET.model, price=None)),  # type: ignore[type-var]
        replace(SONNET, model=replace(SONNET.model, price=Price(3, 15, cache_read=1))),  # type: ignore[type-var]
        replace(SONNET, model=replace(SONNET.model, price=replace(PRICE, above=200_000, long=Price(6, 22)))),  # type: ignore[type-var]
    ],
)
def test_no_marks_where_a_write_has_no_price_or_the_model_no_cache(attempt: Attempt) -> None:
    tree, why = sent(SYSTEM, user("one"), said("two"), user("three"), attempt=attempt, tools=(TOOL,))
    assert places(tree) == [] and why == ""


def test_only_blocks_that_take_a_mark() -> None:
    call = ToolCall("toolu_1", "look", "{}")
    picture = Image("image/png", "AAAA")
    tree, _ = sent(SYSTEM, user("one", picture), said(Thought("hm", opaque="sig"), call), user(ToolResult("toolu_1", (Text("42"),))), tools=(TOOL,))  # fmt: skip
    assert places(tree) == ["tools.0", "system.0", "0.1", "2.0"]
    assert tree["messages"][2]["content"][0]["type"] == "tool_result"


TEXTS = st.sampled_from(["", " ", "hi", LONG])
TURNS = st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), TEXTS), min_size=1, max_size=12)


@given(TURNS, st.integers(0, 3))
def test_never_more_than_four_and_nothing_else_is_changed(turns: list[tuple[Any, str]], tools: int) -> None:
    chat = Chat(turns=tuple(Turn(role, (Text(text),)) for role, text in turns), tools=(TOOL,) * tools)
    tree = wire.body(chat, SONNET)
    before = copy.deepcopy(tree)
    marked(tree, SONNET)
    assert len(places(tree)) <= 4

    def bare(node: Any) -> Any:
        if isinstance(node, list):
            return [bare(n) for n in node]
        if not isinstance(node, dict):
            return node
        out = {k: bare(v) for k, v in node.items() if k != "cache_control"}
        for field in ("system", "content"):
            if isinstance(out.get(field), str) and out[field]:
                out[field] = [{"type": "text", "text": out[field]}]
        return out

    assert bare(tree) == bare(before)


@given(st.integers(0, 200_000), st.integers(0, 200_000), st.integers(0, 1000))
def test_the_reservation_covers_a_prompt_that_is_written_whole(written: int, read: int, output: int) -> None:
    assert cost(Usage(cache_write=written, cache_read=read, output=output), PRICE) <= ceiling(written + read, output, PRICE)
