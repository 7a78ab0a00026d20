"""A contract and what came of it, told in the paragraph, in the table and in the record."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import BUSY_S, Daemon, start, stop, trace, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal

RECIPE = """name = "rehearse"
extends = "balanced"
[[route]]
name = "labelled"
match = { headers = { x-step = "next" } }
try = ["rehearsal/rehearsal-1", "rehearsal/rehearsal-echo"]
contract = { labels = ["yes", "no"] }
[[route]]
name = "stubborn"
match = { headers = { x-step = "none" } }
try = ["rehearsal/rehearsal-1"]
contract = { labels = ["yes", "no"] }
fallback = { contract = ["repair_once"] }
[[route]]
name = "rest"
try = ["asked", "rehearsal/rehearsal-1"]
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, host: Rehearsal) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("own")
    write_home(home, host)
    (home / "config" / "recipes" / "rehearse.toml").write_text(RECIPE)
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


def asked(daemon: Daemon, step: str) -> dict[str, Any]:
    """The trace of one request by the route for `step`."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    body = json.dumps({"model": "localrouter/auto", "messages": [{"role": "user", "content": "no"}]})
    head = {"content-type": "application/json", "authorization": f"Bearer {daemon.client}", "x-step": step}
    connection.request("POST", "/v1/chat/completions", body, head)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return trace(daemon, answer.headers["x-localrouter-id"])


def shown(daemon: Daemon, id_: str) -> str:
    env = {
        **os.environ,
        "LOCALROUTER_HOME": str(daemon.home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "COLUMNS": "160",
    }
    command = [sys.executable, "-P", "-m", "localrouter", "explain", id_]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=BUSY_S, check=True)
    return done.stdout


def test_a_broken_contract_is_mended_elsewhere_and_told(own: Daemon) -> None:
    record = asked(own, "next")
    assert record["status"] == 200 and record["model"] == "rehearsal/rehearsal-echo"
    assert [c["held"] for c in record["checks"]] == [False, False, True]
    assert [(w["step"], w["target"]) for w in record["walked"]] == [
        ("repair_once", "rehearsal/rehearsal-1"), ("next", "rehearsal/rehearsal-echo"),
    ]  # fmt: skip
    text = record["explain"]
    assert "so it was told what was wrong and asked again" in text and "so rehearsal/rehearsal-echo was asked" in text
    assert "The answer keeps what the route promises." in text
    out = shown(own, record["id"])
    assert out.count("Contract, rehearsal/rehearsal-1: ") == 2 and "Contract, rehearsal/rehearsal-echo: the answer holds" in out
    assert out.count("Fallback: rehearsal/rehearsal-1 (") == 2 and "Replayed: the same plan." in out


def test_a_contract_that_nothing_keeps_is_told(own: Daemon) -> None:
    record = asked(own, "none")
    assert not any(c["held"] for c in record["checks"]) and len(record["checks"]) == 2
    assert record["walked"][-1]["step"] == "" and "and the route has no step left" in record["explain"]
    assert "The answer does not keep what the route promises" in record["explain"]
    assert "no step was left" in shown(own, record["id"])


def test_without_a_contract_nothing_is_said_of_one(own: Daemon) -> None:
    record = asked(own, "")
    assert record["checks"] == [] and "promises" not in record["explain"]
