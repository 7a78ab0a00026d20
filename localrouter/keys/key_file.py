"""The key file: provider keys as plain text in a 0600 file, only for a user who asked for it with `localrouter keys use-file`.

The file's being there is the record of that wish; nothing but `use_file` makes it. While it is there it takes the keyring's place:
people choose it because their keyring hangs, asks or is missing, and two places to write to would shadow one another.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from localrouter.config.paths import Paths, private_dir, private_file
from localrouter.core.errors import LaneFault
from localrouter.core.secret import Secret
from localrouter.keys.text import key_in


class KeyFileFault(LaneFault):
    """The file is there and is not used: others may read it, it is another user's, or it is damaged."""

    code = "key_file"


def path(paths: Paths) -> Path:
    return paths.config / "provider-keys.json"


def chosen(paths: Paths) -> bool:
    """Whether the user asked for the file."""
    return os.path.lexists(path(paths))


def use_file(paths: Paths) -> None:
    """Record the wish: an empty file. One that is there is left as it is."""
    if not chosen(paths):
        _write(paths, {})


def read(paths: Paths) -> dict[str, Secret]:
    """Bound name -> key. Empty when there is no file. Raises KeyFileFault."""
    return {name: key for name, text in _read(paths).items() if (key := key_in(text)) is not None}


def put(paths: Paths, name: str, key: Secret) -> None:
    """Raises KeyFileFault; also when the user never asked for the file."""
    if not chosen(paths):
        raise KeyFileFault("Keys are not kept in a file.", "See `localrouter keys use-file`.")
    _write(paths, {**_read(paths), name: key.reveal()})


def remove(paths: Paths, name: str) -> bool:
    """Whether there was one. Raises KeyFileFault."""
    tree = _read(paths)
    if name not in tree:
        return False
    del tree[name]
    _write(paths, tree)
    return True


def drop(paths: Paths) -> None:
    """Remove the file, and with it the wish and every key in it."""
    path(paths).unlink(missing_ok=True)


def _write(paths: Paths, tree: dict[str, str]) -> None:
    private_dir(paths.config)
    private_file(path(paths), json.dumps(tree, indent=1).encode())


def _read(paths: Paths) -> dict[str, str]:
    file = path(paths)
    try:
        # O_NOFOLLOW: a link could point at a file whose mode is somebody else's affair.
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise KeyFileFault(f"The key file {file} cannot be read ({exc.strerror}).", "Make it a plain file of yours.") from None
    with os.fdopen(handle, "rb") as opened:
        info = os.fstat(opened.fileno())
        if hasattr(os, "getuid") and info.st_uid != os.getuid():
            raise KeyFileFault(f"The key file {file} belongs to another user.", "Remove it.")
        if os.name == "posix" and stat.S_IMODE(info.st_mode) & 0o077:
            raise KeyFileFault(
                f"Others may read the key file {file}, so it is not used.", f"Run `chmod 600 {file}`, and renew the keys in it."
            )
        raw = opened.read()
    try:
        tree = json.loads(raw)
        if not isinstance(tree, dict) or not all(isinstance(v, str) for v in tree.values()):
            raise ValueError
    except ValueError:
        # Never the decoder's own text: it may quote what it read.
        raise KeyFileFault(f"The key file {file} is damaged.", "Remove it and store the keys again.") from None
    return tree
