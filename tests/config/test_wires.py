"""A host may speak several wires: its own words in the catalogue, and what each client's request takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localrouter.config.catalogue import load_catalogue
from localrouter.config.faults import ConfigFault
from localrouter.config.recipes import load_recipe, unknown_targets
from localrouter.config.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = {"origin": "https://h.invalid/v1"}


def host(**entry: Any) -> Any:
    return load_catalogue(extra=Settings.model_validate({"hosts": {"h": ORIGIN | entry}}).catalogue_extra()).hosts["h"]


def test_one_wire_or_several() -> None:
    assert (host().wire, host().wires) == ("openai_chat", ("openai_chat",))
    one = host(wire="anthropic_messages")
    assert one.wire_for("openai_chat") == one.wire_for("anthropic_messages") == "anthropic_messages"
    both = host(wire=["openai_chat", "openai_responses"])
    assert [both.wire_for(w) for w in ("openai_chat", "openai_responses", "anthropic_messages")] == [
        "openai_chat",
        "openai_responses",
        "openai_chat",
    ]


@pytest.mark.parametrize("wire", ["", [], ["a", "a"], ["a", ""]])
def test_what_is_no_wire_is_said(wire: Any) -> None:
    with pytest.raises(ConfigFault, match="'wire' must be a name"):
        host(wire=wire)


def test_the_shipped_hosts_and_recipes_fit() -> None:
    catalogue = load_catalogue()
    assert catalogue.hosts["openai"].wires == ("openai_chat", "openai_responses", "openai_compact")
    assert catalogue.hosts["anthropic"].wires == ("anthropic_messages",)
    for file in (ROOT / "recipes").glob("*.toml"):
        assert unknown_targets(load_recipe(file.stem, (ROOT / "recipes",)), catalogue) == []
