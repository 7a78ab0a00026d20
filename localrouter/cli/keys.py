"""`localrouter keys`: provider keys in the OS keyring. A key is read from a prompt or from stdin, never from the command line."""

from __future__ import annotations

import sys

import click

from localrouter.cli._options import json_option


@click.group()
def command() -> None:
    """Store, list, test and remove provider keys."""


@command.command(name="set")
@click.argument("host")
def set_(host: str) -> int:
    """Store the key of HOST (openai, anthropic ...); it is asked for, or read from stdin when that is not a terminal."""
    import asyncio

    from localrouter.cli._hosts import named
    from localrouter.core.errors import BadRequest
    from localrouter.core.secret import Secret
    from localrouter.keys import provider_keys

    found = named(host)
    if not found.key_env:
        raise BadRequest(f"The host {found.name} needs no key.", "Use it as it is.")
    raw = click.prompt(f"Key of {found.name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    key = Secret(raw.strip())
    if not key:
        raise BadRequest("The key is empty.", "Paste it at the prompt, or pipe it in.")
    asyncio.run(provider_keys.store(found.origin, key))
    _tell_daemon()
    click.echo(f"Stored for {found.origin}. Try it with `localrouter keys test {found.name}`.")
    return 0


@command.command(name="list")
@json_option
def list_(as_json: bool) -> int:
    """Say which hosts have a key, and where it lies. No key is printed."""
    import asyncio

    from localrouter.cli import _show
    from localrouter.cli._hosts import hosts
    from localrouter.core.errors import RouterError
    from localrouter.keys import provider_keys

    wanted = [h for h in hosts().values() if h.key_env]
    from_env = {h.name for h in wanted if provider_keys.from_environment(h.key_env) is not None}
    why = ""
    stored: set[str] = set()
    try:
        found = asyncio.run(provider_keys.from_keyring(h.origin for h in wanted))
        stored = {h.name for h in wanted if h.origin in found}
    except RouterError as exc:
        why = exc.text
    rows = [
        (h.name, h.origin, "environment" if h.name in from_env else "keyring" if h.name in stored else "-", h.key_env)
        for h in wanted
    ]
    if as_json:
        _show.emit_json(
            {
                "keys": [{"host": n, "origin": o, "from": "" if f == "-" else f, "env": e} for n, o, f, e in rows],
                "keyring": why or "ok",
            }
        )
        return 0
    _show.table(("host", "origin", "key from", "variable"), rows)
    if why:
        click.echo(why, err=True)
    return 0


@command.command()
@click.argument("host")
@json_option
def test(host: str, as_json: bool) -> int:
    """Ask HOST for its list of models with the stored key (needs the daemon)."""
    from localrouter.cli import _show
    from localrouter.daemon.client import Client

    tree = Client(timeout=150).post("keys/test", host=host)
    if as_json:
        _show.emit_json(tree)
    elif tree["ok"]:
        click.echo(f"{host} accepted the key ({tree['ms']} ms).")
    elif tree["status"] in (401, 403):
        click.echo(
            f"{host} refused the key (status {tree['status']}). Store another with `localrouter keys set {host}`.", err=True
        )
    else:
        click.echo(f"{host} answered with status {tree['status']}. Try again later.", err=True)
    return 0 if tree["ok"] else 1


@command.command()
@click.argument("host")
def rm(host: str) -> int:
    """Remove the key of HOST from the keyring."""
    import asyncio

    from localrouter.cli._hosts import named
    from localrouter.keys import provider_keys

    found = named(host)
    gone = asyncio.run(provider_keys.remove(found.origin))
    _tell_daemon()
    click.echo(f"The key of {found.name} is removed." if gone else f"The keyring had no key of {found.name}.")
    return 0


def _tell_daemon() -> None:
    from localrouter.cli._detached import running
    from localrouter.config.paths import Paths

    client = running(Paths.default())
    if client is not None:
        client.post("keys/refresh")
