"""`localrouter scrub` as its users run it: a pipe, a pre-commit hook, a batch; no daemon, no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import BUSY_S

PASSWORD = "hunter" + "2222x"
ENV = f"""# mail jane.roe@corp.io, café ☕ 𝒳
DATABASE_URL=postgres://app:{PASSWORD}@db.example.com:5432/app
# again: jane.roe@corp.io
"""
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7" * 12 + "\n-----END RSA " + "PRIVATE KEY-----\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def run(home: Path, *args: str, stdin: bytes = b"") -> tuple[int, bytes, str]:
    env = {**os.environ, "LOCALROUTER_HOME": str(home), "COLUMNS": "120"}
    argv = [sys.executable, "-m", "localrouter", "scrub", *args]
    done = subprocess.run(argv, input=stdin, capture_output=True, env=env, timeout=BUSY_S, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def test_a_pipe_and_back(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "app.env"
    file.write_text(ENV)
    code, veiled, summary = run(home, str(file))
    assert code == 0 and PASSWORD.encode() not in veiled and b"jane.roe" not in veiled
    assert veiled.count(b"@pii.invalid") == 2 and b"postgres://app:PASSWORD_" in veiled
    assert "EMAIL" in summary and "restored only in code" in summary
    assert run(home, "-", stdin=ENV.encode())[1] == veiled, "the same text has the same tokens"
    code, back, note = run(home, "--restore", str(file), stdin=b"answer: " + veiled)
    assert code == 0 and back == b"answer: " + ENV.encode() and "3 tokens restored" in note
    code, back, note = run(home, "--restore", str(file), stdin=b"EMAIL_ZZZZZ9 and PERSON_7KQ4ZZ")
    assert back == b"EMAIL_ZZZZZ9 and PERSON_7KQ4ZZ" and "2 are not of this file" in note


def test_json_has_offsets_in_code_points(home: Path) -> None:
    code, out, _ = run(home, "--json", stdin=ENV.encode())
    tree = json.loads(out)
    assert code == 0 and {ENV[f["start"] : f["end"]] for f in tree["findings"]} == {PASSWORD, "jane.roe@corp.io"}
    for f in tree["findings"]:
        assert set(f) >= {"type", "start", "end", "score", "detector", "tier"} and 0 < f["score"] <= 1
    assert {f["tier"] for f in tree["findings"]} == {"mask", "seal"}


def test_many_lines_one_start(home: Path) -> None:
    lines = [json.dumps({"id": n, "text": f"user{n}@corp.io wrote"}) for n in range(40)]
    lines[0] = '{"id": 0, "text": "\\ud800 user0@corp.io wrote"}'  # half a character
    lines[7:7] = ["not json", '{"id": "x"}', ""]
    code, out, _ = run(home, "--jsonl", stdin="\n".join(lines).encode())
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 1, "two lines failed"
    assert [r["id"] for r in rows] == [*range(7), None, "x", *range(7, 40)]
    assert all("@corp.io" not in r["veiled"] and len(r["findings"]) == 1 for r in rows if "error" not in r)
    assert [r["error"] for r in rows if "error" in r] == ["Line 8 is no JSON.", 'Line 9 needs {"id", "text"}.']


def test_a_hook_and_a_diff(home: Path, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.py", tmp_path / "good.py"
    bad.write_text(f'x = 1\npassword = "{PASSWORD}"\n')
    good.write_text("print('hello')\n")
    code, out, _ = run(home, "--check", str(good), str(bad))
    assert code == 1 and out.decode() == f"{bad}:2:13: PASSWORD (assignment)\n"
    assert run(home, "--check", str(good))[:2] == (0, b"")
    code, out, _ = run(home, "--diff", str(bad))
    assert code == 0 and b"-password = " in out and b"+password = " in out and b" x = 1" in out


def test_bytes_that_are_no_text(home: Path, tmp_path: Path) -> None:
    latin = "naïve jane.roe@corp.io".encode("latin-1") + b"\r\nno newline at the end \xff"
    code, out, _ = run(home, stdin=latin)
    assert code == 0 and out.startswith(b"na\xefve u") and out.endswith(b"\r\nno newline at the end \xff")
    assert json.loads(run(home, "--json", stdin=latin)[1])["findings"][0]["start"] == 6
    file = tmp_path / "x.bin"
    file.write_bytes(b"\x7fELF\x00\x01")
    code, _, err = run(home, str(file))
    assert code == 1 and "no UTF-8 text" in err
    code, _, err = run(home, str(tmp_path / "nowhere"))
    assert code == 1 and "cannot be read" in err
    assert run(home, stdin=b"")[:2] == (0, b"")


def test_a_session_names_the_same_in_all_texts(home: Path) -> None:
    def tokens(text: str, *more: str) -> bytes:
        return run(home, *more, stdin=text.encode())[1].split()[0]

    assert tokens("jane.roe@corp.io a") != tokens("jane.roe@corp.io b"), "two texts cannot be linked"
    assert tokens("jane.roe@corp.io a", "--session", "s") == tokens("jane.roe@corp.io b", "--session", "s")


def test_a_private_key_would_stay(home: Path) -> None:
    code, out, summary = run(home, stdin=PEM.encode())
    assert code == 0 and b"MIIE" not in out and "would stay on this machine" in summary
    code, _, err = run(home, "--json", "--diff")
    assert code == 2 and "Use one of" in err


def test_the_users_own_lists_hold(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir(mode=0o700)
    (folder / "config.toml").write_text('[privacy]\nallow = ["jane.roe@corp.io"]\ndeny = ["Bluebird", "/PRJ-[0-9]{4}/"]\n')
    (folder / "config.toml").chmod(0o600)
    code, out, _ = run(tmp_path, stdin=b"jane.roe@corp.io and john.doe@corp.io on Bluebird, PRJ-1234")
    assert code == 0 and b"jane.roe@corp.io" in out
    assert not [v for v in (b"john.doe", b"Bluebird", b"PRJ-1234") if v in out]
