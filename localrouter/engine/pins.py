"""What model files must be: `models.lock` in the state folder holds the SHA-256 of each file that was pulled, and `models.checked` which
files were read and found right, by size, time and inode, so that gigabytes are hashed once and not at each start.

A file that changed since is read again before it is loaded. Who can write to the user's own state folder can forge both; that is a program
that runs as the user, which nothing here defends against.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localrouter.config.paths import Paths, private_dir, private_file
from localrouter.core.errors import RouterError
from localrouter.engine.file_lock import locked
from localrouter.engine.gguf_checks import sound_header
from localrouter.engine.gguf_facts import Header
from localrouter.engine.gguf_header import BadHeader
from localrouter.engine.gguf_parts import parts

BLOCK = 4 << 20
CHECKED_MOST = 500
"""Files that are remembered as checked; the oldest are forgotten first."""


PULL_AGAIN = "Remove it, and pull your models again: a file that is here and right is not fetched anew."


class ModelFault(RouterError):
    """A model file cannot be had or must not be used."""

    code = "model"


@dataclass(frozen=True, slots=True)
class Pin:
    """What a file must be. `origin`: where it came from (`hf:OWNER/REPO/FILE@REVISION`, a URL, `path`). `stated`: who says so: `catalogue`,
    `user`, `hub`, or `seen`, when nobody did and the first copy was taken for true. `at`: epoch seconds."""

    file: str
    sha256: str
    size: int
    origin: str
    stated: str
    at: int


class Pins:
    """`models.lock` and `models.checked`. Every change is one whole file written anew, under a lock."""

    def __init__(self, paths: Paths) -> None:
        self._folder = paths.state
        self._file, self._checked = paths.state / "models.lock", paths.state / "models.checked"

    def all(self) -> dict[str, Pin]:
        """By the file's path. Raises ModelFault when the file is not what was written."""
        tree = _read(self._file)
        try:
            return {path: Pin(**entry) for path, entry in tree.get("models", {}).items()}
        except (AttributeError, TypeError):
            raise ModelFault(
                f"{self._file} is damaged.",
                PULL_AGAIN,
            ) from None

    def of(self, path: Path) -> Pin | None:
        return self.all().get(_key(path))

    def of_origin(self, origin: str) -> Pin | None:
        """The pin of the same file from the same place, whatever became of the copy."""
        return next((p for p in self.all().values() if p.origin == origin), None)

    def put(self, path: Path, sha256: str, size: int, origin: str, stated: str) -> None:
        """Pin a file; it was just read and had this hash."""
        pin = Pin(path.name, sha256, size, origin, stated, int(time.time()))
        with self._changing():
            models = {k: asdict(p) for k, p in self.all().items()} | {_key(path): asdict(pin)}
            private_file(self._file, _bytes({"version": 1, "models": models}))
        self._remember(path, sha256)

    def drop(self, path: Path) -> None:
        with self._changing():
            models = {k: asdict(p) for k, p in self.all().items() if k != _key(path)}
            private_file(self._file, _bytes({"version": 1, "models": models}))

    def sha256(self, path: Path, progress: Callable[[int], None] = lambda _: None, *, anew: bool = False) -> str:
        """The file's hash, read only when it changed since it was read last, or `anew`. `progress` gets the bytes read. Raises OSError."""
        known = _read(self._checked).get(_key(path))
        if not anew and isinstance(known, list) and known[:3] == _mark(path):
            return str(known[3])
        found = digest(path, progress)
        self._remember(path, found)
        return found

    def _remember(self, path: Path, sha256: str) -> None:
        with self._changing():
            tree = _read(self._checked)
            tree.pop(_key(path), None)
            tree[_key(path)] = [*_mark(path), sha256]
            private_file(self._checked, _bytes(dict(list(tree.items())[-CHECKED_MOST:])))

    def _changing(self) -> Any:
        private_dir(self._folder)
        return locked(self._folder / ".models.guard")


def admit(path: Path, pins: Pins, progress: Callable[[int], None] = lambda _: None) -> Header:
    """Whether a file may be given to llama.cpp: its header is sound, and it is what it was pinned to be, if it was. The engine's caller asks
    before each load; only the first of an unchanged file reads all of it. Of a model in parts every part counts. Raises ModelFault."""
    try:
        header = sound_header(path)
    except BadHeader as exc:
        raise ModelFault(str(exc), "Choose another file, or pull it again.") from None
    pinned = pins.all()
    for part in parts(path):
        if (pin := pinned.get(_key(part))) is not None:
            _check(part, pin, pins, progress)
    return header


def _check(path: Path, pin: Pin, pins: Pins, progress: Callable[[int], None]) -> None:
    try:
        found = pins.sha256(path, progress)
    except OSError as exc:
        raise ModelFault(f"The model file {path.name} cannot be read ({exc.strerror}).", "Check its folder.") from None
    if found != pin.sha256:
        raise ModelFault(
            f"The model file {path.name} is not the one that was pulled: its SHA-256 is {found[:12]}... and must be {pin.sha256[:12]}....",
            "Remove it with `localrouter models rm`, and pull it again.",
        )


def digest(path: Path, progress: Callable[[int], None] = lambda _: None) -> str:
    """SHA-256 in hex, by blocks. Raises OSError."""
    total = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(BLOCK)
        view = memoryview(buffer)
        while size := file.readinto(buffer):
            total.update(view[:size])
            progress(size)
    return total.hexdigest()


def _key(path: Path) -> str:
    return os.path.realpath(path)


def _mark(path: Path) -> list[int]:
    info = path.stat()
    return [info.st_size, info.st_mtime_ns, info.st_ino]


def _read(file: Path) -> dict[str, Any]:
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        if file.name == "models.checked":
            return {}  # only a memory of work: it is done again
        raise ModelFault(f"{file} is damaged.", PULL_AGAIN) from None
    return tree if isinstance(tree, dict) else {}


def _bytes(tree: dict[str, Any]) -> bytes:
    return json.dumps(tree, indent=1, ensure_ascii=False).encode()
