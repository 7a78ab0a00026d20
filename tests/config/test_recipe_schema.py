"""The published schema is made from the types that read recipes, and refuses what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomlkit

from localrouter.config.recipe_schema import FILE, schema
from localrouter.config.recipes import names
from localrouter.core.recipe import Recipe

SHIPPED = Path(__file__).resolve().parents[2] / "recipes"
NAMES = names([SHIPPED])


def test_the_published_schema_is_the_one_that_is_made() -> None:
    """To write it again: `python -m localrouter.config.recipe_schema > recipes/recipe.schema.json`."""
    assert json.loads((SHIPPED / FILE).read_text()) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_takes_every_shipped_recipe(name: str) -> None:
    tree = tomlkit.parse((SHIPPED / f"{name}.toml").read_text()).unwrap()
    jsonschema.validate(tree, schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"name": "r", "clases": {}},
        {"name": "r", "route": [{"name": "a"}]},
        {"name": "r", "route": [{"name": "a", "try": ["asked"], "match": {"task": ["nothing"]}}]},
        {"name": "r", "route": [{"name": "a", "try": ["not a target!"]}]},
        {"name": "r", "route": [{"name": "a", "try": ["asked"], "fallback": {"timeot": "next"}}]},
        {"name": "r", "route": [{"name": "a", "try": ["asked"], "fallback": {"timeout": "nex"}}]},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(tree: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Recipe.model_validate(tree)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, schema(), cls=jsonschema.Draft202012Validator)


def test_one_step_of_a_fallback_needs_no_list() -> None:
    tree = {
        "name": "r",
        "route": [{"name": "a", "try": ["asked"], "fallback": {"timeout": "next", "schema": "retry_once_then_next"}}],
    }
    Recipe.model_validate(tree)
    jsonschema.validate(tree, schema(), cls=jsonschema.Draft202012Validator)
