"""Seven keyring states (threat T12): the first local answer comes within 5 s of the start, nothing hangs, no key lies in a file that
nobody asked for, and a person is told what is the matter."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring_states as states
import pytest
from conftest import Daemon, MakeDaemon, ask, call, newest, until, write_home
from keyring_states import Machine
from tiny_gguf import build

from localrouter.daemon.rehearsal import Rehearsal
from localrouter.keys.keyring_call import QUICK_S

LIMIT_S = 5.0
NO_ENV_KEY = {"LOCALROUTER_REHEARSAL_KEY": ""}


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("models") / "tiny.gguf"
    build(file)
    return file


@contextlib.contextmanager
def _unlocked(host: Machine) -> Iterator[None]:
    with states.secret_service(host):
        yield


@contextlib.contextmanager
def _no_bus(host: Machine) -> Iterator[None]:
    yield


@contextlib.contextmanager
def _locked(host: Machine) -> Iterator[None]:
    with states.secret_service(host):
        states.lock(host)
        yield


@contextlib.contextmanager
def _asking(host: Machine) -> Iterator[None]:
    with _locked(host), states.prompter(host):
        yield


@contextlib.contextmanager
def _hanging(host: Machine) -> Iterator[None]:
    states.fake(host, "hanging")
    yield


@contextlib.contextmanager
def _raising(host: Machine) -> Iterator[None]:
    # The canary stands for a stored key that the backend quotes in all it says.
    states.fake(host, "raising", XDG_CANARY="canary-" + "of-the-backend")
    yield


def _backend(name: str) -> Callable[[Machine], contextlib.AbstractContextManager[None]]:
    @contextlib.contextmanager
    def chosen(host: Machine) -> Iterator[None]:
        host.env["PYTHON_KEYRING_BACKEND"] = f"keyring.backends.{name}.Keyring"
        yield

    return chosen


MISSING, WAITING = "no usable keyring", "has not answered"
STATES = {
    "1-secret-service": (_unlocked, ""),
    "2-no-bus": (_no_bus, MISSING),
    "3-bus-alone": (states.bus, MISSING),
    "4a-locked": (_locked, "keyring is locked"),
    "4b-locked-and-asking": (_asking, WAITING),
    "5-hanging": (_hanging, WAITING),
    "6-raising": (_raising, "keyring failed (RuntimeError)"),
    "7a-null": (_backend("null"), "switched off"),
    "7b-fail": (_backend("fail"), MISSING),
}


def _started(make_daemon: MakeDaemon, box: Machine, host: Rehearsal, gguf: Path, env: dict[str, str]) -> tuple[Daemon, float]:
    """The daemon, and the seconds from its start to its first local answer."""
    write_home(box.home, host, extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    start = time.monotonic()
    daemon = make_daemon(home=box.home, env={**box.env, **env})
    assert ask(daemon, "hi", "local:chat", max_tokens=3)[0] == 200
    seconds = time.monotonic() - start
    until(lambda: call(daemon, "/control/traces")[1]["traces"], "no trace")  # it is written behind the answer
    assert newest(daemon)["lane"] == "local"
    return daemon, seconds


@pytest.fixture(scope="module")
def seconds_without(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    return {}


def _allowed(seconds: float, without: float) -> float:
    """A limit for what takes `seconds` on a free machine. What a start takes with no keyring to ask says how busy this one is now, and it
    changes from one start to the next."""
    return max(5 * seconds, 5 * without + QUICK_S)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("state", STATES)
def test_first_local_answer(
    state: str, make_daemon: MakeDaemon, host: Rehearsal, gguf: Path, seconds_without: dict[str, float]
) -> None:
    if not seconds_without:
        # What a start costs on this machine now, with no keyring to ask: a loaded machine is not the keyring's fault.
        with states.machine() as box:
            box.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
            daemon, seconds_without["start"] = _started(make_daemon, box, host, gguf, {})
            states.end(daemon.pid)
            print(f"\nkeyring not asked: first local answer after {seconds_without['start']:.1f} s")
    make, says = STATES[state]
    key = states.new_key()
    with states.machine() as box, make(box):
        daemon, seconds = _started(make_daemon, box, host, gguf, NO_ENV_KEY)
        print(f"\n{state}: first local answer after {seconds:.1f} s")
        limit = _allowed(LIMIT_S, seconds_without["start"])
        assert seconds <= limit

        # A hosted request has no key: it says so or is answered here, at once.
        start = time.monotonic()
        assert ask(daemon, "hi again", "rehearsal/rehearsal-1", max_tokens=3)[0] == 200
        assert time.monotonic() - start < limit
        until(lambda: len(call(daemon, "/control/traces")[1]["traces"]) == 2, "no second trace")
        row = newest(daemon)
        record = call(daemon, f"/control/traces/{row['id']}")[1]
        assert row["lane"] == "local" and "key" in json.dumps(record["candidates"])
        if says == WAITING:
            assert WAITING in json.dumps(record["candidates"])

        # list: where keys come from, what is wrong, within seconds.
        start = time.monotonic()
        code, out, err = box.run("keys", "list")
        assert code == 0 and "rehearsal" in out and time.monotonic() - start < 2 * limit
        assert (says in err or "did not answer within 2 seconds" in err or "is locked" in err) if says else "Keyring:" not in err

        _set_and_test(box, key, says)
        assert not states.seen_in_processes(key)
        assert not states.plain_copies(box.folder, key)
        log = (box.home / "daemon.log").read_text()
        assert "Traceback" not in log and "canary" not in log
        states.end(daemon.pid)
        assert not states.keepers_of(box), "the daemon ends its own"
        assert not states.plain_copies(box.folder / "lr", "canary-" + "of-the-backend")


def _set_and_test(box: Machine, key: str, says: str) -> None:
    """`keys set` and `keys test`: done, or a sentence; where the keyring hangs they wait, and say for what."""
    if says == WAITING:
        for verb in ("set", "test"):
            with box.popen("keys", verb, "rehearsal") as process:
                assert process.stdin is not None and process.stderr is not None
                process.stdin.write(key + "\n")
                process.stdin.flush()
                assert "Waiting for your keyring, 120 seconds at most" in process.stderr.readline()
                children = states.keepers_when(process.pid, int(verb == "set"))
                assert not states.seen_in_processes(key)
                process.send_signal(signal.SIGINT)
                assert process.wait(60) == 130
            assert not any(Path(f"/proc/{pid}").exists() for pid in children), "the keeper ends with the command"
        return
    code, out, err = box.run("keys", "set", "rehearsal", stdin=key + "\n")
    assert key not in out + err
    if not says:
        assert code == 0 and "Stored in the keyring for http://127.0.0.1:" in out
        return
    assert code == 1 and says in err and "environment variable" in err and "use-file" in err and "canary" not in err
    code, out, err = box.run("keys", "test", "rehearsal")
    assert code == 1 and ("There is no key for rehearsal" in err or "keyring is locked" in err)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_longest_wait_is_two_minutes(make_daemon: MakeDaemon, host: Rehearsal, gguf: Path) -> None:
    """A keyring that hangs for ever: `keys set` and `keys test` end by themselves, one keeper at a time, and none is left."""
    key = states.new_key()
    with states.machine() as box, _hanging(box):
        daemon, _ = _started(make_daemon, box, host, gguf, NO_ENV_KEY)
        start = time.monotonic()
        with box.popen("keys", "test", "rehearsal") as testing:
            code, _, err = box.run("keys", "set", "rehearsal", stdin=key + "\n", timeout=200)
            assert code == 1 and "did not answer within 120 seconds" in err and 115 < time.monotonic() - start < 135
            assert len(states.keepers(daemon.pid)) <= 1
            _, said = testing.communicate(timeout=60)
        assert testing.returncode == 1 and "has not answered" in said, said
        assert time.monotonic() - start < 150
        states.end(daemon.pid)
        assert not states.keepers_of(box)
