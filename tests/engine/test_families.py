"""Parsers of tool calls: published forms cut at every character, random calls written and read back, garbage kept as it is."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from family_texts import TEXTS
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from localrouter.engine.families import Call, Family, Parser, Raw, Reasoning, Words, all_families, family_for

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object",
    "properties": {
        "city": {"type": "string"}, "days": {"type": "integer"}, "ratio": {"type": "number"}, "sure": {"type": ["boolean", "null"]},
        "tags": {"type": "array"}, "near": {"$ref": "#/$defs/place"},
    },
    "$defs": {"place": {"type": "object"}},
}}}  # fmt: skip
NOW = {"type": "function", "function": {"name": "now"}}
TOOLS = [WEATHER, NOW]
FAMILIES = {f.NAME: f for f in all_families()}


def events(parser: Parser, parts: Sequence[str]) -> list[tuple[Any, ...]]:
    """What was said, neighbours of one kind joined, call ids checked and left out."""
    out: list[tuple[Any, ...]] = []
    said = [e for p in parts for e in parser.feed(p)] + list(parser.feed("", last=True))
    for one in said:
        match one:
            case Call(index, ident, name, arguments):
                assert index == sum(e[0] == "call" for e in out) and ident.startswith("call_") and len(ident) == 29
                out.append(("call", name, json.loads(arguments)))
            case Words(text) | Reasoning(text):
                kind = "words" if isinstance(one, Words) else "reasoning"
                assert text
                if out and out[-1][0] == kind:
                    out[-1] = (kind, out[-1][1] + text)
                else:
                    out.append((kind, text))
    return out


@pytest.mark.parametrize(("name", "text", "expected"), TEXTS, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(TEXTS)])
def test_published_forms_cut_everywhere(name: str, text: str, expected: list[Any]) -> None:
    family = FAMILIES[name]
    assert events(family.parser(TOOLS), [text]) == expected
    assert events(family.parser(TOOLS), list(text)) == expected
    for at in range(1, len(text)):
        assert events(family.parser(TOOLS), [text[:at], text[at:]]) == expected


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_without_tools_no_text_is_a_call(family: Family) -> None:
    for name, text, expected in TEXTS:
        if name == family.NAME and not any(e[0] == "reasoning" for e in expected) and "channel" not in text:
            shown = "".join(e[1] for e in events(family.parser(None), [text]) if e[0] == "words")
            assert shown == text or name in ("granite", "harmony") or "<think>" in text


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_reasoning_that_the_prompt_opened(family: Family) -> None:
    if family.NAME in ("harmony",):
        return  # its headers say what is reasoning
    closing = "<channel|>" if family.NAME == "gemma4" else "[/THINK]" if family.NAME.startswith("mistral") else "</think>"
    text = f"\nI think {family.write([Raw('now', '{}')])} not.\n{closing}\n\nDone."
    expected = [("reasoning", f"I think {family.write([Raw('now', '{}')])} not."), ("words", "Done.")]
    assert events(family.parser(TOOLS, True), [text]) == events(family.parser(TOOLS, True), list(text)) == expected
    assert events(family.parser(TOOLS, True), ["never closed "]) == [("reasoning", "never closed ")]


STRINGS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | STRINGS,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), v, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "city": STRINGS,
        "days": st.integers(-(2**53), 2**53),
        "ratio": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "sure": st.booleans() | st.none(),
        "tags": st.lists(VALUES, max_size=3),
        "near": st.dictionaries(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), VALUES, max_size=3),
    },
)
CALLS = st.lists(st.tuples(st.just("weather"), ARGUMENTS) | st.tuples(st.just("now"), st.just({})), min_size=1, max_size=3)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@given(CALLS, st.integers(1, 40))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_what_a_family_writes_it_reads(family: Family, calls: list[tuple[str, dict[str, Any]]], step: int) -> None:
    """Whatever the arguments hold, but for the family's own marks: not every family can escape them."""
    said = json.dumps(calls, ensure_ascii=False)
    assume(not any(m in said for m in (*family.MARKERS, "</parameter>")))
    text = family.write([Raw(n, json.dumps(a, ensure_ascii=False)) for n, a in calls])
    parts = [text[i : i + step] for i in range(0, len(text), step)]
    assert events(family.parser(TOOLS), parts) == [("call", n, a) for n, a in calls]


MARKS = sorted(
    {m for f in FAMILIES.values() for m in f.MARKERS} | {"<function=now>", "</function>", "<parameter=", "functools", "call:"}
)
PIECES = st.sampled_from(
    [
        *MARKS,
        "now",
        "weather",
        '{"name": "now"}',
        '{"name": "weather", "arguments": {',
        "[",
        "]",
        "{}",
        "(",
        ")",
        "\n",
        " ",
        '"',
        "'",
        "\\",
    ]
) | st.text(max_size=3)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@given(st.lists(PIECES, max_size=14), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_garbage_is_cut_the_same_everywhere_and_nothing_is_invented(
    family: Family, pieces: list[str], data: st.DataObject
) -> None:
    text = "".join(pieces)
    thinking = data.draw(st.booleans())
    whole = events(family.parser(TOOLS, thinking), [text])
    assert events(family.parser(TOOLS, thinking), list(text)) == whole
    assert events(family.parser(TOOLS, thinking), pieces) == whole
    # Words and reasoning are pieces of the text, in their order; what is missing is marks, calls and white space.
    rest = text
    for event in whole:
        if event[0] != "call":
            for word in event[1].split():
                assert word in rest or any(m in rest for m in family.MARKERS)
                rest = rest[rest.find(word) + len(word) :] if word in rest else rest
    if not any(m in text for m in (*family.MARKERS, *MARKS)) and not any(e[0] == "call" for e in whole):
        kind = "reasoning" if thinking and family.NAME != "harmony" else "words"
        assert "".join(e[1] for e in whole).strip() == text.strip()
        assert all(e[0] == kind for e in whole)


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_plain_text_stays_as_it_is(text: str) -> None:
    for family in FAMILIES.values():
        if family.NAME != "harmony" and "<" not in text:
            assert "".join(e[1] for e in events(family.parser(TOOLS), list(text))) == text


def test_words_flow_before_the_answer_is_over() -> None:
    parser = FAMILIES["hermes"].parser(TOOLS)
    assert list(parser.feed("Hello <b")) == [Words("Hello <b")]
    assert list(parser.feed("old> <tool")) == [Words("old>")]
    assert list(parser.feed("box> ")) == [Words(" <toolbox>")]
    assert not parser.calls


def test_json_that_is_no_call_is_not_held_back() -> None:
    parser = FAMILIES["hermes"].parser(TOOLS)
    assert list(parser.feed('{ "city')) == []
    assert list(parser.feed('": "Os')) == [Words('{ "city": "Os')]


@pytest.mark.parametrize("name", ["hermes", "qwen_xml", "gemma4", "lfm2", "harmony", "mistral_args"])
def test_a_long_call_costs_what_its_length_says(name: str) -> None:
    family = FAMILIES[name]

    def seconds(size: int) -> float:
        text = family.write([Raw("weather", json.dumps({"city": "word, " * size}))])
        parser, began = family.parser(TOOLS), time.process_time()
        found = [e for i in range(0, len(text), 5) for e in parser.feed(text[i : i + 5])] + list(parser.feed("", last=True))
        assert [type(e) for e in found] == [Call]
        return time.process_time() - began

    small = min(seconds(1000) for _ in range(3))
    assert seconds(8000) < 8 * 4 * small + 0.05


def test_deep_and_huge_arguments_are_text_or_calls_never_errors() -> None:
    for name, family in FAMILIES.items():
        for inside in (
            "[" * 5000,
            '{"a":' * 5000,
            "(" * 5000,
            '"' + "\\" * 999,
            "call:weather" + "{a:" * 3000,
            "weather(a=" + "[" * 90 + "]" * 90 + ")",
        ):
            for mark in (*family.MARKERS, "functools", "```tool_code", "{", ""):
                made = events(family.parser(TOOLS), [mark + inside])
                assert not any(e[0] == "call" and e[1] not in ("weather", "now") for e in made), name


@pytest.mark.parametrize(
    ("template", "architecture", "name"),
    [
        ("... <tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call> ... <|im_start|>", "qwen3", "hermes"),
        ("<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>", "qwen35", "qwen_xml"),
        ("<|start_header_id|>ipython<|end_header_id|> Environment: ipython", "llama", "llama3"),
        ("[INST] [TOOL_CALLS][ [AVAILABLE_TOOLS]", "llama", "mistral"),
        ("[SYSTEM_PROMPT] [TOOL_CALLS]' + name + '[ARGS]'", "mistral3", "mistral_args"),
        ("<start_of_turn>model", "gemma3", "gemma3"),
        ("<|turn>model '<|tool_call>call:' <|channel>thought", "gemma4", "gemma4"),
        ("<start_function_declaration> <start_function_call>call:", "gemma3", "functiongemma"),
        ("<|system|> functools[{", "phi3", "phi4"),
        ("SmolLM /no_think {%- if xml_tools %} <tool_call>", "smollm3", "smollm3"),
        ("<|start_of_role|>available_tools<|end_of_role|>", "granite", "granite"),
        ("<|start_of_role|> <tool_call>\n{\"name\": \"", "granitehybrid", "hermes"),
        ("<｜User｜> <｜Assistant｜> <｜tool▁calls▁begin｜>", "deepseek2", "deepseek"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "gpt-oss", "harmony"),
        ("List of tools: <|tool_list_start|>[ <|im_start|>", "lfm2", "lfm2"),
        ("{{ messages }}", "bloom", "generic"),
        ("[gMASK]<sop> <tool_call>{function-name}\n<arg_key>", "glm4moe", "glm"),
        ('<function name="function-name"><param name="param-name">param-value</param>', "llama", "minicpm"),
        ("<minimax:tool_call>", "minimax-m2", "minimax"),
        ("{%- set dsml_token = '｜DSML｜' -%} <｜User｜>", "deepseek32", "dsml"),
        ("", "gemma4", "gemma4"),
        ("", "qwen2", "hermes"),
        ("", "", "generic"),
    ],
)  # fmt: skip
def test_the_template_chooses_the_family(template: str, architecture: str, name: str) -> None:
    assert name == family_for(template, architecture).NAME
