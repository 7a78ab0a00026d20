"""Provider keys: the environment first, then the OS keyring through the keeper child. A key belongs to one origin.

The daemon waits QUICK_S for the keyring (it may be locked and asking) and leaves the child; `keys set` and `keys test` wait
PATIENT_S (DESIGN section 2).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable

from localrouter.config.paths import SAFE
from localrouter.core.errors import LaneFault
from localrouter.core.secret import Secret

QUICK_S, PATIENT_S = 2.0, 120.0


class KeyringWaiting(LaneFault):
    """The keyring did not answer in time; it may be locked."""

    code, retryable = "waiting_for_keyring", True


class KeyringMissing(LaneFault):
    """There is no keyring on this machine, or it failed."""

    code = "no_keyring"


async def _keeper(verb: str, names: Iterable[str], value: str = "") -> tuple[int, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, *SAFE, "-m", "localrouter.keys.keeper", verb, *names,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(child.communicate(value.encode()), PATIENT_S)
    except TimeoutError:
        raise KeyringWaiting("Your keyring did not answer in time.", "Unlock it, or set the key in the environment.") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode or 0, out.decode()


def _name(origin: str) -> str:
    return f"localrouter:{origin}"


def from_environment(env: str) -> Secret | None:
    """The key that the environment holds under this name."""
    value = os.environ.get(env, "").strip() if env else ""
    return Secret(value) if value else None


async def from_keyring(origins: Iterable[str]) -> dict[str, Secret]:
    """The stored keys of these origins, by one child. Raises KeyringWaiting, KeyringMissing."""
    wanted = list(origins)
    if not wanted:
        return {}
    code, out = await _keeper("get", [_name(o) for o in wanted])
    if code:
        raise KeyringMissing("There is no usable keyring on this machine.", "Set the keys in the environment instead.")
    tree = json.loads(out)
    return {o: Secret(tree[_name(o)]) for o in wanted if tree.get(_name(o))}


async def store(origin: str, key: Secret) -> None:
    """Into the keyring. Raises KeyringWaiting, KeyringMissing."""
    code, _ = await _keeper("set", [_name(origin)], key.reveal())
    if code:
        raise KeyringMissing("There is no usable keyring on this machine.", "Set the key in the environment instead.")


async def remove(origin: str) -> bool:
    """Whether there was one."""
    code, _ = await _keeper("rm", [_name(origin)])
    return code == 0
