"""Every complaint about a file has its line, the key, and the nearest known key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localrouter.config.catalogue import load_catalogue
from localrouter.config.edit import set_budgets
from localrouter.config.faults import ConfigFault
from localrouter.config.paths import PathFault, Paths, private_dir, private_file
from localrouter.config.recipes import load_recipe
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
