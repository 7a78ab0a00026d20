"""`localrouter token`: the token that clients show, with settings ready to paste."""

from __future__ import annotations

import click


def settings_text(base: str, token: str) -> str:
    """What a new user pastes into editors and scripts."""
    return f"""localrouter is ready. Point a client at it:

  OpenAI SDKs and CLIs    export OPENAI_BASE_URL={base}/v1
                          export OPENAI_API_KEY={token}
  Editors (base URL, key) {base}/v1   {token}
  Clients without a key   {base}/t/{token}/v1

Use the model `localrouter/auto` to leave the choice to your recipe. The token opens this machine's daemon only.
`localrouter token show` prints this again; `localrouter keys set openai` stores a provider key in your keyring.
"""


def _base() -> str:
    from localrouter.config.paths import Paths
    from localrouter.config.settings import load_settings
    from localrouter.daemon.client import DaemonDown, address

    paths = Paths.default()
    try:
        return address(paths).base
    except DaemonDown:
        return f"http://127.0.0.1:{load_settings(paths).port}"


@click.group()
def command() -> None:
    """Show or renew the token that clients use."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="JSON, for scripts.")
@click.option("--control", is_flag=True, help="The control token instead (CLI, TUI; it reads traces and stops the daemon).")
def show(as_json: bool, control: bool) -> int:
    """Print the token and ready-to-paste settings."""
    from localrouter.cli import _show
    from localrouter.config.paths import Paths
    from localrouter.keys import client_tokens

    paths = Paths.default()
    paths.ensure()
    tokens = client_tokens.ensure(paths)
    token = (tokens.control if control else tokens.client).reveal()
    if as_json:
        _show.emit_json({"base_url": f"{_base()}/v1", "token": token})
    elif control:
        click.echo(token)
    else:
        click.echo(settings_text(_base(), token))
    return 0


@command.command()
def new() -> int:
    """Make new tokens; the old ones end when the daemon restarts."""
    from localrouter.cli._detached import running
    from localrouter.config.paths import Paths
    from localrouter.keys import client_tokens

    paths = Paths.default()
    paths.ensure()
    was_up = running(paths)
    if was_up is not None:
        from localrouter.core.errors import BadRequest

        raise BadRequest(
            "The running daemon still holds the old tokens.",
            "Run `localrouter down`, then `localrouter token new`, then start it again.",
        )
    tokens = client_tokens.ensure(paths, renew=True)
    click.echo(settings_text(_base(), tokens.client.reveal()))
    return 0
