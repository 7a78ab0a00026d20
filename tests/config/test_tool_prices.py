"""Prices of hosted tools, of a host and of its models: exact, a model's over its host's, and no slip that makes a use cheaper than it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from localrouter.config.catalogue import load_catalogue
from localrouter.config.faults import ConfigFault
from localrouter.config.paths import Paths
from localrouter.config.settings import load_settings
from localrouter.core.hosted_tools import LEFT_OUT
from localrouter.core.money import Usage, cost

HOST = "[hosts.own]\norigin = 'https://h.invalid/v1'\n"
MODEL = "[models.'own/m']\nhost = 'own'\nname = 'm'\nprice_in = 1\nprice_out = 1\n"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "config", tmp_path / "state")
    made.ensure()
    return made


def tools(paths: Paths, text: str) -> dict[str, int]:
    paths.config_file.write_text(text)
    found = load_catalogue(extra=load_settings(paths).catalogue_extra()).models["own/m"].price
    assert found is not None
    return dict(found.tools)


def test_a_models_own_go_before_its_hosts(paths: Paths) -> None:
    host = HOST + 'tool_prices = { web_search = "10", file_search = "2.5" }\n'
    assert tools(paths, host + MODEL) == {"web_search": 10_000_000, "file_search": 2_500_000}
    own = MODEL + "tool_prices = { web_search = 25, mcp = 0 }\n"
    assert tools(paths, host + own) == {"web_search": 25_000_000, "file_search": 2_500_000, "mcp": 0}
    assert tools(paths, HOST + MODEL) == {}


def test_what_a_user_adds_to_a_shipped_host(paths: Paths) -> None:
    text = "[hosts.openai]\norigin = 'https://h.invalid/v1'\ntool_prices = { web_search = 7 }\n"
    own = text + MODEL.replace("own/m", "openai/m").replace("'own'", "'openai'")
    paths.config_file.write_text(own)
    found = load_catalogue(extra=load_settings(paths).catalogue_extra()).models["openai/m"].price
    assert found is not None and dict(found.tools) == {"web_search": 7_000_000}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("tool_prices = { websearch = 1 }", "did you mean 'web_search'"),
        ("tool_prices = { web_search = -1 }", "tool_prices.web_search is not a price in dollars per thousand uses"),
        ("tool_prices = { web_search = nan }", "tool_prices.web_search is not a price"),
        ("tool_prices = 3", "tool_prices"),
    ],
)
def test_slips_are_said_by_name(paths: Paths, tmp_path: Path, line: str, says: str) -> None:
    for text in (HOST + line + "\n" + MODEL, HOST + MODEL + line + "\n"):
        with pytest.raises(ConfigFault) as caught:
            tools(paths, text)
        assert says in caught.value.text
        file = tmp_path / "models.toml"
        file.write_text(text)
        with pytest.raises(ConfigFault) as caught:
            load_catalogue(file)
        assert says in caught.value.text


def test_the_shipped_prices() -> None:
    """The hosts' pricing pages; the sources stand in models.toml."""
    models = load_catalogue().models
    claude = next(m.price for m in models.values() if m.host == "anthropic")
    assert claude is not None and cost(Usage(tools={"web_search": 1}), claude) == 10_000 and claude.tools["web_fetch"] == 0
    assert "advisor" not in claude.tools, "it has none, and is refused"
    old, new = models["openai/gpt-4o"].price, models["openai/gpt-5.6"].price
    assert old is not None and new is not None
    assert (old.tools["web_search_preview"], new.tools["web_search_preview"]) == (25_000_000, 10_000_000)
    assert cost(Usage(tools={"code_interpreter": 1, "file_search": 1, "image_generation": 1}), new) == 30_000 + 2_500 + 250_000
    assert all(kind in LEFT_OUT for m in models.values() if m.price is not None for kind in m.price.tools)
