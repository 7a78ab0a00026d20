"""Provider keys: the environment first, then the OS keyring through the keeper child. A key belongs to one origin.

The daemon waits 2 s for the keyring (it may be locked and asking); `keys set` and `keys test` wait 120 s (DESIGN section 2).
"""

from __future__ import annotations

import asyncio
import os
import sys

from localrouter.core.errors import LaneFault
from localrouter.core.secret import Secret

QUICK_S, PATIENT_S = 2.0, 120.0


class KeyringWaiting(LaneFault):
    """The keyring did not answer in time; it may be locked."""

    code, retryable = "waiting_for_keyring", True


class KeyringMissing(LaneFault):
    """There is no keyring on this machine, or it failed."""

    code = "no_keyring"


async def _keeper(verb: str, name: str, value: str, wait: float) -> tuple[int, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "localrouter.keys.keeper", verb, name,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(child.communicate(value.encode()), wait)
    except TimeoutError:
        child.kill()
        await child.wait()
        raise KeyringWaiting("Your keyring did not answer in time.", "Unlock it, or set the key in the environment.") from None
    return child.returncode or 0, out.decode()


async def find(host: str, origin: str, env: str, *, wait: float = QUICK_S) -> Secret | None:
    """The key for this origin, or None. Raises KeyringWaiting."""
    if env and os.environ.get(env):
        return Secret(os.environ[env])
    if not env:
        return None
    code, out = await _keeper("get", f"localrouter:{origin}", "", wait)
    return Secret(out) if code == 0 and out else None


async def store(origin: str, key: Secret) -> None:
    """Into the keyring. Raises KeyringWaiting, KeyringMissing."""
    code, _ = await _keeper("set", f"localrouter:{origin}", key.reveal(), PATIENT_S)
    if code:
        raise KeyringMissing("There is no usable keyring on this machine.", "Set the key in the environment instead.")


async def remove(origin: str) -> bool:
    """Whether there was one."""
    code, _ = await _keeper("rm", f"localrouter:{origin}", "", PATIENT_S)
    return code == 0
