"""The app over a real daemon: its own requests are seen, and it comes back by itself after a restart on another port."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import anyio
import pytest
from conftest import BUSY_S, MakeDaemon, ask
from conftest import Daemon as Running
from localrouter_tui.app import RouterApp
from localrouter_tui.client import Daemon
from tui_canned import see

from localrouter.config.paths import Paths

pytestmark = pytest.mark.anyio


def ready(running: Running) -> None:
    """Until the privacy scan runs: before that a request is refused."""
    from localrouter.daemon.client import Client

    client = Client(Paths(running.home / "config", running.home / "state"))
    end = time.monotonic() + BUSY_S
    while not client.get("status")["inspector"]["alive"]:
        assert time.monotonic() < end
        time.sleep(0.05)


async def test_a_real_daemon_and_its_return(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    running = make_daemon(home=None)
    await anyio.to_thread.run_sync(ready, running)
    app = RouterApp(Daemon(Paths(running.home / "config", running.home / "state")))
    async with app.run_test(size=(140, 40)) as pilot:
        await see(pilot, "No requests yet", "● scan")
        answered = await anyio.to_thread.run_sync(ask, running, "Mail hiroshi.tanabe@kitagawa.example about [bold]it[/bold].")
        assert answered[0] == 200
        await see(
            pilot, "1 request", "rehearsal/rehearsal-1", "1 EMAIL", "What left this machine", "[bold]it[/bold]", "@pii.invalid"
        )
        await pilot.press("d")
        await see(pilot, "in the chain, all whole")
        await pilot.press("escape")
        os.kill(running.pid, signal.SIGTERM)
        await see(pilot, "Start it with `localrouter up --detach`", "rehearsal/rehearsal-1")
        again = await anyio.to_thread.run_sync(lambda: make_daemon(home=running.home))
        assert again.pid != running.pid
        await see(pilot, "1 request", "today")
