"""The decisions of the shipped recipes on forty requests: a change shows as a diff. And what they promise, judged without the tables."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

import pytest
from recipe_golden import GOLDEN, SHIPPED, SITUATIONS, WORLDS, decided, read, samples, tables

from localrouter.config.catalogue import load_catalogue
from localrouter.config.recipes import load_recipe, names

NAMES = names([SHIPPED])
SAMPLES = samples()
FRESH = tables()


@pytest.mark.parametrize("file", sorted(FRESH))
def test_the_tables_are_those_that_are_written_down(file: str) -> None:
    """To write them again: `python tests/recipes/recipe_golden.py --write`."""
    old, new = (GOLDEN / file).read_text(), FRESH[file]
    diff = "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "written down", "decided now"))
    assert not diff, f"python tests/recipes/recipe_golden.py --write\n{diff}"


def test_no_table_is_left_over_and_the_requests_are_what_they_say() -> None:
    assert {f.name for f in Path(GOLDEN).glob("*.txt")} == set(FRESH)
    assert len(SAMPLES) == 40 == len({s.id for s in SAMPLES})
    assert {s.situation for s in SAMPLES} == set(SITUATIONS) and {s.world for s in SAMPLES} == set(WORLDS)


@pytest.mark.parametrize("name", NAMES)
def test_every_request_is_planned_or_refused_with_what_to_do(name: str) -> None:
    recipe = load_recipe(name, [SHIPPED])
    for sample in SAMPLES:
        plan = decided(sample, recipe)
        assert plan.attempts or (plan.error is not None and plan.error.text), sample.id
        if plan.error is not None:
            assert len(plan.error.text) > 40, sample.id


@pytest.mark.parametrize("name", ["private", "offline"])
def test_what_is_private_stays_here(name: str) -> None:
    recipe = load_recipe(name, [SHIPPED])
    for sample in SAMPLES:
        _, found, _ = read(sample, recipe)
        if name == "offline" or found.data_class != "public":
            assert all(a.lane == "local" for a in decided(sample, recipe).attempts), sample.id


def test_regulated_leaves_only_under_contract() -> None:
    recipe = load_recipe("regulated", [SHIPPED])
    for sample in SAMPLES:
        away = {a.model.host for a in decided(sample, recipe).attempts if a.model is not None}
        assert away <= ({"mistral"} if sample.world == "contract" else set()), sample.id
    signed = [decided(replace(s, signed=True), recipe) for s in SAMPLES]
    assert {a.model.host for p in signed for a in p.attempts if a.model is not None} == {"mistral"}
    assert sum(p.attempts[0].id.startswith("mistral/") for p in signed if p.attempts) > 20


@pytest.mark.parametrize("name", NAMES)
def test_a_private_key_goes_nowhere(name: str) -> None:
    recipe = load_recipe(name, [SHIPPED])
    for sample in SAMPLES:
        if "PRIVATE_KEY" in sample.row.get("findings", ()):
            plan = decided(sample, recipe)
            assert all(a.lane == "local" for a in plan.attempts) and (plan.attempts or plan.error is not None)


def test_frugal_is_never_dearer_at_its_first_choice_than_balanced() -> None:
    frugal, balanced = load_recipe("frugal", [SHIPPED]), load_recipe("balanced", [SHIPPED])
    for sample in SAMPLES:
        cheap, plain = decided(sample, frugal).attempts, decided(sample, balanced).attempts
        if cheap and plain and sample.row.get("model") not in ("localrouter/best",):
            assert cheap[0].reserve <= plain[0].reserve, sample.id


def test_coding_agents_keep_the_family_that_they_ask_for() -> None:
    recipe = load_recipe("coding-agents", [SHIPPED])
    for sample in SAMPLES:
        model = sample.row.get("model", "")
        family = "anthropic" if model.startswith("claude-") else "openai" if model.startswith("gpt-5") else ""
        if family and sample.world == "" and not sample.row.get("findings"):
            hosts = [a.model.host if a.model is not None else "" for a in decided(sample, recipe).attempts]
            assert hosts[:2] == [family] * 2 and hosts[-1] == "", sample.id
            assert family not in hosts[hosts.count(family) :], "another family only after all of its own"


def test_no_other_family_is_below_the_one_that_an_agent_asks_for() -> None:
    """By price, which stands in for size: what takes over costs no less than the family's own model of today."""
    catalogue = load_catalogue()
    price = {name: model.price.output for name, model in catalogue.models.items() if model.price is not None}
    for route in load_recipe("coding-agents", [SHIPPED]).route:
        named = [t for t in route.try_ if t in price]
        if route.name in ("autocomplete", "default"):
            continue
        family = named[0].partition("/")[0]
        others = [t for t in named if not t.startswith(family)]
        assert others and all(price[t] >= price[named[0]] for t in others), route.name
