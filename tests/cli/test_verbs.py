"""Every verb as a person types it, against a real daemon and without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BUSY_S, MODELS, MakeDaemon, ask, until, write_home

from localrouter.daemon.rehearsal import Rehearsal


def run(home: Path, *args: str, stdin: str | None = None, cwd: Path | None = None, columns: int = 160) -> tuple[int, str, str]:
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    env |= {
        "LOCALROUTER_HOME": str(home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "COLUMNS": str(columns),
        "LOCALROUTER_REHEARSAL_KEY": "k",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-m", "localrouter", *args],
        capture_output=True,
        text=True,
        env=env,
        input=stdin or "",
        timeout=BUSY_S,
        cwd=cwd,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


NEEDS = (
    ("status",),
    ("traces",),
    ("explain",),
    ("explain", "lr-x"),
    ("budget",),
    ("budget", "show"),
    ("keys", "test", "openai"),
    ("ask", "hello"),
)


@pytest.mark.parametrize("verb", NEEDS, ids=" ".join)
def test_with_the_daemon_down_a_verb_says_so_and_names_the_command(tmp_path: Path, verb: tuple[str, ...]) -> None:
    code, out, err = run(tmp_path, *verb)
    assert (
        code == 3
        and not out
        and err.strip() == "localrouter: The localrouter daemon is not running. Start it with `localrouter up --detach`."
    )


@pytest.mark.parametrize(
    "verb",
    [
        "demo",
        "up",
        "down",
        "restart",
        "status",
        "logs",
        "ask",
        "doctor",
        "keys",
        "token",
        "traces",
        "explain",
        "budget",
        "recipe",
    ],
)
def test_every_verb_has_help(tmp_path: Path, verb: str) -> None:
    code, out, _ = run(tmp_path, verb, "--help")
    assert code == 0 and "Usage: localrouter " + verb in out and len(out.splitlines()) > 3
    assert verb in run(tmp_path, "--help")[1]


def test_a_whole_life(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    code, out, err = run(tmp_path, "up", "--detach")
    try:
        assert code == 0, err
        assert "export OPENAI_BASE_URL=http://127.0.0.1:" in out and "lr-" in out, (
            "the first start prints settings that can be pasted"
        )
        code, out, _ = run(tmp_path, "up", "-d")
        assert code == 0 and "already running" in out
        status = json.loads(run(tmp_path, "status", "--json")[1])
        assert status["recipe"].startswith("rehearse@") and status["address"].startswith("http://127.0.0.1:")
        code, out, err = run(tmp_path, "ask", "Write to jane@roe.org", "please")
        assert code == 0 and "jane@roe.org" in out and "hosted: rehearsal/rehearsal-1" in err and "localrouter explain lr-" in err
        code, out, _ = run(tmp_path, "ask", "--json", "-s", "be brief", stdin="and what of 10.20.30.40?")
        tree = json.loads(out)
        assert (
            tree["headers"]["x-localrouter-lane"] == "hosted"
            and "10.20.30.40" in tree["answer"]["choices"][0]["message"]["content"]
        )
        until(lambda: len(json.loads(run(tmp_path, "traces", "--json")[1])) == 2, "two traces")  # written behind the answers
        rows = json.loads(run(tmp_path, "traces", "--json")[1])
        assert rows[1]["findings"] == {"EMAIL": 1}
        code, out, _ = run(tmp_path, "traces")
        assert code == 0 and rows[0]["id"] in out and "1 EMAIL" in out
        assert json.loads(run(tmp_path, "traces", "--json", "-q", "nosuchword")[1]) == []
        code, out, _ = run(tmp_path, "explain", rows[1]["id"][-10:])
        assert (
            code == 0
            and "Sent to rehearsal/rehearsal-1" in out
            and "@pii.invalid" in out
            and "What left this machine" in out
            and "jane@roe.org" not in out
        )
        assert json.loads(run(tmp_path, "explain", rows[1]["id"], "--json")[1])["id"] == rows[1]["id"]
        code, out, _ = run(tmp_path, "explain", "--dry-run", "-", stdin="my card is 4539 1488 0343 6467")
        assert code == 0 and "CARD_" in out and "4539" not in out and "Nothing was sent" in out
        assert len(json.loads(run(tmp_path, "traces", "--json")[1])) == 2, "a dry run leaves no trace"
        code, out, _ = run(tmp_path, "budget", "set", "--day", "7.5")
        assert code == 0 and "in force" in out
        assert json.loads(run(tmp_path, "budget", "show", "--json")[1])["budgets"][0]["limit"] == 7_500_000
        code, out, _ = run(tmp_path, "doctor")
        assert "daemon: privacy scan" in out and "ok " in out
        assert json.loads(run(tmp_path, "doctor", "--json")[1])["checks"]
        code, out, _ = run(tmp_path, "keys", "test", "rehearsal")
        assert "rehearsal" in out or code == 1
        code, out, _ = run(tmp_path, "restart")
        assert code == 0 and "listens on" in out
        assert len(json.loads(run(tmp_path, "traces", "--json")[1])) == 2, "traces survive"
        code, out, _ = run(tmp_path, "logs", "-n", "500")
        assert code == 0 and "listening on" in out and "jane" not in out
    finally:
        code, out, _ = run(tmp_path, "down")
    assert code == 0 and "stopped" in out
    assert run(tmp_path, "down")[1].strip() == "localrouter was not running."
    assert run(tmp_path, "status")[0] == 3


def test_a_start_that_fails_says_why(tmp_path: Path, host: Rehearsal) -> None:
    write_home(tmp_path, host)
    (tmp_path / "config" / "config.toml").write_text("prot = 1\n")
    for args in (("up",), ("up", "--detach")):
        code, _, err = run(tmp_path, *args)
        assert code == 2 and "config.toml:1: unknown key 'prot'. Did you mean 'port'?" in err
    (tmp_path / "config" / "config.toml").write_text("port = 0\n")
    code, _, err = run(tmp_path, "up", "--local", str(tmp_path / "no.gguf"))
    assert code == 2 and "no.gguf does not exist" in err


def test_token(tmp_path: Path) -> None:
    first = json.loads(run(tmp_path, "token", "show", "--json")[1])
    assert first["token"].startswith("lr-") and first["base_url"] == "http://127.0.0.1:8642/v1"
    assert json.loads(run(tmp_path, "token", "show", "--json")[1]) == first
    assert (tmp_path / "config" / "tokens.json").stat().st_mode & 0o777 == 0o600
    code, out, _ = run(tmp_path, "token", "new")
    assert code == 0 and first["token"] not in out
    control = run(tmp_path, "token", "show", "--control")[1].strip()
    assert control.startswith("lr-") and control not in out


def test_token_new_waits_for_the_daemon_to_be_down(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    code, _, err = run(daemon.home, "token", "new")
    assert code == 1 and "localrouter down" in err


def test_keys_without_a_keyring(tmp_path: Path) -> None:
    code, out, err = run(tmp_path, "keys", "list", "--json")
    tree = json.loads(out)
    assert code == 0 and {k["host"] for k in tree["keys"]} >= {"openai", "anthropic"} and "no usable keyring" in tree["keyring"]
    code, _, err = run(tmp_path, "keys", "set", "openai", stdin="sk-" + "test\n")
    assert code == 1 and "no usable keyring" in err and "environment" in err
    code, _, err = run(tmp_path, "keys", "set", "opnai", stdin="x\n")
    assert code == 1 and "Did you mean 'openai'?" in err
    code, _, err = run(tmp_path, "keys", "set", "openai", stdin="\n")
    assert code == 1 and "empty" in err
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"sk-" + b"test" not in file.read_bytes()


def test_recipe(tmp_path: Path) -> None:
    assert "regulated" in run(tmp_path, "recipe", "show")[1]
    assert json.loads(run(tmp_path, "recipe", "show", "offline", "--json")[1])["name"] == "offline"
    assert run(tmp_path, "recipe", "check", "balanced")[0] == 0
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\nextends = "balanced"\n[[route]]\nname = "a"\ntry = ["openai/gpt-5-mni"]\n')
    code, _, err = run(tmp_path, "recipe", "check", str(mine))
    assert code == 1 and "Did you mean openai/gpt-5-mini?" in err
    code, _, err = run(tmp_path, "recipe", "check", "nosuch")
    assert code == 2 and "no such recipe" in err


def test_wrong_use(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "stauts")
    assert code == 2 and "localrouter status" in err
    code, _, err = run(tmp_path, "ask")
    assert code == 1 and "There is no question" in err
    code, _, err = run(tmp_path, "budget", "set", "--day", "lots")
    assert code == 1 and "not an amount" in err
    code, _, err = run(tmp_path, "budget", "set")
    assert code == 1 and "--day" in err


@pytest.mark.parametrize("verb", ["--help", "recipe schema", "models search"])
def test_a_reader_that_leaves_is_no_failure(tmp_path: Path, verb: str) -> None:
    """As in `localrouter VERB | head -1`: the other end of the pipe is closed before the first byte."""
    read, write = os.pipe()
    os.close(read)
    env = os.environ | {"LOCALROUTER_HOME": str(tmp_path)}
    try:
        command = [sys.executable, "-P", "-m", "localrouter", *verb.split()]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=env, timeout=BUSY_S)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_help_fits_a_terminal_and_names_the_exit_codes(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "--help", columns=80)
    assert code == 0 and "..." not in out.partition("Commands:")[2] and max(map(len, out.splitlines())) <= 80
    assert "3 the daemon" in out and "130 interrupted" in out
    code, out, _ = run(tmp_path, "models", "search", columns=80)
    table = out[: out.index(" of memory are free here")].splitlines()[:-1]
    assert code == 0 and max(map(len, table)) <= 80
    assert any("qwen3-4b-instruct-2507 " in line and "apache-2.0" in line and "4.3 GB" in line for line in table), (
        "a line for each"
    )
    assert "`localrouter models pull" in out or "leaves room" in out


def test_output_of_others_is_not_obeyed_by_the_terminal(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    assert ask(daemon, "say \x1b[2J\x1b]0;owned\x07 and \u202e now [bold]x[/bold]")[0] == 200
    code, out, _ = run(daemon.home, "explain")
    assert code == 0 and "\x1b[2J" not in out and "\u202e" not in out and "[bold]x[/bold]" in out


def test_the_models_of_the_tests_are_known() -> None:
    assert "echo" in MODELS
