"""Routes are data, each with a scope: every one of them is asked without a token, with a wrong one and with the other's."""

from __future__ import annotations

from typing import Any

import pytest

from localrouter.core.secret import Secret
from localrouter.daemon.app import App, Route
from localrouter.daemon.control import Control
from localrouter.daemon.deadlines import CONTROL
from localrouter.dialects import all_dialects

pytestmark = pytest.mark.anyio
CLIENT, OWNER = "lr-" + "c" * 43, "lr-" + "o" * 43
REACHED: list[str] = []


def made(*, socket: bool) -> App:
    app = App(None, Secret(CLIENT), None if socket else Secret(OWNER))  # type: ignore[arg-type]  # no handler runs
    app.add(Control(app, None, lambda: None, lambda: None).routes())  # type: ignore[arg-type]  # as above
    app.hosts = frozenset({"127.0.0.1:1"})

    async def reached(call: Any) -> None:
        REACHED.append(call.path)
        await call.send({"type": "http.response.start", "status": 200, "headers": []})
        await call.send({"type": "http.response.body", "body": b""})

    routes, app.routes = app.routes, []
    app.add([Route(r.method, r.path, r.level, reached, r.dialect) for r in routes])
    return app


async def status(app: App, route: Route, token: str, *, socket: bool = False) -> int:
    out: list[int] = []
    path = route.path + ("x" if route.prefix else "")
    headers = [(b"host", b"127.0.0.1:1")] + ([(b"authorization", b"Bearer " + token.encode())] if token else [])
    scope = {
        "type": "http",
        "method": route.method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "state": {CONTROL: True} if socket else {},
    }

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            out.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    await app(scope, receive, send)
    return out[0]


async def test_every_route_declares_a_scope_and_keeps_it() -> None:
    app = made(socket=False)
    assert len(app.routes) >= 5 + sum(len(d.ROUTES) for d in all_dialects()) and {r.level for r in app.routes} == {
        "open",
        "probe",
        "client",
        "control",
    }
    assert [r.path for r in app.routes if r.level == "open"] == ["/healthz"]
    assert [(r.method, r.path) for r in app.routes if r.level == "probe"] == [
        ("HEAD", "/"),
        ("HEAD", "/v1"),
        ("HEAD", "/api/hello"),
    ]
    for route in app.routes:
        right, other = (OWNER, CLIENT) if route.level == "control" else (CLIENT, OWNER)
        REACHED.clear()
        for token in ("", "wrong", other, right + "x", right[:-1]):
            got = await status(app, route, token)
            # Clients send these before they have a token at hand; a wrong one is told so.
            free = route.level == "open" or (route.level == "probe" and not token)
            assert got == (200 if free else 401), (route.path, token)
        assert route.level in ("open", "probe") or not REACHED
        assert await status(app, route, right) == 200


async def test_with_a_control_socket_the_port_has_no_control_and_the_socket_has_nothing_else() -> None:
    app = made(socket=True)
    for route in app.routes:
        REACHED.clear()
        for token in ("", "wrong", CLIENT, OWNER):
            got = await status(app, route, token)
            if route.level == "control":
                assert got in (401, 404) and not REACHED
        got = await status(app, route, "", socket=True)
        assert got == (404 if route.level in ("client", "probe") else 200)


async def test_an_unknown_path_or_method_is_no_way_in() -> None:
    app = made(socket=True)
    for route in (
        Route("GET", "/nothing", "client", None),
        Route("DELETE", "/v1/models", "client", None),
        Route("POST", "/healthz", "client", None),
    ):  # type: ignore[arg-type]  # not called
        assert await status(app, route, "") == 401 and await status(app, route, CLIENT) == 404
