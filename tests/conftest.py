"""Shared by all tests: a real daemon in front of the rehearsal host, in a home of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localrouter.daemon.rehearsal import Rehearsal
from localrouter.engine import encoder

# Some tests scan in this process: its threads wait as the inspector's do, or beside other tests they spin on cores that nobody has.
os.environ.update(encoder.SETTINGS)
sys.path.insert(0, str(Path(__file__).parent / "tools"))

# A shell starts what runs behind it with Ctrl-C ignored, and what is started from here would inherit that.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = (
    "bench/test_harness.py", "faults/test_surfaces.py", "faults/test_table.py", "inspector/test_inspector.py", "conformance/test_round_trip.py",
    "tui/test_nasty.py", "keys/test_first_answer.py", "keys/test_sources.py", "faults/test_scrubber.py", "cli/test_recipe.py",
    "promises/test_upstream_faults.py", "scrub/test_secrets.py", "daemon/test_contracts.py", "security/test_floods.py", "cli/test_verbs.py",
    "tui/test_recipes_screen.py", "daemon/test_inspecting.py", "daemon/test_coalescing.py", "faults/test_drain.py", "test_sdk_pairs.py",
    "security/test_slow.py", "bench/test_engine_harness.py", "cli/test_readme_recipe.py", "test_demo.py", "faults/test_kill.py",
)  # fmt: skip
"""The files that take half a minute and more, the longest first."""
BUSY_S = 120.0
"""How long anything is waited for that must come: a busy machine decides nothing. What waits asks for the thing itself, so no run takes so long
unless it has failed."""
MODELS = ("1", "echo", "500", "429", "400", "silent", "drop", "cut", "slow", "error-mid", "split")


def pytest_configure(config: pytest.Config) -> None:
    """Files begin in the order of the collection, not by their number of tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file is one worker's, so a long one that began last would be waited for alone."""
    here = Path(__file__).parent
    place = {here / name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(LONGEST)))


def until(holds: Callable[[], object], what: str, seconds: float = BUSY_S) -> None:
    """Wait until it holds; `what` says in the failure what did not come."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"in {seconds:.0f} seconds: {what}"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Daemon:
    """A running daemon: its address, its tokens, its home, and the host behind it."""

    home: Path
    port: int
    client: str
    control: str
    pid: int
    host: Rehearsal

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


def write_home(home: Path, host: Rehearsal, *, day_usd: str = "5.00", extra: str = "", top: str = "") -> None:
    """config.toml and a recipe that sends everything to the rehearsal host."""
    config = home / "config"
    (config / "recipes").mkdir(parents=True, mode=0o700)
    config.chmod(0o700)
    # One host stands for all faults, so one test's must not cut it off for the next.
    cut = "" if "[health]" in extra else "[health]\nbreaker = false"
    lines = ["port = 0", top, 'recipe = "rehearse"', cut, f'[budgets]\nday_usd = "{day_usd}"\nmonth_usd = "50.00"', extra]
    lines.append(
        f'[hosts.rehearsal]\norigin = "{host.origin}"\nkey_env = "LOCALROUTER_REHEARSAL_KEY"\nregion = "eu"\nretention_days = 0\ntrains_on_data = false'
    )
    for name in MODELS:
        lines.append(
            f'[models."rehearsal/rehearsal-{name}"]\nhost = "rehearsal"\nname = "rehearsal-{name}"\nprice_in = "0.25"\nprice_out = "2.00"\n'
            "context = 400000\nmax_output = 2048\ntools = true\njson_schema = true"
        )
    (config / "config.toml").write_text("\n".join(lines) + "\n")
    recipe = 'name = "rehearse"\nextends = "balanced"\n[[route]]\nname = "default"\ntry = ["asked", "rehearsal/rehearsal-1", "local:chat"]\n'
    (config / "recipes" / "rehearse.toml").write_text(recipe)


def start(home: Path, more: dict[str, str] | None = None, program: str = "") -> subprocess.Popen[bytes]:
    """`program`: Python that serves with other limits, where waiting for the real ones would take minutes."""
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY") and k not in encoder.SETTINGS}
    env |= {
        "LOCALROUTER_HOME": str(home),
        "LOCALROUTER_REHEARSAL_KEY": "rehearsal-" + "key",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        **(more or {}),
    }
    log = (home / "daemon.log").open("ab")
    command = ["-c", program] if program else ["-m", "localrouter.daemon.serve"]
    process = subprocess.Popen([sys.executable, "-P", *command], env=env, stderr=log, stdout=log)
    log.close()
    return process


def wait(home: Path, process: subprocess.Popen[bytes], host: Rehearsal) -> Daemon:
    runtime = home / "state" / "runtime.json"
    end = time.monotonic() + 2 * BUSY_S
    while time.monotonic() < end:
        assert process.poll() is None, (home / "daemon.log").read_text()
        if runtime.exists():
            tree = json.loads(runtime.read_text())
            if tree["pid"] == process.pid:
                tokens = json.loads((home / "config" / "tokens.json").read_text())
                return Daemon(home, tree["port"], tokens["client"], tokens["control"], process.pid, host)
        time.sleep(0.05)
    raise AssertionError("the daemon did not start: " + (home / "daemon.log").read_text())


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(BUSY_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def host() -> Iterator[Rehearsal]:
    with Rehearsal() as running:
        yield running


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory, host: Rehearsal) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("home")
    write_home(home, host, day_usd="1000")
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


@pytest.fixture(scope="session")
def surfaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon before three hosts, one for each wire (`chat/...`, `responses/...`, `messages/...`), that refuse what the real ones refuse."""
    import surfaces as three

    home = tmp_path_factory.mktemp("surfaces")
    with Rehearsal(strict=True) as strict:
        three.write(home, strict)
        process = start(home)
        try:
            yield wait(home, process, strict)
        finally:
            stop(process)


MakeDaemon = Callable[..., Daemon]


@pytest.fixture
def make_daemon(tmp_path: Path, host: Rehearsal) -> Iterator[MakeDaemon]:
    """`make_daemon(day_usd=..., extra=...)`: one of its own, ended with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def make(env: dict[str, str] | None = None, home: Path | None = None, **settings: str) -> Daemon:
        home = home or tmp_path / f"home{len(running)}"
        if not home.exists():
            write_home(home, host, **settings)
        running.append(start(home, env))
        return wait(home, running[-1], host)

    yield make
    for process in running:
        stop(process)


class _Unix(http.client.HTTPConnection):
    def __init__(self, file: str) -> None:
        super().__init__("localhost", timeout=BUSY_S)
        self._file = file

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(BUSY_S)
        self.sock.connect(self._file)


def call(daemon: Daemon, path: str, body: Any = None, *, token: str = "", method: str = "") -> tuple[int, Any]:
    """(status, parsed body) of one request: the control API through its socket, all else with the given token."""
    file = json.loads((daemon.home / "state" / "runtime.json").read_text())["socket"]
    connection = (
        _Unix(file) if path.startswith("/control/") else http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    )
    try:
        data = None if body is None else json.dumps(body)
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        connection.request(method or ("GET" if data is None else "POST"), path, data, headers)
        answer = connection.getresponse()
        raw = answer.read()
        if answer.headers.get_content_type() == "text/event-stream":
            return answer.status, raw.decode()
        return answer.status, json.loads(raw) if raw else None
    finally:
        connection.close()


def ask(daemon: Daemon, text: str, model: str = "localrouter/auto", **more: Any) -> tuple[int, Any]:
    """One chat completion, not streamed."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return call(daemon, "/v1/chat/completions", body, token=daemon.client)


def trace(daemon: Daemon, id_: str) -> dict[str, Any]:
    """The record of a request; it is written behind the answer."""
    end = time.monotonic() + BUSY_S
    while time.monotonic() < end:
        status, tree = call(daemon, f"/control/traces/{id_}")
        if status == 200:
            return dict(tree)
        time.sleep(0.05)
    raise AssertionError(f"no trace of {id_}")


def newest(daemon: Daemon) -> dict[str, Any]:
    """Of the traces, the one of the request that came last. Traces stand in the order in which they were written: one whose answer was scanned
    for the record may stand behind a later request's."""
    return dict(max(call(daemon, "/control/traces?limit=20")[1]["traces"], key=lambda row: row["started"]))


def idle(daemon: Daemon) -> None:
    """Until no request is in flight and nothing is held: what was to be settled is settled."""
    end = time.monotonic() + BUSY_S
    while time.monotonic() < end:
        status = call(daemon, "/control/status")[1]
        budget = call(daemon, "/control/budget")[1]
        if status["in_flight"] == 0 and all(b["held"] == 0 for b in budget["budgets"]):
            return
        time.sleep(0.05)
    raise AssertionError("the daemon did not come to rest")
