"""`localrouter recipe`: the routing policy in force, another one tried on what was asked before, put in force, and taken back."""

from __future__ import annotations

import click

from localrouter.cli._options import by_option, json_option


@click.group(short_help="Write, check, try out and apply routing recipes.")
def command() -> None:
    """Write, check, compare, try out, apply and roll back routing recipes.

    A recipe is named by NAME (a file of your recipes' folder, or a shipped one), by FILE.toml, or, when it was in force, by its hash or by
    how long ago: `@` is the one in force, `@-1` the one before.
    """


@command.command()
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool) -> int:
    """Print a recipe, `extends` resolved: the one in force, or NAME."""
    from localrouter.cli import _recipes, _show
    from localrouter.cli._desk import Desk
    from localrouter.config.paths import Paths
    from localrouter.config.settings import load_settings
    from localrouter.core.kinds import ORDER
    from localrouter.core.recipe_diff import when

    paths = Paths.default()
    word = name or ("@" if Desk(paths).hot else load_settings(paths).recipe)
    recipe = _recipes.named(paths, word).recipe
    if as_json:
        _show.emit_json(recipe.model_dump(mode="json", by_alias=True))
        return 0
    click.echo(_show.clean(f"{recipe.name}: {recipe.description}"))
    _show.table(
        ("class", "values", "request", "only where"),
        ((c, recipe.rule(c).values, recipe.rule(c).request, _recipes.terms(recipe, c)) for c in ORDER),
    )
    _show.table(("route", "when", "try, in order"), ((r.name, when(r), ", ".join(r.try_)) for r in recipe.route))
    guarded = [r for r in recipe.route if r.tools is not None]
    if guarded:
        click.echo()
        _show.table(
            ("route", "its models' tool calls"), ((r.name, _recipes.tool_rules(r.tools)) for r in guarded if r.tools is not None)
        )
    return 0


@command.command()
@click.argument("name")
@click.option("--from", "base", default="balanced", show_default=True, metavar="NAME", help="The recipe that it begins as.")
def new(name: str, base: str) -> int:
    """Write NAME.toml into your recipes' folder: it does what another recipe does until you change it."""
    from localrouter.config.faults import ConfigFault
    from localrouter.config.paths import Paths, private_dir, private_file
    from localrouter.config.recipe_text import draft
    from localrouter.config.recipes import load_recipe

    paths = Paths.default()
    text = draft(name, load_recipe(base, paths.recipe_dirs()))
    paths.ensure()
    file = private_dir(paths.config / "recipes") / f"{name}.toml"
    taken = next((f for folder in paths.recipe_dirs() if (f := folder / file.name).exists()), None)
    if taken is not None:
        raise ConfigFault(taken, 1, f"there is a recipe '{name}' already.", "Choose another name.")
    private_file(file, text.encode())
    click.echo(f"Written: {file}\nEdit it, then: localrouter recipe check {name}")
    return 0


@command.command()
@click.argument("name")
@json_option
def check(name: str, as_json: bool) -> int:
    """Check a recipe: its keys, its values, that its models are in the catalogue, and what it hardly means."""
    from localrouter.cli import _recipes, _show
    from localrouter.config.faults import ConfigFault
    from localrouter.config.paths import Paths
    from localrouter.config.recipe_doubts import doubts
    from localrouter.config.recipes import load_recipe, unknown_targets
    from localrouter.config.settings import load_settings
    from localrouter.core.decision import digest
    from localrouter.daemon.serve import checked_catalogue

    paths = Paths.default()
    try:
        recipe = load_recipe(name, paths.recipe_dirs())
    except ConfigFault as exc:
        if as_json:
            faults = [{"file": str(f.file), "line": f.line, "what": f.what, "do": f.do} for f in exc.every]
            _show.emit_json({"name": name, "version": "", "ok": False, "faults": faults, "unknown_targets": [], "warnings": []})
        for fault in () if as_json else exc.every:
            click.echo(f"localrouter: {fault.text}", err=True)
        return 2
    missing, odd = unknown_targets(recipe, checked_catalogue(load_settings(paths))), doubts(recipe)
    version = f"{recipe.name}@{digest(recipe)}"
    if as_json:
        _show.emit_json(
            {
                "name": recipe.name,
                "version": version,
                "ok": not missing,
                "faults": [],
                "unknown_targets": missing,
                "warnings": odd,
            }
        )
        return 1 if missing else 0
    for where, target, near in missing:
        stands = where if where.startswith("[") else f"route '{where}'"
        click.echo(f"{name}: {stands} tries {target}, which the catalogue lacks. {near}", err=True)
    for sentence in odd:
        click.echo(f"{name}: {sentence}", err=True)
    if missing:
        return 1
    click.echo(f"{version}: {len(recipe.route)} routes, all targets known.")
    click.echo(f"Next: localrouter recipe dry-run {_recipes.quoted(name)}")
    return 0


@command.command()
@click.option("--decision", is_flag=True, help="Of a recorded decision (`localrouter explain ID --decision`), not of recipes.")
def schema(decision: bool) -> int:
    """Print the JSON Schema of recipes, for editors and for programs that write them."""
    from localrouter.cli import _show

    if decision:
        from localrouter.core.decision_schema import schema as made
    else:
        from localrouter.config.recipe_schema import schema as made
    _show.emit_json(made())
    return 0


@command.command()
@click.argument("before")
@click.argument("after", required=False)
@json_option
def diff(before: str, after: str | None, as_json: bool) -> int:
    """Say what AFTER does differently from BEFORE: in words, and as a unified diff of both recipes, `extends` resolved.

    Without AFTER: what BEFORE does differently from the one in force.
    """
    from localrouter.cli import _recipes, _show
    from localrouter.config.paths import Paths
    from localrouter.core.recipe_diff import differences

    paths = Paths.default()
    old, new = (_recipes.named(paths, w) for w in ((before, after) if after is not None else ("@", before)))
    words, lines = differences(old.recipe, new.recipe), _recipes.unified(old, new)
    if as_json:
        _show.emit_json({"before": old.version, "after": new.version, "differences": words, "unified": lines})
        return 0
    click.echo(f"From {old.version} to {new.version}:")
    for sentence in words or ["they decide alike"]:
        click.echo(_show.clean(f"  {sentence}"))
    if lines:
        click.echo("\n" + _show.clean("\n".join(lines)))
    return 0


@command.command(name="dry-run")
@click.argument("name")
@click.option("--days", type=click.FloatRange(0, 3650, min_open=True), default=7.0, show_default=True, help="How far back.")
@click.option(
    "--requests", type=click.IntRange(1, 100_000), default=10_000, show_default=True, help="How many at most, the newest."
)
@json_option
def dry_run(name: str, days: float, requests: int, as_json: bool) -> int:
    """Say what recipe NAME would have done with the requests of the last days. Nothing is sent."""
    from localrouter.cli import _dry, _recipes, _show
    from localrouter.config.paths import Paths

    paths = Paths.default()
    one = _recipes.named(paths, name)
    report, seconds = _dry.run(paths, one, days, requests)
    if as_json:
        _show.emit_json(report.tree() | {"seconds": round(seconds, 3)})
    else:
        _dry.told(report, name, days, seconds)
    return 0


@command.command()
@click.argument("name")
@click.option("--note", default="", metavar="TEXT", help="Why, for the history.")
@click.option("--replace", is_flag=True, help="A FILE may take the place of another recipe of that name in your folder.")
@by_option
def apply(name: str, note: str, replace: bool, by: str) -> int:
    """Put recipe NAME in force: at once where a daemon runs, and for every later start.

    A FILE.toml from elsewhere is copied into your recipes' folder first. Requests that run keep the recipe they began with.
    """
    from localrouter.cli import _recipes
    from localrouter.cli._desk import Desk
    from localrouter.config.paths import Paths
    from localrouter.core.decision import digest

    paths = Paths.default()
    paths.ensure()
    source, recipe = _recipes.installed(paths, name, replace=replace)
    _recipes.told_in_force(Desk(paths).apply(source, digest(recipe), by, _recipes.noted(note)))
    return 0


@command.command()
@json_option
def history(as_json: bool) -> int:
    """List the recipes that were in force, newest first."""
    from localrouter.cli import _show
    from localrouter.cli._desk import Desk
    from localrouter.config.paths import Paths

    versions = Desk(Paths.default()).history()["versions"]
    if as_json:
        _show.emit_json(versions)
        return 0
    if not versions:
        click.echo("No recipe was in force yet. `localrouter up` puts the one of config.toml in force.")
        return 0
    _show.table(
        ("", "since", "version", "by", "requests", "note"),
        (
            (f"@-{i}" if i else "@", _show.clock(v["at"]), f"{v['name']}@{v['hash']}", v["by"], str(v["decisions"]), v["note"])
            for i, v in enumerate(versions)
        ),
        right=("requests",),
    )
    return 0


@command.command()
@click.argument("version", default="1")
@click.option("--note", default="", metavar="TEXT", help="Why, for the history.")
@by_option
def rollback(version: str, note: str, by: str) -> int:
    """Put an earlier recipe in force again: the one before, N versions ago, or the one with a HASH."""
    from localrouter.cli import _recipes
    from localrouter.cli._desk import Desk
    from localrouter.config.paths import Paths

    word = f"@-{version}" if version.isdigit() and len(version) < 4 else version
    paths = Paths.default()
    paths.ensure()
    _recipes.told_in_force(Desk(paths).rollback(word, by, _recipes.noted(note)))
    return 0
