"""Settings that few APIs have: passed on where they are known, noted where they only tune, refused where another answer was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from crossing import NAMES, OTHERS, dialect, over, read, wire

from localrouter.core.decide import Attempt
from localrouter.core.errors import CannotCross
from localrouter.daemon.local_params import TAKES, fitted

HI = [{"role": "user", "content": "hi"}]
LOCAL = Attempt("local:chat", "local", 100, 0)
TUNES = {"min_p": 0.1, "presence_penalty": 0.5, "frequency_penalty": -1, "repetition_penalty": 1.1, "logit_bias": {"50256": -100}, "typical_p": 0.9}  # fmt: skip
ANOTHER = {"n": 2, "logprobs": True, "top_logprobs": 3}


def body(name: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", **({"input": "hi"} if name == "responses" else {"messages": HI, "max_tokens": 99}), **more}


def here(name: str, **more: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the local engine is given, and the sentences for the trace."""
    ask = read(name, body(name, **more))
    chat = dialect(name).chat(ask.tree, ask)
    params, notes = fitted(chat, wire("chat").body(chat, LOCAL))
    assert params.keys() <= TAKES
    return params, (*chat.notes, *notes)


@pytest.mark.parametrize("host", OTHERS["chat"])
@pytest.mark.parametrize("key", TUNES)
def test_what_only_tunes_is_noted_by_a_wire_without_a_word_for_it(host: str, key: str) -> None:
    sent = over("chat", host, body("chat", **{key: TUNES[key]}))
    assert key not in sent.tree and len([n for n in sent.notes if f"'{key}'" in n]) == 1


@pytest.mark.parametrize("host", OTHERS["chat"])
@pytest.mark.parametrize("key", ANOTHER)
def test_what_asks_for_another_answer_is_refused_by_name(host: str, key: str) -> None:
    with pytest.raises(CannotCross) as caught:
        over("chat", host, body("chat", **{key: ANOTHER[key]}))
    assert caught.value.param == key and caught.value.retryable, "another model of the route may have a word for it"


@pytest.mark.parametrize(
    "more", [{"n": 1}, {"logprobs": False}, {"top_logprobs": 0}, {"logit_bias": {}}, {"presence_penalty": 0}]
)
def test_what_is_so_anyway_is_no_setting(more: dict[str, Any]) -> None:
    for host in OTHERS["chat"]:
        assert over("chat", host, body("chat", **more)).notes == ()
    assert here("chat", **more)[1] == ()


def test_the_raw_plane_passes_them_all() -> None:
    more = {**TUNES, **ANOTHER}
    assert more.items() <= over("chat", "chat", body("chat", **more), lenient=True).tree.items()


def test_each_dialect_reaches_the_local_engine_with_what_it_has() -> None:
    stops = ["a", "b", "c", "d", "e"]
    params, notes = here("chat", min_p=0.1, top_k=4, seed=7, temperature=0.2, top_p=0.9, stop=stops)
    assert {"min_p": 0.1, "top_k": 4, "seed": 7, "temperature": 0.2, "top_p": 0.9, "stop": stops}.items() <= params.items()
    assert params["max_tokens"] == 100 and notes == (), "hosts take four stop sequences, the engine any number"
    params, notes = here("messages", top_k=4, temperature=0.2, stop_sequences=stops)
    assert {"top_k": 4, "temperature": 0.2, "stop": stops}.items() <= params.items() and notes == ()
    params, notes = here("responses", temperature=0.2, top_p=0.9)
    assert {"temperature": 0.2, "top_p": 0.9}.items() <= params.items() and notes == ()


@pytest.mark.parametrize("key", [*TUNES, *ANOTHER])
def test_what_the_local_engine_does_not_take_is_never_dropped_in_silence(key: str) -> None:
    own = {"repetition_penalty": "repeat_penalty"}.get(key, key)  # llama.cpp's word
    if own in TAKES:
        params, notes = here("chat", **{key: (TUNES | ANOTHER)[key]})
        assert params[own] == (TUNES | ANOTHER)[key] and notes == ()
    elif key in ANOTHER:
        with pytest.raises(CannotCross):
            here("chat", **{key: ANOTHER[key]})
    else:
        params, notes = here("chat", **{key: TUNES[key]})
        assert key not in params and len(notes) == 1 and f"'{key}'" in notes[0]


@pytest.mark.parametrize("name", NAMES)
def test_effort_and_one_call_at_a_time_are_noted(name: str) -> None:
    own = {
        "chat": {"reasoning_effort": "high", "parallel_tool_calls": False, "tools": [{"type": "function", "function": {"name": "f"}}]},
        "responses": {"reasoning": {"effort": "high"}, "parallel_tool_calls": False, "tools": [{"type": "function", "name": "f"}]},
        "messages": {"output_config": {"effort": "high"}, "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}, "tools": [{"name": "f", "input_schema": {"type": "object"}}]},
    }  # fmt: skip
    notes = here(name, **own[name])[1]
    assert any("how much is its own affair" in n for n in notes) and (
        "parallel_tool_calls" in TAKES or any("one tool call" in n for n in notes)
    )
