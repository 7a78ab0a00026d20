"""What clients of llama-server, vLLM and SGLang ask for as the form of an answer reaches the local engine's grammar."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localrouter.core.errors import BadRequest
from localrouter.daemon.local_forms import form_of

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("asked", "kind", "value"),
    [
        ({"grammar": 'root ::= "a"'}, "gbnf", 'root ::= "a"'),
        ({"json_schema": SCHEMA}, "json_schema", SCHEMA),
        ({"response_format": {"type": "json_object", "schema": SCHEMA}}, "json_schema", SCHEMA),
        ({"guided_json": SCHEMA}, "json_schema", SCHEMA),
        ({"guided_json": json.dumps(SCHEMA)}, "json_schema", SCHEMA),
        ({"guided_regex": "[0-9]+"}, "regex", "[0-9]+"),
        ({"guided_choice": ["a", "b"]}, "choice", ["a", "b"]),
        ({"guided_grammar": 'root ::= "a"'}, "gbnf", 'root ::= "a"'),
        ({"structured_outputs": {"json": SCHEMA}}, "json_schema", SCHEMA),
        ({"structured_outputs": {"choice": ["a"]}}, "choice", ["a"]),
        ({"structured_outputs": {"json_object": True}}, "json_schema", {"type": "object"}),
        ({"regex": "a+"}, "regex", "a+"),
        ({"ebnf": 'root ::= "a"'}, "gbnf", 'root ::= "a"'),
    ],
)
def test_each_word_is_known(asked: dict[str, Any], kind: str, value: Any) -> None:
    assert form_of({"messages": [], **asked}) == {"kind": kind, "value": value}


@pytest.mark.parametrize(
    "asked",
    [{}, {"grammar": ""}, {"guided_json": None}, {"structured_outputs": {}}, {"response_format": {"type": "json_object"}}],
)
def test_what_asks_for_no_form_in_these_words(asked: dict[str, Any]) -> None:
    assert form_of(asked) is None


@pytest.mark.parametrize("asked", [{"grammar": "a", "guided_regex": "b"}, {"guided_json": "{"}])
def test_what_cannot_be_meant_is_refused_by_name(asked: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        form_of(asked)
    assert caught.value.param in asked
