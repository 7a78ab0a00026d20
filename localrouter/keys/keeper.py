"""The keeper: a short-lived child that makes one keyring call. The only import of keyring.

`python -m localrouter.keys.keeper get|peek NAME...|set NAME|rm NAME`. `get` may make the keyring ask the user to unlock it, `peek`
may not, where that can be known beforehand (a Secret Service). A value comes on stdin and leaves on stdout, never on a command line.
The answer is one JSON object on stdout: `{"values": {name: value or null}}` for get and peek, `{"kind": error's name}` for FAILED,
`{"quiet": whether asking again is sure to disturb nobody}` for LOCKED. Nothing else is written: a backend's own words may quote
what it was given.
Exit codes: see the constants.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import sys
from typing import Any

SERVICE = "localrouter"
DONE, NONE, NO_KEYRING, FAILED, LOCKED, PLAIN, OFF = 0, 3, 4, 5, 6, 7, 8
"""Done; there is no such key; no keyring on this machine; it failed; it is locked and stayed so; it would keep keys as plain text;
it is switched off (the null backend)."""
BUS_S = 60.0
"""Seconds in which the session bus must let us in. The library's own limit is one, which a busy machine exceeds (seen at a load of 14 on two
cores), and then it says that there is no keyring at all."""
LIFE_S = 150
"""Seconds after which the keeper ends itself: a daemon that was killed cannot end the child of a keyring that hangs."""

Answer = tuple[int, dict[str, Any]]


def answer(verb: str, names: list[str], value: str = "") -> Answer:
    """One keyring call: (exit code, the JSON object)."""
    import keyring.errors

    try:
        return _call(verb, names, value)
    except keyring.errors.NoKeyringError:
        return NO_KEYRING, {}
    except keyring.errors.PasswordDeleteError:
        return NONE, {}
    except keyring.errors.KeyringLocked:
        return LOCKED, {"quiet": False}
    except Exception as exc:
        # The name of the class only: its words may quote a key.
        return FAILED, {"kind": type(exc).__name__}


def _call(verb: str, names: list[str], value: str) -> Answer:
    from keyring import core
    from keyring.backends import fail, null
    from keyring.errors import KeyringLocked

    _be_patient()
    # Backends that keyring itself does not recommend (priority below 1) are not used unless the user chose one by name.
    core.init_backend(limit=lambda backend: core.recommended(backend) and not _plain(backend))
    backend = core.get_keyring()
    if _plain(backend):
        return PLAIN, {}
    if isinstance(backend, null.Keyring):
        return OFF, {}
    if isinstance(backend, fail.Keyring):
        return NO_KEYRING, {}
    secret_service = any(type(b).__module__ == "keyring.backends.SecretService" for b in getattr(backend, "backends", [backend]))
    if verb in ("get", "peek"):
        state = _secret_service() if secret_service else "open"
        if state == "none":
            # Reading would make it ask the user for the password of a new keyring.
            return DONE, {"values": dict.fromkeys(names)}
        if state == "locked" and verb == "peek":
            return LOCKED, {"quiet": True}
        try:
            return DONE, {"values": {name: backend.get_password(SERVICE, name) for name in names}}
        except KeyringLocked:
            return LOCKED, {"quiet": secret_service}
    if verb == "rm":
        backend.delete_password(SERVICE, names[0])
        return DONE, {}
    backend.set_password(SERVICE, names[0], value)
    # A backend that takes a key and keeps none must not be believed.
    return (DONE, {}) if backend.get_password(SERVICE, names[0]) == value else (FAILED, {"kind": "NotKept"})


def _be_patient() -> None:
    """Give the session bus BUS_S instead of jeepney's second; where there is no Secret Service, there is nothing to do."""
    try:
        import secretstorage
    except ImportError:
        return
    own = vars(secretstorage)
    if not isinstance(own["open_dbus_connection"], functools.partial):
        own["open_dbus_connection"] = functools.partial(own["open_dbus_connection"], auth_timeout=BUS_S)


def _plain(backend: Any) -> bool:
    """keyrings.alt and its like bring backends that write plain text files without a word."""
    return any("plaintext" in kind.__name__.lower() for kind in type(backend).__mro__)


def _secret_service() -> str:
    """Its default collection: "open", "locked", "none". Asks nobody."""
    import secretstorage
    from secretstorage.exceptions import ItemNotFoundException

    with contextlib.closing(secretstorage.dbus_init()) as bus:
        try:
            return "locked" if secretstorage.get_collection_by_alias(bus, "default").is_locked() else "open"
        except ItemNotFoundException:
            return "none"


def _alone() -> None:
    """End by itself after LIFE_S, and leave no memory image when it crashes."""
    if sys.platform == "win32":
        import threading

        timer = threading.Timer(LIFE_S, os._exit, (FAILED,))
        timer.daemon = True
        timer.start()
    else:
        import resource

        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIFE_S)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(argv: list[str]) -> int:
    """Read the value, answer, end. What a backend prints goes nowhere."""
    _alone()
    ours = os.dup(1)
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 1)
    os.dup2(void, 2)
    verb, *names = argv
    code, tree = answer(verb, names, sys.stdin.buffer.read().decode() if verb == "set" else "")
    with os.fdopen(ours, "w", encoding="utf-8") as out:
        json.dump(tree, out)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
