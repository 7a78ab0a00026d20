"""Recipes from files: every fault with its file, its line, the key and the nearest known word; `extends`; the shipped ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.config.catalogue import load_catalogue
from localrouter.config.faults import ConfigFault
from localrouter.config.paths import Paths
from localrouter.config.recipe_doubts import doubts
from localrouter.config.recipe_schema import FILE
from localrouter.config.recipes import DEEPEST, load_recipe, names, read_recipe, unknown_targets
from localrouter.core.recipe import Recipe

SHIPPED = Path(__file__).resolve().parents[2] / "recipes"
NAMES = names([SHIPPED])
ROUTE = '[[route]]\nname = "a"\ntry = ["asked"]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.toml"
    file.write_text(text)
    return file


def fault(folder: Path, text: str) -> ConfigFault:
    write(folder, "r", text)
    with pytest.raises(ConfigFault) as caught:
        load_recipe("r", [folder, SHIPPED])
    return caught.value


HEAD = 'name = "r"\n'
TWO = HEAD + ROUTE + '[[route]]\nname = "b"\ntry = ["asked"]\n'


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (HEAD + "clases = {}\n", 2, "unknown key 'clases'. Did you mean 'classes'?"),
        (HEAD + ROUTE + "mach = {}\n", 5, "unknown key 'route.mach'. Did you mean 'match'?"),
        (TWO + 'match = { task = ["chat"], tsk = [] }\n', 8, "unknown key 'route.match.tsk'. Did you mean 'task'?"),
        (TWO + '[route.match]\nhedaers = { a = "b" }\n', 9, "unknown key 'route.match.hedaers'. Did you mean 'headers'?"),
        (TWO + 'match = { task = [\n  "chat",\n  "sumarise",\n] }\n', 10, "there is no 'sumarise'. Did you mean 'summarise'?"),
        (TWO + 'match = { task = "chat" }\n', 8, "'route.match.task' is a list. Write [\"chat\"]."),
        (TWO + 'match = { interaction = ["bacth"] }\n', 8, "Did you mean 'batch'?"),
        (TWO + 'match = { needs = ["tool"] }\n', 8, "Did you mean 'tools'?"),
        (TWO + "match = { difficulty_below = 7 }\n", 8, "less than or equal to 1"),
        (TWO + 'match = { hours = ["9-17"] }\n', 8, "the key 'route.match.hours'"),
        (TWO + 'match = { headers = { cookie = "*" } }\n', 8, "may carry a key"),
        (HEAD + '[[route]]\nname = "a"\ntry = ["asked", "not a target!"]\n', 4, "'not a target!' is no target"),
        (HEAD + '[[route]]\nname = "a"\ntry = [\n  "openai/gpt-5-mini",\n  "gpt-5",\n]\n', 6, "'gpt-5' is no target"),
        (HEAD + '[[route]]\nname = "a"\ntry = []\n', 4, "try"),
        (HEAD + '[[route]]\nname = "a"\n', 2, "'route.try' is missing"),
        (HEAD + '[[route]]\nname = "a b"\ntry = ["asked"]\n', 3, "route.name"),
        (TWO + '[route.fallback]\ntimeot = "next"\n', 9, "unknown key 'route.fallback.timeot'. Did you mean 'timeout'?"),
        (TWO + '[route.fallback]\ntimeout = ["retry_onec", "next"]\n', 9, "Did you mean 'retry_once'?"),
        (TWO + '[route.contract]\ncitations = "verfy"\n', 9, "Did you mean 'verify'?"),
        (TWO + '[route.contract]\njson_schema = "invoic"\n[schemas.invoice]\ntype = "object"\n', 9, "Did you mean 'invoice'?"),
        (TWO + "[route.limits]\noutput_tokns = 1\n", 9, "Did you mean 'output_tokens'?"),
        (TWO + 'prompt = "shrt"\n[prompts.short]\ntext = "Be short."\n', 8, "names the prompt 'shrt'"),
        (TWO + 'toolset = "none"\n', 8, "names the toolset 'none', and there is no [toolsets.none]"),
        (HEAD + '[prompts.p]\ntext = "Speak {langage}."\n', 3, "there is no field {langage}"),
        (HEAD + '[prompts.p]\ntext = "  "\n', 3, "the text is empty"),
        (HEAD + '[classes.secret]\nvalues = "show"\n', 3, "the key 'classes.secret.values': there is no 'show'"),
        (HEAD + '[classes.sekret]\nvalues = "veil"\n', 2, "unknown key 'classes.sekret'. Did you mean 'secret'?"),
        (HEAD + "[classes.personal]\nonly = { regoin = ['eu'] }\n", 3, "Did you mean 'region'?"),
        (HEAD + '[models]\nhonor = ["*"]\n', 3, "Did you mean 'honour'?"),
        (HEAD + '[models.map]\n"gpt-*" = "asked"\n', 3, "the key 'models.map.gpt-*'"),
        (HEAD + "[domains.medicine]\nreview = true\n", 2, "Did you mean 'medical'?"),
        (TWO + '[[route]]\nname = "a"\ntry = ["asked"]\n', 9, "two routes have the name 'a'"),
        (TWO + 'before = "a"\n', 8, "this recipe extends none"),
        (HEAD + 'extends = "r"\n', 2, "circle"),
        (HEAD + 'extends = "../balanced"\n', 2, "the key 'extends'"),
        (HEAD + 'extends = "r.toml"\n', 2, "there is no such recipe as 'r.toml'"),
        (HEAD + '\nextends = "balancd"\n', 3, "there is no such recipe as 'balancd'. Did you mean balanced?"),
        (HEAD + 'x = "\n', 2, "not TOML"),
        (HEAD + HEAD, 2, "not TOML"),
        ('description = "no name"\n', 1, "the key 'name' is missing"),
    ],
)
def test_a_fault_names_its_line_its_key_and_what_was_meant(folder: Path, text: str, line: int, says: str) -> None:
    found = fault(folder, text)
    assert says in found.text, found.text
    assert found.line == line and found.text.startswith(f"{folder / 'r.toml'}:{line}: "), found.text


def test_a_file_that_is_no_text(folder: Path) -> None:
    (folder / "r.toml").write_bytes(b'name = "\xff"\n')
    with pytest.raises(ConfigFault, match="cannot be read"):
        load_recipe("r", [folder])


def test_an_unknown_name_says_what_there_is(folder: Path) -> None:
    for name, says in (("frugl", "Did you mean frugal?"), ("zzzzzz", "Choose one of balanced, ")):
        with pytest.raises(ConfigFault) as caught:
            load_recipe(name, [folder, SHIPPED])
        assert says in caught.value.text


# --- extends ---------------------------------------------------------------------------------------

BASE = """name = "base"
description = "the parent's"
private_keys = "refuse"
hosted_tools = ["web_search"]
[classes.regulated]
request = "hosted"
only = { region = ["eu"] }
otherwise = "refuse"
[models]
deny = ["x/*"]
[models.map]
"gpt-*" = "h/a"
"o3*" = "h/b"
[schemas.s]
type = "object"
required = ["x"]
[[route]]
name = "one"
match = { task = ["chat"] }
try = ["h/a"]
[[route]]
name = "two"
try = ["h/b"]
"""


def load(folder: Path, text: str) -> Recipe:
    write(folder, "base", BASE)
    write(folder, "r", text)
    return load_recipe("r", [folder])


def test_what_is_left_out_is_the_parents_but_for_its_name(folder: Path) -> None:
    found = load(folder, 'name = "r"\nextends = "base"\n')
    assert (found.name, found.description, found.private_keys, found.hosted_tools) == ("r", "", "refuse", ("web_search",))
    assert [r.name for r in found.route] == ["one", "two"] and found.schemas["s"]["required"] == ["x"]


def test_tables_are_joined_key_by_key_and_the_childs_come_first(folder: Path) -> None:
    found = load(
        folder,
        'name = "r"\nextends = "base"\n[classes.regulated]\nvalues = "seal"\n[classes.personal]\nrequest = "local"\n'
        '[models.map]\n"gpt-5*" = "h/c"\n"o3*" = "h/d"\n[schemas.s]\ntype = "array"\n',
    )
    regulated = found.rule("regulated")
    assert (regulated.values, regulated.otherwise) == ("seal", "refuse") and regulated.only is not None, "what is strict stays"
    assert found.rule("personal").request == "local" and found.models.deny == ("x/*",)
    assert list(found.models.map.items()) == [("gpt-5*", "h/c"), ("o3*", "h/d"), ("gpt-*", "h/a")]
    assert found.schemas["s"] == {"type": "array"}, "a schema is taken whole"


def test_routes_take_the_place_of_the_parents(folder: Path) -> None:
    assert [r.name for r in load(folder, 'name = "r"\nextends = "base"\n' + ROUTE).route] == ["a"]


def test_routes_are_put_before_the_parents_and_into_their_place(folder: Path) -> None:
    found = load(
        folder,
        'name = "r"\nextends = "base"\n[[route]]\nname = "zero"\nbefore = "one"\ntry = ["h/z"]\n'
        '[[route]]\nname = "two"\ntry = ["h/new"]\n[[route]]\nname = "half"\nbefore = "two"\ntry = ["h/h"]\n',
    )
    assert [(r.name, r.try_[0]) for r in found.route] == [("zero", "h/z"), ("one", "h/a"), ("half", "h/h"), ("two", "h/new")]
    assert all(r.before is None for r in found.route)


@pytest.mark.parametrize(
    ("route", "line", "says"),
    [
        ('name = "new"\nbefore = "tow"\n', 5, "there is no route 'tow' to stand before. Did you mean 'two'?"),
        ('name = "new"\nbefore = "two"\ntry = ["h/a"]\n[[route]]\nname = "lost"\n', 7, "does not say where it stands"),
        ('name = "one"\nbefore = "two"\n', 4, "two routes have the name 'one'"),
    ],
)
def test_where_a_route_cannot_stand(folder: Path, route: str, line: int, says: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        load(folder, f'name = "r"\nextends = "base"\n[[route]]\n{route}try = ["h/a"]\n')
    assert says in caught.value.text and caught.value.line == line, caught.value.text


def test_a_fault_of_the_parent_is_told_of_the_parents_file(folder: Path) -> None:
    write(folder, "base", BASE + "mach = 1\n")
    write(folder, "r", 'name = "r"\nextends = "base"\n')
    with pytest.raises(ConfigFault) as caught:
        load_recipe("r", [folder])
    assert caught.value.text.startswith(f"{folder / 'base.toml'}:{BASE.count(chr(10)) + 1}: ")


def test_circles_and_depth(folder: Path) -> None:
    for a, b in (("x", "y"), ("y", "z"), ("z", "x")):
        write(folder, a, f'name = "{a}"\nextends = "{b}"\n')
    with pytest.raises(ConfigFault, match="x extends y extends z extends x"):
        load_recipe("x", [folder])
    for i in range(DEEPEST + 2):
        write(folder, f"d{i}", f'name = "d{i}"\n' + (f'extends = "d{i + 1}"\n' if i <= DEEPEST else ROUTE))
    assert load_recipe("d2", [folder]).route[0].name == "a"
    with pytest.raises(ConfigFault, match="in a row"):
        load_recipe("d0", [folder])


def test_a_domain_may_require_the_parents_route(folder: Path) -> None:
    child = 'name = "r"\nextends = "base"\n[domains.legal]\nroute = "two"\n'
    assert load(folder, child).domains["legal"].route == "two"
    with pytest.raises(ConfigFault, match=r"domains\.legal\.route names 'nosuch'"):
        load(folder, child.replace("two", "nosuch"))


def test_a_recipe_from_its_text(folder: Path) -> None:
    write(folder, "base", BASE)
    assert read_recipe('name = "t"\nextends = "base"\n', "history:3", [folder]).route[1].name == "two"
    with pytest.raises(ConfigFault, match=r"^history:3:2: unknown key 'nme'"):
        read_recipe('name = "t"\nnme = 1\n', "history:3", [folder])


def test_what_is_extended_is_a_name_and_no_file_of_the_working_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "evil", 'name = "evil"\nprivate_keys = "hosted"\n')
    (folder / "home").mkdir()
    write(folder / "home", "r", 'name = "r"\nextends = "evil.toml"\n')
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigFault, match=r"no such recipe as 'evil\.toml'"):
        load_recipe("r", [folder / "home"])


BROKEN = st.tuples(
    st.sampled_from(NAMES), st.integers(0, 4000), st.integers(0, 40), st.text("[]{}\"'=#.,\n abtrue1-*/:\\", max_size=12)
)


@settings(max_examples=600, deadline=None)
@given(BROKEN)
def test_whatever_is_wrong_with_a_file_is_said_in_one_way(how: tuple[str, int, int, str]) -> None:
    name, at, length, instead = how
    text = (SHIPPED / f"{name}.toml").read_text()
    at %= len(text)
    broken = text[:at] + instead + text[at + length :]
    fault = None
    try:
        read_recipe(broken, "broken", [SHIPPED])
    except ConfigFault as exc:
        fault = exc
    assert fault is None or 1 <= fault.line <= broken.count("\n") + 1 or not fault.text.startswith("broken:")


# --- the shipped ones ------------------------------------------------------------------------------


def test_the_promised_ones_are_there() -> None:
    assert set(NAMES) >= {"balanced", "private", "offline", "frugal", "coding-agents", "coding", "regulated", "team"}


@pytest.mark.parametrize("name", NAMES)
def test_shipped_recipes_are_whole_and_say_who_they_are_for(name: str) -> None:
    recipe = load_recipe(name, [SHIPPED])
    assert recipe.name == name and recipe.description
    assert unknown_targets(recipe, load_catalogue()) == [] and doubts(recipe) == []
    first, second = (SHIPPED / f"{name}.toml").read_text().splitlines()[:2]
    assert first == f"#:schema {FILE}" and second.startswith(("# For people ", "# For most people: "))
    assert not recipe.route[-1].match.conditions, "the last route takes all that is left"


def test_the_old_name_is_the_same_recipe() -> None:
    old, new = load_recipe("coding", [SHIPPED]), load_recipe("coding-agents", [SHIPPED])
    assert old.route == new.route and old.classes == new.classes and old.models == new.models


def test_they_are_found_where_the_package_looks(tmp_path: Path) -> None:
    assert load_recipe("regulated", Paths(tmp_path / "c", tmp_path / "s").recipe_dirs()).name == "regulated"
