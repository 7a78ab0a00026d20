"""The ASGI app: routes as data, each with its scope. Pure ASGI: BaseHTTPMiddleware hides a client's disconnect.

Every path is looked up in one table, from the same tidied path that the door has read; a route without a scope cannot be written down.
Errors are answered in the dialect of the path, those of unknown paths below a dialect's own too.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any
from urllib.parse import parse_qs

from localrouter.core.errors import Internal, NotFound, RouterError
from localrouter.core.secret import Secret
from localrouter.daemon import door
from localrouter.daemon.completing import Completing
from localrouter.daemon.counting import Counting
from localrouter.daemon.door import Receive, Scope
from localrouter.daemon.embeddings import Embeddings
from localrouter.daemon.faultlog import log_defect
from localrouter.daemon.infill import Infill
from localrouter.daemon.models_list import ModelsList
from localrouter.daemon.openapi import OpenApi
from localrouter.daemon.rerank import Rerank
from localrouter.daemon.runner import Send
from localrouter.daemon.services import Services
from localrouter.daemon.surface import Call as Call
from localrouter.daemon.surface import Route as Route
from localrouter.daemon.surface import new_id, send_empty, send_error
from localrouter.daemon.surface import send_json as send_json
from localrouter.dialects import Dialect, all_dialects

log = logging.getLogger("localrouter")

PROBES = ("/", "/v1", "/api/hello")
"""Claude Code's versions ask these with HEAD, without a token, before anything else."""


def _with_headers(send: Send, more: list[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return sending


class App:
    """One daemon's HTTP surface."""

    def __init__(self, services: Services, client: Secret, control: Secret | None, extra: list[Route] | None = None) -> None:
        """`control` is None where the control socket is: then the loopback port has no control API at all."""
        self.s, self._client, self._control = services, client, control
        self.hosts: frozenset[str] = frozenset()
        self.origins: frozenset[str] = frozenset()
        self.passed = self.refused = 0
        self.dialects = all_dialects()
        self.completing = Completing(services)
        self._models = ModelsList(services, self.dialects)
        self.routes: list[Route] = []
        embedder = Embeddings(services)
        self.add(
            [
                Route("GET", "/healthz", "open", self._healthz),
                *(Route("HEAD", path, "probe", self._healthz) for path in PROBES),
                *self._models.routes(),
                *Counting(self.dialects, services).routes(),
                *embedder.routes(),
                *Rerank(embedder).routes(),
                *Infill(services).routes(),
                *OpenApi(self.dialects).routes(),
                *self.completing.routes(self.dialects),
                *(extra or []),
            ]
        )

    def add(self, routes: list[Route]) -> None:
        """More routes: the control API registers its own."""
        self.routes = [*self.routes, *routes]
        self._exact = {(r.method, r.path): r for r in self.routes if not r.prefix}
        self._prefix = [r for r in self.routes if r.prefix]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        route: Route | None = None
        path = scope["path"]
        shared = door.cors(scope, self.origins) if self.origins else []
        if shared:
            send = _with_headers(send, shared)
        try:
            door.check_frame(scope, self.hosts, self.origins)
            if shared and scope["method"] == "OPTIONS":
                await send({"type": "http.response.start", "status": 204, "headers": door.PREFLIGHT})
                await send({"type": "http.response.body", "body": b""})
                return
            tokens, path = door.tokens_of(scope)
            path = door.tidy(path)
            route, path = self._find(scope["method"], path)
            if route is not None and route.level == "control" and self._control is None and not door.controls(scope):
                route = None
            if door.controls(scope):
                if route is not None and route.level in ("client", "probe"):
                    route = None  # the socket is for control; requests for models come with a client's token
            else:
                scope[door.TOKEN] = self._checked(route, tokens)
            if route is None:
                raise NotFound(f"There is no {scope['method']} at this path.", "`localrouter status` prints the addresses.")
            if scope["method"] == "POST":
                door.check_media(scope)
            self.passed += 1
            query = {k: v[0] for k, v in parse_qs(scope.get("query_string", b"").decode("latin-1")).items()}
            await route.handler(Call(scope, receive, send, path, path[len(route.path) :], query))
        except Exception as error:
            await self._fail(scope, send, route, path, error)

    def _checked(self, route: Route | None, tokens: tuple[bytes, ...]) -> bytes:
        """The token that opens the route; b"" where none is needed. Raises Unauthorized."""
        if route is not None and (route.level == "open" or (route.level == "probe" and not tokens)):
            return b""
        if route is not None and route.level == "control":
            assert self._control is not None
            return door.check_token(tokens, self._control)
        # An unknown path needs the token too: nobody learns the surface without it.
        return door.check_token(tokens, self._client)

    async def _fail(self, scope: Scope, send: Send, route: Route | None, path: str, error: Exception) -> None:
        self.refused += 1
        exc = error if isinstance(error, RouterError) else Internal("Something in localrouter broke.", "See `localrouter logs`.")
        if exc is not error:
            log_defect(f"a request failed at {route.path if route is not None else 'the door'}")
        dialect = route.dialect if route is not None else None
        if dialect is None and (route is None or route.level == "client"):
            dialect = self._dialect_near(path, door.headers_of(scope))
        again = exc.retryable and exc.retry_after is not None
        # RuntimeError: the answer had begun, and the server closes the connection.
        with contextlib.suppress(OSError, RuntimeError):
            await send_error(send, exc, dialect, new_id(), again=again)

    def _find(self, method: str, path: str) -> tuple[Route | None, str]:
        """The route, and the path as the route writes it: a client whose base URL lacks `/v1` asks without it."""
        for way in (path, "/v1" + path):
            route = self._exact.get((method, way)) or next(
                (r for r in self._prefix if r.method == method and way.startswith(r.path)), None
            )
            if route is not None:
                return route, way
        return None, path

    def _dialect_near(self, path: str, headers: dict[str, str]) -> Dialect | None:
        """The dialect whose own path this one is or lies below; for the list of models, by the client's headers."""
        for way in (path, "/v1" + path):
            if way.startswith(("/v1/models", "/v1beta/models")):
                return self._models.dialect_for(way, headers)
            for dialect in self.dialects:
                if any(way == own or way.startswith(own + "/") for _, own in dialect.ROUTES):
                    return dialect
        return None

    async def _healthz(self, call: Call) -> None:
        await send_empty(call.send)

    @property
    def closing(self) -> bool:
        return self.completing.closing

    async def drain(self, seconds: float) -> None:
        """Refuse new requests and wait for the running ones; those that take longer are ended with an error, and settled."""
        await self.completing.drain(seconds)
