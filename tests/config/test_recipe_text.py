"""Recipes as TOML: a resolved one reads back as itself, a new one does what its base does until something is uncommented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localrouter.config.faults import ConfigFault
from localrouter.config.recipe_text import draft, text_of
from localrouter.config.recipes import load_recipe, names, read_recipe
from localrouter.core.decision import digest
from localrouter.core.recipe_diff import differences

SHIPPED = Path(__file__).resolve().parents[2] / "recipes"
FULL = '''name = "full"
extends = "balanced"
hosted_tools = ["web_search"]
[schemas.answer]
type = "object"
required = ["a"]
[schemas.answer.properties.a]
type = ["string", "integer"]
enum = ["x", 1]
[prompts.brief]
text = """Answer in {language}.
"Briefly", and without \\\\ slashes."""
[toolsets.read]
offer = ["read_*"]
[models]
honour = ["gpt-*"]
[models.map]
"b-*" = "openai/gpt-5-mini"
"a-*" = "openai/gpt-5-nano"
[[route]]
name = "one"
match = { headers = { x-a = "1" }, difficulty_from = 0.25, hours = ["22:00-06:30"] }
try = ["openai/gpt-5-mini"]
prompt = "brief"
toolset = "read"
limits = { cost_usd = "0.05", first_token_ms = 900 }
fallback = { refusal = "next", timeout = ["retry_once", "next"], empty = "static:Nothing\\nto say." }
contract = { json_schema = "answer", required = ["a"] }
[[route]]
name = "rest"
try = ["asked"]
'''


@pytest.mark.parametrize("name", names([SHIPPED]))
def test_a_shipped_recipe_reads_back_as_itself(name: str) -> None:
    recipe = load_recipe(name, [SHIPPED])
    assert digest(read_recipe(text_of(recipe), "again", [SHIPPED])) == digest(recipe)
    assert "extends" not in text_of(recipe)


def test_all_that_a_recipe_may_say_reads_back() -> None:
    recipe = read_recipe(FULL, "full", [SHIPPED])
    again = read_recipe(text_of(recipe), "again", [])
    assert digest(again) == digest(recipe) and differences(recipe, again) == []
    assert list(again.models.map) == ["b-*", "a-*"], "of a map the first pattern counts"


@pytest.mark.parametrize("base", names([SHIPPED]))
def test_a_new_recipe_decides_as_its_base(base: str) -> None:
    parent = load_recipe(base, [SHIPPED])
    text = draft("mine", parent)
    assert differences(parent, read_recipe(text, "mine", [SHIPPED])) == []
    # What stands there as a comment works when its # is taken away.
    code = re.compile(r"^# (?=\[|values =|request =|name =|before =|match =|try =|limits =)", re.M)
    changed = differences(parent, read_recipe(code.sub("", text), "mine", [SHIPPED]))
    assert any(f"route 'mine' is new, before '{parent.route[0].name}'" in line for line in changed)


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 65, "a.b", "balanced@0123"])
def test_a_name_that_cannot_be_a_file_s_is_refused(name: str) -> None:
    with pytest.raises(ConfigFault, match="letters, digits"):
        draft(name, load_recipe("balanced", [SHIPPED]))


def test_differences_are_told_in_words() -> None:
    before = read_recipe(FULL, "full", [SHIPPED])
    after = read_recipe(
        FULL.replace('"0.05"', '"0.10"').replace("0.25", "0.5").replace('"b-*" = "openai/gpt-5-mini"\n', "")
        .replace('refusal = "next", ', "").replace('extends = "balanced"', 'extends = "balanced"\nprivate_keys = "refuse"')
        .replace('[[route]]\nname = "rest"', '[[route]]\nname = "extra"\ntry = ["asked"]\n[[route]]\nname = "rest"'),
        "full", [SHIPPED],
    )  # fmt: skip
    lines = differences(before, after)
    assert lines == [
        "private keys: local becomes refuse",
        "models map b-*: openai/gpt-5-mini becomes not set",
        "route 'one', match difficulty from: 0.25 becomes 0.5",
        "route 'one', limits cost usd: 0.05 becomes 0.10",
        "route 'one', fallback refusal: next becomes not set",
        "route 'extra' is new, before 'rest': always, tries asked",
    ]
    assert differences(after, after) == []
    turned = FULL.replace(
        '"b-*" = "openai/gpt-5-mini"\n"a-*" = "openai/gpt-5-nano"', '"a-*" = "openai/gpt-5-nano"\n"b-*" = "openai/gpt-5-mini"'
    )
    assert differences(before, read_recipe(turned, "full", [SHIPPED])) == ["models map: the order is now a-*, b-*"]
    swapped = after.model_copy(update={"route": (after.route[0], after.route[2], after.route[1])})
    assert differences(after, swapped) == ["the routes stand in another order: one, rest, extra (before: one, extra, rest)"]
