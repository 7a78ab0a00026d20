"""Contracts: what is asked of an answer, and the judge. Nothing of an answer is quoted by a verdict that is recorded or told."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from localrouter.core.ask import Ask, Leaf, Needs
from localrouter.core.chat import Channel, Piece
from localrouter.core.contract import Contract
from localrouter.core.errors import BadRequest, ContractBroken, RouteRefused, SchemaFailed, ToolArgumentsBad
from localrouter.core.judge import Listener, Said, ToolCalled, Verdict, check, judge
from localrouter.core.terms import ANY_OBJECT, Terms, schema_of, terms, tools_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}, "mood": {"enum": ["good", "bad"]}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def ask(tree: dict[str, Any], *sources: str, ids: tuple[str, ...] = ()) -> Ask:
    leaves = tuple(Leaf(("messages", i, "content"), text, "user") for i, text in enumerate(sources))
    return Ask("openai_chat", tree, leaves, "m", Needs(), None, 1, 1, context_ids=ids)


def verdict(found: Terms, *said: Said | str) -> Verdict:
    return judge(found, [Said(s) if isinstance(s, str) else s for s in said], "h/m")


# --- what is asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tree",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}},
        {"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}},
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {"output_format": {"type": "json_schema", "schema": SCHEMA}},
    ],
    ids=["chat", "responses", "messages", "messages-beta"],
)
def test_the_schema_of_a_request_is_found_in_each_dialect(tree: dict[str, Any]) -> None:
    assert schema_of(tree) == SCHEMA
    found = terms(ask(tree), Contract(json_schema="request"), {})
    assert found is not None and found.schema == SCHEMA


def test_what_is_not_asked_for_is_not_judged() -> None:
    assert terms(ask({}), None, {}) is None
    assert terms(ask({}), Contract(json_schema="request", tool_arguments="verify"), {}) is None, "neither schema nor tools"
    assert schema_of({"response_format": {"type": "json_object"}}) == ANY_OBJECT
    assert schema_of({"response_format": {"type": "text"}}) is None
    assert schema_of({"response_format": "json"}) is None


def test_a_named_schema_is_the_recipes() -> None:
    found = terms(ask({}), Contract(json_schema="person"), {"person": SCHEMA})
    assert found is not None and found.schema == SCHEMA
    with pytest.raises(RouteRefused, match="nobody"):
        terms(ask({}), Contract(json_schema="nobody"), {})


def test_the_tools_of_a_request_are_found_in_each_dialect() -> None:
    own = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert dict(tools_of({"tools": [{"type": "function", "function": {"name": "f", "parameters": own}}]})) == {"f": own}
    assert dict(tools_of({"functions": [{"name": "f", "parameters": own}]})) == {"f": own}
    assert dict(tools_of({"tools": [{"type": "function", "name": "f", "parameters": own}]})) == {"f": own}
    assert dict(tools_of({"tools": [{"name": "f", "input_schema": own}]})) == {"f": own}
    space = {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f", "parameters": own}]}
    assert dict(tools_of({"tools": [space, {"type": "custom", "name": "c"}]})) == {"n__f": own}


# --- schemas -------------------------------------------------------------------------------------

FITS = ['{"name": "a", "age": 1}', ' {"name":"a","age":0,"mood":"bad"}\n']
BREAKS = {
    '{"name": "a"}': "required",
    '{"name": "a", "age": -1}': "minimum",
    '{"name": "a", "age": "1"}': "type",
    '{"name": "a", "age": 1, "mood": "so"}': "enum",
    '{"name": "a", "age": 1, "secret-key": 2}': "additionalProperties",
    '```json\n{"name": "a", "age": 1}\n```': "not JSON",
    'Here it is: {"name": "a", "age": 1}': "not JSON",
    '{"name": "a", "age": NaN}': "not JSON",
    "": "not JSON",
    "[" * 5000 + "]" * 5000: "not JSON",
}


@pytest.mark.parametrize("text", FITS)
def test_an_answer_that_fits(text: str) -> None:
    found = verdict(Terms(schema=SCHEMA), text)
    assert found.error is None and found.checks == (("json_schema", True),)


@pytest.mark.parametrize("text", BREAKS)
def test_an_answer_that_does_not_fit_says_which_rule(text: str) -> None:
    found = verdict(Terms(schema=SCHEMA), text)
    assert (isinstance(found.error, SchemaFailed) and BREAKS[text] in found.rules) or "nested too deeply" in found.rules
    assert "secret-key" not in found.error.text and "secret-key" not in str(found.rules)
    assert found.complaint.endswith("nothing else changed.")


def test_a_complaint_names_the_place_and_the_rule_and_no_value() -> None:
    found = verdict(Terms(schema=SCHEMA), '{"name": "Jane Roe", "age": "Jane Roe"}')
    assert "at /age" in found.complaint and '`type` "integer"' in found.complaint
    assert "Jane" not in found.complaint and found.error is not None and "Jane" not in found.error.text


def test_every_choice_is_judged() -> None:
    assert verdict(Terms(schema=SCHEMA), FITS[0], FITS[1]).error is None
    assert isinstance(verdict(Terms(schema=SCHEMA), FITS[0], "no").error, SchemaFailed)
    assert isinstance(verdict(Terms(schema=SCHEMA)).error, SchemaFailed), "an answer without a choice is none"


def test_an_answer_that_only_calls_a_tool_has_no_text_to_judge() -> None:
    call = Said(calls=[ToolCalled("f", "{}")])
    assert verdict(Terms(schema=SCHEMA, labels=("yes",), required=("a",)), call).error is None


def test_a_reference_reaches_within_the_schema_and_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*args: object, **kw: object) -> None:
        raise AssertionError("a schema was fetched")

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    inner = {"$defs": {"n": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/n"}}
    assert verdict(Terms(schema=inner), "[1, 2]").error is None
    assert verdict(Terms(schema=inner), '["a"]').rules == ("type",)
    away = {"$ref": "https://schemas.invalid/x.json"}
    found = verdict(Terms(schema=away), "1")
    assert isinstance(found.error, SchemaFailed) and found.rules == ("$ref",), "what cannot be judged does not count"


def test_a_pattern_that_never_ends_is_ended() -> None:
    evil = {
        "type": "object",
        "properties": {"a": {"type": "string", "pattern": "^(a|a)*$"}},
        "patternProperties": {"^(b|b)*$": {}},
    }
    began = time.monotonic()
    found = verdict(Terms(schema=evil), json.dumps({"a": "a" * 5000 + "!", "b" * 5000 + "!": 1}))
    assert time.monotonic() - began < 30, "without its limit it would take longer than anybody waits"
    assert found.error is None or found.rules == ("pattern",)
    assert verdict(Terms(schema={"type": "string", "pattern": "^x+$"}), '"xx"').error is None
    assert verdict(Terms(schema={"type": "string", "pattern": "^x+$"}), '"y"').rules == ("pattern",)
    keyed = {"patternProperties": {"^n_": {"type": "integer"}}}
    assert verdict(Terms(schema=keyed), '{"n_a": "x"}').rules == ("type",)
    assert verdict(Terms(schema=keyed), '{"m_a": "x"}').error is None


def test_a_schema_that_goes_round_for_ever_is_no_hang() -> None:
    round_ = {"$ref": "#"}
    assert verdict(Terms(schema=round_), "1").error is not None


@pytest.mark.parametrize("schema", [{"type": "strnig"}, {"properties": []}, {"minimum": "x"}, {"required": "a"}])
def test_a_schema_that_is_none_is_refused_before_anybody_is_asked(schema: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        check(Terms(schema=schema))
    with pytest.raises(BadRequest):
        check(Terms(tools={"f": schema}))
    check(Terms(schema=SCHEMA, tools={"f": None, "g": SCHEMA}))


# --- tools, labels, fields -----------------------------------------------------------------------

TOOLS = Terms(tools={"look": {"type": "object", "properties": {"at": {"type": "integer"}}, "required": ["at"]}, "any": None})


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (ToolCalled("look", '{"at": 1}'), ""),
        (ToolCalled("any", '{"x": [1]}'), ""),
        (ToolCalled("any", ""), ""),
        (ToolCalled("look", '{"at": "1"}'), "type"),
        (ToolCalled("look", ""), "required"),
        (ToolCalled("look", '{"at": 1'), "not JSON"),
        (ToolCalled("delete", "{}"), "unknown tool"),
        (ToolCalled("free", "any text", custom=True), ""),
    ],
)
def test_arguments_of_tools(call: ToolCalled, rule: str) -> None:
    found = verdict(TOOLS, Said(calls=[call]))
    assert (found.error is None) == (rule == "")
    if rule:
        assert isinstance(found.error, ToolArgumentsBad) and rule in found.rules
        assert "delete" not in found.error.text


@pytest.mark.parametrize(
    ("text", "held"),
    [("spam", True), (' "Spam".\n', True), ("'ham'", True), ("spam!!", False), ("it is spam", False), ("", False)],
)
def test_labels(text: str, held: bool) -> None:
    found = verdict(Terms(labels=("spam", "ham")), text)
    assert (found.error is None) == held
    if not held:
        assert isinstance(found.error, ContractBroken) and "spam, ham" in found.complaint


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('{"a": 1, "b": {"c": null}}', True),
        ('{"a": 1, "b": {}}', False),
        ('{"b.c": 1, "a": 2}', True),
        ("[1]", False),
        ("a: 1", False),
    ],
)
def test_required_fields(text: str, held: bool) -> None:
    assert (verdict(Terms(required=("a", "b.c")), text).error is None) == held


# --- citations -----------------------------------------------------------------------------------

SOURCE = (
    "The mill was built in 1871 by the brothers Aalto. It burned down twice, and was rebuilt “at great cost to the parish”.\n"
    "See https://mill.example/history(1) and https://mill.example/a. Source [12]."
)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("It was built in 1871.", ()),
        ('As it says, "the mill was built in 1871 by the brothers Aalto."', ()),
        ("“The Mill was  built in 1871 … and was rebuilt ‘at great cost to the parish’”", ()),
        ('It says "it burned down twice, [...] at great cost to the parish".', ()),
        ('It says "it burned down three times, and was rebuilt".', ("quote",)),
        ('It says "at great cost to the parish ... it burned down twice".', ("quote",)),
        ('A "mill" is a "small house".', ()),
        ("> The mill was built in 1871\n> by the brothers Aalto.\n", ()),
        ("> The mill was built in 1872 by the brothers.\n", ("quote",)),
        ("See https://mill.example/a.", ()),
        ("See (https://mill.example/history(1)).", ()),
        ("See https://mill.example/history for more", ("url",)),
        ("See https://mill.example/b", ("url",)),
        ("`https://other.example/` in code is none", ()),
        ("```\n[99] and https://other.example/\n```", ()),
        ("As said [12].", ()),
        ("As said [13].", ("mark",)),
        ("As said 【7】.", ("mark",)),
        ("- [x] done\n- [ ] not\n", ()),
        ("[a link](https://mill.example/a)", ()),
    ],
)
def test_citations_without_ids(text: str, rules: tuple[str, ...]) -> None:
    found = terms(ask({}, SOURCE), Contract(citations="verify"), {})
    assert found is not None
    got = verdict(found, text)
    assert got.rules == rules and (got.error is None) == (not rules)
    if got.error is not None:
        assert "burned" not in got.complaint and "example" not in got.error.text


def test_marks_name_the_ids_of_the_context() -> None:
    found = terms(ask({}, SOURCE, ids=("doc-a", "doc-b")), Contract(citations="verify"), {})
    assert found is not None
    assert verdict(found, "So it is [doc-a], [2] and [12].").error is None
    assert verdict(found, "So it is [3].").rules == ("mark",)
    assert verdict(found, "So it is [doc-c].").rules == ("mark",)
    assert verdict(found, "- [x] done").error is None


def test_what_the_model_said_before_is_no_source() -> None:
    own = Leaf(("messages", 1, "content"), "the cat sat on the mat", "assistant")
    found = terms(Ask("openai_chat", {}, (own,), "m", Needs(), None, 1, 1), Contract(citations="verify"), {})
    assert found is not None and verdict(found, '"the cat sat on the mat"').rules == ("quote",)


# --- listening -----------------------------------------------------------------------------------


def test_a_listener_hears_what_a_client_reads() -> None:
    listener, text, tool = Listener(), Channel(0, "text"), Channel(0, "tool", 1)
    listener.hear(
        [Piece(text, "x"), Piece(Channel(0, "reasoning"), "hm"), Piece(tool, "", tool="f", call_id="1")], ["one ", "hm", ""]
    )
    listener.hear([Piece(tool, '{"a"'), Piece(text, "y")], ['{"a"', "two"], [(text, "and ")])
    listener.hear(
        [Piece(text, "", whole=True), Piece(tool, ": 1}"), Piece(Channel(1, "text"), "z")], ["one and two", ": 1}", "other"]
    )
    first, second = listener.said().values()
    assert first.text == "one and two" and first.calls == [ToolCalled("f", '{"a": 1}')]
    assert second.text == "other"
