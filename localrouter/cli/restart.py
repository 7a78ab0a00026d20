"""`localrouter restart`: down, and up --detach with what it was started with."""

from __future__ import annotations

import click


@click.command()
def command() -> int:
    """Stop the daemon and start it detached, with the options it had."""
    from localrouter.cli._detached import running, start, stop
    from localrouter.config.paths import Paths
    from localrouter.config.settings import load_settings

    paths = Paths.default()
    load_settings(paths)  # a fault in config.toml is said before the daemon that runs is stopped
    client = running(paths)
    overrides = client.at.overrides if client else {}
    stop(paths)
    return start(overrides)
