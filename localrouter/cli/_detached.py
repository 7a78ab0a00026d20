"""Start the daemon in the background, and stop it: shared by up, down and restart."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from localrouter.config.paths import SAFE, Paths
from localrouter.core.errors import RouterError
from localrouter.daemon.client import Client, DaemonDown

START_S, STOP_S = 30.0, 30.0
LOG_BYTES = 5_000_000


def log_file(paths: Paths) -> Path:
    return paths.state / "daemon.log"


def running(paths: Paths) -> Client | None:
    """A client of the daemon that answers, or None."""
    with contextlib.suppress(DaemonDown):
        client = Client(paths, timeout=5)
        if client.healthy():
            return client
    return None


def start(overrides: Mapping[str, Any]) -> int:
    """Returns when the daemon answers. The exit code of `up --detach`."""
    paths = Paths.default()
    paths.ensure()
    found = running(paths)
    if found is not None:
        click.echo(f"localrouter is already running on {found.at.base} (pid {found.at.pid}).")
        return 0
    file = log_file(paths)
    if file.exists() and file.stat().st_size > LOG_BYTES:
        file.replace(file.with_suffix(".log.1"))
    first = not (paths.config / "tokens.json").exists()
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    began = os.fstat(handle).st_size
    try:
        process = subprocess.Popen(
            [sys.executable, *SAFE, "-m", "localrouter.daemon.serve", json.dumps(dict(overrides))],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
            cwd=paths.state,  # a daemon must not keep a folder of the user's busy
        )
    finally:
        os.close(handle)
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            said = file.read_bytes()[began:].decode("utf-8", "replace").strip().splitlines()
            click.echo(said[-1] if said else f"localrouter: it stopped with {process.returncode}. See {file}.", err=True)
            return process.returncode or 1
        client = running(paths)
        if client is not None and client.at.pid == process.pid:
            if first:
                from localrouter.cli.token import settings_text
                from localrouter.keys import client_tokens

                click.echo(settings_text(client.at.base, client_tokens.ensure(paths).client.reveal()))
            click.echo(f"localrouter listens on {client.at.base} (pid {process.pid}); stop it with `localrouter down`.")
            return 0
        time.sleep(0.05)
    raise RouterError(f"The daemon did not listen within {START_S:.0f} seconds.", f"See {file}.")


def stop(paths: Paths) -> bool:
    """Ask it to stop and wait until it has. False when none was running."""
    client = running(paths)
    if client is None:
        return False
    client.post("stop")
    end = time.monotonic() + STOP_S
    while time.monotonic() < end:
        if running(paths) is None and not (paths.state / "runtime.json").exists():
            return True
        time.sleep(0.05)
    raise RouterError(
        f"The daemon (pid {client.at.pid}) is still finishing its calls.",
        "Wait, or end it yourself: what is open is settled at the next start.",
    )
