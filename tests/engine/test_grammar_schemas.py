"""Random schemas under a model that knows nothing: what is finished is valid, and nearly all is finished."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from localrouter.engine.grammar import BadGrammar, Grammar, Vocabulary, json_schema
from tests.engine.bpe import EOS, vocabulary
from tests.engine.random_schemas import Schemas

BUDGET = 512  # tokens


def speak(voc: Vocabulary, grammar: Grammar, seed: int, heat: float, budget: int = BUDGET) -> tuple[str | None, int]:
    """(the text that a model with random logits writes, or None when it did not finish; tokens). `heat`: the logits' deviation."""
    rng = np.random.default_rng(seed)
    constraint, out, left = voc.start(grammar), b"", budget
    while left > 0:
        ready = constraint.forced()[:left]
        if not ready:
            logits = (rng.standard_normal(voc.size + 7) * heat).astype(np.float32)  # padded, as some models are
            constraint.mask(logits, left)
            best = logits + rng.gumbel(size=len(logits))  # a sample from the softmax (Gumbel-max)
            ready = [int(best.argmax())]
        for token in ready:
            assert constraint.accept(token)
            left -= 1
            if token == EOS:
                return out.decode(), budget - left
            out += voc.pieces[token]
    return (out.decode() if constraint.accepting else None), budget - left


def judge(schema: Any, text: str) -> None:
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(json.loads(text))


def table(number: int, schemas: Any, heat: float) -> Counter[str]:
    voc, seen = vocabulary(), Counter[str]()
    for seed, schema in schemas:
        seen["schemas"] += 1
        try:
            grammar = json_schema(schema)
            voc.start(grammar)
        except BadGrammar as exc:
            seen["refused"] += 1
            seen[f"  {str(exc)[:100]}"] += 1
            continue
        text, used = speak(voc, grammar, seed, heat)
        if text is None:
            seen["cut"] += 1
            continue
        try:
            judge(schema, text)
        except Exception as exc:
            raise AssertionError(f"schema {seed}: {json.dumps(schema)} gave {text}") from exc
        seen["finished and valid"] += 1
        seen["tokens"] += used
    for name, count in seen.items():
        print(f"{count:8d}  {name}")
    assert seen["schemas"] >= number
    return seen


def satisfiable(seen: Counter[str]) -> int:
    """Schemas but those that no value satisfies, as random ones do now and then."""
    return seen["schemas"] - seen["  The JSON schema can never be satisfied."]


def test_a_hundred_random_schemas() -> None:
    seen = table(100, ((s, Schemas(s).root()) for s in range(100)), heat=3.0)
    assert seen["finished and valid"] >= 0.9 * satisfiable(seen)


@pytest.mark.long
@pytest.mark.timeout(0)  # some minutes of one core, however busy the machine is
@pytest.mark.parametrize("heat", [0.5, 3.0, 8.0])
def test_a_thousand_random_schemas(heat: float) -> None:
    start = time.process_time()
    seen = table(1000, ((s, Schemas(s).root()) for s in range(1000, 2000)), heat)
    print(f"{time.process_time() - start:8.0f}  s")
    assert seen["finished and valid"] >= 0.9 * satisfiable(seen)


def test_a_small_budget_is_kept_whenever_the_shortest_way_fits() -> None:
    """The promise itself: what fits at the start is finished at the end, for budgets from the shortest way up."""
    voc, tried = vocabulary(), 0
    for seed in range(200, 230):
        schema = Schemas(seed).root()
        try:
            grammar = json_schema(schema)
            need = voc.start(grammar).need()
        except BadGrammar:
            continue
        if need is None or need > 200:
            continue
        for spare in (0, 1, 7, 60):
            text, used = speak(voc, grammar, seed, 3.0, need + spare)
            assert text is not None and used <= need + spare, (seed, need, spare)
            judge(schema, text)
            tried += 1
    assert tried > 60


def suite() -> Path:
    """The folder `tests` of the JSON-Schema-Test-Suite (github.com/json-schema-org), which jsonschema's source package holds as `json/`."""
    where = os.environ.get("JSON_SCHEMA_TEST_SUITE")
    if not where:
        pytest.skip("JSON_SCHEMA_TEST_SUITE names no folder with the JSON-Schema-Test-Suite")
    return Path(where)


def test_the_public_suite() -> None:
    """Nothing that the suite calls invalid is accepted, and what is written under its schemas is valid."""
    voc, seen = vocabulary(), Counter[str]()
    for file in sorted((suite() / "draft2020-12").glob("*.json")):
        for group in json.loads(file.read_text()):
            schema = group["schema"]
            seen["schemas"] += 1
            try:
                grammar = json_schema(schema)
                voc.start(grammar)
            except BadGrammar:
                seen["refused"] += 1
                continue
            for case in group["tests"]:
                constraint = voc.start(grammar)
                tokens = voc.spell(json.dumps(case["data"], ensure_ascii=False).encode())
                accepted = all(constraint.accept(t) for t in tokens) and constraint.accepting
                assert case["valid"] or not accepted, (file.stem, group["description"], case["data"])
                seen[f"{'valid' if case['valid'] else 'invalid'} {'accepted' if accepted else 'not accepted'}"] += 1
            text, _ = speak(voc, grammar, len(seen), 3.0)
            seen["finished" if text is not None else "cut"] += 1
            if text is not None:
                judge(schema, text)
    print(dict(seen))
    assert seen["finished"] >= 0.9 * (seen["schemas"] - seen["refused"])


def test_the_generator_can_be_repeated() -> None:
    assert Schemas(7).root() == Schemas(7).root()
    assert len({json.dumps(Schemas(s).root()) for s in range(50)}) > 45
