"""A chat or Responses client on a Messages host, through a whole daemon: the prefix is written to the host's cache once and read from then on, the
ledger is exact about both, the trace names the edit, and a recipe turns it off."""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import surfaces
from conftest import BUSY_S, Daemon, start, stop, trace, wait

from localrouter.core.money import Price, Usage, cost
from localrouter.daemon.rehearsal import Rehearsal

PRICE = Price(3_000_000, 15_000_000, cache_read=300_000, cache_write=3_750_000, cache_write_1h=6_000_000)
LONG = "The committee of the harbour met and wrote down what the ferries need in winter. " * 120
OFF = 'extends = "rehearse"\ncache_marks = false\nname = "plain"\n'


def _home(folder: Path, host: Rehearsal, recipe: str) -> Path:
    surfaces.write(folder, host)
    config = folder / "config"
    file = config / "config.toml"
    name = '"messages/claude-sonnet-4-5"'
    file.write_text(
        file.read_text().replace('recipe = "rehearse"', f'recipe = "{recipe}"')
        + f'[models.{name}]\nhost = "messages"\nname = "claude-sonnet-4-5"\nprice_in = "3"\nprice_out = "15"\n'
        'price_cache_read = "0.3"\nprice_cache_write = "3.75"\nprice_cache_write_1h = "6"\ncontext = 200000\nmax_output = 8192\ntools = true\n'
    )
    (config / "recipes" / "plain.toml").write_text(OFF)
    return folder


@pytest.fixture(scope="module", params=["rehearse", "plain"])
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Rehearsal(strict=True) as host:
        home = _home(tmp_path_factory.mktemp("marks"), host, request.param)
        process = start(home)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


def _ask(daemon: Daemon, path: str, tree: dict[str, Any], session: str) -> tuple[str, dict[str, Any]]:
    """(id of the request, its settled hold)."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        head = {"content-type": "application/json", "authorization": f"Bearer {daemon.client}", "x-localrouter-session": session}
        connection.request("POST", path, json.dumps(tree), head)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    assert answer.status == 200, text
    name = answer.headers["x-localrouter-id"]
    db = sqlite3.connect(f"file:{daemon.home}/state/localrouter.db?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        (hold,) = db.execute("SELECT * FROM holds WHERE request = ?", (name,)).fetchall()
    finally:
        db.close()
    return name, dict(hold)


def _turns(client: str, n: int) -> tuple[str, dict[str, Any]]:
    """The n-th turn of a conversation with a long system prompt."""
    said = [{"role": "user" if at % 2 == 0 else "assistant", "content": f"Turn {at} of {client}."} for at in range(2 * n - 1)]
    model, system = "messages/claude-sonnet-4-5", f"You answer a {client} client. {LONG}"
    if client == "responses":
        return "/v1/responses", {"model": model, "instructions": system, "input": said, "max_output_tokens": 200}
    return "/v1/chat/completions", {"model": model, "messages": [{"role": "system", "content": system}, *said], "max_tokens": 200}


@pytest.mark.parametrize("client", ["chat", "responses"])
def test_the_prefix_is_written_once_and_read_from_then_on(daemon: Daemon, client: str) -> None:
    marks = "plain" not in (daemon.home / "config" / "config.toml").read_text().split("[")[0]
    holds = []
    for n in (1, 2, 3):
        path, tree = _turns(client, n)
        name, hold = _ask(daemon, path, tree, f"marks-{client}")
        holds.append(hold)
        sent = json.loads(daemon.host.record()[-1]["body"])
        assert ("cache_control" in json.dumps(sent)) == marks
        used = Usage(hold["input"], hold["output"], hold["cache_read"], hold["cache_write"], hold["cache_write_1h"])
        assert hold["cost"] == cost(used, PRICE) <= hold["micro"] and not hold["estimated"], "a write costs 1.25 times the input"
        edits = [e["name"] for e in trace(daemon, name)["attempts"][-1].get("edits", ())]
        assert edits == (["mark_cache"] if marks else [])
    if not marks:
        assert not any(h["cache_read"] or h["cache_write"] for h in holds)
        return
    first, *later = holds
    assert first["cache_write"] > 1000 and not first["cache_read"]
    for hold in later:
        assert hold["cache_read"] >= first["cache_write"] and hold["cost"] < first["cost"] / 2
