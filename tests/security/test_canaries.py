"""Canary sweep: unique strings in the token, the provider key, headers, prompts, replies and tool arguments; every path of success and
failure; then every byte that was left behind is searched, raw, base64 at three alignments, URL- and JSON-escaped."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import BUSY_S, Daemon, MakeDaemon, ask, call, idle, start, stop, wait, write_home

from localrouter.daemon.rehearsal import Rehearsal
from localrouter.scrub.lastcheck import base64_cores


def mark(kind: str) -> str:
    return f"zq{kind}{secrets.token_hex(6)}9x"


def forms(canary: str) -> list[bytes]:
    raw = canary.encode()
    return [
        raw,
        raw.upper(),
        quote(canary, safe="").encode(),
        json.dumps(canary)[1:-1].encode(),
        raw.hex().encode(),
        *(c.encode() for c in base64_cores(raw)),
    ]


class Canaries:
    """Those that must be nowhere (`never`) and those that may be kept veiled unless logging is off (`text`)."""

    def __init__(self) -> None:
        self.provider_key = "sk-" + mark("prov") + "AbCdEf123456"
        self.header = mark("head")
        self.wrong_token = mark("forg")
        self.mail = f"{mark('mail')}@corp-{secrets.token_hex(3)}.org"
        self.secret = mark("pass") + "-Horse"
        self.api_key = "sk-" + "proj-" + mark("apik") + "T3BlbkFJ"
        self.prompt = mark("prmt")
        self.never = {n: getattr(self, n) for n in ("provider_key", "header", "wrong_token", "mail", "secret", "api_key")}
        self.text = {"prompt": self.prompt}

    def body(self, model: str, *, stream: bool, tools: bool = False) -> dict[str, object]:
        content = f"please write a note about {self.prompt} to {self.mail}\nDB_PASSWORD={self.secret}\nkey {self.api_key}\n"
        tree: dict[str, object] = {
            "model": f"rehearsal/rehearsal-{model}", "stream": stream, "metadata": {"mail": self.mail, self.api_key: "x"}, "max_tokens": 400,
            "messages": [
                {"role": "system", "content": f"you help {self.mail}"}, {"role": "user", "content": content},
                {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "write_file", "arguments": json.dumps({"content": content})}}]},
                {"role": "tool", "tool_call_id": "c", "content": f"ok {self.secret}"}, {"role": "user", "content": content},
            ],
        }  # fmt: skip
        if tools:
            tree["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": "write_file",
                        "description": f"for {self.mail}",
                        "parameters": {
                            "type": "object",
                            "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
                        },
                    },
                }
            ]
        return tree


def send(
    daemon: Daemon, canaries: Canaries, body: object, *, token: str = "", path: str = "/v1/chat/completions", leave: bool = False
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    headers = {
        "authorization": f"Bearer {token or daemon.client}",
        "content-type": "application/json",
        "x-canary": canaries.header,
        "cookie": canaries.header,
        "user-agent": canaries.header,
        "x-session-id": canaries.header,
        "x-localrouter-context": json.dumps([canaries.mail, "doc-1"]),
    }
    try:
        connection.request("POST", path, data, headers)
        answer = connection.getresponse()
        if leave:
            answer.read(60)
        else:
            answer.read()
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()


def exercise(daemon: Daemon, c: Canaries) -> None:
    for model in ("1", "echo", "500", "429", "400", "drop", "cut", "error-mid"):
        for stream in (False, True):
            send(daemon, c, c.body(model, stream=stream))
    for stream in (False, True):
        send(daemon, c, c.body("1", stream=stream, tools=True))
        send(daemon, c, c.body("slow", stream=True), leave=True)
    send(daemon, c, c.body("1", stream=False), token=c.wrong_token)
    send(daemon, c, c.body("1", stream=False), path=f"/t/{c.wrong_token}/v1/chat/completions")
    send(daemon, c, c.body("1", stream=False), path=f"/v1/chat/completions?key={c.wrong_token}&x={c.mail}")
    send(daemon, c, c.body("1", stream=False), path=f"/nothing/{quote(c.mail)}")
    for bad in (b"{" + c.mail.encode(), json.dumps({"messages": [{"role": c.mail, "content": {c.secret: 1}}]}).encode(), json.dumps({"messages": [{"role": "user", "content": [{"type": c.api_key}]}]}).encode(),
                json.dumps({"model": c.mail, "messages": [{"role": "user", "content": c.mail}]}).encode(), json.dumps({"messages": [{"role": "user", "content": "x"}], "stream": c.secret}).encode()):  # fmt: skip
        send(daemon, c, bad)
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", daemon.port), timeout=BUSY_S) as sock:
        sock.sendall(f"GET /{c.mail} HTTP/1.0\r\nx: {c.wrong_token}\r\n\r\n".encode())
        sock.recv(1000)
    call(daemon, "/control/explain", c.body("1", stream=False))
    call(daemon, "/control/traces?q=" + quote(c.prompt))
    idle(daemon)
    call(daemon, "/control/doctor")


def sweep(home: Path, canaries: dict[str, str], extra: dict[str, bytes]) -> list[str]:
    """What was found where."""
    hits = []
    files = {}
    for file in home.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # one that a running daemon wrote and has renamed or removed since
            if file.is_file():
                files[str(file.relative_to(home))] = file.read_bytes()
    assert any(n.endswith("localrouter.db") for n in files) and any("log" in n for n in files)
    for name, data in (files | extra).items():
        for kind, canary in canaries.items():
            if any(form in data for form in forms(canary)):
                hits.append(f"{kind} in {name}")
    return hits


def children(pid: int) -> dict[str, bytes]:
    """Command lines of all, environments of the children: the daemon's own environment is where a user may have put a key."""
    out = {"cmdline": Path(f"/proc/{pid}/cmdline").read_bytes()}
    for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split():
        with contextlib.suppress(OSError):
            out[f"child {child} environ"] = Path(f"/proc/{child}/environ").read_bytes()
            out[f"child {child} cmdline"] = Path(f"/proc/{child}/cmdline").read_bytes()
    return out


def test_default_logging(make_daemon: MakeDaemon) -> None:
    c = Canaries()
    daemon = make_daemon(env={"LOCALROUTER_REHEARSAL_KEY": c.provider_key}, day_usd="1000")
    exercise(daemon, c)
    assert c.mail not in json.dumps(daemon.host.record()) and c.secret not in json.dumps(daemon.host.record())
    env = {**os.environ, "LOCALROUTER_HOME": str(daemon.home), "COLUMNS": "200"}
    shown = {}
    for verb in (
        ["traces"],
        ["traces", "--json"],
        ["explain"],
        ["explain", "--json"],
        ["status", "--json"],
        ["doctor", "--json"],
        ["keys", "list", "--json"],
        ["logs"],
    ):
        done = subprocess.run([sys.executable, "-P", "-m", "localrouter", *verb], capture_output=True, env=env, timeout=BUSY_S)
        shown["localrouter " + " ".join(verb)] = done.stdout + done.stderr
    tokens = {"client token": daemon.client}
    hits = sweep(daemon.home, c.never | tokens, children(daemon.pid) | shown)
    assert [h for h in hits if not (h.startswith("client token") and h.endswith("tokens.json"))] == []
    assert [h for h in sweep(daemon.home, c.text, {}) if "localrouter.db" in h], "the sweep does find what is there"


def test_logging_none(make_daemon: MakeDaemon) -> None:
    c = Canaries()
    daemon = make_daemon(env={"LOCALROUTER_REHEARSAL_KEY": c.provider_key}, day_usd="1000", extra='[logging]\nprompts = "none"')
    exercise(daemon, c)
    assert sweep(daemon.home, c.never | c.text, children(daemon.pid)) == []


def test_after_a_crash(tmp_path: Path, host: Rehearsal) -> None:
    c = Canaries()
    home = tmp_path / "home"
    write_home(home, host, day_usd="1000", extra='[logging]\nprompts = "none"')
    process = start(home, {"LOCALROUTER_REHEARSAL_KEY": c.provider_key})
    try:
        daemon = wait(home, process, host)
        send(daemon, c, c.body("1", stream=True))
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
        connection.request(
            "POST",
            "/v1/chat/completions",
            json.dumps(c.body("slow", stream=True)),
            {"authorization": f"Bearer {daemon.client}", "content-type": "application/json"},
        )
        connection.getresponse().read(80)
        process.kill()
        process.wait()
        connection.close()
        assert sweep(home, c.never | c.text, {}) == []
        process = start(home, {"LOCALROUTER_REHEARSAL_KEY": c.provider_key})
        daemon = wait(home, process, host)
        assert ask(daemon, "hello")[0] == 200
        time.sleep(0.2)
        assert sweep(home, c.never | c.text, children(daemon.pid)) == []
    finally:
        stop(process)
    assert not list(tmp_path.rglob("core*"))


@pytest.mark.parametrize("kind", ["raw", "base64", "quoted"])
def test_the_sweep_can_find(tmp_path: Path, kind: str) -> None:
    import base64

    canary = mark("test") + " ü"
    data = {"raw": canary.encode(), "base64": base64.b64encode(b"ab" + canary.encode() + b"c"), "quoted": quote(canary).encode()}[
        kind
    ]
    (tmp_path / "localrouter.db").write_bytes(b"....")
    (tmp_path / "x.log").write_bytes(b"..." + data + b"...")
    assert sweep(tmp_path, {"it": canary}, {}) == ["it in x.log"]
