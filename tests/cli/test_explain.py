"""`localrouter explain --dry-run` for a body of each API, from a file and from stdin, against a real daemon."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import BUSY_S, Daemon, ask, call, newest

SECRET = "jane@roe.org"
SAYS = f"Write to {SECRET} about the roof."
SCHEMA = {"type": "object", "properties": {"path": {"type": "string", "description": "the second place"}}}
MODEL = "rehearsal/rehearsal-1"

BODIES: dict[str, dict[str, Any]] = {
    "chat": {
        "model": MODEL,
        "messages": [{"role": "system", "content": "the first place"}, {"role": "user", "content": SAYS}],
        "tools": [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}],
    },
    "messages": {
        "model": MODEL,
        "max_tokens": 300,
        "system": [{"type": "text", "text": "the first place", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": SAYS}]}],
        "tools": [{"name": "read", "input_schema": SCHEMA}],
    },
    "responses": {
        "model": MODEL,
        "instructions": "the first place",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": SAYS}]}],
        "tools": [{"type": "function", "name": "read", "parameters": SCHEMA, "strict": False}],
    },
}


def run(home: Path, *args: str, stdin: bytes = b"") -> tuple[int, str, str]:
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    env |= {"LOCALROUTER_HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "COLUMNS": "160"}
    command = [sys.executable, "-P", "-m", "localrouter", "explain", *args]
    done = subprocess.run(command, capture_output=True, env=env, input=stdin, timeout=BUSY_S, check=False)
    assert b"Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("name", BODIES)
def test_a_body_of_each_dialect_is_read_as_one(daemon: Daemon, tmp_path: Path, name: str) -> None:
    before = len(call(daemon, "/control/traces?limit=1000")[1]["traces"])
    raw = json.dumps(BODIES[name]).encode()
    file = tmp_path / "body.json"
    file.write_bytes(raw)
    code, out, err = run(daemon.home, "--dry-run", str(file), "--dialect", name)
    assert code == 0, err
    assert "Found: 1 EMAIL" in out and SECRET not in out and "the first place" in out and "the second place" in out
    assert any(MODEL in line and "kept" in line for line in out.splitlines()) and "Nothing was sent" in out
    assert f"If {MODEL} fails before its first word:" in out and "tokens in" in out
    code, out, err = run(daemon.home, "--dry-run", "-", "--dialect", name, "--json", stdin=raw)
    tree = json.loads(out)
    assert code == 0 and tree["hosted"] and tree["signals"]["findings"] == {"EMAIL": 1}
    assert tree["plan"]["attempts"][0]["model"] == MODEL
    assert len(call(daemon, "/control/traces?limit=1000")[1]["traces"]) == before, "a dry run leaves no trace"


def test_the_whole_name_of_a_dialect_is_known_too(daemon: Daemon) -> None:
    raw = json.dumps(BODIES["messages"]).encode()
    assert run(daemon.home, "--dry-run", "-", "--dialect", "anthropic_messages", stdin=raw)[0] == 0


def test_a_model_under_the_name_that_its_clients_see(daemon: Daemon) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    connection.request(
        "GET", "/v1/models?limit=1000", headers={"authorization": f"Bearer {daemon.client}", "anthropic-version": "2023-06-01"}
    )
    listed = [row["id"] for row in json.loads(connection.getresponse().read())["data"]]
    connection.close()
    alias = next(name for name in listed if name.startswith("claude-") and name.endswith("rehearsal-1"))
    raw = json.dumps({**BODIES["messages"], "model": alias}).encode()
    code, out, _ = run(daemon.home, "--dry-run", "-", "--dialect", "messages", "--json", stdin=raw)
    assert code == 0 and json.loads(out)["plan"]["attempts"][0]["model"] == MODEL


@pytest.mark.parametrize(
    ("args", "stdin", "said"),
    [
        (("--dialect", "gopher"), json.dumps(BODIES["chat"]), "Known dialects: chat, "),
        (("--dialect", "responses"), json.dumps(BODIES["chat"]), "'input'"),
        (("--dialect", "messages"), json.dumps(BODIES["responses"]), "'messages'"),
        (("--dialect", "messages"), "what is a roof?", "JSON"),
        (("--dialect", "chat"), "", "JSON"),
        (("--dialect", "responses"), "[1, 2]", "object"),
        ((), json.dumps({"model": MODEL, "prompt": SAYS}), "--dialect responses"),
        (("lr-123",), json.dumps(BODIES["chat"]), "Either a trace or --dry-run"),
    ],
)
def test_what_is_none_is_refused_by_name(daemon: Daemon, args: tuple[str, ...], stdin: str, said: str) -> None:
    code, out, err = run(daemon.home, *args, "--dry-run", "-", stdin=stdin.encode())
    assert code != 0 and not out and said in err


@pytest.mark.parametrize("name", BODIES)
def test_the_dialect_of_a_body_is_seen(daemon: Daemon, name: str) -> None:
    code, out, err = run(daemon.home, "--dry-run", "-", "--decision", stdin=json.dumps(BODIES[name]).encode())
    assert code == 0, err
    wanted = {"chat": "openai_chat", "messages": "anthropic_messages", "responses": "openai_responses"}
    assert json.loads(out)["ask"]["dialect"] == wanted[name]


def test_a_dialect_without_a_file(daemon: Daemon) -> None:
    code, out, err = run(daemon.home, "--dialect", "chat")
    assert code == 2 and not out and "--dry-run" in err


def test_a_prompt_and_json_that_is_no_body_are_prompts(daemon: Daemon) -> None:
    for text in (SAYS, json.dumps({"note": SAYS})):
        code, out, _ = run(daemon.home, "--dry-run", "-", stdin=text.encode())
        assert code == 0 and "Found: 1 EMAIL" in out and SECRET not in out


def test_a_fallback_step_is_told(daemon: Daemon) -> None:
    status, _ = ask(daemon, "What does EINTR mean, once more?", "rehearsal/rehearsal-500")
    assert status == 200
    id_ = str(newest(daemon)["id"])
    code, out, err = run(daemon.home, id_)
    assert code == 0, err
    assert "Fallback: rehearsal/rehearsal-500 (server error): " in out and "-> rehearsal/rehearsal-1" in out
    rows = [line for line in out.split("Attempts:")[1].splitlines() if "rehearsal-" in line]
    assert (
        "rehearsal/rehearsal-500" in rows[0]
        and "error" in rows[0]
        and any("rehearsal-1" in row and "done" in row for row in rows)
    )
    assert "Replayed: the same plan." in out
