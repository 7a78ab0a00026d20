"""models.toml and the user's additions to one Catalogue. Prices are read through Decimal, so that no cent is rounded."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from localrouter.config.faults import ConfigFault, nearest
from localrouter.config.settings import parse
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.money import MICRO, Price

_HOST_KEYS = ("origin", "wire", "region", "retention_days", "trains_on_data", "zone", "key_env")
_FLAGS = ("tools", "json_schema", "vision", "audio", "reasoning")
_PRICES = ("price_in", "price_out", "price_cache_read", "price_cache_write", "price_cache_write_1h")
_MODEL_KEYS = ("host", "name", "context", "max_output", "above", "long", *_FLAGS, *_PRICES)


def _micro(file: Path | str, model: str, key: str, value: Any) -> int | None:
    if value is None:
        return None
    try:
        exact = Decimal(str(value)) * MICRO
    except InvalidOperation:
        exact = Decimal(-1)
    if not exact.is_finite() or exact < 0:
        raise ConfigFault(file, 1, f"model '{model}': {key} is not a price in dollars per million tokens.", "Correct it.")
    return int(exact.to_integral_value(rounding="ROUND_CEILING"))


def _price(file: Path | str, name: str, tree: dict[str, Any]) -> Price | None:
    values = {k: _micro(file, name, k, tree.get(k)) for k in _PRICES}
    if values["price_in"] is None or values["price_out"] is None:
        return None
    long = tree.get("long")
    return Price(
        input=values["price_in"],
        output=values["price_out"],
        cache_read=values["price_cache_read"],
        cache_write=values["price_cache_write"],
        cache_write_1h=values["price_cache_write_1h"],
        above=int(tree.get("above", 0)),
        long=_price(file, name, long) if isinstance(long, dict) else None,
    )


def _host(file: Path | str, name: str, entry: dict[str, Any]) -> Host:
    """`wire` is one name, or a list of the ways in which the host speaks, its default first."""
    given = entry.get("wire", "openai_chat")
    wires = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, (list, tuple)) else ()
    if not wires or not all(isinstance(w, str) and w for w in wires) or len(set(wires)) < len(wires):
        raise ConfigFault(
            file, 1, f"host '{name}': 'wire' must be a name, or a list of different names.", 'Write wire = "openai_chat", say.'
        )
    return Host(name=name, **{**entry, "wire": wires[0], "wires": wires})


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
            price=_price(file, name, entry),
            context=entry.get("context", 0),
            max_output=entry.get("max_output", 0),
            **{flag: bool(entry.get(flag, False)) for flag in _FLAGS},
        )
    version = hashlib.sha256((text + json.dumps(extra, sort_keys=True, default=str)).encode()).hexdigest()[:12]
    return Catalogue(version, hosts, models)
