"""Every complaint about a file has its line, the key, and the nearest known key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localrouter.config.catalogue import load_catalogue
from localrouter.config.edit import set_budgets
from localrouter.config.faults import ConfigFault
from localrouter.config.paths import PathFault, Paths, private_dir, private_file
from localrouter.config.recipes import load_recipe, unknown_targets
from localrouter.config.settings import Settings, load_settings
from localrouter.core.errors import BadRequest


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "config", tmp_path / "state")
    made.ensure()
    return made


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("port = 1\nrecip = 'x'\n", 2, "Did you mean 'recipe'?"),
        ("port = 'abc'\n", 1, "port"),
        ("port = 1\n\n[budgets]\nday_usd = 1\nmonth = 2\n", 5, "Did you mean 'month_usd'?"),
        ("port = 1\n[budgets]\nday_usd = 'lots'\n", 3, "not an amount"),
        ("port = [\n", 1, "not TOML"),
        ("port = 1\nport = 2\n", 2, "not TOML"),
        ("timezone = 'Mars/Olympus'\n", 1, "not a time zone"),
        ("listen_host = '0.0.0.0'\n", 1, "listen_host"),
        ("[local]\nmodell = 'x.gguf'\n", 2, "Did you mean 'model'?"),
        ("[hosts.mine]\norigin = 'https://x.org'\nregin = 'eu'\n", 3, "Did you mean 'region'?"),
        ("[models.'a/b']\nname = 'b'\n", 1, "missing"),
    ],
)
def test_settings(paths: Paths, text: str, line: int, says: str) -> None:
    paths.config_file.write_text(text)
    with pytest.raises(ConfigFault) as caught:
        load_settings(paths)
    assert caught.value.line == line, caught.value.text
    assert f"{paths.config_file}:{line}:" in caught.value.text and says in caught.value.text


def test_a_missing_file_is_all_defaults(paths: Paths) -> None:
    assert load_settings(paths) == Settings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "r"\nclases = {}\n', ":2: unknown key 'clases'. Did you mean 'classes'?"),
        ('name = "r"\n[[route]]\nname = "a"\ntry = ["openai/gpt-5-mini"]\nmach = {}\n', "Did you mean 'match'?"),
        ('name = "r"\n[[route]]\nname = "a"\ntry = ["not a target!"]\n', "try"),
        ('name = "r"\n[[route]]\nname = "a"\n', "missing"),
        ('name = "r"\n[classes.secret]\nvalues = "show"\n', "values"),
        ('name = "r"\n[classes.sekret]\nvalues = "veil"\n', "classes"),
        ('name = "r"\nextends = "r"\n', "circle"),
        ('name = "r"\nextends = "nosuch"\n', "no such recipe"),
    ],
)
def test_recipes(paths: Paths, text: str, says: str) -> None:
    folder = paths.config / "recipes"
    folder.mkdir()
    (folder / "r.toml").write_text(text)
    with pytest.raises(ConfigFault) as caught:
        load_recipe("r", (folder, *paths.recipe_dirs()))
    assert says in caught.value.text


def test_extends_overrides_and_keeps(paths: Paths) -> None:
    folder = paths.config / "recipes"
    folder.mkdir()
    (folder / "mine.toml").write_text(
        'name = "mine"\nextends = "balanced"\n[classes.personal]\nvalues = "veil"\nrequest = "local"\n'
    )
    mine, base = load_recipe("mine", paths.recipe_dirs()), load_recipe("balanced", paths.recipe_dirs())
    assert mine.rule("personal").request == "local" and mine.rule("secret") == base.rule("secret") and mine.route == base.route


@pytest.mark.parametrize("name", ["balanced", "offline"])
def test_shipped_recipes_are_whole_and_say_who_they_are_for(paths: Paths, name: str) -> None:
    recipe = load_recipe(name, paths.recipe_dirs())
    assert unknown_targets(recipe, load_catalogue()) == []
    file = next(d / f"{name}.toml" for d in paths.recipe_dirs() if (d / f"{name}.toml").is_file())
    assert file.read_text().startswith("# For people") or file.read_text().startswith("# For most people")
    assert recipe.route[-1].match.model_dump(exclude_none=True) == {}, "the last route takes all that is left"


def test_the_catalogue_knows_the_hosts_that_the_design_names() -> None:
    catalogue = load_catalogue()
    assert {"openai", "anthropic", "google", "mistral", "deepseek", "xai", "openrouter"} <= set(catalogue.hosts)
    for model in catalogue.models.values():
        assert model.price is not None and model.price.input >= 0 and model.context > 0 and model.max_output > 0, model.id
        assert catalogue.hosts[model.host].origin.startswith("https://")


def test_budgets_are_edited_without_losing_comments(paths: Paths) -> None:
    paths.config_file.write_text('# my notes\nport = 9000  # mine\n\n[budgets]\n# careful\nday_usd = "1"\n')
    set_budgets(paths, {"day_usd": "2.50", "month_usd": "none"})
    text = paths.config_file.read_text()
    assert "# my notes" in text and "# mine" in text and "# careful" in text
    assert load_settings(paths).ledger_budgets() == (2_500_000, None)
    with pytest.raises(BadRequest, match="not an amount"):
        set_budgets(paths, {"day_usd": "a lot"})
    assert paths.config_file.read_text() == text


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_modes(tmp_path: Path) -> None:
    folder = private_dir(tmp_path / "a")
    assert folder.stat().st_mode & 0o777 == 0o700
    private_file(folder / "f", b"x")
    assert (folder / "f").stat().st_mode & 0o777 == 0o600
    open_ = tmp_path / "open"
    open_.mkdir()
    open_.chmod(0o777)
    with pytest.raises(PathFault, match="Others may write"):
        private_dir(open_)


def test_the_working_directory_is_never_read(tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text("port = 1\n")
    (tmp_path / "balanced.toml").write_text("name = 'evil'\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings(paths).port == 8642
    assert load_recipe("balanced", paths.recipe_dirs()).name == "balanced"
