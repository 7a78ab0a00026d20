"""Paths as users and clients write them, probes, and errors in the dialect of their path."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

import pytest
from conftest import BUSY_S, Daemon

from localrouter.daemon.door import tidy
from localrouter.daemon.limits import passed_on

HI = {"model": "rehearsal/rehearsal-1", "messages": [{"role": "user", "content": "hi"}]}


def ask(
    daemon: Daemon, method: str, path: str, body: Any = None, token: str | None = None, **headers: str
) -> tuple[int, Any, bytes]:
    """(status, headers, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    token = daemon.client if token is None else token
    sent = {k.replace("_", "-"): v for k, v in headers.items()} | ({"authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("/v1/models", "/v1/models"),
        ("//v1//models/", "/v1/models"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/v1/v1/v1/messages", "/v1/messages"),
        ("/openai/v1/chat/completions", "/v1/chat/completions"),
        ("/openai/chat/completions", "/chat/completions"),
        ("/anthropic/v1/messages", "/v1/messages"),
        ("/anthropic", "/"),
        ("/api/v1/models", "/v1/models"),
        ("/api/hello", "/api/hello"),
        ("/api/v1beta", "/api/v1beta"),
        ("/v1/", "/v1"),
        ("/v1/v1", "/v1"),
        ("/", "/"),
        ("///", "/"),
        ("", "/"),
        ("/v1/models/v1/v1/x", "/v1/models/v1/v1/x"),
    ],
)
def test_tidy(given: str, meant: str) -> None:
    assert tidy(given) == meant and tidy(meant) == meant


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions", "/chat/completions", "/v1/chat/completions/", "//v1/chat/completions", "/v1/v1/chat/completions",
     "/openai/v1/chat/completions", "/api/v1/chat/completions", "/openai/chat/completions", "/v1/chat/completions?api-version=1"],
)  # fmt: skip
def test_base_urls_as_users_write_them(daemon: Daemon, path: str) -> None:
    status, headers, body = ask(daemon, "POST", path, HI)
    assert status == 200 and json.loads(body)["choices"]
    assert headers["x-request-id"] == headers["request-id"] == headers["x-localrouter-id"]


def test_a_token_in_the_path_goes_with_any_base_url(daemon: Daemon) -> None:
    for base in ("", "/v1", "/openai/v1", "//v1/"):
        assert ask(daemon, "GET", f"/t/{daemon.client}{base}/models", token="")[0] == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/api/hello", "/anthropic", "/anthropic/v1"])
def test_the_probe_of_claude_code_says_nothing(daemon: Daemon, path: str) -> None:
    for token, wanted in (("", 200), (daemon.client, 200), ("wrong", 401)):
        status, headers, body = ask(daemon, "HEAD", path, token=token)
        assert (status, body) == (wanted, b"")
        assert "server" not in headers and not any(h.startswith("x-localrouter") for h in headers)


def test_other_heads_need_the_token(daemon: Daemon) -> None:
    assert ask(daemon, "HEAD", "/v1/models", token="")[0] == 401
    assert ask(daemon, "HEAD", "/v1/nothing", token="")[0] == 401


def handshake(daemon: Daemon, token: str) -> bytes:
    """The first line and the headers of the answer to a WebSocket handshake (RFC 6455, 4.1)."""
    lines = [
        "GET /v1/responses HTTP/1.1", f"Host: 127.0.0.1:{daemon.port}", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *([f"Authorization: Bearer {token}"] if token else []),
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as sock:
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        got = b""
        while b"\r\n\r\n" not in got:
            got += sock.recv(4096)
    return got.lower()


def test_a_websocket_is_told_to_use_http(daemon: Daemon) -> None:
    got = handshake(daemon, daemon.client)
    assert got.startswith(b"http/1.1 426 ") and b"\r\nupgrade: http/1.1\r\n" in got
    assert ask(daemon, "GET", "/v1/responses")[0] == ask(daemon, "GET", "/responses")[0] == 426
    for token in ("", "wrong"):
        assert handshake(daemon, token).startswith(b"http/1.1 401 ")


@pytest.mark.parametrize("path", ["/v1/messages/batches", "/messages/nothing", "/anthropic/v1/messages/x"])
def test_an_unknown_path_below_messages_is_said_as_anthropic_says_it(daemon: Daemon, path: str) -> None:
    status, headers, body = ask(daemon, "POST", path, {})
    tree = json.loads(body)
    assert status == 404 and tree["type"] == "error" and tree["error"]["type"] == "not_found_error"
    assert headers["request-id"] == tree["request_id"] and headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", ["/v1/responses/resp_1", "/v1/chat/completions/x", "/v1/nothing", "/nothing"])
def test_any_other_unknown_path_is_said_as_openai_says_it(daemon: Daemon, path: str) -> None:
    status, _, body = ask(daemon, "GET", path)
    assert status == 404 and json.loads(body)["error"]["code"] == "not_found"


def test_a_wrong_token_is_said_in_the_dialect_of_the_path(daemon: Daemon) -> None:
    for path in ("/v1/messages", "/v1/messages/count_tokens", "/anthropic/v1/messages"):
        status, headers, body = ask(daemon, "POST", path, {}, token="wrong")
        assert (
            status == 401 and json.loads(body)["error"]["type"] == "authentication_error" and json.loads(body)["type"] == "error"
        )
        assert headers["www-authenticate"] == "Bearer"
    status, _, body = ask(daemon, "GET", "/v1/models", token="wrong", anthropic_version="2023-06-01")
    assert status == 401 and json.loads(body)["type"] == "error"
    assert json.loads(ask(daemon, "POST", "/v1/chat/completions", {}, token="wrong")[2])["error"]["code"] == "invalid_api_key"


def test_rate_limits_of_a_host_are_passed_on_in_its_own_dialect_alone() -> None:
    said = {
        "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-other": "1",
        "anthropic-ratelimit-tokens-remaining": "40000", "x-ratelimit-limit-tokens": "a\r\nset-cookie: b", "set-cookie": "c",
        "openai-organization": "org-1",
    }  # fmt: skip
    chat = passed_on(said, "openai_chat", "openai_chat")
    assert dict(chat) == {b"x-ratelimit-remaining-requests": b"59", b"x-ratelimit-reset-tokens": b"6m0s"}
    messages = passed_on(said, "anthropic_messages", "anthropic_messages")
    assert dict(messages) == {b"anthropic-ratelimit-tokens-remaining": b"40000"}
    assert passed_on(said, "openai_chat", "anthropic_messages") == passed_on(said, "another", "another") == []
