"""The daemon between a client and a scripted host: a home of its own, one host for each wire, a recipe that tries one of them once.

The home is kept beside the installed clients: what the scan has seen of their own long prompts (hashes, no text) is read once. A second
run at the same time takes a second home."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Daemon, call, start, stop, wait

from clientkit.host import Host
from clientkit.install import cache

PATHS = {"openai_chat": "/v1", "anthropic_messages": "/v1", "openai_responses": "/v1"}
"""What an origin ends in, as in models.toml."""
ATTEMPTS = 1
"""Models that the recipe tries for one turn."""
AGAIN = 2
"""Times that one is asked which fails by chance (daemon/retries.py), before anything of its answer has reached the client."""


@dataclass(frozen=True)
class Gateway:
    """A running daemon, and its records."""

    daemon: Daemon
    log: Path

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.daemon.port}"

    @property
    def token(self) -> str:
        return self.daemon.client

    def aim(self, wire: str) -> None:
        """From now on requests go to the host that speaks `wire`, and to no other."""
        _recipe(self.daemon.home, wire)
        status, said = call(self.daemon, "/control/reload", {})
        assert status == 200, said

    def traces(self) -> list[dict[str, Any]]:
        """In full, oldest first; waits until no request is in flight."""
        end = time.monotonic() + 20
        while call(self.daemon, "/control/status")[1]["in_flight"] and time.monotonic() < end:
            time.sleep(0.1)
        listed = call(self.daemon, "/control/traces?limit=200")[1]
        rows = listed["traces"] if isinstance(listed, dict) else listed
        return [call(self.daemon, f"/control/traces/{row['id']}")[1] for row in reversed(rows)]


def _recipe(home: Path, wire: str) -> None:
    text = f'name = "one"\nextends = "balanced"\n[[route]]\nname = "default"\ntry = ["{wire}/scripted"]\n'
    (home / "config" / "recipes" / "one.toml").write_text(text)


def write_home(home: Path, host: Host) -> None:
    config = home / "config"
    (config / "recipes").mkdir(parents=True, mode=0o700, exist_ok=True)
    config.chmod(0o700)
    # One host stands for all faults, so one test's must not cut it off for the next.
    lines = ['port = 0\nrecipe = "one"\n[health]\nbreaker = false\n[budgets]\nday_usd = "1000.00"\nmonth_usd = "1000.00"']
    for wire, path in PATHS.items():
        lines += [
            f'[hosts.{wire}]\norigin = "{host.root}{path}"\nwire = "{wire}"\nkey_env = "LOCALROUTER_REHEARSAL_KEY"',
            'region = "eu"\nretention_days = 0\ntrains_on_data = false',
            f'[models."{wire}/scripted"]\nhost = "{wire}"\nname = "scripted"\nprice_in = "0.25"\nprice_out = "2.00"',
            "context = 1000000\nmax_output = 64000\ntools = true\njson_schema = true\nreasoning = true",
        ]
    (config / "config.toml").write_text("\n".join(lines) + "\n")
    _recipe(home, "openai_chat")


@contextlib.contextmanager
def gateway(host: Host) -> Iterator[Gateway]:
    with _free_home() as home:
        write_home(home, host)
        process = start(home)
        try:
            yield Gateway(wait(home, process, host), home / "daemon.log")  # type: ignore[arg-type]
        finally:
            stop(process)


@contextlib.contextmanager
def _free_home() -> Iterator[Path]:
    for name in itertools.chain(["localrouter"], (f"localrouter-{n}" for n in itertools.count(2))):
        home = cache() / name
        home.mkdir(mode=0o700, exist_ok=True)
        with (home / "in-use").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield home
            return
