"""The four places of a key, through the CLI and the daemon: set, list, test and rm with each, their order, and what goes where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import keyring_states as states
import pytest
from conftest import Daemon, MakeDaemon, write_home
from keyring_states import Machine, Sink

from localrouter.daemon.rehearsal import Rehearsal

VARIABLE = "LOCALROUTER_SINK_KEY"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture
def box(sink: Sink, host: Rehearsal) -> Iterator[Machine]:
    with states.machine() as made:
        write_home(made.home, host, extra=f'[hosts.sink]\norigin = "{sink.origin}"\nkey_env = "{VARIABLE}"')
        (made.folder / "kept").mkdir()
        yield made


def listed(box: Machine, **more: str) -> dict[str, str]:
    """The row of the sink in `keys list --json`."""
    code, out, err = box.run("keys", "list", "--json", **more)
    assert code == 0, err
    return next(dict(k) for k in json.loads(out)["keys"] if k["host"] == "sink")


def accepted(box: Machine, sink: Sink, key: str) -> None:
    code, out, err = box.run("keys", "test", "sink")
    assert code == 0 and "accepted the key" in out, err + (box.home / "daemon.log").read_text()
    assert sink.shown[-1] == key and key not in out + err


def up(box: Machine, make_daemon: MakeDaemon, **more: str) -> Daemon:
    return make_daemon(home=box.home, env={**box.env, **more})


def test_a_real_secret_service_end_to_end(box: Machine, sink: Sink, make_daemon: MakeDaemon) -> None:
    key = states.new_key()
    with states.secret_service(box):
        up(box, make_daemon)
        assert box.run("keys", "test", "sink")[0] == 1 and listed(box)["from"] == ""
        code, out, _ = box.run("keys", "set", "sink", stdin=key + "\n")
        assert code == 0 and f"Stored in the keyring for {sink.origin}" in out
        assert listed(box)["from"] == "keyring"
        accepted(box, sink, key)
        newer = states.new_key()
        assert box.run("keys", "set", "sink", stdin=newer + "\n")[0] == 0
        accepted(box, sink, newer)  # at once: the daemon was told
        assert not states.plain_copies(box.folder, key, newer), "the keyring's own file is encrypted"
        code, out, _ = box.run("keys", "rm", "sink")
        assert code == 0 and f"The key for {sink.origin} is removed from the keyring." in out
        assert "had no key" in box.run("keys", "rm", "sink")[1]
        code, _, err = box.run("keys", "test", "sink")
        assert code == 1 and "There is no key for sink" in err and listed(box)["from"] == ""


def test_a_keyring_that_is_unlocked_later_is_used_later(box: Machine, sink: Sink, make_daemon: MakeDaemon) -> None:
    key = states.new_key()
    with states.secret_service(box):
        assert box.run("keys", "set", "sink", stdin=key + "\n")[0] == 0
        states.lock(box)
        up(box, make_daemon)
        code, _, err = box.run("keys", "test", "sink")
        assert code == 1 and "keyring is locked" in err and "There is no key" not in err
        states.unlock(box)
        accepted(box, sink, key)
        states.lock(box)
        assert box.run("keys", "test", "sink")[0] == 0 and sink.shown[-1] == key, (
            "a keyring that locks itself takes back no key that was read"
        )


def test_no_new_keyring_is_made_by_reading(box: Machine) -> None:
    """A Secret Service without a default collection would ask for the password of a new one."""
    with states.secret_service(box):
        import secretstorage

        with states.connection(box) as bus:
            secretstorage.get_collection_by_alias(bus, "default").delete()
        code, _, err = box.run("keys", "list")
        assert code == 0 and "Keyring:" not in err


def test_the_order(box: Machine, sink: Sink, make_daemon: MakeDaemon) -> None:
    in_env, in_keyring, in_credential, in_file = (states.new_key() for _ in range(4))
    states.fake(box, "memory", XDG_NOTES=str(box.folder / "kept"))
    credentials = box.folder / "credentials"
    credentials.mkdir()
    (credentials / "localrouter-sink").write_text(in_credential + "\n")
    # The file is written as `use-file` and `set` do, then put aside: the keyring is chosen again.
    file = box.home / "config" / "provider-keys.json"
    assert box.run("keys", "use-file", "--yes")[0] == 0
    assert "Stored in the file" in box.run("keys", "set", "sink", stdin=in_file + "\n")[1]
    held = file.read_bytes()
    assert in_file.encode() in held and file.stat().st_mode & 0o777 == 0o600
    assert box.run("keys", "use-keyring", "--discard")[0] == 0 and not file.exists()
    assert "Stored in the keyring" in box.run("keys", "set", "sink", stdin=in_keyring + "\n")[1]

    def expect(source: str, key: str, **env: str) -> None:
        assert listed(box, **env)["from"] == source
        daemon = up(box, make_daemon, **env)
        accepted(box, sink, key)
        states.end(daemon.pid)

    everywhere = {"CREDENTIALS_DIRECTORY": str(credentials), VARIABLE: in_env}
    expect("environment", in_env, **everywhere)
    everywhere.pop(VARIABLE)
    expect("keyring", in_keyring, **everywhere)
    assert box.run("keys", "rm", "sink")[0] == 0
    expect("systemd credential", in_credential, **everywhere)
    file.write_bytes(held)
    file.chmod(0o600)
    expect("systemd credential", in_credential, **everywhere)
    expect("file", in_file)
    assert box.run("keys", "rm", "sink")[0] == 0 and not states.plain_copies(box.home, in_file, in_keyring, in_env)
    assert listed(box)["from"] == ""


def test_a_running_daemon_follows_the_file_and_back(box: Machine, sink: Sink, make_daemon: MakeDaemon) -> None:
    key = states.new_key()
    kept = box.folder / "kept"
    states.fake(box, "memory", XDG_NOTES=str(kept))
    daemon = up(box, make_daemon)
    code, out, _ = box.run("keys", "use-file", "--yes")
    for fact in ("plain text", "backup", "mode 0600", "use-keyring", "provider-keys.json"):
        assert fact in out
    assert code == 0 and "already" in box.run("keys", "use-file")[1]
    assert box.run("keys", "set", "sink", stdin=key + "\n")[0] == 0
    accepted(box, sink, key)
    assert not list(kept.iterdir()), "the keyring is left alone"
    code, out, _ = box.run("keys", "use-keyring")
    assert code == 0 and "1 key moved" in out
    assert not states.plain_copies(box.home, key)
    accepted(box, sink, key)
    assert len(list(kept.iterdir())) == 1 and "already" in box.run("keys", "use-keyring")[1]
    assert key not in (daemon.home / "daemon.log").read_text()


def test_no_file_without_a_clear_yes(box: Machine) -> None:
    box.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    key = states.new_key()
    code, out, err = box.run("keys", "use-file", stdin="y\n")
    assert code == 1 and "plain text" in out and "Nothing was changed" in err and "--yes" in err
    assert box.run("keys", "set", "sink", stdin=key + "\n")[0] == 1
    assert not states.plain_copies(box.folder, key)
    assert not (box.home / "config" / "provider-keys.json").exists()


def test_the_file_stays_when_the_keyring_cannot_take_its_keys(box: Machine) -> None:
    key = states.new_key()
    box.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    assert box.run("keys", "use-file", "--yes")[0] == 0 and box.run("keys", "set", "sink", stdin=key + "\n")[0] == 0
    code, _, err = box.run("keys", "use-keyring")
    assert code == 1 and "no usable keyring" in err and "The file stays as it is" in err and "--discard" in err
    assert listed(box)["from"] == "file"
    code, out, _ = box.run("keys", "use-keyring", "--discard")
    assert code == 0 and "removed" in out and not states.plain_copies(box.folder, key)


def test_a_key_file_that_others_can_read_is_not_used(box: Machine, sink: Sink, make_daemon: MakeDaemon) -> None:
    key = states.new_key()
    assert box.run("keys", "use-file", "--yes")[0] == 0 and box.run("keys", "set", "sink", stdin=key + "\n")[0] == 0
    file = box.home / "config" / "provider-keys.json"
    other = file.with_name("elsewhere.json")
    for spoil, says in (
        (lambda: file.chmod(0o644), "Others may read"),
        (lambda: (file.chmod(0o600), file.write_text('{"x": "' + key)), "damaged"),
        (lambda: (file.rename(other), file.symlink_to(other)), "cannot be read"),
    ):
        spoil()  # type: ignore[no-untyped-call]
        code, out, err = box.run("keys", "list")
        assert code == 0 and says in err and key not in out + err
        code, _, err = box.run("keys", "set", "sink", stdin=key + "\n")
        assert code == 1 and says in err and key not in err
    daemon = up(box, make_daemon)
    code, _, err = box.run("keys", "test", "sink")
    assert code == 1 and "There is no key for sink" in err and not sink.shown
    log = (daemon.home / "daemon.log").read_text()
    assert "cannot be read" in log and key not in log


def test_a_changed_origin_has_no_key(box: Machine, sink: Sink, make_daemon: MakeDaemon) -> None:
    key = states.new_key()
    states.fake(box, "memory", XDG_NOTES=str(box.folder / "kept"))
    config = box.home / "config" / "config.toml"
    assert box.run("keys", "set", "sink", stdin=key + "\n")[0] == 0
    with Sink() as thief:
        config.write_text(config.read_text().replace(sink.origin, thief.origin))
        assert listed(box)["from"] == ""
        up(box, make_daemon)
        code, _, err = box.run("keys", "test", "sink")
        assert code == 1 and f"There is no key for sink at this origin, {thief.origin}." in err
        assert "A key belongs to one origin" in err and not thief.shown
        code, out, _ = box.run("keys", "rm", sink.origin)
        assert code == 0 and f"The key for {sink.origin} is removed" in out, "a key of an older origin can still be removed"


def test_a_known_variable_goes_to_its_own_origin_only(box: Machine, sink: Sink, make_daemon: MakeDaemon) -> None:
    """config.toml that points openai elsewhere, or names its variable for another host, gets no key; neither does the credential."""
    key = states.new_key()
    credentials = box.folder / "credentials"
    credentials.mkdir()
    for name in ("openai", "sink"):
        (credentials / f"localrouter-{name}").write_text(key)
    (credentials / "localrouter-sink").unlink()
    config = box.home / "config" / "config.toml"
    text = config.read_text().replace(VARIABLE, "OPENAI_API_KEY")
    config.write_text(text + f'\n[hosts.openai]\norigin = "{sink.origin}"\n')
    env = {"OPENAI_API_KEY": key, "CREDENTIALS_DIRECTORY": str(credentials)}
    up(box, make_daemon, **env)
    for name in ("openai", "sink"):
        code, _, err = box.run("keys", "test", name)
        assert code == 1 and "OPENAI_API_KEY is set but belongs to another origin" in err and key not in err
    assert not sink.shown
    assert listed(box, **env)["from"] == "" and "belongs to another origin" in listed(box, **env)["note"]


def test_a_key_on_the_command_line_is_refused_and_not_repeated(box: Machine) -> None:
    key = states.new_key()
    for args in ((key,), (f"--key={key}",), ("--key", key)):
        code, out, err = box.run("keys", "set", "sink", *args)
        assert code == 1 and "shell's history" in err and key not in out + err


@pytest.mark.parametrize("text", ["two words", "k\x07ey", "kéy", "x" * 9000], ids=["space", "control", "umlaut", "long"])
def test_what_cannot_be_a_key_is_refused(box: Machine, text: str) -> None:
    code, _, err = box.run("keys", "set", "sink", stdin=text + "\n")
    assert code == 1 and "That is no key" in err and text not in err
    assert "is set but is no key" in listed(box, **{VARIABLE: text})["note"]


def test_set_says_when_the_shell_has_a_key_that_goes_first(box: Machine) -> None:
    states.fake(box, "memory", XDG_NOTES=str(box.folder / "kept"))
    code, _, err = box.run("keys", "set", "sink", stdin=states.new_key() + "\n", **{VARIABLE: states.new_key()})
    assert code == 0 and f"{VARIABLE} is set in this shell" in err
    assert Path(box.folder / "kept").exists()
