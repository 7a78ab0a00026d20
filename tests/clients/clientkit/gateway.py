"""The daemon between a client and a scripted host: a home of its own, one host, a recipe that tries it once."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Daemon, call, start, stop, wait

from clientkit.host import Host

PATHS = {"openai_chat": "/v1", "anthropic_messages": "", "openai_responses": "/v1"}
"""What an origin ends in, as the hosts of each wire publish it: Anthropic's SDKs add `/v1` themselves."""


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

    def traces(self) -> list[dict[str, Any]]:
        """In full, oldest first; waits until no request is in flight."""
        end = time.monotonic() + 20
        while call(self.daemon, "/control/status")[1]["in_flight"] and time.monotonic() < end:
            time.sleep(0.1)
        listed = call(self.daemon, "/control/traces?limit=200")[1]
        rows = listed["traces"] if isinstance(listed, dict) else listed
        return [call(self.daemon, f"/control/traces/{row['id']}")[1] for row in reversed(rows)]


def write_home(home: Path, host: Host, wire: str) -> None:
    config = home / "config"
    (config / "recipes").mkdir(parents=True, mode=0o700)
    config.chmod(0o700)
    base = json.dumps(host.root + PATHS[wire])
    lines = [
        'port = 0\nrecipe = "one"\n[budgets]\nday_usd = "1000.00"\nmonth_usd = "1000.00"',
        f'[hosts.scripted]\norigin = {base}\nwire = "{wire}"\nkey_env = "LOCALROUTER_REHEARSAL_KEY"',
        'region = "eu"\nretention_days = 0\ntrains_on_data = false',
        '[models."scripted/scripted"]\nhost = "scripted"\nname = "scripted"\nprice_in = "0.25"\nprice_out = "2.00"',
        "context = 1000000\nmax_output = 64000\ntools = true\njson_schema = true\nreasoning = true",
    ]
    (config / "config.toml").write_text("\n".join(lines) + "\n")
    recipe = 'name = "one"\nextends = "balanced"\n[[route]]\nname = "default"\ntry = ["scripted/scripted"]\n'
    (config / "recipes" / "one.toml").write_text(recipe)


@contextlib.contextmanager
def gateway(folder: Path, host: Host, wire: str) -> Iterator[Gateway]:
    """Ready when its scan answers."""
    home = folder / "localrouter"
    home.mkdir()
    write_home(home, host, wire)
    process = start(home)
    try:
        yield Gateway(wait(home, process, host), home / "daemon.log")  # type: ignore[arg-type]
    finally:
        stop(process)
