"""Edit config.toml without losing its comments (tomlkit), checked before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tomlkit
from pydantic import ValidationError

from localrouter.config.faults import explain
from localrouter.config.paths import Paths, private_file
from localrouter.config.settings import Settings, load_settings, parse
from localrouter.core.errors import BadRequest
from localrouter.core.money import parse_usd


def set_budgets(paths: Paths, limits: Mapping[str, str]) -> Path:
    """`limits`: day_usd, month_usd to dollars, or `none`. Returns the file. Raises BadRequest, ConfigFault."""
    for value in limits.values():
        try:
            if value != "none":  # TOML has no null; the settings read this word as "no limit"
                parse_usd(value)
        except ValueError:
            raise BadRequest(f"'{value[:40]}' is not an amount in dollars.", "Write it like 5 or 2.50, or `none`.") from None
    return _set(paths, "budgets", limits)


def set_local_model(paths: Paths, model: Path | None) -> Path:
    """`local.model`, or none. Returns the file. Raises ConfigFault."""
    return _set(paths, "local", {"model": None if model is None else str(model)})


def set_recipe(paths: Paths, name: str) -> Path:
    """`recipe`: what the next start puts in force. Returns the file. Raises ConfigFault."""
    return _set(paths, "", {"recipe": name})


def _set(paths: Paths, table: str, values: Mapping[str, str | None]) -> Path:
    """Keys of one table, of the file's own with ""; None takes a key out."""
    load_settings(paths)  # a file that is wrong already is said so, not made worse
    file = paths.config_file
    document = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
    written = document.setdefault(table, tomlkit.table()) if table else document
    for key, value in values.items():
        if value is None:
            written.pop(key, None)
        else:
            written[key] = value
    text = tomlkit.dumps(document)
    try:
        Settings.model_validate(parse(file, text))
    except ValidationError as exc:
        raise explain(file, text, Settings, exc) from None
    private_file(file, text.encode())
    return file
