"""Provider keys: where they lie and in which order they are looked for. Each belongs to one origin (see `binding`).

1. the environment variable that the host names (`key_env`);
2. the OS keyring, through the keeper child;
3. a systemd credential, `$CREDENTIALS_DIRECTORY/localrouter-<host>`;
4. a 0600 file, only after `localrouter keys use-file`; it then takes the keyring's place (see `key_file`).

It remembers nothing; `remembered` does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localrouter.config.paths import Paths
from localrouter.core.catalogue import Host
from localrouter.core.errors import BadRequest, NoKey, RouterError
from localrouter.core.secret import Secret
from localrouter.keys import credentials, key_file, keyring_call
from localrouter.keys.binding import bound, variable_is_for
from localrouter.keys.keyring_call import QUICK_S
from localrouter.keys.text import key_in

ENVIRONMENT, KEYRING, CREDENTIAL, FILE = "environment", "keyring", "systemd credential", "file"


@dataclass(frozen=True, slots=True)
class Found:
    """A key, and which of the four places it comes from."""

    key: Secret
    source: str


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies outside the keyring: credentials by host name, the key file by bound name, and what is wrong with that file."""

    credentials: Mapping[str, Secret] = field(default_factory=dict)
    in_file: Mapping[str, Secret] = field(default_factory=dict)
    file_chosen: bool = False
    why: str = ""


def from_environment(env: str) -> Secret | None:
    """The key that the environment holds under this name."""
    return key_in(os.environ.get(env, "")) if env else None


def of_variable(host: Host) -> Secret | None:
    """The key in the host's variable, if that variable is for this origin."""
    return from_environment(host.key_env) if variable_is_for(host) else None


async def from_keyring(origins: Iterable[str], *, prompt: bool = False, wait: float = QUICK_S) -> dict[str, Secret]:
    """The stored keys of these origins, by one child. `prompt`: it may ask the user to unlock it.
    Raises KeyringWaiting, KeyringLocked, KeyringMissing."""
    names = {origin: name for origin in origins if (name := bound(origin)) is not None}
    if not names:
        return {}
    tree = await keyring_call.ask("get" if prompt else "peek", dict.fromkeys(names.values()), wait=wait)
    values = (tree or {}).get("values", {})
    found = {origin: key_in(values.get(name) or "") for origin, name in names.items()}
    return {origin: key for origin, key in found.items() if key is not None}


def beside(hosts: Iterable[Host], paths: Paths) -> Beside:
    """The credentials and the key file, read now. A file that is not to be trusted is a sentence in `why`."""
    found = {h.name: key for h in hosts if (key := credentials.read(h)) is not None}
    try:
        return Beside(found, key_file.read(paths), key_file.chosen(paths))
    except RouterError as exc:
        return Beside(found, file_chosen=True, why=exc.text)


def find(host: Host, stored: Mapping[str, Secret], rest: Beside) -> Found | None:
    """The first key in the order above. `stored`: what the keyring answered, by origin as the host writes it."""
    for source, key in (
        (ENVIRONMENT, of_variable(host)),
        (KEYRING, stored.get(host.origin)),
        (CREDENTIAL, rest.credentials.get(host.name)),
        (FILE, rest.in_file.get(bound(host.origin) or "")),
    ):
        if key is not None:
            return Found(key, source)
    return None


def note(host: Host) -> str:
    """What is odd about this host's keys: a variable that is set and may not be used."""
    raw = os.environ.get(host.key_env, "").strip() if host.key_env else ""
    if bound(host.origin) is None:
        return f"The origin {host.origin} gets no key: it is not a plain https address."
    if not raw:
        return ""
    if not variable_is_for(host):
        return f"{host.key_env} is set but belongs to another origin than {host.origin}, so it is not used."
    if key_in(raw) is None:
        return f"{host.key_env} is set but is no key: it holds spaces or characters that no header can carry."
    return ""


def no_key(host: Host) -> NoKey:
    """There is none for this origin, and what to do."""
    odd = note(host)
    what = f"There is no key for {host.name} at this origin, {host.origin}."
    setting = f", or set {host.key_env} before `localrouter up`" if host.key_env and variable_is_for(host) else ""
    return NoKey(
        f"{what} {odd}".strip(), f"A key belongs to one origin; store one with `localrouter keys set {host.name}`{setting}."
    )


def rows(hosts: Iterable[Host], stored: Mapping[str, Secret], rest: Beside) -> list[dict[str, str]]:
    """For people: each host that needs a key, where its key comes from, and what is odd. No key is in it."""
    listed = []
    for host in hosts:
        found = find(host, stored, rest)
        listed.append(
            {
                "host": host.name,
                "origin": host.origin,
                "from": found.source if found else "",
                "env": host.key_env,
                "note": note(host),
            }
        )
    return listed


async def survey(hosts: Iterable[Host], paths: Paths) -> dict[str, Any]:
    """`rows` as this process sees them, and the state of the keyring: "ok" or a sentence. It never prompts."""
    wanted = list(hosts)
    rest, stored, why = beside(wanted, paths), {}, ""
    if rest.file_chosen:
        why = rest.why or f"It is not asked: you chose the file {key_file.path(paths)}."
    else:
        try:
            stored = await from_keyring(h.origin for h in wanted)
        except RouterError as exc:
            why = exc.text
    return {"keys": rows(wanted, stored, rest), "keyring": why or "ok"}


async def store(host: Host, key: Secret, paths: Paths) -> str:
    """Keep it for the host's origin, in the keyring or in the file that the user chose; which of the two.
    Raises BadRequest, KeyringWaiting, KeyringLocked, KeyringMissing, KeyFileFault."""
    name = bound(host.origin)
    if name is None:
        raise BadRequest(note(host), "Correct the host's origin in config.toml.")
    if key_file.chosen(paths):
        key_file.put(paths, name, key)
        return FILE
    await keyring_call.ask("set", [name], key.reveal())
    return KEYRING


async def remove(origin: str, paths: Paths) -> bool:
    """From the place where `store` keeps keys now; whether there was one. Raises as `store`."""
    name = bound(origin)
    if name is None:
        return False
    if key_file.chosen(paths):
        return key_file.remove(paths, name)
    return await keyring_call.ask("rm", [name]) is not None


async def move_to_keyring(paths: Paths) -> int:
    """The file's keys into the keyring, then the file is removed; how many. If one cannot be moved, all stay. Raises as `store`."""
    keys = key_file.read(paths)
    for name, key in keys.items():
        await keyring_call.ask("set", [name], key.reveal())
    key_file.drop(paths)
    return len(keys)
