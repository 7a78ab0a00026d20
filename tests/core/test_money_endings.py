"""What an attempt that ends badly is charged: one rule for every wire (core/tally.py), through the readers of the wires.

Sources of the events: OpenAI API reference ("Streaming", "Error codes"), Anthropic API reference ("Streaming messages", "Errors").
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from localrouter.core.catalogue import Model
from localrouter.core.errors import HostRateLimited, RouterError
from localrouter.core.money import Price, Usage
from localrouter.core.plan import Attempt
from localrouter.core.tally import Tally
from localrouter.providers import all_wires

PRICE = Price(input=1_000_000, output=5_000_000)
TRIED = Attempt("h/m", "hosted", 1000, 9_000, Model("h/m", "h", "m", PRICE, 100_000, 4000, True))
BOUND = 4_000
"""Tokens of the prompt at most; at a micro-dollar each."""
READ = 11
"""Tokens that the Messages host counts."""
SAID = "hello"


def _sse(*trees: Any) -> bytes:
    return b"".join(b"data: " + orjson.dumps(tree) + b"\n\n" for tree in trees)


def _delta(**delta: Any) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


_RESPONSE = {"id": "r", "object": "response", "status": "in_progress", "output": []}
HEADS: dict[str, list[Any]] = {
    "openai_chat": [_delta(role="assistant", content="")],
    "anthropic_messages": [
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": READ, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ],
    "openai_responses": [
        {"type": "response.created", "response": _RESPONSE},
        {"type": "response.in_progress", "response": _RESPONSE},
    ],
}
WORDS: dict[str, Any] = {
    "openai_chat": _delta(content=SAID),
    "anthropic_messages": {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": SAID}},
    "openai_responses": {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": SAID},
}
LIMITS: dict[str, list[Any]] = {
    "openai_chat": [
        {"error": {"code": 429, "message": "slow down"}},
        {"error": {"code": "rate_limit_exceeded", "message": "slow down"}},
        {"error": {"code": 529, "message": "busy"}},
    ],
    "anthropic_messages": [
        {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}},
        {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
    ],
    "openai_responses": [
        {"type": "response.failed", "response": {**_RESPONSE, "status": "failed", "error": {"code": "rate_limit_exceeded"}}},
        {"type": "error", "code": "slow_down", "message": "busy"},
        {"type": "error", "error": {"code": "server_is_overloaded", "message": "busy"}},
    ],
}
CASES = [(wire, limit) for wire, limits in LIMITS.items() for limit in limits]


def _billed(wire: str, *events: Any, stream: bool = True) -> tuple[tuple[int, Usage, bool], RouterError]:
    """What is charged after the answer's bytes, and the error that ended it."""
    reader = all_wires()[wire].Reader(stream)
    tally = Tally(BOUND)
    data = _sse(*events) if stream else orjson.dumps(events[0])
    for chunk in (*reader.feed(data), *reader.end()):
        if chunk.error is not None:
            tally.told(chunk)
            return tally.bill(TRIED, chunk.error), chunk.error
        tally.heard(chunk)
    raise AssertionError("no error came")


@pytest.mark.parametrize(("wire", "limit"), CASES)
def test_a_limit_inside_an_answer_before_any_word(wire: str, limit: Any) -> None:
    """The host had taken the request: what it read is charged, counted where it counted, else at its bound; and no answer."""
    (micro, usage, estimated), error = _billed(wire, *HEADS[wire], limit)
    read = READ if wire == "anthropic_messages" else BOUND
    assert isinstance(error, HostRateLimited) and error.money_at_risk
    assert estimated and usage.prompt == read and micro == read + 5 * usage.output and usage.output <= 1


@pytest.mark.parametrize(("wire", "limit"), CASES)
def test_a_limit_as_the_first_thing_that_is_said(wire: str, limit: Any) -> None:
    """Nothing was counted: the same on every wire."""
    assert _billed(wire, limit)[0] == (BOUND, Usage(input=BOUND), True)


@pytest.mark.parametrize(("wire", "limit"), CASES)
def test_a_limit_after_words(wire: str, limit: Any) -> None:
    (micro, usage, estimated), _ = _billed(wire, *HEADS[wire], WORDS[wire], limit)
    read = READ if wire == "anthropic_messages" else BOUND
    assert (micro, usage.prompt, usage.output, estimated) == (read + 5 * len(SAID), read, len(SAID), True)


@pytest.mark.parametrize("wire", ["openai_chat", "anthropic_messages", "openai_responses"])
@pytest.mark.parametrize("status", [429, 529])
def test_a_status_is_not_billed(wire: str, status: int) -> None:
    error = all_wires()[wire].fault("h", status, {}, b'{"error": {"type": "overloaded_error", "message": "busy"}}')
    assert Tally(BOUND).bill(TRIED, error) == (0, Usage(), False)


def test_a_limit_instead_of_a_whole_answer() -> None:
    limits = {
        "openai_chat": {"error": {"code": 429, "message": "slow down"}},
        "anthropic_messages": {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}},
        "openai_responses": {**_RESPONSE, "status": "failed", "error": {"code": "rate_limit_exceeded"}},
    }
    for wire, body in limits.items():
        assert _billed(wire, body, stream=False)[0] == (BOUND, Usage(input=BOUND), True), wire


def test_any_other_error_before_a_word_is_charged_at_the_reservation() -> None:
    """A model may have thought unseen, where the host counted nothing."""
    broken = {
        "openai_chat": {"error": {"message": "it broke"}},
        "openai_responses": {"type": "error", "code": "server_error", "message": "it broke"},
    }
    for wire, event in broken.items():
        (micro, _, estimated), error = _billed(wire, *HEADS[wire], event)
        assert (micro, estimated) == (TRIED.reserve, True) and not isinstance(error, HostRateLimited)


def test_what_is_said_behind_an_early_count_is_charged_too() -> None:
    """Some hosts count in their first chunk, or in each: what comes after the last count is not in it."""
    counted = {**_delta(role="assistant"), "usage": {"prompt_tokens": 20, "completion_tokens": 0}}
    cut = {"error": {"message": "it broke"}}
    assert _billed("openai_chat", counted, WORDS["openai_chat"], cut)[0] == (20 + 5 * len(SAID), Usage(20, len(SAID)), True)
    late = {**_delta(content=""), "usage": {"prompt_tokens": 20, "completion_tokens": 2}}
    assert _billed("openai_chat", WORDS["openai_chat"], late, cut)[0] == (30, Usage(20, 2), False), "nothing came after it"


def test_a_count_above_the_reservation_is_charged_all_the_same() -> None:
    counted = {**_delta(role="assistant"), "usage": {"prompt_tokens": 9_500, "completion_tokens": 0}}
    (micro, _, estimated), _ = _billed("openai_chat", counted, WORDS["openai_chat"], {"error": {"message": "it broke"}})
    assert (micro, estimated) == (9_500, True), (
        "what the host told is owed; what is guessed goes no further than what was reserved"
    )
