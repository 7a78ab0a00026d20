"""Grammars of "you must call a tool": whatever they let through, the family's own parser reads as a call that its schema allows."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from localrouter.engine.families import Call, Family, NoSuchTool, Words, all_families, head
from localrouter.engine.requests import calls_or_json

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "description": "how many"},
        "unit": {"enum": ["c", "f"]},
        "sure": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "near": {"$ref": "#/$defs/place"},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
    "$defs": {
        "place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"], "additionalProperties": False}
    },
}
NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}
TOOLS = [
    {"type": "function", "function": {"name": "get-weather", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "now", "parameters": NOTHING}},
]
FAMILIES = {f.NAME: f for f in all_families()}
EOS = 256


class Bytes:
    """A vocabulary of the 256 bytes, the end of text, and the family's marks as control tokens."""

    def __init__(self, controls: list[str]) -> None:
        self.tokens = [bytes([i]) for i in range(256)] + [b"<eos>", *(c.encode() for c in controls)]
        self.eos_token_id, self.bos_token_id = EOS, None
        self.special_token_ids = list(range(EOS, len(self.tokens)))

    def __call__(self, text: bytes) -> list[int]:
        return list(text)


def draw(grammar: str, controls: list[str], seed: int) -> str | None:
    """A random text of the grammar, steered to its end; None when it did not come there."""
    vocabulary = Bytes(controls)
    matcher = LLMatcher(LLTokenizer(TokenizerWrapper(vocabulary)), LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    dice = random.Random(seed)
    out: list[int] = []
    while not matcher.is_stopped() and len(out) < 1500:
        mask = matcher.compute_bitmask()
        allowed = [t for t in range(len(vocabulary.tokens)) if mask[t >> 3] >> (t & 7) & 1]
        assert allowed, "the grammar is stuck"
        closing = [t for t in allowed if t >= EOS or chr(t) in '"}])></']
        plain = [t for t in allowed if t >= EOS or (32 <= t < 127) or t == 10]
        steered = len(out) > 200 or dice.random() < 0.3
        token = dice.choice((closing if steered else []) or plain or allowed)
        if token == EOS:
            break
        out.append(token)
        assert matcher.consume_token(token)
    ended = matcher.is_stopped() or matcher.is_accepting()
    return b"".join(vocabulary.tokens[t] for t in out).decode("utf-8", "replace") if ended else None


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("controls", [False, True], ids=["text", "tokens"])
def test_the_parser_reads_what_the_grammar_lets_through(family: Family, controls: bool) -> None:
    marks = list(family.MARKERS) if controls else []
    ids = {mark: EOS + 1 + at for at, mark in enumerate(marks)}
    read = 0
    for seed in range(6):
        parallel, thinking = seed % 2 == 1, seed % 3 == 2 and family.NAME != "harmony"
        text = draw(family.forced(TOOLS, "required", parallel, ids, thinking), marks, seed)
        if text is None:
            continue
        parser = family.parser(TOOLS, thinking)
        said = [*parser.feed(text), *parser.feed("", last=True)]
        calls = [s for s in said if isinstance(s, Call)]
        assert calls and not any(isinstance(s, Words) for s in said), text
        assert parallel or len(calls) == 1
        for call in calls:
            jsonschema.validate(json.loads(call.arguments), SCHEMA if call.name == "get-weather" else NOTHING)
        read += 1
    assert read >= 1


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_form_stands_beside_the_calls(family: Family) -> None:
    """Whatever is let through is either an answer in the form that was asked for, or calls."""
    form = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}
    marks = list(family.MARKERS)
    ids = {mark: EOS + 1 + at for at, mark in enumerate(marks)}
    grammar = calls_or_json(family, TOOLS, False, ids, form).text
    seen = set()
    for seed in range(60):
        text = draw(grammar, marks, seed)
        if text is None:
            continue
        parser = family.parser(TOOLS)
        said = [*parser.feed(text), *parser.feed("", last=True)]
        words = "".join(s.text for s in said if isinstance(s, Words))
        calls = [s for s in said if isinstance(s, Call)]
        assert bool(words) != bool(calls), text
        seen.add(bool(calls))
        if words:
            assert json.loads(words).keys() == {"ok"}
    written = head(family) + '{"ok": true}'
    parser = family.parser(TOOLS)
    assert "".join(s.text for s in [*parser.feed(written), *parser.feed("", last=True)] if isinstance(s, Words)) == '{"ok": true}'
    assert seen, "some came to their end"


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_one_name_is_the_only_one(family: Family) -> None:
    choice: dict[str, Any] = {"type": "function", "function": {"name": "now"}}
    text = next(t for seed in range(20) if (t := draw(family.forced(TOOLS, choice, False), [], seed)) is not None)
    parser = family.parser(TOOLS)
    assert [s.name for s in [*parser.feed(text), *parser.feed("", last=True)] if isinstance(s, Call)] == ["now"]
    with pytest.raises(NoSuchTool):
        family.forced(TOOLS, {"type": "function", "function": {"name": "rm"}}, False)
    with pytest.raises(NoSuchTool):
        family.forced([], "required", False)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_schemas_that_say_little(family: Family) -> None:
    for parameters in (
        None,
        {},
        {"type": "object"},
        {"properties": {"a": True, "b": {}}},
        {"properties": {"a-b": {"type": "string"}, "c d": {"type": ["string", "null"]}}},
        {"properties": {"a": {"type": "string", "pattern": "^(?!x)", "not": {"const": 1}}}, "dependentRequired": {"a": ["b"]}},
    ):
        function = {"name": "f", **({} if parameters is None else {"parameters": parameters})}
        grammar = family.forced([{"type": "function", "function": function}], "required", True)
        assert not LLMatcher.validate_grammar(LLMatcher.grammar_from_lark(grammar)), grammar
