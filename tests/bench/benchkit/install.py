"""Install the peers, once, into the cache folder: a virtual environment for LiteLLM, a node_modules for Portkey."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchkit.native import cache

MINUTES = 15
PORTKEY = {
    "private": True,
    "dependencies": {"@portkey-ai/gateway": "latest"},
    # With the newest version that it allows (1.19), Portkey 1.15.2 answers every stream with 500 "immutable" headers.
    "overrides": {"@hono/node-server": "1.13.8"},
}


class CannotRun(Exception):
    """Why a contender is not measured."""


def _run(command: list[str], what: str) -> str:
    print(f"  {what}", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MINUTES * 60, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise CannotRun(f"{what} failed ({type(exc).__name__})") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CannotRun(f"{what} failed: {' '.join(last)[:160]}")
    return done.stdout.strip()


def litellm() -> tuple[Path, str]:
    """(program, version)."""
    folder = cache() / "litellm"
    python, program = folder / "bin" / "python", folder / "bin" / "litellm"
    if not program.exists():
        _run([sys.executable, "-m", "venv", str(folder)], "making a virtual environment for LiteLLM")
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "litellm[proxy]"]
        _run(pip, "installing litellm[proxy] from PyPI")
    code = "import importlib.metadata as m; print(m.version('litellm'))"
    return program, _run([str(python), "-c", code], "asking LiteLLM's version")


def portkey() -> tuple[str, Path, str]:
    """(node, program, version)."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise CannotRun("no node and npm here (Debian: apt install nodejs npm)")
    folder = cache() / "portkey"
    package = folder / "node_modules" / "@portkey-ai" / "gateway"
    program = package / "build" / "start-server.js"
    want, file = json.dumps(PORTKEY), folder / "package.json"
    if not program.exists() or not file.exists() or file.read_text() != want:
        folder.mkdir(exist_ok=True)
        file.write_text(want)
        _run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder)], "installing @portkey-ai/gateway from npm")
    if not program.exists():
        raise CannotRun("the npm package @portkey-ai/gateway has no build/start-server.js")
    return node, program, str(json.loads((package / "package.json").read_text())["version"])
