"""Cross-origin: nothing for anybody by default; for an origin that config.toml lists exactly, what its page needs and no more."""

from __future__ import annotations

import http.client
import json

import pytest
from conftest import BUSY_S, Daemon, MakeDaemon

from localrouter.config.settings import Settings

LISTED = "http://localhost:3000"


def ask(daemon: Daemon, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}]}) if method == "POST" else None
    try:
        connection.request(
            method, path, body, {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        )
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_by_default_nothing_is_shared(daemon: Daemon) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        status, headers, _ = ask(daemon, method, "/v1/models", origin=LISTED, authorization=f"Bearer {daemon.client}")
        assert status == 403 and not [h for h in headers if h.startswith("access-control")]
    status, headers, _ = ask(daemon, "GET", "/v1/models", authorization=f"Bearer {daemon.client}")
    assert status == 200 and not [h for h in headers if h.startswith("access-control")]


def test_a_listed_origin(make_daemon: MakeDaemon) -> None:
    home_setting = f'allowed_origins = ["{LISTED}"]'
    daemon = make_daemon(top=home_setting)
    status, headers, _ = ask(
        daemon,
        "OPTIONS",
        "/v1/chat/completions",
        origin=LISTED,
        access_control_request_method="POST",
        sec_fetch_site="cross-site",
    )
    assert (
        status == 204
        and headers["access-control-allow-origin"] == LISTED
        and "authorization" in headers["access-control-allow-headers"]
    )
    assert "access-control-allow-credentials" not in headers
    status, headers, _ = ask(
        daemon,
        "POST",
        "/v1/chat/completions",
        origin=LISTED,
        sec_fetch_site="cross-site",
        authorization=f"Bearer {daemon.client}",
    )
    assert status == 200 and headers["access-control-allow-origin"] == LISTED and headers["vary"] == "origin"
    status, headers, _ = ask(daemon, "POST", "/v1/chat/completions", origin=LISTED)
    assert status == 401, "a listed origin still needs the token"
    for origin in (
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost:3000.evil.org",
        "null",
        "http://LOCALHOST:3000",
    ):
        status, headers, _ = ask(daemon, "POST", "/v1/chat/completions", origin=origin, authorization=f"Bearer {daemon.client}")
        assert status == 403 and "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "origin", ["*", "http://*", "localhost:3000", "http://localhost:3000/", "http://h/path", "ftp://h", "null", ""]
)
def test_what_is_no_exact_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="exact origin"):
        Settings.model_validate({"allowed_origins": [origin]})
