"""`localrouter keys`: provider keys in the OS keyring, or in a file for those who ask for one. A key is read from a prompt or from
stdin, never from the command line."""

from __future__ import annotations

import sys
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

from localrouter.cli._options import json_option

T = TypeVar("T")

POLL_S = 1.0
"""Seconds between two questions to a daemon whose keyring has not answered."""


@click.group()
def command() -> None:
    """Store, list, test and remove provider keys.

    A key is looked for in the environment variable of its host, then in your OS keyring, then in a systemd credential
    (localrouter-HOST), then in a file, if you chose one with `use-file`.
    """


@command.command(name="set", context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("rest", nargs=-1, type=click.UNPROCESSED, metavar="")
def set_(host: str, rest: tuple[str, ...]) -> int:
    """Store the key of HOST (openai, anthropic ...); it is asked for, or read from stdin when that is not a terminal."""
    from localrouter.cli._hosts import named
    from localrouter.config.paths import Paths
    from localrouter.core.errors import BadRequest
    from localrouter.keys import provider_keys, text

    if rest:
        raise BadRequest(
            "A key on the command line is seen by other programs and stays in your shell's history, so it was not stored.",
            f"Run `localrouter keys set {host}` and paste it at the prompt; renew a key that you have shown this way.",
        )
    found = named(host)
    if not found.key_env:
        raise BadRequest(f"The host {found.name} needs no key.", "Use it as it is.")
    raw = click.prompt(f"Key of {found.name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not raw.strip():
        raise BadRequest("The key is empty.", "Paste it at the prompt, or pipe it in.")
    key = text.key_in(raw)
    if key is None:
        raise BadRequest("That is no key: it holds spaces or characters that no header can carry.", "Copy it again.")
    where = _patiently(provider_keys.store(found, key, Paths.default()))
    _tell_daemon()
    click.echo(f"Stored in the {where} for {found.origin}. Try it with `localrouter keys test {found.name}`.")
    if provider_keys.of_variable(found) is not None:
        click.echo(f"{found.key_env} is set in this shell; a daemon started here uses that one first.", err=True)
    return 0


@command.command(name="list")
@json_option
def list_(as_json: bool) -> int:
    """Say which hosts have a key, and where it comes from. No key is printed."""
    from localrouter.cli import _show

    tree = _sources()
    if as_json:
        _show.emit_json(tree)
        return 0
    _show.table(
        ("host", "origin", "key from", "variable"), [(k["host"], k["origin"], k["from"] or "-", k["env"]) for k in tree["keys"]]
    )
    for key in tree["keys"]:
        if key["note"]:
            click.echo(_show.clean(key["note"]), err=True)
    if tree["keyring"] != "ok":
        click.echo(f"Keyring: {_show.clean(tree['keyring'])}", err=True)
    if tree["seen_by"] == "shell":
        click.echo("This is what a daemon started in this shell would find.", err=True)
    return 0


def _sources() -> dict[str, Any]:
    """What the running daemon uses: its environment and its credentials are not this shell's. Else what this shell would find."""
    import asyncio

    from localrouter.cli._detached import running
    from localrouter.cli._hosts import hosts
    from localrouter.config.paths import Paths
    from localrouter.daemon.client import Refused
    from localrouter.keys import provider_keys

    client = running(Paths.default())
    if client is not None:
        try:
            return {**client.get("keys"), "seen_by": "daemon"}
        except Refused as exc:
            if exc.status != 404:  # a daemon of an older version does not know the question
                raise
    wanted = [h for h in hosts().values() if h.key_env]
    return {**asyncio.run(provider_keys.survey(wanted, Paths.default())), "seen_by": "shell"}


@command.command()
@click.argument("host")
@json_option
def test(host: str, as_json: bool) -> int:
    """Ask HOST for its list of models with the stored key (needs the daemon)."""
    from localrouter.cli import _show

    tree = _tested(host)
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


def _tested(host: str) -> dict[str, Any]:
    """The daemon's answer. While its keyring has not answered, ask again: the user may be typing a password."""
    from localrouter.daemon.client import Client, Refused
    from localrouter.keys.keyring_call import PATIENT_S, KeyringWaiting

    client = Client(timeout=150)
    end = time.monotonic() + PATIENT_S
    told = False
    while True:
        try:
            return client.post("keys/test", host=host)
        except Refused as exc:
            if exc.code != KeyringWaiting.code or time.monotonic() > end:
                raise
        if not told:
            _waiting()
            told = True
        time.sleep(POLL_S)


@command.command()
@click.argument("host")
def rm(host: str) -> int:
    """Remove the key of HOST, a host's name or an origin (https://...) that a key was stored for."""
    from localrouter.cli._hosts import named
    from localrouter.config.paths import Paths
    from localrouter.keys import key_file, provider_keys

    paths = Paths.default()
    found = None if "://" in host else named(host)
    origin = found.origin if found else host
    gone = _patiently(provider_keys.remove(origin, paths))
    _tell_daemon()
    where = provider_keys.FILE if key_file.chosen(paths) else provider_keys.KEYRING
    click.echo(f"The key for {origin} is removed from the {where}." if gone else f"The {where} had no key for {origin}.")
    if found and provider_keys.of_variable(found) is not None:
        click.echo(f"{found.key_env} is still set in this shell; a daemon started here uses it.", err=True)
    return 0


@command.command(name="use-file")
@click.option("--yes", is_flag=True, help="Do not ask.")
def use_file(yes: bool) -> int:
    """Keep keys in a plain text file instead of the keyring. It says what that means, and asks."""
    from localrouter.config.paths import Paths
    from localrouter.core.errors import BadRequest
    from localrouter.keys import key_file

    paths = Paths.default()
    file = key_file.path(paths)
    if key_file.chosen(paths):
        click.echo(f"Keys are kept in {file} already. `localrouter keys use-keyring` goes back.")
        return 0
    click.echo(
        f"Keys that you store from now on will lie in {file} as plain text, readable by your user only (mode 0600).\n"
        "Every program that runs as you can read them, and so can whoever gets a backup or an unencrypted disk.\n"
        "A keyring encrypts them under your login; use the file where there is none, or where it cannot be unlocked.\n"
        "Keys in your keyring stay there and are not read. `localrouter keys use-keyring` goes back."
    )
    if not yes:
        if not sys.stdin.isatty():
            raise BadRequest("Nothing was changed: nobody is at a terminal to agree.", "Add --yes if this is what you want.")
        if not click.confirm("Keep keys in this file?"):
            click.echo("Nothing was changed.")
            return 1
    key_file.use_file(paths)
    _tell_daemon()
    click.echo("Done. Store a key with `localrouter keys set HOST`.")
    return 0


@command.command(name="use-keyring")
@click.option("--discard", is_flag=True, help="Remove the file and its keys without moving them.")
def use_keyring(discard: bool) -> int:
    """Go back to the keyring: move the file's keys into it and remove the file."""
    from localrouter.config.paths import Paths
    from localrouter.core.errors import RouterError
    from localrouter.keys import key_file, provider_keys

    paths = Paths.default()
    if not key_file.chosen(paths):
        click.echo("Keys are kept in your keyring already.")
        return 0
    if discard:
        key_file.drop(paths)
        said = "The file and the keys in it are removed."
    else:
        try:
            moved = _patiently(provider_keys.move_to_keyring(paths))
        except RouterError as exc:
            raise type(exc)(
                f"{exc.message} The file stays as it is.", "Mend that and try again, or remove file and keys with --discard."
            ) from None
        said = f"{moved} {'key' if moved == 1 else 'keys'} moved to your keyring; the file is removed."
    _tell_daemon()
    click.echo(said)
    return 0


def _patiently(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end; say what is waited for when the keyring does not answer at once."""
    import asyncio

    from localrouter.keys.keyring_call import QUICK_S

    async def said() -> T:
        timer = asyncio.get_running_loop().call_later(QUICK_S, _waiting)
        try:
            return await work
        finally:
            timer.cancel()

    return asyncio.run(said())


def _waiting() -> None:
    from localrouter.keys.keyring_call import PATIENT_S

    click.echo(f"Waiting for your keyring, {PATIENT_S:.0f} seconds at most. Unlock it if it asks.", err=True)


def _tell_daemon() -> None:
    from localrouter.cli._detached import running
    from localrouter.config.paths import Paths

    client = running(Paths.default())
    if client is not None:
        client.post("keys/refresh")
