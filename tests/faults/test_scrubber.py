"""Faults of the privacy scan: whatever it does wrong, not a byte of the request goes to a host, and the client gets a clear error."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import Daemon, MakeDaemon, ask, call, start, stop, until, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal

ROOT = Path(__file__).resolve().parents[2]

FAULTS = {
    "answers nothing found": 'return {"id": job["id"], "findings": [[] for _ in job["segments"]]}',
    "answers an error": 'return {"id": job["id"], "error": "ValueError"}',
    "answers one row too few": 'found["findings"].pop(0); return found',
    "answers rows of the wrong type": 'found["findings"][0] = "none"; return found',
    "answers spans out of bounds": 'found["findings"][0] = [[0, 10**6, "EMAIL", 1.0, "x"]]; return found',
    "answers negative spans": 'found["findings"][0] = [[-5, 3, "EMAIL", 1.0, "x"]]; return found',
    "answers spans that are text": 'found["findings"][0] = [["0", "3", "EMAIL", 1.0, "x"]]; return found',
    "finds the canary in the wrong place": 'found["findings"][-1] = [[0, 3, "EMAIL", 1.0, "x"]]; return found',
    "exits": "import os; os._exit(3)",
    "is killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "hangs": "import time; time.sleep(3600)",
    "writes garbage": 'import os; os.write(OUT, b"\\xff" * 64); return found',
    "writes half an answer and exits": 'import os; os.write(OUT, b"\\x00\\x00\\x10\\x00{"); os._exit(0)',
    "answers to somebody else": 'return {**found, "id": job["id"] + 1000}',
    "a detector raises": 'raise RuntimeError("jane@roe.org")',
}


def broken(tmp_path: Path, host: Rehearsal, code: str, seconds: float = 1.0) -> tuple[Daemon, subprocess.Popen[bytes]]:
    """A daemon whose inspector does this with each batch of segments. `seconds`: the limit of a batch, so short where none is well."""
    site = tmp_path / "site"
    shutil.copytree(ROOT / "localrouter", site / "localrouter", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "recipes", site / "recipes")
    shutil.copy(ROOT / "models.toml", site)
    file = site / "localrouter" / "inspector" / "__main__.py"
    text = (
        file.read_text()
        .replace("def _inspect(job", "def _honest(job")
        .replace("out = os.fdopen(os.dup(1)", "global OUT\n    OUT = os.dup(1)\n    out = os.fdopen(os.dup(OUT)")
    )
    assert "OUT" in text and "_honest" in text
    text = text.replace(
        "if __name__ ==",
        f"def _inspect(job: dict[str, Any]) -> dict[str, Any]:\n    found = _honest(job)\n    {code}\n\n\nif __name__ ==",
    )
    file.write_text(text)
    file = site / "localrouter" / "daemon" / "inspecting.py"
    file.write_text(file.read_text().replace("SECONDS_PER_BATCH = 30.0", f"SECONDS_PER_BATCH = {seconds}"))
    home = tmp_path / "home"
    write_home(home, host)
    process = start(home, {"PYTHONPATH": str(site)})
    return wait(home, process, host), process


@pytest.mark.parametrize("name", FAULTS)
def test_no_byte_goes_to_a_host(tmp_path: Path, host: Rehearsal, name: str) -> None:
    daemon, process = broken(tmp_path, host, FAULTS[name])
    before = len(host.record())
    try:
        for stream in (False, True):
            status, tree = ask(daemon, f"write to jane@roe.org {stream}", stream=stream)
            assert status == 422 and tree["error"]["code"] == "privacy.unsure", (status, tree)
            assert "nothing was sent" in tree["error"]["message"] or "made the privacy scan fail" in tree["error"]["message"]
        assert call(daemon, "/control/status")[1]["inspector"]["unsure"] >= 2
        assert call(daemon, "/control/budget")[1]["spent_today_micro"] == 0
    finally:
        stop(process)
    assert len(host.record()) == before
    assert "jane@roe" not in (daemon.home / "daemon.log").read_text()


def inspectors(daemon: Daemon) -> list[int]:
    out = subprocess.run(["pgrep", "-P", str(daemon.pid), "-f", "localrouter.inspector"], capture_output=True, text=True).stdout
    return [int(p) for p in out.split()]


def test_the_standby_takes_over_at_once(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    assert ask(daemon, "hello jane@roe.org")[0] == 200
    until(lambda: call(daemon, "/control/status")[1]["inspector"]["standby"], "nobody stands by")
    for i in range(3):
        state = call(daemon, "/control/status")[1]["inspector"]
        assert state["alive"] and state["standby"]
        scanners = set(inspectors(daemon))
        os.kill(state["pid"], signal.SIGKILL)
        began = time.monotonic()
        assert ask(daemon, f"hello {i} joe{i}@roe.org")[0] == 200, "a killed scanner costs no request"
        print(f"the standby took over within {time.monotonic() - began:.2f} s")
        now = call(daemon, "/control/status")[1]["inspector"]["pid"]
        assert now in scanners - {state["pid"]}, "the one that stood by, and none that had to be started"
        until(lambda: call(daemon, "/control/status")[1]["inspector"]["standby"], "nobody stands by again")
    assert len(inspectors(daemon)) == 2


def test_a_segment_that_kills_is_quarantined_and_others_are_served(tmp_path: Path, host: Rehearsal) -> None:
    daemon, process = broken(
        tmp_path, host, 'import os\n    if any("POISON" in s["t"] for s in job["segments"]): os._exit(1)\n    return found', 30.0
    )
    try:
        assert ask(daemon, "hello")[0] == 200
        assert ask(daemon, "a POISON pill")[0] == 422
        assert ask(daemon, "a POISON pill")[0] == 422
        state = call(daemon, "/control/status")[1]["inspector"]
        deaths = state["deaths"]
        assert state["quarantined"] >= 1
        for _ in range(5):
            assert ask(daemon, "a POISON pill")[0] == 422
        assert call(daemon, "/control/status")[1]["inspector"]["deaths"] == deaths, "it cannot kill each turn"
        assert ask(daemon, "something else entirely")[0] == 200
    finally:
        stop(process)
