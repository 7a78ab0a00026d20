"""`localrouter up`: start the daemon, in the foreground or detached."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--detach", "-d", is_flag=True, help="Start in the background and return when it listens.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="The port on 127.0.0.1 (0: any free one). Default: the setting, 8642."
)
@click.option("--local", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.gguf", help="The local chat model.")
@click.option("--recipe", metavar="NAME", help="The recipe: balanced, offline, or one of yours.")
def command(detach: bool, port: int | None, local: Path | None, recipe: str | None) -> int:
    """Start the daemon on 127.0.0.1."""
    overrides = {"port": port, "local": str(local.absolute()) if local else None, "recipe": recipe}
    given = {k: v for k, v in overrides.items() if v is not None}
    if detach:
        from localrouter.cli._detached import start

        return start(given)
    from localrouter.cli.token import settings_text
    from localrouter.daemon import serve
    from localrouter.keys.client_tokens import Tokens

    def announce(base: str, tokens: Tokens) -> None:
        if tokens.fresh:
            click.echo(settings_text(base, tokens.client.reveal()))
        else:
            click.echo(f"localrouter listens on {base}. `localrouter token show` prints the settings for editors.")

    return serve.main(given, announce=announce)
