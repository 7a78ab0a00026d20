"""`localrouter recipe`: the routing policy in force, and a check of one that you edit."""

from __future__ import annotations

import click

from localrouter.cli._options import json_option


@click.group()
def command() -> None:
    """Show or check routing recipes."""


@command.command()
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool) -> int:
    """Print a recipe, `extends` resolved: the one in force, or NAME."""
    from localrouter.cli import _show
    from localrouter.config.paths import Paths
    from localrouter.config.recipes import load_recipe
    from localrouter.config.settings import load_settings

    paths = Paths.default()
    recipe = load_recipe(name or load_settings(paths).recipe, paths.recipe_dirs())
    if as_json:
        _show.emit_json(recipe.model_dump(by_alias=True))
        return 0
    click.echo(f"{recipe.name}: {recipe.description}")
    from localrouter.core.kinds import ORDER

    def terms(data_class: str) -> str:
        rule = recipe.rule(data_class)  # type: ignore[arg-type]  # comes from ORDER
        if rule.only is None:
            return "-"
        only = rule.only
        parts = [
            f"region {' or '.join(only.region)}" if only.region is not None else "",
            f"retention at most {only.retention_days_max} days" if only.retention_days_max is not None else "",
            "never trains" if only.trains_on_data is False else "",
        ]
        return ", ".join(p for p in parts if p) + f"; otherwise {rule.otherwise}"

    _show.table(
        ("class", "values", "request", "only where"),
        ((c, recipe.rule(c).values, recipe.rule(c).request, terms(c)) for c in ORDER),
    )
    _show.table(
        ("route", "when", "try, in order"),
        ((r.name, _when(r.match.model_dump(exclude_none=True)), ", ".join(r.try_)) for r in recipe.route),
    )
    return 0


def _when(match: dict[str, object]) -> str:
    def value(v: object) -> str:
        return " or ".join(map(str, v)) if isinstance(v, tuple) else str(v).lower()

    return "; ".join(f"{k.replace('_', ' ')} {value(v)}" for k, v in match.items()) or "always"


@command.command()
@click.argument("name")
@json_option
def check(name: str, as_json: bool) -> int:
    """Check a recipe (a NAME or a FILE.toml): its keys, its values, and that its models are in the catalogue."""
    from localrouter.cli import _show
    from localrouter.config.paths import Paths
    from localrouter.config.recipes import load_recipe, unknown_targets
    from localrouter.config.settings import load_settings
    from localrouter.daemon.serve import checked_catalogue

    paths = Paths.default()
    recipe = load_recipe(name, paths.recipe_dirs())
    missing = unknown_targets(recipe, checked_catalogue(load_settings(paths)))
    if as_json:
        _show.emit_json({"name": recipe.name, "ok": not missing, "unknown_targets": missing})
    elif missing:
        for route, target, near in missing:
            click.echo(f"{name}: route '{route}' tries {target}, which the catalogue lacks. {near}", err=True)
    else:
        click.echo(f"{recipe.name}: {len(recipe.route)} routes, all targets known.")
    return 1 if missing else 0
