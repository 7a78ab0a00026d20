"""What the dialects' readers say that signals are made of, and that a request's signals are all filled."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from localrouter.core.findings import Finding
from localrouter.core.signals import Signals
from localrouter.daemon.reading import signals, told
from localrouter.dialects import Dialect, anthropic_messages, openai_chat, openai_compact, openai_responses

MESSAGE = [{"role": "user", "content": "How many mg of ibuprofen can I give my 3 year old?"}]
BODIES: list[tuple[Any, dict[str, Any], str]] = [
    (openai_chat, {"messages": MESSAGE}, "/v1/chat/completions"),
    (anthropic_messages, {"messages": MESSAGE, "max_tokens": 10}, "/v1/messages"),
    (openai_responses, {"input": MESSAGE}, "/v1/responses"),
    (openai_compact, {"input": MESSAGE}, "/v1/responses/compact"),
]


def read(dialect: Dialect, tree: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    return dialect.read(json.dumps(tree).encode(), headers or {})


@pytest.mark.parametrize(("dialect", "tree", "path"), BODIES)
def test_the_endpoint_is_the_dialects_first_where_no_server_was(dialect: Dialect, tree: dict[str, Any], path: str) -> None:
    assert read(dialect, tree).endpoint == path


@pytest.mark.parametrize(
    ("dialect", "more", "asks"),
    [
        (openai_chat, {"reasoning_effort": "high"}, True),
        (openai_chat, {"reasoning_effort": "medium"}, False),
        (openai_chat, {"reasoning": {"effort": "xhigh"}}, True),
        (openai_chat, {"reasoning": 3}, False),
        (openai_responses, {"reasoning": {"effort": "high", "summary": "auto"}}, True),
        (openai_responses, {"reasoning": {"effort": "medium"}}, False),
        (anthropic_messages, {"thinking": {"type": "enabled", "budget_tokens": 2048}}, True),
        (anthropic_messages, {"thinking": {"type": "adaptive"}}, False),
        (anthropic_messages, {"output_config": {"effort": "max"}}, True),
        (anthropic_messages, {}, False),
    ],
)
def test_more_thought_than_by_default(dialect: Dialect, more: dict[str, Any], asks: bool) -> None:
    tree = dict(next(t for d, t, _ in BODIES if d is dialect)) | more
    assert read(dialect, tree).needs.reasoning is asks


@pytest.mark.parametrize(
    ("dialect", "key"), [(openai_chat, "messages"), (anthropic_messages, "messages"), (openai_responses, "input")]
)
def test_a_hole_in_a_prompt(dialect: Dialect, key: str) -> None:
    hole = "<|fim_prefix|>def add(a, b):\n<|fim_suffix|>\nprint(add(1, 2))<|fim_middle|>"
    assert read(dialect, {key: [{"role": "user", "content": hole}], "max_tokens": 9}).needs.fim
    assert not read(dialect, {key: MESSAGE, "max_tokens": 9}).needs.fim


@pytest.mark.parametrize(
    ("headers", "more", "waits"),
    [
        ({}, {}, ""),
        ({"x-localrouter-interaction": "Batch"}, {}, "batch"),
        ({"x-localrouter-interaction": "someday"}, {}, ""),
        ({"x-interaction-type": "conversation-background"}, {}, "background"),
        ({}, {"service_tier": "flex"}, "background"),
        ({}, {"service_tier": "batch"}, "batch"),
        ({"x-localrouter-interaction": "interactive"}, {"service_tier": "flex"}, "interactive"),
    ],
)
def test_how_long_somebody_waits_as_the_client_says_it(headers: dict[str, str], more: dict[str, Any], waits: str) -> None:
    assert read(openai_chat, {"messages": MESSAGE, **more}, headers).hints.interaction == waits


@pytest.mark.parametrize(("dialect", "tree", "path"), BODIES)
def test_every_signal_is_filled(dialect: Dialect, tree: dict[str, Any], path: str) -> None:
    ask = read(dialect, tree)
    found = [(Finding(0, 3, "EMAIL", 1.0, "x"),), *(() for _ in ask.leaves[1:])]
    made = signals(ask, found, inherited="public", density=None)
    assert (made.task, made.domain, made.risk, made.language, made.interaction) == (
        "chat",
        "medical",
        "high",
        "en",
        "interactive",
    )
    assert 0 < made.injection < 0.2 and 0 < made.difficulty < 1
    assert set(told(made)) <= {f.name for f in fields(Signals)}
    json.dumps(told(made))


def test_another_classifier_takes_the_rules_place() -> None:
    """The seam for trained heads: anything of the same shape."""
    from dataclasses import replace

    from localrouter.classify import classify

    ask = read(openai_chat, {"messages": MESSAGE})
    made = signals(
        ask,
        [() for _ in ask.leaves],
        inherited="public",
        density=None,
        by=lambda a: replace(classify(a), difficulty=0.99, method="heads"),
    )
    assert made.difficulty == 0.99
