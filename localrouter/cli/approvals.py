"""`localrouter approvals`: tool calls that wait for a person, and the answer to them."""

from __future__ import annotations

import click

from localrouter.cli._options import json_option


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    """Show the tool calls that wait for you, and allow or deny them.

    A recipe says which calls wait: `[route.tools] ask`. A call that nobody allows in its time is refused.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from localrouter.cli import _show
    from localrouter.daemon.client import Client

    rows = Client().get("approvals")["approvals"]
    if as_json:
        _show.emit_json(rows)
        return 0
    if not rows:
        click.echo("Nothing waits.")
        return 0
    for row in rows:
        click.echo(_show.clean(f"{row['id']}  until {_show.clock(row['until'])}  {row['model']}, route '{row['route']}'"))
        for call in row["calls"]:
            click.echo(_show.clean(f"        {call['tool']}: {call['arguments']}"))
    click.echo("Answer: localrouter approvals allow ID, or: localrouter approvals deny ID")
    return 0


def _answer(id_: str, allow: bool) -> int:
    from localrouter.daemon.client import Client

    Client().post(f"approvals/{id_}", allow="yes" if allow else "no")
    click.echo(f"{id_}: {'allowed' if allow else 'denied'}.")
    return 0


@command.command()
@click.argument("approval", metavar="ID")
def allow(approval: str) -> int:
    """Let the calls be made."""
    return _answer(approval, True)


@command.command()
@click.argument("approval", metavar="ID")
def deny(approval: str) -> int:
    """Refuse them: the client is told so."""
    return _answer(approval, False)
