"""What is told first of a recipe with several faults; and a recipe that extends the shipped one of its own name."""

from __future__ import annotations

from pathlib import Path

import pytest

from localrouter.config.faults import ConfigFault
from localrouter.config.recipes import load_recipe, read_recipe

SHIPPED = Path(__file__).resolve().parents[2] / "recipes"
MANY = """name = "r"
clases = {}
[[route]]
name = "a"
tri = ["asked"]
match = { task = ["chit"], hours = ["99"] }
limits = { cost_usd = ["1"], first_token_ms = "soon" }
[[route]]
name = "b"
"""


def fault(text: str) -> ConfigFault:
    with pytest.raises(ConfigFault) as caught:
        read_recipe(text, "r", [SHIPPED])
    return caught.value


def test_a_misspelt_key_is_told_before_the_key_that_it_stands_for() -> None:
    found = fault('name = "r"\n[[route]]\nname = "a"\ntri = ["asked"]\n')
    assert found.text == "r:4: unknown key 'route.tri'. Did you mean 'try'?", "and that 'try' is missing is no fault of its own"


def test_every_fault_is_told_unknown_keys_first_each_in_the_order_of_the_file() -> None:
    found = fault(MANY)
    told = [(f.line, f.what) for f in found.every]
    assert [line for line, _ in told] == [2, 5, 6, 6, 7, 7, 8]
    assert told[0][1] == "unknown key 'clases'." and told[1][1] == "unknown key 'route.tri'."
    assert told[2][1] == "the key 'route.match.task': there is no 'chit'."
    assert told[-1][1] == "the key 'route.try' is missing.", "of the second route, where nothing stands for it"
    assert sum("cost_usd" in what for _, what in told) == 1, "a value of none of several types is one fault"
    assert found.text.endswith("Did you mean 'classes'? (6 more faults, lines 5, 6, 7, 8.)")


def test_names_that_name_nothing_are_told_together() -> None:
    text = 'name = "r"\n' + "".join(
        f'[[route]]\nname = "{n}"\ntry = ["asked"]\nprompt = "p"\ncontract = {{ json_schema = "s" }}\n' for n in "aa"
    )
    assert [f.line for f in fault(text).every] == [5, 6, 8, 10, 11]


def test_a_users_recipe_extends_the_shipped_one_of_its_own_name(tmp_path: Path) -> None:
    own = tmp_path / "recipes"
    own.mkdir()
    (own / "balanced.toml").write_text('name = "balanced"\nextends = "balanced"\n[classes.personal]\nrequest = "local"\n')
    (own / "mine.toml").write_text('name = "mine"\nextends = "balanced"\n')
    folders = [own, SHIPPED]
    found, shipped = load_recipe("balanced", folders), load_recipe("balanced", [SHIPPED])
    assert found.rule("personal").request == "local" and found.route == shipped.route
    assert load_recipe("mine", folders).rule("personal").request == "local", "and what extends that name gets the user's own"
    assert load_recipe("coding-agents", folders).rule("personal").request == "local"
    again = read_recipe((own / "balanced.toml").read_text(), own / "balanced.toml", folders)
    assert again == found, "by its text as well"


@pytest.mark.parametrize("text", ['name = "alone"\nextends = "alone"\n', 'name = "other"\nextends = "alone"\n'])
def test_without_another_of_that_name_it_is_a_circle(tmp_path: Path, text: str) -> None:
    (tmp_path / "alone.toml").write_text(text)
    with pytest.raises(ConfigFault, match="goes in a circle: alone extends alone"):
        load_recipe("alone", [tmp_path, SHIPPED])


def test_a_circle_through_another_stays_one(tmp_path: Path) -> None:
    (tmp_path / "balanced.toml").write_text('name = "balanced"\nextends = "mine"\n')
    (tmp_path / "mine.toml").write_text('name = "mine"\nextends = "balanced"\n')
    for name in ("mine", "balanced"):
        with pytest.raises(ConfigFault, match="circle"):
            load_recipe(name, [tmp_path, SHIPPED])
