"""Prices in config.toml: those of the prompt cache and of long prompts, and every slip that would make a call cheaper than it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localrouter.config.catalogue import load_catalogue
from localrouter.config.faults import ConfigFault
from localrouter.config.paths import Paths
from localrouter.config.settings import load_settings
from localrouter.core.money import Price, Usage, ceiling, cost

MODEL = "[models.'openai/mine']\nhost = 'openai'\nname = 'mine'\n"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "config", tmp_path / "state")
    made.ensure()
    return made


def price(paths: Paths, lines: str) -> Price | None:
    paths.config_file.write_text(MODEL + lines)
    return load_catalogue(extra=load_settings(paths).catalogue_extra()).models["openai/mine"].price


WHOLE = """price_in = "1.25"
price_out = 10
price_cache_read = "0.125"
price_cache_write = "1.5625"
price_cache_write_1h = "2.5"
above = 200000
long = { price_in = "2.5", price_out = "15", price_cache_read = "0.25" }
"""


def test_every_price_of_the_catalogue_can_be_the_users_own(paths: Paths) -> None:
    long = Price(2_500_000, 15_000_000, 250_000)
    found = price(paths, WHOLE)
    assert found is not None and replace(found, tools={}) == Price(
        1_250_000, 10_000_000, 125_000, 1_562_500, 2_500_000, 200_000, long
    )
    used = Usage(input=1000, output=1000, cache_read=100_000, cache_write=1000, cache_write_1h=1000)
    assert cost(used, found) == 1250 + 10_000 + 12_500 + 1563 + 2500, "each tier at its own price, rounded up once"
    assert cost(Usage(input=1, cache_read=300_000), found) == 75_003, "the whole prompt at the tier of its length"
    assert ceiling(1000, 0, found) == 2500, "all of a prompt may be written to the dearest cache"


def test_a_model_without_a_price_has_none(paths: Paths) -> None:
    assert price(paths, "") is None
    free = price(paths, "price_in = 0\nprice_out = 0\n")
    assert free is not None and replace(free, tools={}) == Price(0, 0)


SLIPS = [
    ("price_in = 'cheap'\nprice_out = 1\n", 4, "price_in is not a price"),
    ("price_in = 1\nprice_out = -1\n", 5, "price_out is not a price"),
    ("price_in = 1\nprice_out = true\n", 5, "price_out"),
    ("price_in = 1\nprice_out = 1\nprice_cache_read = nan\n", 6, "price_cache_read is not a price"),
    ("price_in = 1\nprice_out = 1\nprice_cache_write = inf\n", 6, "price_cache_write is not a price"),
    ("price_in = 1\nprice_out = 1\nprice_cache_write_1h = '1e9'\n", 6, "price_cache_write_1h is not a price"),
    ("price_in = 1\n", 1, "price_in needs price_out"),
    ("price_cache_read = 1\n", 1, "price_cache_read needs price_in"),
    ("price_in = 1\nprice_out = 1\nabove = 1000\n", 1, "above and long go together"),
    ("price_in = 1\nprice_out = 1\nlong = { price_in = 2, price_out = 2 }\n", 1, "above and long go together"),
    ("price_in = 1\nprice_out = 1\nabove = 1000\nlong = { price_cache_read = 2 }\n", 1, "price_cache_read needs price_in"),
    ("price_in = 1\nprice_out = 1\nabove = 1000\nlong = {}\n", 1, "long must state price_in and price_out"),
    ("price_in = 1\nprice_out = 1\nabove = 0\nlong = { price_in = 2, price_out = 2 }\n", 6, "above"),
    ("price_in = 1\nprice_out = 1\nprice_cache_reed = 1\n", 6, "Did you mean 'price_cache_read'?"),
    ("price_in = 1\nprice_out = 1\nabove = 9\nlong = { price_inn = 2, price_out = 2 }\n", 7, "Did you mean 'price_in'?"),
    ("context = -1\n", 4, "context"),
]


@pytest.mark.parametrize(("lines", "line", "says"), SLIPS)
def test_slips_in_config_toml_are_said_with_their_line(paths: Paths, lines: str, line: int, says: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        price(paths, lines)
    assert caught.value.line == line and str(paths.config_file) in caught.value.text and says in caught.value.text


@pytest.mark.parametrize(("lines", "says"), [(slip, says) for slip, _, says in SLIPS if "Did you" not in says])
def test_the_same_slips_in_a_catalogue(tmp_path: Path, lines: str, says: str) -> None:
    file = tmp_path / "models.toml"
    file.write_text("[hosts.openai]\norigin = 'https://h.invalid/v1'\n" + MODEL + lines)
    with pytest.raises(ConfigFault) as caught:
        load_catalogue(file)
    assert says in caught.value.text and "openai/mine" in caught.value.text


def test_the_shipped_catalogue_has_no_slip() -> None:
    models: dict[str, Any] = load_catalogue().models
    assert models and all(m.price is not None for m in models.values())
    assert any(m.price.long is not None for m in models.values())
