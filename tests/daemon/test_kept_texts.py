"""What a running daemon keeps of texts, by route and by config.toml, and for how long."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from conftest import BUSY_S, Daemon, call, trace

from localrouter.daemon.retaining import retain
from localrouter.daemon.services import Services
from localrouter.store import FILE, Keep, Store

ONE = "rehearsal/rehearsal-1"
RECIPE = f"""name = "rehearse"
extends = "balanced"
[[route]]
name = "hashed"
match = {{ tags = ["hashed"] }}
try = ["{ONE}"]
logging = {{ prompts = "hashed", keep_days = 3 }}
[[route]]
name = "silent"
match = {{ tags = ["silent"] }}
try = ["{ONE}"]
logging = {{ prompts = "none", outputs = false }}
[[route]]
name = "default"
try = ["{ONE}"]
"""


def ask(daemon: Daemon, text: str, tag: str = "") -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        body = {"model": "localrouter/auto", "messages": [{"role": "user", "content": text}], "max_tokens": 50}
        own = {"authorization": f"Bearer {daemon.client}", "content-type": "application/json", "x-localrouter-tags": tag}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), own)
        answer = connection.getresponse()
        raw = answer.read()
        assert answer.status == 200, raw
        return trace(daemon, answer.headers["x-localrouter-id"])
    finally:
        connection.close()


def put(daemon: Daemon, recipe: str = RECIPE, config: str = "") -> None:
    file = daemon.home / "config" / "config.toml"
    if config:
        file.write_text(file.read_text() + config)
    (daemon.home / "config" / "recipes" / "rehearse.toml").write_text(recipe)
    assert call(daemon, "/control/reload", {})[0] == 200


def test_a_route_says_what_is_kept_and_how_long(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon(day_usd="1000")
    put(daemon)
    whole = ask(daemon, "Write to Maria Gonzalez about walruses.")
    assert any("walruses" in text for text in whole["left_machine"]) and whole["answer"] and "left_hashed" not in whole
    hashed = ask(daemon, "Tell me about quokkas.", "hashed")
    again = ask(daemon, "Tell me about quokkas.", "hashed")
    other = ask(daemon, "Tell me about wombats.", "hashed")
    assert hashed["left_machine"] == [] and hashed["answer"], "the answer is kept as config.toml says"
    assert hashed["left_hashed"] == again["left_hashed"] != other["left_hashed"]
    assert all(len(h) == 16 for h in hashed["left_hashed"])
    silent = ask(daemon, "Tell me about numbats.", "silent")
    assert silent["left_machine"] == [] and silent["answer"] == "" and "left_hashed" not in silent
    assert call(daemon, "/control/traces?q=numbats")[1]["traces"] == []
    with contextlib.closing(sqlite3.connect(daemon.home / "state" / FILE)) as db:
        expires = dict(db.execute("SELECT id, expires - started FROM traces").fetchall())
    assert expires[hashed["id"]] == pytest.approx(3 * 86_400) and expires[whole["id"]] is None

    put(daemon, config='\n[logging]\nprompts = "hashed"\nkeep_days = 7\n')
    now = ask(daemon, "Tell me about echidnas.")
    assert now["left_machine"] == [] and now["answer"] == "" and now["answer_hashed"] and now["left_hashed"]
    assert "echidnas" not in json.dumps(now), "config.toml holds for every route, from the reload on"


@pytest.mark.anyio
async def test_it_is_looked_after_again_and_again(tmp_path: Path) -> None:
    now = 1_760_000_000.0
    store = Store.open(tmp_path, key=b"k" * 32, budgets=(None, None), now=lambda: now)
    services = cast(Services, SimpleNamespace(store=store, keep=Keep(30, 1 << 40)))
    running = asyncio.create_task(retain(services, first_s=0.0, each_s=0.01))
    for i in range(3):
        await store.traces.put({"id": f"lr-old{i}", "started": now})
    now += 31 * 86_400
    async with asyncio.timeout(30):
        while await store.traces.get("lr-old0") is not None:
            await asyncio.sleep(0.01)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    store.close()
