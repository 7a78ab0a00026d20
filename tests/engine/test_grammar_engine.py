"""Grammars in the real engine: a model with random weights, and answers that are valid all the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.engine import tiny_chat
from tests.engine.random_schemas import Schemas
from tests.engine.test_worker import Engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    e = Engine(tiny_chat.random(tmp_path_factory.mktemp("m") / "tiny.gguf"), ctx=8192)
    yield e
    e.close()
    assert e.proc.returncode == 0


def ask(engine: Engine, schema: Any, **kw: Any) -> tuple[str, dict[str, Any]]:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    text, _, end = engine.chat(response_format=form, temperature=1.5, **kw)
    return text, end


def test_random_schemas_are_answered_validly_within_the_tokens(engine: Engine) -> None:
    asked = finished = 0
    for seed in range(12):
        schema = Schemas(seed).root()
        text, end = ask(engine, schema, max_tokens=120, seed=seed)
        if "error" in end:
            assert end["code"] == "bad_request" and "never be satisfied" in end["error"], (schema, end)
            continue
        asked += 1
        assert end["usage"]["output"] <= 120
        if end["finish"] == "stop":
            finished += 1
            Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(json.loads(text))
    assert finished >= 0.9 * asked > 5


def test_other_kinds(engine: Engine) -> None:
    text, _, end = engine.chat(grammar={"kind": "choice", "value": ["billing", "refund", "größe"]}, max_tokens=20)
    assert text in ("billing", "refund", "größe") and end["finish"] == "stop" and end["confidence"]["format_ok"] is True
    text, _, end = engine.chat(grammar={"kind": "regex", "value": "[a-f]{3}-[0-9]{2,40}"}, max_tokens=20)
    assert re.fullmatch("[a-f]{3}-[0-9]{2,40}", text) and end["finish"] == "stop"
    text, _, _ = engine.chat(grammar={"kind": "gbnf", "value": 'root ::= "yes" | "no"'}, max_tokens=9)
    assert text in ("yes", "no")
    text, _, end = engine.chat(response_format={"type": "json_object"}, max_tokens=60, seed=4)
    assert isinstance(json.loads(text), dict) and end["finish"] == "stop"


def test_what_a_grammar_writes_is_the_answer_whatever_it_looks_like(engine: Engine) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    for words in ("<think>never</think>so", '<tool_call>{"name": "f", "arguments": {}}</tool_call>', "  spaced  "):
        text, calls, end = engine.chat(grammar={"kind": "choice", "value": [words]}, tools=tools, max_tokens=80)
        assert (text, calls, end["finish"]) == (words, [], "stop")


def test_a_refusal_names_the_keyword_and_the_engine_goes_on(engine: Engine) -> None:
    _, end = ask(engine, {"type": "array", "contains": {"type": "string"}})
    assert (
        end["error"] == "The JSON schema uses `contains`, which the local engine cannot enforce." and end["code"] == "bad_request"
    )
    _, end = ask(engine, {"allOf": [{"type": "integer", "multipleOf": p} for p in (9973, 9967, 9949)]})
    assert end["code"] == "bad_request"
    _, end = ask(engine, {"const": "still here"}, max_tokens=20)
    assert end["finish"] == "stop"


def test_what_is_forced_is_written_without_being_sampled(engine: Engine) -> None:
    text, end = ask(
        engine, {"const": {"one": "a long text that is certain from the first letter on", "two": [1, 2, 3]}}, max_tokens=80
    )
    assert json.loads(text)["two"] == [1, 2, 3] and end["finish"] == "stop"


@pytest.mark.long
def test_two_hundred_random_schemas(engine: Engine) -> None:
    asked = finished = valid = 0
    for seed in range(3000, 3200):
        schema = Schemas(seed).root()
        text, end = ask(engine, schema, max_tokens=512, seed=seed)
        if "error" in end:
            continue
        asked += 1
        if end["finish"] == "stop":
            finished += 1
            Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(json.loads(text))
            valid += 1
    print(f"{asked} asked, {finished} finished within 512 tokens, {valid} valid")
    assert finished >= 0.9 * asked > 150
