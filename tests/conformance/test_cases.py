"""Every one of the 48 cases has tests, by name; a test that is renamed or lost is missed here."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from cases import CASES, NOT_SPOKEN

TESTS = Path(__file__).resolve().parent.parent


@cache
def named_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    found = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in found if node.name.startswith("test_"))


def test_no_case_is_missing() -> None:
    assert sorted(CASES) == list(range(1, 49))


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_case_has_its_tests(case: int) -> None:
    _, by_file = CASES[case]
    named = [(file, name) for file, names in by_file.items() for name in names.split()]
    assert bool(named) != (case in NOT_SPOKEN)
    assert not [f"{file}::{name}" for file, name in named if name not in named_in(file)]
