"""The JSON Schema of recipes, for editors that complete and check TOML (`#:schema recipe.schema.json` in a file's first line, as taplo and
Even Better TOML read it) and for tools that write recipes. It is made from the types that read them, so it cannot say another thing.

Source: JSON Schema draft 2020-12; what a schema cannot say (that a target is in the catalogue, that names are unique) `recipe check` says.
"""

from __future__ import annotations

import copy
import json
import sys
from typing import Any

from localrouter.core.recipe import Recipe

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FILE = "recipe.schema.json"
"""Its name beside the shipped recipes."""


def schema() -> dict[str, Any]:
    """A fresh copy each time."""
    made = Recipe.model_json_schema(by_alias=True)
    made = {"$schema": DRAFT, "title": "localrouter recipe", **{k: v for k, v in made.items() if k != "title"}}
    _fold(made)
    return made


def _fold(node: Any) -> None:
    """What TOML and the readers know and pydantic's schema does not: there is no null, and one step of a fallback needs no list."""
    if isinstance(node, list):
        for item in node:
            _fold(item)
    if not isinstance(node, dict):
        return
    some = node.get("anyOf")
    if isinstance(some, list) and {"type": "null"} in some:
        left = [one for one in some if one != {"type": "null"}]
        del node["anyOf"]
        node.update(left[0] if len(left) == 1 else {"anyOf": left})
        if node.get("default", "") is None:
            del node["default"]
    if node.get("title") == "Fallback" and isinstance(node.get("additionalProperties"), dict):
        steps = node["additionalProperties"]
        if steps.get("type") == "array":
            one = copy.deepcopy(steps["items"])
            short = {"enum": ["retry_once_then_next", "repair_once_then_next"]}
            node["additionalProperties"] = {"anyOf": [steps, one, short]}
    for value in node.values():
        _fold(value)


def text() -> str:
    """As the published file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
