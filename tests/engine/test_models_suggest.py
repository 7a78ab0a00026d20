"""The model that a machine is given to begin with."""

from __future__ import annotations

import pytest

from localrouter.config.catalogue import load_catalogue
from localrouter.core.catalogue import LocalModel
from localrouter.engine.suggest import SHARE, suggested

GIB = 1 << 30


@pytest.mark.parametrize(
    ("gib", "name"), [(4, "qwen3.5-2b"), (8, "qwen3.5-4b"), (16, "qwen3.5-9b"), (24, "gpt-oss-20b"), (64, "gpt-oss-20b")]
)
def test_machines_of_usual_sizes(gib: int, name: str) -> None:
    """The system keeps some of what was bought."""
    found = suggested(load_catalogue().local.values(), gib * GIB - GIB // 3)
    assert found is not None and found.name == name and found.sha256, "and it is pinned"


def test_no_machine_is_filled_and_none_is_misled() -> None:
    models = list(load_catalogue().local.values())
    for gib in range(1, 40):
        found = suggested(models, gib * GIB)
        assert found is None or ("chat" in found.roles and found.ram_gb * 1e9 <= gib * GIB * SHARE)
    assert suggested(models, GIB) is None and suggested([], 64 * GIB) is None
    coder = LocalModel("c", "a/b", "c.gguf", "large", "mit", ("fim", "code"), parameters="30B", size=1, ram_gb=1)
    unknown = LocalModel("u", "a/b", "u.gguf", "large", "mit", ("chat",), parameters="30B")
    assert suggested([coder, unknown], 64 * GIB) is None, "neither what cannot chat nor what nobody measured"
