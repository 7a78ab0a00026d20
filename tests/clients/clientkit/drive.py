"""Run a client without a terminal, in a home and a working folder that are thrown away, and end it when it takes too long."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where a client works and whom it calls. `root` is the origin without a path, `key` what it sends as its API key, `model` the name
    that it asks for; `home` and `work` are its folders."""

    root: str
    key: str
    model: str
    home: Path
    work: Path
    prompt: str

    @property
    def v1(self) -> str:
        return self.root + "/v1"

    def write(self, name: str, text: str) -> Path:
        """A settings file in the home."""
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file


@dataclass(frozen=True)
class Command:
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    stdin: str = ""


@dataclass(frozen=True)
class Outcome:
    """`rc` is None when the client was ended at its limit."""

    rc: int | None
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        return f"{self.out}\n{self.err}"


DEAD = "http://127.0.0.1:9"
"""Nothing listens there: a client that calls home gets no further (port 9 is `discard`)."""


def run(command: Command, place: Place, limit: float) -> Outcome:
    """Standard input is closed, or the command's text."""
    env = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(place.home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "CI": "1",
        "HTTPS_PROXY": DEAD,
        "HTTP_PROXY": DEAD,
        "NO_PROXY": "127.0.0.1,localhost",
        "XDG_CONFIG_HOME": str(place.home / ".config"),
        "XDG_DATA_HOME": str(place.home / ".local/share"),
        "XDG_STATE_HOME": str(place.home / ".local/state"),
        "XDG_CACHE_HOME": str(place.home / ".cache"),
        **command.env,
    }
    began = time.monotonic()
    process = subprocess.Popen(
        command.argv,
        cwd=place.work,
        env=env,
        stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    rc: int | None
    try:
        out, err = process.communicate(command.stdin.encode() or None, limit)
        rc = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        rc = None
    _end_all(place.home)
    return Outcome(rc, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), time.monotonic() - began)


def _end_all(home: Path) -> None:
    """What the client left running, in whatever session: Cline's CLI starts a hub that outlives it. Known by its HOME, which is ours alone."""
    mark = b"HOME=" + os.fsencode(home)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            ours = mark in (entry / "environ").read_bytes().split(b"\0")
            if ours:
                os.kill(int(entry.name), signal.SIGKILL)
        except (OSError, ProcessLookupError):
            continue  # gone, or somebody else's
