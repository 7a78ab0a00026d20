"""The hosts that the catalogue and config.toml name."""

from __future__ import annotations

from localrouter.config.catalogue import load_catalogue
from localrouter.config.faults import nearest
from localrouter.config.paths import Paths
from localrouter.config.settings import load_settings
from localrouter.core.catalogue import Host
from localrouter.core.errors import NotFound


def hosts() -> dict[str, Host]:
    return load_catalogue(extra=load_settings(Paths.default()).catalogue_extra()).hosts


def named(name: str) -> Host:
    """Raises NotFound with the nearest known name."""
    known = hosts()
    if name not in known:
        raise NotFound(f"There is no host '{name}'.", nearest(name, known).replace("Known keys", "Known hosts"))
    return known[name]
