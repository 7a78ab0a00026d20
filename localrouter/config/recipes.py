"""Recipes from files: by name in the user's folder, then the shipped ones; `extends` resolved; faults with file and line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from localrouter.config.faults import ConfigFault, explain
from localrouter.config.settings import parse
from localrouter.core.catalogue import Catalogue
from localrouter.core.recipe import Recipe


def find(name: str, folders: Sequence[Path]) -> Path:
    """A path when it is one, else NAME.toml in the folders. Raises ConfigFault."""
    direct = Path(name)
    if name.endswith(".toml") and direct.is_file():
        return direct
    for folder in folders:
        file = folder / f"{name}.toml"
        if file.is_file():
            return file
    known = sorted({f.stem for folder in folders if folder.is_dir() for f in folder.glob("*.toml")})
    raise ConfigFault(name, 1, "there is no such recipe.", f"Choose one of {', '.join(known)}, or name a file.")


def _read(name: str, folders: Sequence[Path], seen: tuple[str, ...]) -> tuple[dict[str, Any], Path, str]:
    file = find(name, folders)
    text = file.read_text(encoding="utf-8")
    tree = parse(file, text)
    parent = tree.get("extends")
    if isinstance(parent, str):
        if parent in (*seen, name):
            raise ConfigFault(file, 1, f"'extends' goes in a circle through {parent}.", "Remove one of them.")
        base, _, _ = _read(parent, folders, (*seen, name))
        classes = {**base.get("classes", {}), **tree.get("classes", {})}
        tree = {**base, **tree, **({"classes": classes} if classes else {})}
    return tree, file, text


def load_recipe(name: str, folders: Sequence[Path]) -> Recipe:
    """Raises ConfigFault."""
    tree, file, text = _read(name, folders, ())
    try:
        return Recipe.model_validate(tree)
    except ValidationError as exc:
        raise explain(file, text, Recipe, exc) from None


def unknown_targets(recipe: Recipe, catalogue: Catalogue) -> list[tuple[str, str, str]]:
    """(route, target, hint) of each target that names no model of the catalogue."""
    out: list[tuple[str, str, str]] = []
    for route in recipe.route:
        for target in route.try_:
            if target == "asked" or target.startswith("local:") or catalogue.find(target) is not None:
                continue
            if target.endswith("/*") and target[:-2] in catalogue.hosts:
                continue
            near = difflib.get_close_matches(target, catalogue.models, n=1)
            out.append((route.name, target, f"Did you mean {near[0]}?" if near else "Add it to config.toml under [models]."))
    return out
