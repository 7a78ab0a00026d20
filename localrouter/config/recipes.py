"""Recipes from files: by name in the user's folder, then the shipped ones; `extends` resolved; every fault with its file and line.

What a recipe takes from the one that it extends (at most DEEPEST of them in a row):

- `private_keys`, `hosted_tools`: its own where it has them. `name` and `description` are always its own.
- `[classes.X]`, `[domains.X]`, `[models]`, `[models.map]`, `[loop]`, `[limits]`: key by key. A key that it leaves out keeps the parent's value.
- `[schemas.X]`, `[prompts.X]`, `[toolsets.X]`: whole.
- `extends` may name a recipe of the same name in a later folder: a user's `balanced.toml` may extend the shipped `balanced`.
- `[[route]]`: where none of its routes says `before`, its routes take the place of all of the parent's; without any, it has the parent's.
  Where one says `before = "NAME"`, the parent's routes stay: that route comes in front of NAME, and one without `before` takes the place of the
  parent's route of its own name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from localrouter.config import toml_lines
from localrouter.config.faults import ConfigFault, explain, nearest, together
from localrouter.config.settings import parse
from localrouter.core.catalogue import Catalogue
from localrouter.core.contract import Contract
from localrouter.core.recipe import Recipe
from localrouter.core.virtual import word

DEEPEST = 8
"""Recipes in a row, each of which extends the next: deeper than that, nobody reads what holds."""
_TABLES = ("classes", "domains", "models", "loop", "limits", "schemas", "prompts", "toolsets")
_WHOLE = ("schemas", "prompts", "toolsets")
"""Tables whose items are taken whole."""


def find(name: str, folders: Sequence[Path], *, paths: bool = True) -> Path:
    """A path when it is one and `paths` are taken, else NAME.toml in the folders. Raises ConfigFault."""
    direct = Path(name)
    if paths and name.endswith(".toml") and direct.is_file():
        return direct
    file = _among(name, folders)
    if file is not None:
        return file
    known = names(folders)
    near = difflib.get_close_matches(name, known, n=1)
    hint = (f"Did you mean {near[0]}? " if near else "") + f"Choose one of {', '.join(known)}, or name a file."
    raise ConfigFault(name, 1, "there is no such recipe.", hint)


def _among(name: str, folders: Sequence[Path]) -> Path | None:
    return next((file for folder in folders if (file := folder / f"{name}.toml").is_file()), None)


def _behind(file: Path | str, folders: Sequence[Path]) -> Sequence[Path]:
    """The folders after the one that holds the file; all, where none does."""
    if not isinstance(file, Path):
        return folders
    own = file.resolve().parent
    at = next((i for i, folder in enumerate(folders) if folder.resolve() == own), -1)
    return folders[at + 1 :]


def names(folders: Sequence[Path]) -> list[str]:
    """Of all recipes in the folders."""
    return sorted({f.stem for folder in folders if folder.is_dir() for f in folder.glob("*.toml")})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part of a recipe stands."""

    file: Path | str
    lines: dict[toml_lines.Path, int]
    path: toml_lines.Path

    def fault(self, more: toml_lines.Path, what: str, do: str) -> ConfigFault:
        return ConfigFault(self.file, toml_lines.line_of(self.lines, (*self.path, *more)), what, do)


@dataclass(slots=True)
class _Read:
    """A recipe's tree with `extends` resolved. `places`: of each route, by its place in the list; `own`: of the file itself."""

    tree: dict[str, Any]
    own: _Place
    places: list[_Place] = field(default_factory=list)


def _read(name: str, folders: Sequence[Path], chain: tuple[str, ...], file: Path | None = None) -> _Read:
    # What a recipe extends is a name: a path in it would mean another file in each working directory.
    file = file or find(name, folders, paths=not chain)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigFault(file, 1, f"the file cannot be read ({exc}).", "Check its permissions and encoding.") from None
    return _resolved(file, text, folders, (*chain, name))


def _resolved(file: Path | str, text: str, folders: Sequence[Path], chain: tuple[str, ...]) -> _Read:
    tree = parse(file, text)
    try:
        Recipe.model_validate(tree if "extends" not in tree else _alone(tree))
    except ValidationError as exc:
        raise explain(file, text, Recipe, exc) from None
    own = _Place(file, toml_lines.lines(text), ())
    places = [_Place(file, own.lines, ("route", i)) for i in range(len(tree.get("route", ())))]
    parent = tree.get("extends")
    if parent is None:
        for i, route in enumerate(tree.get("route", ())):
            if "before" in route:
                what = f"route '{route['name']}' stands before another's, and this recipe extends none."
                raise places[i].fault(("before",), what, "Remove 'before', or say which recipe this one extends.")
        return _Read(tree, own, places)
    stem = file.stem if isinstance(file, Path) else str(file)
    namesake = _among(parent, _behind(file, folders)) if parent == stem else None
    if parent in (stem, *chain) and namesake is None:
        way = " extends ".join((*chain[chain.index(parent) if parent in chain else -1 :], parent))
        raise own.fault(("extends",), f"'extends' goes in a circle: {way}.", "Remove one of them.")
    if len(chain) > DEEPEST:
        raise own.fault(("extends",), f"more than {DEEPEST} recipes extend each other in a row.", "Write some of them as one.")
    try:
        base = _read(parent, folders, chain, namesake)
    except ConfigFault as fault:
        if fault.file == parent:  # the parent was not found: said where it was asked for
            raise own.fault(("extends",), f"there is no such recipe as '{parent}'.", fault.do) from None
        raise
    routes, where = _routes(tree.get("route", []), places, base)
    merged = {k: v for k, v in base.tree.items() if k not in ("name", "description", "extends")} | tree
    for table in _TABLES:
        if table in base.tree and table in tree:
            merged[table] = _merged(base.tree[table], tree[table], whole=table in _WHOLE)
    return _Read({**merged, "route": routes}, own, where)


def _alone(tree: dict[str, Any]) -> dict[str, Any]:
    """Without what only the parent can make right: the route that a domain names may be the parent's."""
    domains = {k: {x: y for x, y in v.items() if x != "route"} if isinstance(v, dict) else v for k, v in _items(tree, "domains")}
    return {**tree, "domains": domains} if domains else tree


def _items(tree: dict[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    table = tree.get(key)
    yield from table.items() if isinstance(table, dict) else ()


def _merged(base: dict[str, Any], own: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """The child's key before the parent's, in tables of tables as well. What the child names comes first: of a map the first pattern counts."""
    out = dict(own)
    for key, value in base.items():
        if key not in out:
            out[key] = value
        elif not whole and isinstance(value, dict) and isinstance(out[key], dict):
            out[key] = _merged(value, out[key], whole=False)
    return out


def _routes(own: list[dict[str, Any]], places: list[_Place], base: _Read) -> tuple[list[dict[str, Any]], list[_Place]]:
    theirs: list[dict[str, Any]] = base.tree.get("route", [])
    if not own:
        return theirs, base.places
    if not any("before" in route for route in own):
        return own, places
    rows = list(zip(theirs, base.places, strict=True))
    known = [r["name"] for r in theirs]
    for route, place in zip(own, places, strict=True):
        name, target = route["name"], route.get("before")
        at = next((i for i, (r, _) in enumerate(rows) if r["name"] == (target or name)), None)
        if at is None and target:
            raise place.fault(("before",), f"there is no route '{target}' to stand before.", nearest(target, known, "Routes"))
        if at is None:
            what = f"route '{name}' is none of the recipe that this one extends, and does not say where it stands."
            raise place.fault((), what, f'Add before = "NAME" with one of {", ".join(known)}.')
        row = ({k: v for k, v in route.items() if k != "before"}, place)
        if target:
            rows.insert(at, row)
        else:
            rows[at] = row
    return [r for r, _ in rows], [p for _, p in rows]


def load_recipe(name: str, folders: Sequence[Path]) -> Recipe:
    """A recipe by its name or its file. Raises ConfigFault."""
    return _checked(_read(name, folders, ()))


def read_recipe(text: str, file: Path | str, folders: Sequence[Path]) -> Recipe:
    """A recipe from its text; `file` is what complaints name, `folders` where what it extends is looked for. Raises ConfigFault."""
    name = file.stem if isinstance(file, Path) else file
    return _checked(_resolved(file, text, folders, (name,)))


def _checked(read: _Read) -> Recipe:
    try:
        recipe = Recipe.model_validate(read.tree)
    except ValidationError as exc:
        error = exc.errors(include_url=False)[0]
        raise read.own.fault(tuple(error["loc"]), f"{error['msg'].removeprefix('Value error, ')}.", "Correct it.") from None
    faults = list(_dangling(recipe, read))
    if faults:
        raise together(sorted(faults, key=lambda f: (str(f.file), f.line)))
    return recipe


def _dangling(recipe: Recipe, read: _Read) -> Iterator[ConfigFault]:
    """Names that stand twice, and those that name nothing."""
    seen: set[str] = set()
    for route, place in zip(recipe.route, read.places, strict=True):
        if route.name in seen:
            yield place.fault(("name",), f"two routes have the name '{route.name}'.", "Give each its own; traces name them.")
        seen.add(route.name)
        yield from _known_schema(recipe, route.contract, place, ("contract",), f"route '{route.name}'")
        for key, name, table in (("prompt", route.prompt, recipe.prompts), ("toolset", route.toolset, recipe.toolsets)):
            if name is not None and name not in table:
                what = f"route '{route.name}' names the {key} '{name}', and there is no [{key}s.{name}]."
                yield place.fault((key,), what, nearest(name, table, "Known") if table else f"Add [{key}s.{name}].")
    for domain, rule in recipe.domains.items():
        yield from _known_schema(recipe, rule.contract, read.own, ("domains", domain, "contract"), f"domain '{domain}'")


def _known_schema(
    recipe: Recipe, contract: Contract | None, place: _Place, path: toml_lines.Path, who: str
) -> Iterator[ConfigFault]:
    schema = contract.json_schema if contract is not None else None
    if schema is not None and schema != "request" and schema not in recipe.schemas:
        known = ["request", *recipe.schemas]
        yield place.fault(
            (*path, "json_schema"),
            f"{who} wants the schema '{schema}', which is not among [schemas].",
            nearest(schema, known, "Known"),
        )


def unknown_targets(recipe: Recipe, catalogue: Catalogue) -> list[tuple[str, str, str]]:
    """(route, target, hint) of each target that names no model of the catalogue; "[models] map" stands for the route of what maps to none."""
    wanted = [(route.name, target) for route in recipe.route for target in route.try_]
    wanted += [("[models] map", target) for target in recipe.models.map.values() if not word(target)]
    out: list[tuple[str, str, str]] = []
    for where, target in wanted:
        if target == "asked" or target.startswith("local:") or catalogue.find(target) is not None:
            continue
        if target.endswith("/*") and target[:-2] in catalogue.hosts:
            continue
        near = difflib.get_close_matches(target, catalogue.models, n=1)
        out.append((where, target, f"Did you mean {near[0]}?" if near else "Add it to config.toml under [models]."))
    return out
