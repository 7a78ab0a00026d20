"""The keeper child: what it is given, what it says, what it never says, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring_states as states
import pytest
from keyring_states import Machine

from localrouter.config.paths import SAFE
from localrouter.keys import keeper, keyring_call

NAME = "localrouter:https://api.example.org/v1"

pytestmark = pytest.mark.anyio


@pytest.fixture
def box() -> Iterator[Machine]:
    with states.machine() as made:
        (made.folder / "kept").mkdir()
        yield made


def put_on(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in box.env.items():
        monkeypatch.setenv(name, value)


async def test_its_environment_is_allow_listed(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = box.folder / "notes.json"
    states.fake(box, "writing", XDG_NOTES=str(notes))
    put_on(box, monkeypatch)
    key = states.new_key()
    for name in ("OPENAI_API_KEY", "LOCALROUTER_REHEARSAL_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "LOCALROUTER_HOME"):
        monkeypatch.setenv(name, key)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    assert await keyring_call.ask("get", [NAME]) == {"values": {NAME: None}}
    given = json.loads(notes.read_text())
    assert key not in given.values() and "DBUS_SESSION_BUS_ADDRESS" in given and given["HOME"] == str(box.folder)
    assert set(given) <= keyring_call._ALLOWED | {n for n in given if n.startswith(keyring_call._ALLOWED_HEADS)} | {"LC_CTYPE"}


async def test_a_backend_that_quotes_the_key_is_not_quoted(
    box: Machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    key = states.new_key()
    states.fake(box, "raising", XDG_CANARY=key)
    put_on(box, monkeypatch)
    for verb in ("get", "peek", "set", "rm"):
        with pytest.raises(keyring_call.KeyringMissing) as caught:
            await keyring_call.ask(verb, [NAME], key)
        assert caught.value.message == "Your keyring failed (RuntimeError)."
        assert key not in repr(caught.value) + str(caught.value.__cause__) + str(caught.value.__context__)
    out, err = capfd.readouterr()
    assert key not in out + err + caplog.text


async def test_what_was_set_is_read_and_removed(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    states.fake(box, "memory", XDG_NOTES=str(box.folder / "kept"))
    put_on(box, monkeypatch)
    key = states.new_key()
    assert await keyring_call.ask("set", [NAME], key) == {}
    assert await keyring_call.ask("get", [NAME, NAME + "x"]) == {"values": {NAME: key, NAME + "x": None}}
    assert await keyring_call.ask("rm", [NAME]) == {} and await keyring_call.ask("rm", [NAME]) is None


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ("class Keyring(KeyringBackend):\n    priority = 9\n    def set_password(self, *a): pass\n    def get_password(self, *a): pass", keeper.FAILED, "NotKept"),
        ("class PlaintextKeyring(KeyringBackend):\n    priority = 9\n    def get_password(self, *a): pass\n    set_password = get_password\nKeyring = PlaintextKeyring", keeper.PLAIN, ""),
        ("class PlaintextKeyring(KeyringBackend):\n    priority = 9\n    def get_password(self, *a): pass\n    set_password = get_password\nclass Keyring(PlaintextKeyring): pass", keeper.PLAIN, ""),
        ("raise ImportError('words')", keeper.FAILED, "ImportError"),
        ("import os; os._exit(9)", 9, ""),
    ],
    ids=["keeps-nothing", "plaintext", "child-of-plaintext", "broken", "dies"],
)  # fmt: skip
async def test_backends_that_are_not_to_be_believed(
    box: Machine, monkeypatch: pytest.MonkeyPatch, body: str, code: int, says: str
) -> None:
    (box.folder / "odd.py").write_text("from keyring.backend import KeyringBackend\n" + body)
    box.env |= {"PYTHONPATH": str(box.folder), "PYTHON_KEYRING_BACKEND": "odd.Keyring"}
    put_on(box, monkeypatch)
    done = _keeper("set", NAME, stdin="value")
    assert done.returncode == code and not done.stderr and "words" not in done.stdout and says in done.stdout
    with pytest.raises(keyring_call.KeyringMissing) as caught:
        await keyring_call.ask("set", [NAME], "value")
    assert caught.value.do.count("use-file") == 1


async def test_a_backend_that_keyring_does_not_recommend_is_not_taken_by_itself(
    box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """keyrings.alt registers a plain text backend of priority 0.5, which keyring would take where there is no other."""
    info = box.folder / "alt-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: alt\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[keyring.backends]\nalt = alt\n")
    methods = "    priority = 0.5\n    def get_password(self, s, n): return 'found'\n    def set_password(self, s, n, v): pass\n"
    (box.folder / "alt.py").write_text(
        f"from keyring.backend import KeyringBackend\nclass SimpleKeyring(KeyringBackend):\n{methods}"
    )
    box.env["PYTHONPATH"] = str(box.folder)
    put_on(box, monkeypatch)
    assert _keeper("get", NAME).returncode == keeper.NO_KEYRING


@contextlib.contextmanager
def _slow_bus(box: Machine, seconds: float) -> Iterator[None]:
    """The bus of a busy machine: it takes a while until it lets anybody in."""
    real, slow = box.env["DBUS_SESSION_BUS_ADDRESS"].removeprefix("unix:path="), box.folder / "slow"

    def carry(a: socket.socket, b: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)

    def serve(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                time.sleep(seconds)
                far = socket.socket(socket.AF_UNIX)
                far.connect(real)
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()
                kept.extend((near, far))

    kept: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(slow))
        listening.listen()
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        box.env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={slow}"
        try:
            yield
        finally:
            box.env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={real}"
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in kept:
                one.close()


async def test_a_busy_machines_keyring_is_not_taken_for_none(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """D-Bus's client gives up after a second unless it is told otherwise, and keyring then finds no backend at all."""
    with states.secret_service(box):
        put_on(box, monkeypatch)
        assert _keeper("set", NAME, stdin="a key").returncode == keeper.DONE
        with _slow_bus(box, 1.5):
            put_on(box, monkeypatch)
            done = _keeper("get", NAME)
    assert (done.returncode, json.loads(done.stdout)) == (keeper.DONE, {"values": {NAME: "a key"}})


def _keeper(*args: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    env = keyring_call.environment() | more
    return subprocess.run(
        [sys.executable, *SAFE, "-m", "localrouter.keys.keeper", *args], env=env, input=stdin, capture_output=True, text=True
    )


async def test_it_ends_when_its_time_is_over_whoever_started_it(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    states.fake(box, "hanging")
    put_on(box, monkeypatch)
    code = "import sys, localrouter.keys.keeper as k; k.LIFE_S = 1; k.main(['get', 'x'])"
    start = time.monotonic()
    done = subprocess.run([sys.executable, *SAFE, "-c", code], env=keyring_call.environment(), capture_output=True, timeout=60)
    assert done.returncode < 0 and not done.stdout and time.monotonic() - start < 60


async def test_a_wait_that_is_over_ends_the_child(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    states.fake(box, "hanging")
    put_on(box, monkeypatch)
    start = time.monotonic()
    with pytest.raises(keyring_call.KeyringWaiting, match="did not answer within 1 seconds"):
        await keyring_call.ask("get", [NAME], wait=1)
    assert time.monotonic() - start < 60 and not states.keepers(os.getpid())


async def test_the_parent_never_loads_keyring() -> None:
    code = (
        "import localrouter.keys.remembered, localrouter.cli.keys, sys; print(sorted(m for m in sys.modules if 'keyring' in m))"
    )
    done = subprocess.run([sys.executable, *SAFE, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['localrouter.keys.keyring_call']"


async def test_no_python_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(keyring_call.KeyringMissing, match="could not be asked"):
        await keyring_call.ask("get", [NAME])


def test_every_exit_code_is_its_own() -> None:
    codes: list[Any] = [keeper.DONE, keeper.NONE, keeper.NO_KEYRING, keeper.FAILED, keeper.LOCKED, keeper.PLAIN, keeper.OFF]
    assert len(set(codes)) == len(codes) and Path(keeper.__file__).name == "keeper.py"


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 4, 6, 10])
async def test_a_cancelled_question_ends_whenever_it_comes(turns: int) -> None:
    """Also while the child is being made, where asyncio of Python 3.11 would wait for ever."""
    asked = asyncio.create_task(keyring_call.ask("peek", [NAME]))
    for _ in range(turns):
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(60):
            await asked
