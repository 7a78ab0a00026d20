"""Where things lie. One folder when LOCALROUTER_HOME is set, else the platform's own folders; 0700 folders, 0600 files.

Nothing is ever read from the working directory: a repository must not be able to change how the router behaves.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from localrouter.core.errors import RouterError

SAFE = ("-P",)
"""Python options for every child: without -P, `-m` puts the working directory first on the import path, and a repository with a
json.py of its own would run inside the process that holds the keys."""


class PathFault(RouterError):
    """A folder that others can write to, or that is not ours."""

    code = "paths"


@dataclass(frozen=True, slots=True)
class Paths:
    """`config`: config.toml, recipes/, tokens.json. `state`: the database, the install secret, runtime.json, logs."""

    config: Path
    state: Path

    @classmethod
    def default(cls) -> Paths:
        home = os.environ.get("LOCALROUTER_HOME")
        if home:
            return cls(Path(home) / "config", Path(home) / "state")
        return cls(Path(platformdirs.user_config_dir("localrouter")), Path(platformdirs.user_state_dir("localrouter")))

    def ensure(self) -> None:
        for folder in (self.config, self.state):
            private_dir(folder)
        for file in (*self.config.iterdir(), *(self.config / "recipes").glob("*.toml"), *self.state.iterdir()):
            _not_others(file)

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    def recipe_dirs(self) -> tuple[Path, ...]:
        """The user's own first, then the shipped ones."""
        package = Path(__file__).resolve().parent.parent
        return (self.config / "recipes", package / "recipes", package.parent / "recipes")


def private_dir(path: Path) -> Path:
    """Make it 0700; refuse one that belongs to someone else or that others may write to. Raises PathFault."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        info = path.stat()
    except OSError as exc:
        raise PathFault(
            f"The folder {path} cannot be made ({exc.strerror}).", "Make it yourself, or set LOCALROUTER_HOME."
        ) from None
    if hasattr(os, "getuid"):
        if info.st_uid != os.getuid():
            raise PathFault(f"The folder {path} belongs to another user.", "Remove it, or set LOCALROUTER_HOME.")
        if stat.S_IMODE(info.st_mode) & 0o022:
            raise PathFault(f"Others may write to the folder {path}.", f"Run `chmod 700 {path}`.")
        if stat.S_IMODE(info.st_mode) != 0o700:
            path.chmod(0o700)
    return path


def _not_others(path: Path) -> None:
    """A file that steers us, or that we write, must be ours alone to write. Raises PathFault."""
    if not hasattr(os, "getuid"):
        return
    try:
        info = path.stat()
    except OSError:
        return  # it went away, or its reader will say what is wrong
    if info.st_uid not in (os.getuid(), 0):
        raise PathFault(f"{path} belongs to another user.", "Remove it, or set LOCALROUTER_HOME.")
    if stat.S_IMODE(info.st_mode) & 0o022 and not stat.S_ISSOCK(info.st_mode):
        raise PathFault(f"Others may write to {path}.", f"Run `chmod go-w {path}`.")


def private_file(path: Path, data: bytes) -> None:
    """Write whole or not at all, mode 0600 whatever the umask."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o600)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def install_secret(paths: Paths) -> bytes:
    """32 random bytes in a 0600 file: the root of all tokens. Made at the first start."""
    file = paths.state / "install.secret"
    try:
        data = file.read_bytes()
        if len(data) == 32:
            return data
    except FileNotFoundError:
        pass
    data = os.urandom(32)
    private_file(file, data)
    return data
