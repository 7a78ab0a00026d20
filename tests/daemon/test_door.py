"""The door of a running daemon: who may come in, in which slots a token may stand, and what is refused before anything is read."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Daemon, _Unix, call

from localrouter.core.errors import Unauthorized
from localrouter.core.secret import Secret
from localrouter.daemon import door
from localrouter.dialects import all_dialects

BODY = json.dumps({"model": "localrouter/auto", "messages": [{"role": "user", "content": "hi"}]}).encode()


def ask(daemon: Daemon, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        sent = {"host": f"127.0.0.1:{daemon.port}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if body is not None:
            sent |= {"content-length": str(len(body)), "content-type": sent.get("content-type", "application/json")}
        for name, value in sent.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_healthz_needs_no_token_and_says_nothing(daemon: Daemon) -> None:
    assert ask(daemon, "GET", "/healthz") == (200, b"")


@pytest.mark.parametrize("slot", ["authorization", "x-api-key", "api-key", "x-goog-api-key", "query", "path"])
def test_every_slot_that_clients_use(daemon: Daemon, slot: str) -> None:
    token = daemon.client
    if slot == "query":
        status, _ = ask(daemon, "GET", f"/v1/models?key={token}")
    elif slot == "path":
        status, _ = ask(daemon, "GET", f"/t/{token}/v1/models")
    else:
        status, _ = ask(daemon, "GET", "/v1/models", **{slot: f"Bearer {token}" if slot == "authorization" else token})
    assert status == 200


@pytest.mark.parametrize("right", ["authorization", "x-api-key", "api-key", "x-goog-api-key", "query"])
def test_several_slots_of_which_one_is_right(daemon: Daemon, right: str) -> None:
    """Claude Code with two variables set, Continue always: the placeholder of one slot hides no token in another."""
    headers = {"authorization": "Bearer dummy", "x-api-key": "dummy", "api-key": "another", "x-goog-api-key": "dummy"}
    assert ask(daemon, "GET", "/v1/models?key=dummy", **headers)[0] == 401
    path = "/v1/models?key=" + (daemon.client if right == "query" else "dummy")
    headers |= {} if right == "query" else {right: ("Bearer " if right == "authorization" else "") + daemon.client}
    assert ask(daemon, "GET", path, **headers)[0] == 200


def test_the_token_that_was_right_is_the_requests_own() -> None:
    wanted = Secret("lr-" + "x" * 43)
    scope = {
        "path": "/t/one/v1/x",
        "headers": [(b"x-api-key", b"two"), (b"authorization", b"Bearer lr-" + b"x" * 43)],
        "query_string": b"key=three",
    }
    tokens, path = door.tokens_of(scope)
    assert tokens == (b"one", b"two", b"lr-" + b"x" * 43, b"three") and path == "/v1/x"
    scope[door.TOKEN] = door.check_token(tokens, wanted)
    assert door.token_of(scope) == (b"lr-" + b"x" * 43, "/v1/x")
    many = [(b"x-api-key", b"%d" % i) for i in range(50)]
    assert len(door.tokens_of({"path": "/", "headers": many})[0]) == door.SLOTS
    for wrong in (b"", (), (b"", b"x")):
        with pytest.raises(Unauthorized):
            door.check_token(wrong, wanted)


@pytest.mark.parametrize("token", ["", "x", "lr-" + "A" * 43, "\xff\xfe"])
def test_a_wrong_token_is_401(daemon: Daemon, token: str) -> None:
    status, body = ask(daemon, "GET", "/v1/models", x_api_key=token)
    assert status == 401 and b"localrouter token show" in body


def test_the_port_has_no_control_api(daemon: Daemon) -> None:
    for method, path in (
        ("GET", "/control/status"),
        ("POST", "/control/stop"),
        ("GET", "/control/traces"),
        ("GET", "/control/traces/x"),
    ):
        body = b"{}" if method == "POST" else None
        assert ask(daemon, method, path, body)[0] == 401
        for token in (daemon.client, daemon.control):
            assert ask(daemon, method, path, body, authorization=f"Bearer {token}")[0] in (401, 404)


def test_the_control_socket_is_ours_alone_and_serves_control_alone(daemon: Daemon) -> None:
    file = Path(json.loads((daemon.home / "state" / "runtime.json").read_text())["socket"])
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
    assert call(daemon, "/control/status")[0] == 200
    assert call(daemon, "/v1/models")[0] == 401
    assert call(daemon, "/control/../v1/models")[0] == 400
    connection = _Unix(str(file))
    for headers in ({"origin": "http://localhost"}, {"referer": "http://localhost/"}, {"sec-fetch-site": "none"}):
        connection.request("GET", "/control/status", headers=headers)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (403, True)
    connection.request("GET", "/v1/models")
    assert connection.getresponse().read() and connection.close() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_cut_off_even_when_the_modes_let_it_in(tmp_path: Path) -> None:
    from localrouter.config.paths import Paths
    from localrouter.daemon.control_socket import close_socket, open_socket, peer_uid

    state = tmp_path / "s"
    state.mkdir()
    opened = open_socket(Paths(tmp_path, state))
    assert opened is not None
    sock = opened[0]
    try:
        file = sock.getsockname()
        Path(file).chmod(0o666)
        code = f"import os, socket; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect({file!r}); s.recv(1)"
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == os.getuid() and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)
        other = subprocess.Popen([sys.executable, "-c", code])
        peer, _ = sock.accept()
        assert peer_uid(peer) == 65534
        peer.close()
        other.wait(10)
        with socket.socket(socket.AF_UNIX) as own:
            own.connect(file)
            peer, _ = sock.accept()
            assert peer_uid(peer) == 0
            peer.close()
    finally:
        close_socket(opened)
    assert not Path(file).exists()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.nip.io:{port}",
        "localhost.:{port}",
        "0.0.0.0:{port}",
        "[::]:{port}",
        "127.1:{port}",
    ],
)
def test_a_foreign_host_header(daemon: Daemon, name: str) -> None:
    status, _ = ask(daemon, "GET", "/v1/models", host=name.format(port=daemon.port), authorization=f"Bearer {daemon.client}")
    assert status in (400, 403)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_our_own_names(daemon: Daemon, name: str) -> None:
    assert ask(daemon, "GET", "/v1/models", host=f"{name}:{daemon.port}", authorization=f"Bearer {daemon.client}")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
)
def test_a_web_page_may_not_call(daemon: Daemon, headers: dict[str, str]) -> None:
    status, body = ask(daemon, "POST", "/v1/chat/completions", BODY, authorization=f"Bearer {daemon.client}", **headers)
    assert status == 403 and b"web page" in body


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_what_a_form_can_send_is_refused(daemon: Daemon, media: str) -> None:
    assert (
        ask(daemon, "POST", "/v1/chat/completions", BODY, authorization=f"Bearer {daemon.client}", **{"content-type": media})[0]
        == 415
    )


def test_an_unknown_path_needs_the_token_too(daemon: Daemon) -> None:
    assert ask(daemon, "GET", "/nothing")[0] == 401
    assert ask(daemon, "GET", "/nothing", authorization=f"Bearer {daemon.client}")[0] == 404


def test_every_route_of_every_dialect_is_guarded(daemon: Daemon) -> None:
    seen = 0
    for dialect in all_dialects():
        for method, path in dialect.ROUTES:
            assert ask(daemon, method, path, BODY)[0] == 401
            seen += 1
    assert seen >= 2


def test_a_token_in_the_query_is_not_logged(daemon: Daemon) -> None:
    ask(daemon, "GET", f"/v1/models?key={daemon.client}")
    ask(daemon, "GET", f"/t/{daemon.client}/nothing")
    log = (daemon.home / "daemon.log").read_text()
    assert "listening" in log and daemon.client not in log and daemon.control not in log
