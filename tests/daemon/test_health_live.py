"""A running daemon and a host that fails: cut off after five faults, told as such, shown by status and doctor, tried again when a person asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from conftest import BUSY_S, Daemon, MakeDaemon, call, newest, write_home

from localrouter.daemon.rehearsal import Rehearsal


def ask(daemon: Daemon, model: str, words: str) -> tuple[int, Any]:
    body = {"model": f"rehearsal/rehearsal-{model}", "messages": [{"role": "user", "content": words}]}
    status, tree = call(daemon, "/v1/chat/completions", body, token=daemon.client)
    return status, tree


def health(daemon: Daemon) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in call(daemon, "/control/status")[1]["health"]}


def run(daemon: Daemon, *args: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    env |= {"LOCALROUTER_HOME": str(daemon.home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "COLUMNS": "200"}
    command = [sys.executable, "-P", "-m", "localrouter", *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=BUSY_S, check=False).stdout


def test_a_host_is_cut_off_told_shown_and_tried_again(tmp_path: Path, host: Rehearsal, make_daemon: MakeDaemon) -> None:
    home = tmp_path / "own"
    write_home(home, host, extra="[health]\nbreaker = true")
    (home / "config" / "recipes" / "rehearse.toml").write_text(
        'name = "rehearse"\nextends = "balanced"\n[[route]]\nname = "default"\ntry = ["asked"]\n'
    )
    daemon = make_daemon(home=home)
    assert ask(daemon, "1", "hello")[0] == 200
    assert health(daemon)["rehearsal/rehearsal-1"]["calls"] == 1
    told = [ask(daemon, "500", f"try {i}") for i in range(5)]
    before = len(host.record())
    status, tree = ask(daemon, "1", "and now")
    assert status == 502 and tree["error"]["code"] == "host_cut_off", told
    assert "left alone for" in tree["error"]["message"] and len(host.record()) == before, "it was not called"
    row = health(daemon)["rehearsal"]
    assert row["state"] == "open" and 0 < row["wait_s"] <= 30 and "cut off" in row["words"]
    checks = {c["name"]: c for c in call(daemon, "/control/doctor")[1]["checks"]}
    assert checks["rehearsal"]["ok"] is None
    assert "cut off after failing again and again" in run(daemon, "status")
    record = newest(daemon)
    candidates = call(daemon, f"/control/traces/{record['id']}")[1]["candidates"]
    assert [c["gate"] for c in candidates if c["model"] == "rehearsal/rehearsal-1"] == ["health"]
    shown = run(daemon, "doctor", "--probe")
    assert "host: rehearsal" in shown, "a person has it asked"
    assert len(host.record()) >= before
    assert ask(daemon, "1", "once more")[0] == 200, "it answered, so it is asked again"
