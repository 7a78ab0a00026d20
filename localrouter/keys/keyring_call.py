"""A call of the keyring, seen from the parent: start the keeper with an allow-listed environment, wait a while, read its answer.

Law: the daemon never imports keyring and never waits for it without a limit; the keeper never sees a provider key that it was not
asked to keep (DESIGN section 2). A Secret Service can wait for ever on a prompt that nobody sees, which is why this is a child.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from localrouter.config.paths import SAFE
from localrouter.core.errors import LaneFault
from localrouter.keys import keeper

QUICK_S, PATIENT_S = 2.0, 120.0
"""Seconds that a request or a list waits, and that a person waits who was told to unlock it (DESIGN section 2)."""

_INSTEAD = "set the key's environment variable, or see `localrouter keys use-file`"

_ALLOWED = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV",
        "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH",
        "SYSTEMROOT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "USERNAME", "TEMP", "TMP",
        # to find the keyring, and to let it show its prompt
        "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "GNOME_KEYRING_CONTROL",
        "KDE_FULL_SESSION", "KDE_SESSION_VERSION", "KDE_SESSION_UID",
        # to choose it; both are keyring's own names
        "PYTHON_KEYRING_BACKEND",
    }
)  # fmt: skip
_ALLOWED_HEADS = ("LC_", "XDG_", "KEYRING_PROPERTY_")


class KeyringWaiting(LaneFault):
    """The keyring did not answer in time; it may be locked."""

    code, retryable = "waiting_for_keyring", True


class KeyringLocked(LaneFault):
    """The keyring is locked, and nobody unlocked it. `quiet`: it can be asked again without a prompt."""

    code, retryable = "keyring_locked", True
    quiet = False


class KeyringMissing(LaneFault):
    """There is no keyring on this machine, it is not usable, or it failed."""

    code = "no_keyring"


def environment() -> dict[str, str]:
    """What the keeper gets. Empty variables are left out: keyring takes an empty backend name for a name."""
    return {k: v for k, v in os.environ.items() if v and (k in _ALLOWED or k.startswith(_ALLOWED_HEADS))}


async def ask(verb: str, names: Iterable[str], value: str = "", *, wait: float = PATIENT_S) -> dict[str, Any] | None:
    """The keeper's answer; None when there is no such key. Raises KeyringWaiting, KeyringLocked, KeyringMissing."""
    try:
        child = await _started(verb, *names)
    except OSError as exc:  # no process left, or Python was replaced under a running daemon
        raise KeyringMissing(f"Your keyring could not be asked ({exc.strerror}).", f"Instead, {_INSTEAD}.") from None
    try:
        out, _ = await asyncio.wait_for(child.communicate(value.encode()), wait)
    except TimeoutError:
        raise KeyringWaiting(
            f"Your keyring did not answer within {wait:.0f} seconds; it may be locked, or be asking you.",
            f"Unlock it and try again, {_INSTEAD}.",
        ) from None
    finally:
        await _ended(child)
    if child.returncode == keeper.DONE:
        return dict(json.loads(out))
    if child.returncode == keeper.NONE:
        return None
    raise _fault(child.returncode or 0, out)


async def _started(*words: str) -> asyncio.subprocess.Process:
    made = asyncio.create_task(
        asyncio.create_subprocess_exec(
            sys.executable, *SAFE, "-m", "localrouter.keys.keeper", *words, env=environment(),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )
    )  # fmt: skip
    try:
        return await asyncio.shield(made)
    except asyncio.CancelledError:
        # Cancelled half-way, asyncio (Python 3.11) waits for ever for pipes that it has not connected yet: so it is made, then ended.
        await _ended(await made)
        raise


async def _ended(child: asyncio.subprocess.Process) -> None:
    """Kill it if it runs, and wait for its end, but not for what may hold its pipes open."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await child.wait()


def _fault(code: int, out: bytes) -> LaneFault:
    try:
        tree = dict(json.loads(out))
    except ValueError:  # it died before it could answer
        tree = {}
    if code == keeper.LOCKED:
        fault = KeyringLocked("Your keyring is locked.", f"Unlock it and try again, {_INSTEAD}.")
        fault.quiet = bool(tree.get("quiet"))
        return fault
    kind = str(tree.get("kind", ""))
    kind = kind if re.fullmatch(r"[A-Za-z_]{1,60}", kind) else f"code {code}"
    what = {
        keeper.NO_KEYRING: "There is no usable keyring on this machine.",
        keeper.OFF: "The keyring is switched off: PYTHON_KEYRING_BACKEND or keyringrc.cfg chooses the null backend.",
        keeper.PLAIN: "The chosen keyring backend keeps keys as plain text, so it is not used.",
    }.get(code, f"Your keyring failed ({kind}).")
    return KeyringMissing(what, f"Use another, {_INSTEAD}." if code in (keeper.OFF, keeper.PLAIN) else f"Instead, {_INSTEAD}.")
