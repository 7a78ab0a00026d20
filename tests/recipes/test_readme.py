"""The recipes that the README shows load, have no doubts, and decide what it says; its list is that of the shipped ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from recipe_golden import SHIPPED, SITUATIONS, Sample, decided, samples

from localrouter.config.catalogue import load_catalogue
from localrouter.config.recipe_doubts import doubts
from localrouter.config.recipes import names, read_recipe, unknown_targets
from localrouter.core.match import Match
from localrouter.core.recipe import Recipe
from localrouter.core.virtual import TITLES

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
SECTION = README.split("\n## Recipes\n", 1)[1].split("\n## ", 1)[0] + "\n\n"
EXAMPLES = re.findall(
    r"^\*\*(.+?)\.\*\* (.+?)^```toml\n(.+?)^```\n\n(.+?)\n\n", SECTION.split("### Eight situations")[1], re.M | re.S
)
SAYS = re.compile(r'"([^"]+)" goes by `([^`]+)` to `([^`]+)`\.')


def recipe(text: str) -> Recipe:
    return read_recipe(text, "README.md", [SHIPPED])


def sample(name: str) -> Sample:
    return next(s for s in samples() if s.id == name)


def test_every_situation_has_its_example() -> None:
    assert {e[0].lower() for e in EXAMPLES} == {s.lower() for s in SITUATIONS if s != "other"} and len(EXAMPLES) == 8


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e[0])
def test_an_example_loads_and_decides_what_is_said(example: tuple[str, str, str, str]) -> None:
    situation, _, text, says = example
    found = recipe(text)
    assert unknown_targets(found, load_catalogue()) == [] and doubts(found) == []
    claims = SAYS.findall(says)
    assert claims and SAYS.sub("", says).strip() == "", "each sentence is a claim that is checked"
    for name, route, model in claims:
        request = sample(name)
        assert request.situation.lower() == situation.lower() or request.situation == "interactive"
        plan = decided(request, found)
        assert (plan.route, plan.attempts[0].id) == (route, model), plan.explain


def test_the_list_is_the_shipped_ones() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", SECTION.split("Your own goes")[0], re.M)
    assert {name for name, _ in rows} == set(names([SHIPPED])) - {"coding"} and "`coding`" in SECTION


def test_every_condition_and_every_virtual_name_is_named() -> None:
    told = SECTION.split("**Which route.**")[1].split("**Which model.**")[0]
    for name in Match.model_fields:
        stem = re.sub(r"_(below|from)$", "", name)
        assert f"`{name}`" in told or f"`{stem}_below` and `_from`" in told, name
    assert all(f"`{name}`" in SECTION for name in TITLES)
