"""`localrouter budget`: what is spent, held and left; and the limits."""

from __future__ import annotations

import click

from localrouter.cli._options import json_option


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show or set the daily and monthly budgets."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(show, as_json=False, user="default")


@command.command()
@click.option("--user", default="default", show_default=True, help="Whose budget.")
@json_option
def show(as_json: bool, user: str) -> int:
    """What is spent, held by running calls, and left."""
    from localrouter.cli import _show
    from localrouter.daemon.client import Client

    tree = Client(timeout=30).get("budget", user=user)
    if as_json:
        _show.emit_json(tree)
        return 0

    def amount(value: int | None) -> str:
        return "no limit" if value is None else _show.usd(value)

    _show.table(
        ("window", "limit", "spent", "held", "left", "resets"),
        (
            (
                b["scope"],
                amount(b["limit"]),
                _show.usd(b["spent"]),
                _show.usd(b["held"]),
                amount(b["remaining"]),
                _show.clock(b["resets_at"]),
            )
            for b in tree["budgets"]
        ),
        right=("limit", "spent", "held", "left"),
    )
    return 0


@command.command(name="set")
@click.option("--day", metavar="USD", help="Dollars per user and day; `none` lifts the limit.")
@click.option("--month", metavar="USD", help="Dollars per user and month; `none` lifts the limit.")
def set_(day: str | None, month: str | None) -> int:
    """Write new limits to config.toml; a running daemon takes them at once."""
    from localrouter.cli._detached import running
    from localrouter.config.edit import set_budgets
    from localrouter.config.paths import Paths
    from localrouter.core.errors import BadRequest

    if day is None and month is None:
        raise BadRequest("No limit was given.", "Pass --day USD, --month USD, or both.")
    paths = Paths.default()
    paths.ensure()
    file = set_budgets(paths, {k: v for k, v in (("day_usd", day), ("month_usd", month)) if v is not None})
    client = running(paths)
    if client is not None:
        client.post("reload")
    click.echo(f"Written to {file}" + (" and in force." if client else "; the next start uses it."))
    return 0
