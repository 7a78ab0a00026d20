"""models.toml and the user's additions to one Catalogue. Prices are read by `prices.py`, exactly."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from localrouter.config import prices
from localrouter.config.faults import ConfigFault, nearest
from localrouter.config.local_models import local_models
from localrouter.config.settings import parse
from localrouter.core.catalogue import Catalogue, Host, Model, Zone
from localrouter.core.money import Price

_HOST_KEYS = ("origin", "wire", "region", "retention_days", "trains_on_data", "zone", "key_env", prices.TOOLS)
_FLAGS = ("tools", "json_schema", "vision", "audio", "reasoning", "fim")
_MODEL_KEYS = ("host", "name", "context", "max_output", "languages", "zone", *prices.TIER, *_FLAGS, *prices.KEYS, prices.TOOLS)
_LANGUAGE = re.compile(r"[a-z]{2,3}|\*")
_HERE = ("localhost", "127.0.0.1", "::1")


def _price(file: Path | str, name: str, tree: dict[str, Any], host: Host) -> Price | None:
    """With what a use of the host's own tools costs: the model's prices over its host's."""
    try:
        own, found = prices.per_use(tree), prices.price(tree)
    except ValueError as exc:
        raise ConfigFault(file, 1, f"model '{name}': {exc}.", "Correct it.") from None
    if found is None:
        return None
    tools = {**host.tool_prices, **own}
    return replace(found, tools=tools) if tools else found


def _whole(file: Path | str, name: str, entry: dict[str, Any], key: str) -> int:
    value = entry.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigFault(file, 1, f"model '{name}': {key} must be a whole number of tokens.", "Correct it.")
    return value


def _languages(file: Path | str, name: str, entry: dict[str, Any]) -> tuple[str, ...]:
    value = entry.get("languages", [])
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) and _LANGUAGE.fullmatch(v) for v in value):
        raise ConfigFault(
            file, 1, f"model '{name}': languages must be a list of codes.", 'Write languages = ["en", "de"], or ["*"].'
        )
    return tuple(value)


def _zone(file: Path | str, what: str, value: Any, origin: str) -> Zone | None:
    """A zone is the user's word, but for one thing: what is called this machine must be this machine."""
    if value is None:
        return None
    if value not in get_args(Zone):
        raise ConfigFault(file, 1, f"{what}: zone {str(value)[:40]!r} is none.", "Write machine, trusted or hosted.")
    if value == "machine" and urlsplit(origin).hostname not in _HERE:
        raise ConfigFault(
            file,
            1,
            f'{what}: zone = "machine" needs an origin on this machine, and {origin} is not.',
            'Write zone = "trusted" for a machine of your own.',
        )
    return value  # type: ignore[no-any-return]  # one of the literals


def _host(file: Path | str, name: str, entry: dict[str, Any]) -> Host:
    """`wire` is one name, or a list of the ways in which the host speaks, its default first."""
    given = entry.get("wire", "openai_chat")
    wires = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, (list, tuple)) else ()
    if not wires or not all(isinstance(w, str) and w for w in wires) or len(set(wires)) < len(wires):
        raise ConfigFault(
            file, 1, f"host '{name}': 'wire' must be a name, or a list of different names.", 'Write wire = "openai_chat", say.'
        )
    _zone(file, f"host '{name}'", entry.get("zone"), str(entry["origin"]))
    try:
        tools = prices.per_use(entry)
    except ValueError as exc:
        raise ConfigFault(file, 1, f"host '{name}': {exc}.", "Correct it.") from None
    return Host(name=name, **{**entry, "wire": wires[0], "wires": wires, prices.TOOLS: tools})


def default_file() -> Path:
    """Beside the package in a wheel, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "models.toml"
    return inside if inside.is_file() else package.parent / "models.toml"


def load_catalogue(path: Path | None = None, extra: dict[str, Any] | None = None) -> Catalogue:
    """Raises ConfigFault."""
    file = path or default_file()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigFault(file, 1, f"the catalogue cannot be read ({exc.strerror}).", "Install localrouter again.") from None
    tree = parse(file, text)
    extra = extra or {}
    hosts: dict[str, Host] = {}
    raw_hosts = {k: dict(v) for k, v in tree.get("hosts", {}).items()}
    for name, entry in extra.get("hosts", {}).items():
        raw_hosts[name] = {**raw_hosts.get(name, {}), **entry}
    for name, entry in raw_hosts.items():
        for key in entry:
            if key not in _HOST_KEYS:
                raise ConfigFault(file, 1, f"host '{name}': unknown key '{key}'.", nearest(key, _HOST_KEYS))
        if "origin" not in entry:
            raise ConfigFault(file, 1, f"host '{name}' has no origin.", "Add one.")
        hosts[name] = _host(file, name, entry)
    models: dict[str, Model] = {}
    for name, entry in {**tree.get("models", {}), **extra.get("models", {})}.items():
        for key in entry:
            if key not in _MODEL_KEYS:
                raise ConfigFault(file, 1, f"model '{name}': unknown key '{key}'.", nearest(key, _MODEL_KEYS))
        if entry.get("host") not in hosts:
            raise ConfigFault(
                file, 1, f"model '{name}' names the host {entry.get('host')!r}, which is not there.", "Add the host."
            )
        models[name] = Model(
            id=name,
            host=entry["host"],
            name=entry.get("name", name.partition("/")[2]),
            price=_price(file, name, entry, hosts[entry["host"]]),
            context=_whole(file, name, entry, "context"),
            max_output=_whole(file, name, entry, "max_output"),
            languages=_languages(file, name, entry),
            zone=_zone(file, f"model '{name}'", entry.get("zone"), hosts[entry["host"]].origin),
            **{flag: bool(entry.get(flag, False)) for flag in _FLAGS},
        )
    version = hashlib.sha256((text + json.dumps(extra, sort_keys=True, default=str)).encode()).hexdigest()[:12]
    return Catalogue(version, hosts, models, local_models(file, text, tree.get("local", {})))
