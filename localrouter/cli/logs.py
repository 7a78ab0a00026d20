"""`localrouter logs`: the end of the daemon's log. It never holds prompts or keys."""

from __future__ import annotations

import time
from collections import deque

import click


@click.command()
@click.option("--lines", "-n", type=click.IntRange(1, 100_000), default=40, show_default=True, help="How many lines.")
@click.option("--follow", "-f", is_flag=True, help="Go on as it grows.")
def command(lines: int, follow: bool) -> int:
    """Print the end of the log of a detached daemon."""
    from localrouter.cli._detached import log_file
    from localrouter.config.paths import Paths

    file = log_file(Paths.default())
    if not file.is_file():
        click.echo(f"There is no log at {file}: `localrouter up --detach` writes one.", err=True)
        return 1
    with file.open(encoding="utf-8", errors="replace") as log:
        click.echo("".join(deque(log, maxlen=lines)), nl=False)
        while follow:
            line = log.readline()
            if line:
                click.echo(line, nl=False)
            else:
                time.sleep(0.2)
    return 0
