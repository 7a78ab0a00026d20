"""What stops a start is said in one sentence with file and line, or with the command to run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BUSY_S, MakeDaemon, ask, call, start, stop, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal


def failed(home: Path, **env: str) -> str:
    """The daemon's last line on stderr; it must have ended with 2."""
    process = start(home, env)
    try:
        assert process.wait(BUSY_S) == 2
    finally:
        stop(process)
    text = (home / "daemon.log").read_text()
    assert "Traceback" not in text, text
    return text.strip().splitlines()[-1]


def test_a_fault_in_the_configuration(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    file = tmp_path / "config" / "config.toml"
    file.write_text("port = 0\nrecipie = 'x'\n")
    said = failed(tmp_path)
    assert f"{file}:2:" in said and "Did you mean 'recipe'?" in said


def test_an_unknown_recipe_key(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    file = tmp_path / "config" / "recipes" / "rehearse.toml"
    file.write_text(file.read_text() + "retries = 3\n")
    said = failed(tmp_path)
    assert "rehearse.toml:" in said and "retries" in said


def test_an_unknown_recipe(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    file = tmp_path / "config" / "config.toml"
    file.write_text(file.read_text().replace('"rehearse"', '"blanced"'))
    said = failed(tmp_path)
    assert "no such recipe" in said and "Did you mean balanced?" in said and "offline" in said


def test_a_missing_model_file(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host, extra='[local]\nmodel = "/nowhere/chat.gguf"')
    said = failed(tmp_path)
    assert "/nowhere/chat.gguf does not exist" in said and "--local FILE.gguf" in said


def test_a_port_in_use(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = tmp_path / "config" / "config.toml"
        file.write_text(file.read_text().replace("port = 0", f"port = {taken.getsockname()[1]}"))
        said = failed(tmp_path)
    assert "is in use" in said and "localrouter down" in said


def test_a_damaged_database(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "localrouter.db").write_bytes(b"not a database at all" * 500)
    said = failed(tmp_path)
    assert "localrouter.db is damaged" in said and "Move it away" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_database(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "localrouter.db").touch(mode=0o000)
    assert "cannot be" in failed(tmp_path)


def test_a_database_that_is_a_folder(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    (tmp_path / "state" / "localrouter.db").mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    said = failed(tmp_path)
    assert "localrouter.db cannot be" in said


def test_an_origin_that_is_not_https(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host, extra='[hosts.mine]\norigin = "http://api.example.org/v1"')
    said = failed(tmp_path)
    assert "Host mine" in said and "https://" in said


def test_an_unknown_wire(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host, extra='[hosts.mine]\norigin = "https://api.example.org/v1"\nwire = "soap"')
    assert "unknown wire 'soap'" in failed(tmp_path)


def test_a_folder_that_others_may_write_to(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    (tmp_path / "config").chmod(0o777)
    assert "chmod 700" in failed(tmp_path)


def test_a_second_daemon_on_the_same_home(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    first = start(tmp_path)
    try:
        wait(tmp_path, first, host)
        second = start(tmp_path)
        assert second.wait(BUSY_S) == 2
        assert "already running" in (tmp_path / "daemon.log").read_text()
        assert first.poll() is None
    finally:
        stop(first)


def test_no_key(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(env={"LOCALROUTER_REHEARSAL_KEY": ""})
    status, tree = ask(daemon, "hello")
    assert status == 401
    assert (
        "There is no key for rehearsal" in tree["error"]["message"]
        and "localrouter keys set rehearsal" in tree["error"]["message"]
    )


def test_no_route_is_left_without_a_local_model(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(env={"LOCALROUTER_REHEARSAL_KEY": ""})
    pem = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7vabcdEFGH1234\n-----END RSA " + "PRIVATE KEY-----"
    status, tree = ask(daemon, pem)
    assert status == 422 and "private key" in tree["error"]["message"] and "--local FILE.gguf" in tree["error"]["message"]


def test_a_repository_cannot_put_code_into_the_children(tmp_path: Path, host: Rehearsal) -> None:
    """A working directory with modules of the same names as the standard library's: no child imports them."""
    home, trap = tmp_path / "home", tmp_path / "repo"
    trap.mkdir()
    for name in ("json", "queue", "threading", "presidio_analyzer", "keyring", "localrouter"):
        (trap / f"{name}.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w').write('{name}')\n")
    write_home(home, host)
    env = {
        **os.environ,
        "LOCALROUTER_HOME": str(home),
        "LOCALROUTER_REHEARSAL_KEY": "k",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    with (home / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "localrouter"), "up"], cwd=trap, env=env, stdout=log, stderr=log
        )
    try:
        daemon = wait(home, process, host)
        assert ask(daemon, "hello jane@roe.org")[0] == 200
        assert call(daemon, "/control/doctor")[0] == 200
    finally:
        stop(process)
    assert not (tmp_path / "sprung").exists()
