"""Grammars on real tokens: what they allow, what is refused and how, and what hostile ones cost."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import numpy as np
import pytest

from localrouter.engine import _grammar_compile as compiling
from localrouter.engine.grammar import (
    BadGrammar,
    Constraint,
    Grammar,
    Vocabulary,
    choice,
    embedded,
    gbnf,
    json_schema,
    lark,
    of,
    regex,
)
from tests.engine.bpe import EOS, MARK, tokenizer, vocabulary


def accepts(grammar: Grammar, text: str, voc: Vocabulary | None = None) -> bool:
    voc = voc or vocabulary()
    constraint = voc.start(grammar)
    return all(constraint.accept(t) for t in voc.spell(text.encode())) and constraint.accepting


def allowed(constraint: Constraint, size: int, left: int | None = None) -> list[int]:
    logits = np.zeros(size, np.float32)
    constraint.mask(logits, left)
    return np.flatnonzero(np.isfinite(logits)).tolist()


# -- what each kind allows ---------------------------------------------------------------------------------------------

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0, "maximum": 120}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("grammar", "yes", "no"),
    [
        (
            json_schema(PERSON),
            ['{"name": "Zoë \\"Z\\"", "age": 120}'],
            ['{"name": "", "age": 1}', '{"name": "a", "age": 121}', "{}"],
        ),
        (json_schema({"type": "object"}), ["{}", '{"a": [1, {"b": null}]}'], ["[]", '"a"', "{} {}", '{"a":1}', "{\n}"]),
        (regex("^[a-c]{2,3}$"), ["ab", "abc"], ["a", "abcd", "ab$", "^ab"]),
        (regex(r"a|b\$"), ["a", "b$"], ["b"]),
        (
            choice(["billing", "bill", "größe", 'a"b', "x\ny"]),
            ["billing", "bill", "größe", 'a"b', "x\ny"],
            ["b", "billin", "billings", ""],
        ),
        (
            lark('start: greeting " " NAME\ngreeting: "hi" | "hello"\nNAME: /[A-Z][a-z]+/'),
            ["hi Bob", "hello Ann"],
            ["hi bob", "hey Bob"],
        ),
        (gbnf('root ::= "yes" | "no" ws reason\nws ::= " "\nreason ::= [a-z\\u00e9]{2,}'), ["yes", "no été"], ["no", "no X"]),
    ],
)
def test_a_kind_allows_its_texts_and_no_others(grammar: Grammar, yes: list[str], no: list[str]) -> None:
    assert [t for t in yes if not accepts(grammar, t)] == []
    assert [t for t in no if accepts(grammar, t)] == []


@pytest.mark.parametrize(
    ("schema", "yes", "no"),
    [
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}}, ["[[], [[]]]"], ["[1]"]),
        ({"anyOf": [{"type": "null"}, {"const": [1, {"a": "b"}]}]}, ["null", '[1, {"a": "b"}]'], ["[1]"]),
        ({"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 5}]}, ["3", "5"], ["2", "6", "4.5"]),
        ({"type": "array", "prefixItems": [{"type": "string"}], "items": False, "minItems": 1}, ['["a"]'], ["[]", '["a", 1]']),
        ({"type": "object", "dependentRequired": {"a": ["b"]}}, ["{}", '{"b": 1}', '{"a": 1, "b": 2}'], ['{"a": 1}']),
        (
            {"type": "object", "properties": {"a": {}}, "dependentSchemas": {"a": {"properties": {"b": {"type": "null"}}}}},
            ['{"b": 1}', '{"a": 1, "b": null}'],
            ['{"a": 1, "b": 2}'],
        ),
        ({"type": "object", "propertyNames": {"pattern": "^x_"}}, ["{}", '{"x_a": 1}'], ['{"a": 1}']),
        (
            {"type": "object", "patternProperties": {"^n": {"type": "integer"}}, "additionalProperties": False},
            ['{"n": 1}'],
            ['{"m": 1}'],
        ),
        ({"type": "object", "properties": {"a": {}}, "unevaluatedProperties": False}, ['{"a": 1}'], ['{"b": 1}']),
        ({"type": "string", "maxLength": 2.0}, ['"ab"', '"😀😀"'], ['"abc"']),
        ({"type": "string", "format": "date"}, ['"2024-02-29"'], ['"2023-02-29"', '"2024-04-31"', '"2024-2-1"']),
        ({"type": "string", "format": "int32"}, ['"anything"'], ["1"]),
        ({"if": {"type": "string"}, "type": "integer"}, ["1"], ['"a"']),
        # one spelling a name: an escape must not smuggle in another type for "a"
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
            ['{"a": 1}', '{"b": "x"}'],
            ['{"\\u0061": "x"}', '{"a": "x"}'],
        ),
        ({"x-guidance": {"whitespace_flexible": True, "lenient": True}, "type": "array"}, ["[]", "[1, 2]"], ["[ ]", "[1,2]"]),
        (
            {"properties": {"uniqueItems": {"type": "string"}}, "required": ["uniqueItems"], "type": "object"},
            ['{"uniqueItems": "a"}'],
            ["{}"],
        ),
        (
            {"type": "object", "properties": {"a": {"type": "null"}}, "$defs": {"unused": {"not": {}}}},
            ['{"a": null}'],
            ['{"a": 1}'],
        ),
    ],
)
def test_keywords(schema: Any, yes: list[str], no: list[str]) -> None:
    grammar = json_schema(schema)
    assert [t for t in yes if not accepts(grammar, t)] == []
    assert [t for t in no if accepts(grammar, t)] == []


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "array", "contains": {"type": "string"}}, "`contains`"),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, "`uniqueItems`"),
        ({"properties": {"a": {"not": {"type": "string"}}}}, "`not`"),
        ({"if": {"type": "string"}, "then": {"minLength": 3}}, "`if`"),
        ({"allOf": [{"type": "object"}], "unevaluatedProperties": False}, "`unevaluatedProperties`"),
        ({"type": "object", "minProperties": 3}, "`minProperties`"),
        ({"$dynamicRef": "#x"}, "`$dynamicRef`"),
        ({"oneOf": [{"type": "string"}, {"minLength": 2}]}, "`oneOf`"),
        ({"type": "object", "patternProperties": {"a": {}, "b": {"type": "null"}}}, "`patternProperties`"),
        ({"type": "object", "propertyNames": {"not": {"const": "a"}}}, "`propertyNames`"),
        ({"$ref": "https://example.com/other.json"}, "another document"),
        ({"$ref": "#/$defs/missing"}, "not valid"),
        ({"type": "string", "pattern": "^(?!a)b"}, "look-around"),
        ({"type": "string", "pattern": "(a)\\1"}, "back-references"),
        ({"type": "string", "pattern": "("}, "not valid"),
        ({"const": "a\x00b"}, "control character"),
        ({"type": "string", "pattern": "^a\\x00$"}, "control character"),
        ({"type": "strin"}, "strin"),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "never be satisfied"),
        ({"$ref": "#"}, "never be satisfied"),
        (False, "no value"),
        ([], "list"),
        ({"properties": []}, "properties"),
        ({"type": "number", "multipleOf": 999_983}, "multipleOf"),
    ],
)
def test_a_schema_that_cannot_be_enforced_is_refused_by_name(schema: Any, says: str) -> None:
    with pytest.raises(BadGrammar) as caught:
        vocabulary().start(json_schema(schema))
    assert says in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("make", "text", "says"),
    [
        (regex, "(", "regex"),
        (regex, "a" * 100_000, "longer"),
        (lark, "start: missing", "grammar"),
        (lark, "", "grammar"),
        (gbnf, "root ::= [", "GBNF"),
        (gbnf, 'other ::= "a"', "GBNF"),
        (gbnf, "root ::= " + "(" * 5000 + '"a"' + ")" * 5000, "deep"),
        (gbnf, 'root ::= "\\ud800"', "no character"),
        (choice, [], "list of strings"),
        (choice, ["a", ""], "empty"),
        (choice, [str(i) for i in range(20_000)], "10000"),
    ],
)
def test_other_grammars_that_cannot_be_read(make: Any, text: Any, says: str) -> None:
    with pytest.raises(BadGrammar, match=says):
        make(text)


def test_a_tools_parameters_are_enforced_as_far_as_possible() -> None:
    tool = {
        "type": "object",
        "properties": {
            "ids": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
            "name": {"type": "string", "pattern": "^(?!x)y"},
            "more": {"type": "object", "minProperties": 2, "not": {"required": ["a"]}},
        },
        "required": ["ids"],
        "x-guidance": {"whitespace_flexible": True},
    }
    with pytest.raises(BadGrammar):
        json_schema(tool)
    made = lark('start: "<call>" args "</call>"\nargs: %json ' + embedded(tool))
    assert accepts(made, '<call>{"ids": [1, 1], "name": "x", "more": {}}</call>')
    assert not accepts(made, '<call>{"ids": ["a"]}</call>') and not accepts(made, '<call>{ "ids":[] }</call>')


def test_kinds_by_name() -> None:
    assert accepts(of("choice", ["a"]), "a") and accepts(of("regex", "a"), "a") and accepts(of("json_schema", {"const": 1}), "1")
    with pytest.raises(BadGrammar, match="none of them"):
        of("yaml", "a")
    with pytest.raises(BadGrammar, match="must be text"):
        of("regex", {"a": 1})


def deep(n: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(n):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def either(n: int, name: str) -> Any:
    return {"anyOf": [{"properties": {f"{name}{n}": {"type": t}}, "required": [f"{name}{n}"]} for t in ("string", "null")]}


def doubling(n: int, word: str) -> Any:
    defs: dict[str, Any] = {f"d{i}": {word: [{"$ref": f"#/$defs/d{i + 1}"}, {"$ref": f"#/$defs/d{i + 1}"}]} for i in range(n)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{n}": {"type": "object", "properties": {"a": {"type": "string"}}}}}


HOSTILE: dict[str, Any] = {
    "deep 60": lambda: deep(60),
    "deep 300": lambda: deep(300),
    "deep 100 000": lambda: deep(100_000),
    "2^12 branches": lambda: {"allOf": [either(i, "p") for i in range(12)]},
    "2^40 branches": lambda: {"allOf": [either(i, "p") for i in range(40)]},
    "doubling anyOf": lambda: doubling(60, "anyOf"),
    "doubling allOf": lambda: doubling(60, "allOf"),
    "huge enum": lambda: {"enum": [f"value {i * 7919}" for i in range(100_000)]},
    "long enum value": lambda: {"enum": ["x" * 100_000]},
    "many properties": lambda: {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(5_000)}},
    "many dependencies": lambda: {"type": "object", "dependentRequired": {f"p{i}": [f"q{i}"] for i in range(30)}},
    "nested plus": lambda: {"type": "string", "pattern": "^((a+)+)+$"},
    "exponential automaton": lambda: {"type": "string", "pattern": "(a|b)*a(a|b){30}"},
    "counted counts": lambda: {"type": "string", "pattern": "((((a{1,100}){1,100}){1,100}){1,100})"},
    "optional run": lambda: {"type": "string", "pattern": "^(?:a?){3000}a{900}$"},
    "deep pattern": lambda: {"type": "string", "pattern": "(" * 2000 + "a" + ")" * 2000},
    "10^9 characters": lambda: {"type": "string", "minLength": 10**9},
    "10^9 items": lambda: {"type": "array", "minItems": 10**9},
    "10^9 members": lambda: {"type": "object", "maxProperties": 10**9},
    "requires itself": lambda: {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    "prime steps": lambda: {"allOf": [{"type": "integer", "multipleOf": p} for p in (9973, 9967, 9949)]},
    "fine range": lambda: {"type": "number", "minimum": 1e-300, "maximum": 1e300},
    "wide range": lambda: {"type": "integer", "minimum": -(10**30), "maximum": 10**30},
    "infinite": lambda: {"type": "number", "minimum": float("-inf")},
    "surrogate": lambda: {"const": "\ud800"},
    "bytes": lambda: {"const": b"a"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_costs_a_moment_and_ends_in_a_grammar_or_a_sentence(name: str) -> None:
    voc, schema, said = vocabulary(), HOSTILE[name](), ""
    start = time.process_time()
    try:
        constraint = voc.start(json_schema(schema))
        for _ in range(20):
            logits = np.random.default_rng(1).standard_normal(voc.size).astype(np.float32)
            constraint.mask(logits, 100)
            assert constraint.accept(int(logits.argmax()))
    except BadGrammar as exc:
        said = str(exc)
    assert len(said) <= 300
    assert time.process_time() - start < 5.0


def test_a_compilation_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    monkeypatch.setattr(compiling, "_running", [])
    try:
        for _ in range(compiling.GIVEN_UP):
            with pytest.raises(BadGrammar, match="too complex"):
                compiling.bounded(stop.wait, wall=0.05)
        with pytest.raises(BadGrammar, match="busy"):
            compiling.bounded(lambda: 1)
    finally:
        stop.set()
    for thread in list(compiling._running):
        thread.join(5)
    assert compiling.bounded(lambda: 1) == 1


def test_a_panic_below_python_is_a_sentence() -> None:
    class Panic(BaseException):
        pass

    def work() -> None:
        raise Panic("index out of bounds")

    with pytest.raises(BadGrammar, match="cannot be read: index out of bounds"):
        compiling.bounded(work)


# -- vocabularies ------------------------------------------------------------------------------------------------------


def test_sentencepiece_tokens_bytes_duplicates_empty_ones_and_padding() -> None:
    pieces = [b"</s>", b"", b'"', b'"', b"a", b"b", b" b", b"\xc3", b"\xa9", b"\xff\xfe", b"ab", b"<x>"]
    voc = Vocabulary(pieces, [0], controls=frozenset({11}))
    constraint = voc.start(json_schema({"type": "string", "maxLength": 3}))
    assert allowed(constraint, 20) == [2]  # forced: one spelling of it; and no padding
    assert constraint.accept(3)  # the other one is as good
    inside = allowed(constraint, 20)
    assert inside == [2, 3, 4, 5, 6, 7, 10]  # half a character may start, no lone continuation, no bytes outside UTF-8
    assert constraint.accept(7) and allowed(constraint, 20) == [8]
    assert constraint.accept(8) and constraint.accept(10) and allowed(constraint, 20) == [2]
    assert constraint.accept(2) and constraint.done and allowed(constraint, 20) == [0]
    assert constraint.accept(0) and constraint.done


def test_several_ends_of_turn() -> None:
    voc = Vocabulary([b"<a>", b"<b>", b"x"], [0, 1, 1, 99])
    constraint = voc.start(regex("x*"))
    assert allowed(constraint, 3) == [0, 1, 2] and constraint.accepting and not constraint.done
    assert constraint.accept(1) and constraint.done
    with pytest.raises(ValueError, match="ends the turn"):
        Vocabulary([b"x"], [5])


def test_control_tokens_are_never_allowed_unless_a_family_names_them() -> None:
    voc = vocabulary()
    text = voc.start(regex("(?s:.*)"))
    free = allowed(text, voc.size)
    assert MARK not in free and len(free) > 5_000
    named = lark('start: <|tool|> "{" /[a-z]+/ "}"', controls=True)
    constraint = voc.start(named)
    assert allowed(constraint, voc.size) == [MARK] and constraint.accept(MARK)
    assert constraint.accept(voc.spell(b"{")[0])
    with pytest.raises(BadGrammar):
        lark('start: <|tool|> "x"')  # a client's grammar cannot


def test_what_is_certain_is_forced_in_the_models_own_pieces() -> None:
    made, _ = tokenizer()
    voc = vocabulary()
    constraint = voc.start(json_schema(PERSON))
    forced = constraint.forced()
    own = made.encode('{"name": "', add_special_tokens=False).ids
    assert forced and forced == own[: len(forced)]
    assert all(constraint.accept(t) for t in forced)
    assert not constraint.accept(EOS) and not constraint.accept(voc.size + 3) and not constraint.accept(-1)
    rest = b'{"name": "'.removeprefix(b"".join(voc.pieces[t] for t in forced))
    assert all(constraint.accept(t) for t in voc.spell(rest + b"Ann"))


def test_a_refused_token_changes_nothing() -> None:
    voc = vocabulary()
    constraint = voc.start(choice(["yes", "no"]))
    before = allowed(constraint, voc.size)
    assert not constraint.accept(voc.spell(b"maybe")[0])
    assert allowed(constraint, voc.size) == before
    assert all(constraint.accept(t) for t in voc.spell(b"no")) and constraint.done


def test_constraints_of_one_grammar_are_apart() -> None:
    voc, grammar = vocabulary(), choice(["yes", "no"])
    one, two = voc.start(grammar), voc.start(grammar)
    assert all(one.accept(t) for t in voc.spell(b"yes")) and one.done and not two.done
    assert all(two.accept(t) for t in voc.spell(b"no"))


# -- finishing ---------------------------------------------------------------------------------------------------------


def test_no_pressure_while_the_budget_is_ample() -> None:
    voc, rng = vocabulary(), np.random.default_rng(3)
    pressed, free = voc.start(json_schema(PERSON)), voc.start(json_schema(PERSON))
    for left in range(512, 300, -1):
        a = rng.standard_normal(voc.size).astype(np.float32)
        b = a.copy()
        pressed.mask(a, left)
        free.mask(b)
        assert np.array_equal(a, b)
        token = int(a.argmax())
        assert pressed.accept(token) and free.accept(token)


def test_the_pressure_closes_a_string_in_time_and_names_what_it_needs() -> None:
    voc = vocabulary()
    constraint = voc.start(json_schema(PERSON))
    need = constraint.need()
    assert need is not None and need < 16
    talk = voc.spell(b"blah")[0]
    out, left = b"", 40
    while left and not constraint.done:
        forced = constraint.forced()
        logits = np.zeros(voc.size, np.float32)
        logits[talk] = 30.0  # a model that talks for ever
        constraint.mask(logits, left)
        token = forced[0] if forced else int(logits.argmax())
        assert constraint.accept(token)
        out += voc.pieces[token]
        left -= 1
    value = json.loads(out)
    assert set(value) == {"name", "age"} and value["name"].startswith("blabla")


def test_a_budget_that_cannot_suffice_is_left_alone() -> None:
    voc = vocabulary()
    constraint = voc.start(json_schema({"type": "array", "items": {"type": "string", "minLength": 30}, "minItems": 50}))
    logits = np.zeros(voc.size, np.float32)
    plain = logits.copy()
    constraint.mask(logits, 20)
    voc.start(json_schema({"type": "array", "items": {"type": "string", "minLength": 30}, "minItems": 50})).mask(plain)
    assert np.array_equal(logits, plain)


def test_a_regex_closes_too() -> None:
    voc = vocabulary()
    constraint, out, left = voc.start(regex(r"[^.]{20,}[.]END")), b"", 60
    rng = np.random.default_rng(5)
    while left and not constraint.done:
        logits = rng.standard_normal(voc.size).astype(np.float32)
        constraint.mask(logits, left)
        token = int(logits.argmax())
        assert constraint.accept(token)
        out, left = out + voc.pieces[token], left - 1
    assert constraint.accepting and out.endswith(b".END")
