"""`localrouter down`: stop the daemon when its calls are settled."""

from __future__ import annotations

import click


@click.command()
def command() -> int:
    """Stop the daemon; running calls are settled first."""
    from localrouter.cli._detached import stop
    from localrouter.config.paths import Paths

    click.echo("localrouter is stopped." if stop(Paths.default()) else "localrouter was not running.")
    return 0
