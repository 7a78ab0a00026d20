"""What a catalogue says of a model beside its prices: languages, completion between texts, and the zone, which cannot be made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localrouter.config.catalogue import load_catalogue
from localrouter.config.faults import ConfigFault
from localrouter.config.settings import Settings

HERE = {"origin": "http://127.0.0.1:11434/v1", "zone": "machine"}
MODEL = {"host": "box", "name": "m", "price_in": "0", "price_out": "0"}


def made(tmp_path: Path, host: dict[str, Any] | None = None, **model: Any) -> Any:
    file = tmp_path / "models.toml"
    file.write_text("")
    settings = Settings.model_validate({"hosts": {"box": host or HERE}, "models": {"box/m": {**MODEL, **model}}})
    return load_catalogue(file, settings.catalogue_extra())


def test_words_of_a_model(tmp_path: Path) -> None:
    known = made(tmp_path, fim=True, languages=["en", "de"])
    model = known.models["box/m"]
    assert model.fim and model.languages == ("en", "de") and known.zone(model) == "machine"
    assert made(tmp_path).models["box/m"].languages == ()


def test_a_model_that_is_sent_on_is_hosted(tmp_path: Path) -> None:
    said = made(tmp_path, zone="hosted")
    assert said.zone(said.models["box/m"]) == "hosted"
    cloud = made(tmp_path, name="gpt-oss:120b-cloud")
    assert cloud.zone(cloud.models["box/m"]) == "hosted"


@pytest.mark.parametrize("origin", ["https://box.example/v1", "http://192.168.1.9:8000/v1", "http://127.0.0.1.example/v1"])
def test_what_is_called_this_machine_is_this_machine(tmp_path: Path, origin: str) -> None:
    with pytest.raises(ConfigFault, match="needs an origin on this machine") as fault:
        made(tmp_path, {"origin": origin, "zone": "machine"})
    assert 'zone = "trusted"' in fault.value.do
    with pytest.raises(ConfigFault, match="needs an origin on this machine"):
        made(tmp_path, {"origin": origin}, zone="machine")
    known = made(tmp_path, {"origin": origin, "zone": "trusted"})
    assert known.zone(known.models["box/m"]) == "trusted"


@pytest.mark.parametrize("origin", ["http://localhost:1/v1", "http://[::1]:8000/v1", "https://127.0.0.1/v1"])
def test_loopback_by_each_name(tmp_path: Path, origin: str) -> None:
    known = made(tmp_path, {"origin": origin, "zone": "machine"})
    assert known.zone(known.models["box/m"]) == "machine"


@pytest.mark.parametrize("languages", [["english"], ["EN"], [""], ["e"]])
def test_languages_are_codes(tmp_path: Path, languages: list[str]) -> None:
    with pytest.raises(ConfigFault, match="languages must be a list of codes"):
        made(tmp_path, languages=languages)
