"""The ASGI app: routes as data, each with its scope. Pure ASGI: BaseHTTPMiddleware hides a client's disconnect.

Every path is looked up in one table, from the same `scope["path"]` that the door has read; a route without a scope cannot be
written down. Errors are answered in the dialect of the path.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

import orjson

from localrouter.core.ask import Ask
from localrouter.core.errors import Busy, Internal, NotFound, RouterError
from localrouter.core.secret import Secret
from localrouter.daemon import door
from localrouter.daemon.door import Receive, Scope
from localrouter.daemon.faultlog import log_defect
from localrouter.daemon.runner import Runner, Send
from localrouter.daemon.services import Services
from localrouter.dialects import Dialect, all_dialects

log = logging.getLogger("localrouter")

IN_FLIGHT = 64
SETTLE_S = 5.0
Level = Literal["open", "client", "control"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request past the door."""

    scope: Scope
    receive: Receive
    send: Send
    path: str
    tail: str
    query: dict[str, str]


Handler = Callable[[Call], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is exact, or a prefix when it ends in `/`."""

    method: str
    path: str
    level: Level
    handler: Handler
    dialect: Dialect | None = None


def _with_headers(send: Send, more: list[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return sending


async def send_json(send: Send, status: int, tree: Any, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    """One JSON answer."""
    body = tree if isinstance(tree, bytes) else orjson.dumps(tree)
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


class App:
    """One daemon's HTTP surface."""

    def __init__(self, services: Services, client: Secret, control: Secret | None, extra: list[Route] | None = None) -> None:
        """`control` is None where the control socket is: then the loopback port has no control API at all."""
        self.s, self._client, self._control = services, client, control
        self.hosts: frozenset[str] = frozenset()
        self.origins: frozenset[str] = frozenset()
        self.closing = False
        self.passed = self.refused = 0
        self._running: dict[asyncio.Task[Any], Runner] = {}
        self.dialects = all_dialects()
        self.routes: list[Route] = [
            Route("GET", "/healthz", "open", self._healthz),
            Route("GET", "/v1/models", "client", self._models),
            Route("GET", "/models", "client", self._models),
            Route("GET", "/v1/models/", "client", self._models),
            *(extra or []),
        ]
        for dialect in self.dialects:
            for method, path in dialect.ROUTES:
                self.routes.append(Route(method, path, "client", self._complete, dialect))
        self._exact = {(r.method, r.path): r for r in self.routes if not r.path.endswith("/")}
        self._prefix = [r for r in self.routes if r.path.endswith("/")]

    def add(self, routes: list[Route]) -> None:
        """The control API registers its own."""
        self.routes += routes
        self._exact |= {(r.method, r.path): r for r in routes if not r.path.endswith("/")}
        self._prefix += [r for r in routes if r.path.endswith("/")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        route: Route | None = None
        shared = door.cors(scope, self.origins) if self.origins else []
        if shared:
            send = _with_headers(send, shared)
        try:
            door.check_frame(scope, self.hosts, self.origins)
            if shared and scope["method"] == "OPTIONS":
                await send({"type": "http.response.start", "status": 204, "headers": door.PREFLIGHT})
                await send({"type": "http.response.body", "body": b""})
                return
            token, path = door.token_of(scope)
            while "//" in path:
                path = path.replace("//", "/")
            path = path.replace("/v1/v1/", "/v1/")
            route = self._find(scope["method"], path)
            if route is not None and route.level == "control" and self._control is None and not door.controls(scope):
                route = None
            if door.controls(scope):
                if route is not None and route.level == "client":
                    route = None  # the socket is for control; requests for models come with a client's token
            elif route is not None and route.level == "control":
                assert self._control is not None
                door.check_token(token, self._control)
            elif route is None or route.level != "open":
                # An unknown path needs the token too: nobody learns the surface without it.
                door.check_token(token, self._client)
            if route is None:
                raise NotFound(f"There is no {scope['method']} at this path.", "`localrouter status` prints the addresses.")
            if scope["method"] == "POST":
                door.check_media(scope)
            self.passed += 1
            query = {k: v[0] for k, v in parse_qs(scope.get("query_string", b"").decode("latin-1")).items()}
            await route.handler(Call(scope, receive, send, path, path[len(route.path) :], query))
        except Exception as error:
            self.refused += 1
            exc = (
                error
                if isinstance(error, RouterError)
                else Internal("Something in localrouter broke.", "See `localrouter logs`.")
            )
            if exc is not error:
                log_defect(f"a request failed at {route.path if route is not None else 'the door'}")
            body = route.dialect.error_body(exc) if route is not None and route.dialect else _plain(exc)
            head = [(b"x-should-retry", b"true" if exc.retry_after is not None and exc.retryable else b"false")]
            if exc.retry_after is not None:
                head.append((b"retry-after", str(max(1, round(exc.retry_after))).encode()))
            if exc.status == 401:
                head.append((b"www-authenticate", b"Bearer"))
            # RuntimeError: the answer had begun, and the server closes the connection.
            with contextlib.suppress(OSError, RuntimeError):
                await send_json(send, exc.status, body, head)

    def _find(self, method: str, path: str) -> Route | None:
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact
        return next((r for r in self._prefix if r.method == method and path.startswith(r.path)), None)

    async def _healthz(self, call: Call) -> None:
        await call.send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await call.send({"type": "http.response.body", "body": b""})

    async def _models(self, call: Call) -> None:
        items = [self._item("localrouter/auto", 0)]
        if self.s.local.available:
            items.append(self._item("local:chat", self.s.local.context))
        items += [self._item(m.id, m.context) for m in self.s.catalogue.models.values()]
        if call.tail:
            found = next((i for i in items if i["id"] == call.tail), None)
            if found is None:
                raise NotFound(f"There is no model {call.tail[:100]!r}.", "GET /v1/models lists them.")
            await send_json(call.send, 200, found)
            return
        await send_json(call.send, 200, {"object": "list", "data": items})

    def _item(self, name: str, context: int) -> dict[str, Any]:
        item: dict[str, Any] = {"id": name, "object": "model", "created": int(self.s.started), "owned_by": name.split("/")[0]}
        return item | ({"context_length": context, "context_window": context} if context else {})

    async def _complete(self, call: Call) -> None:
        dialect = next(r.dialect for r in self.routes if r.path == call.path and r.dialect is not None)
        body = await door.read_body(call.scope, call.receive)
        if body is None:
            return
        ask = dialect.read(body, door.headers_of(call.scope))
        if self.closing or self.s.in_flight >= IN_FLIGHT:
            raise Busy(f"{IN_FLIGHT} requests are running already.", "Ask again in a moment.", retry_after=1)
        await self._run(call, dialect, ask)

    async def _run(self, call: Call, dialect: Dialect, ask: Ask) -> None:
        runner = Runner(self.s, dialect, ask, new_id(), call.send)

        async def watch() -> None:
            while (await call.receive())["type"] != "http.disconnect":
                pass
            runner.leave()

        watcher = asyncio.create_task(watch())
        self.s.in_flight += 1
        task = asyncio.create_task(runner.run())
        self._running[task] = runner

        def over(done: asyncio.Task[Any]) -> None:
            self._running.pop(done, None)
            self.s.in_flight -= 1

        task.add_done_callback(over)
        try:
            # Shielded: when the server gives the request up, the relay still settles.
            await asyncio.shield(task)
        except asyncio.CancelledError:
            runner.leave()
            raise
        finally:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    async def drain(self, seconds: float) -> None:
        """Refuse new requests and wait for the running ones; those that take longer are ended with an error, and settled."""
        self.closing = True
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        for runner in list(self._running.values()):
            runner.stop()
        if self._running:
            await asyncio.wait(set(self._running), timeout=SETTLE_S)


def new_id() -> str:
    """A request id: time-ordered, 26 characters of hex and dash, unguessable tail."""
    return f"lr-{int(time.time() * 1000):011x}-{secrets.token_hex(5)}"


def _plain(error: RouterError) -> bytes:
    return orjson.dumps({"error": {"message": error.text, "type": error.type, "param": error.param, "code": error.code}})
