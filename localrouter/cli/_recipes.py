"""What the recipe verbs share: a recipe by any of its names, and what is said when one is put in force."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from localrouter.cli._desk import Desk
from localrouter.config.faults import ConfigFault
from localrouter.config.paths import Paths, private_dir, private_file
from localrouter.config.recipe_text import NAME, text_of
from localrouter.config.recipes import load_recipe, names, read_recipe
from localrouter.core.decision import digest
from localrouter.core.errors import BadRequest
from localrouter.core.kinds import DataClass
from localrouter.core.recipe import Recipe
from localrouter.core.tool_rules import ToolRules
from localrouter.daemon.recipes import NOTE_MAX

VERSION = re.compile(r"@(-\d+)?|([A-Za-z0-9_-]+@)?[0-9a-f]{4,12}")
"""How a version of the history is named."""


@dataclass(frozen=True, slots=True)
class Named:
    """A recipe, resolved, and its `name@hash`."""

    recipe: Recipe
    version: str


def named(paths: Paths, word: str) -> Named:
    """By a name, a file, or a version of the history. Raises ConfigFault, NotFound, BadRequest."""
    folders = paths.recipe_dirs()
    if VERSION.fullmatch(word) and word not in names(folders):
        tree = Desk(paths).kept(word)
        try:
            recipe = Recipe.model_validate(tree["recipe"])
        except ValueError:
            raise BadRequest(
                f"{word} was kept by another version of localrouter, whose grammar was another.", "Name a later one."
            ) from None
        return Named(recipe, f"{tree['name']}@{tree['hash']}")
    recipe = load_recipe(word, folders)
    return Named(recipe, f"{recipe.name}@{digest(recipe)}")


def installed(paths: Paths, word: str, *, replace: bool) -> tuple[str, Recipe]:
    """(the name for config.toml, the recipe): a file from elsewhere is copied into the user's folder. Raises ConfigFault."""
    folders = paths.recipe_dirs()
    if not word.endswith(".toml"):
        return word, load_recipe(word, folders)
    file = Path(word)
    recipe = load_recipe(word, folders)
    if file.resolve().parent in {f.resolve() for f in folders if f.is_dir()}:
        return file.stem, recipe
    if not NAME.fullmatch(recipe.name):
        raise ConfigFault(file, 1, f"the name {recipe.name[:64]!r} cannot be a file's.", "Use letters, digits, - and _.")
    own = private_dir(paths.config / "recipes")
    goal, text = own / f"{recipe.name}.toml", file.read_text(encoding="utf-8")
    there = next((f for folder in folders if (f := folder / goal.name).is_file()), None)
    if there is not None and there.read_text(encoding="utf-8") != text and not (replace and there.parent == own):
        do = "Give yours another name" + (
            ", or pass --replace." if there.parent == own else ": shipped recipes are not replaced."
        )
        raise ConfigFault(file, 1, f"there is another recipe '{recipe.name}', {there}.", do)
    # As it will be read there: what stands beside the file here must not be what it means.
    if digest(read_recipe(text, goal, folders)) != digest(recipe):
        raise ConfigFault(file, 1, "it reads otherwise from the recipes' folder.", "Put what it refers to there as well.")
    private_file(goal, text.encode())
    return recipe.name, recipe


def unified(old: Named, new: Named) -> list[str]:
    """The lines of a unified diff of both, resolved."""
    was, now = (text_of(one.recipe).splitlines() for one in (old, new))
    return list(difflib.unified_diff(was, now, old.version, new.version, lineterm=""))


def terms(recipe: Recipe, data_class: DataClass) -> str:
    """Where a class's request may go, in words."""
    rule = recipe.rule(data_class)
    if rule.only is None:
        return "-"
    only = rule.only
    parts = [
        f"region {' or '.join(only.region)}" if only.region is not None else "",
        f"retention at most {only.retention_days_max} days" if only.retention_days_max is not None else "",
        "never trains" if only.trains_on_data is False else "",
    ]
    return ", ".join(p for p in parts if p) + f"; otherwise {rule.otherwise}"


def tool_rules(rules: ToolRules) -> str:
    """What a route says of tool calls, the strictest first."""
    parts = [
        *([f"denied: {', '.join(rules.deny)}"] if rules.deny else []),
        *([f"a person is asked: {', '.join(rules.ask)}"] if rules.ask else []),
        *([f"allowed: {', '.join(rules.allow)}"] if rules.allow else []),
        f"any other: {({'allow': 'allowed', 'ask': 'a person is asked', 'deny': 'denied'})[rules.default]}",
        *([f"{rules.max_calls_per_minute} a minute"] if rules.max_calls_per_minute is not None else []),
    ]
    return "; ".join(parts)


def told_in_force(tree: dict[str, Any]) -> None:
    """What `apply` and `rollback` did, and how to take it back."""
    if not tree["changed"]:
        click.echo(f"{tree['version']} was in force already.")
        return
    when = "in force now; requests that run keep theirs" if tree["hot"] else "in force at the next start (no daemon runs)"
    click.echo(f"{tree['version']} is {when}. config.toml names '{tree['source']}'.")
    if tree["before"]:
        click.echo(f"Before: {tree['before']}. Take it back: localrouter recipe rollback")


def noted(note: str) -> str:
    """A note for the history. Raises click.UsageError for one that is too long to be one."""
    if len(note) > NOTE_MAX:
        raise click.UsageError(f"The note has {len(note)} characters; {NOTE_MAX} is the most.")
    return note


def quoted(word: str) -> str:
    """For a command that people paste."""
    return shlex.quote(word)
