"""What the parts of the HTTP surface share: a route, a call past the door, one JSON answer, one error in its dialect's shape."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from localrouter.core.errors import RouterError
from localrouter.daemon.door import Receive, Scope
from localrouter.daemon.runner import Send
from localrouter.dialects import Dialect

Level = Literal["open", "probe", "client", "control"]
"""Who may come: anybody; anybody, but a token that is sent must be right; who has the client token; who has the control token."""


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
    """`path` is exact, or a prefix when it ends in `/`. `dialect`: in whose shape its errors are said."""

    method: str
    path: str
    level: Level
    handler: Handler
    dialect: Dialect | None = None

    @property
    def prefix(self) -> bool:
        """Whether what follows the path is the handler's `tail`."""
        return self.path.endswith("/") and self.path != "/"


async def send_json(send: Send, status: int, tree: Any, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    """One JSON answer."""
    body = tree if isinstance(tree, bytes) else orjson.dumps(tree)
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def send_empty(send: Send, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    """An answer without a body."""
    head = [(b"content-length", b"0"), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": b""})


def new_id() -> str:
    """A request id: time-ordered, 26 characters of hex and dash, unguessable tail."""
    return f"lr-{int(time.time() * 1000):011x}-{secrets.token_hex(5)}"


def id_headers(request_id: str) -> list[tuple[bytes, bytes]]:
    """The request's id where OpenAI's clients (`x-request-id`) and Anthropic's (`request-id`) look for it."""
    return [(b"x-request-id", request_id.encode()), (b"request-id", request_id.encode())]


def error_headers(error: RouterError, dialect: Dialect | None, *, again: bool = False) -> list[tuple[bytes, bytes]]:
    """`x-should-retry` is what the SDKs of OpenAI and Anthropic obey; `retry-after` is RFC 9110's. `again`: whether asking again at once
    may help, as it does when nothing but this machine's room was missing."""
    head = [(b"x-should-retry", b"true" if again else b"false")]
    if error.retry_after is not None:
        head.append((b"retry-after", str(max(1, round(error.retry_after))).encode()))
    if error.status == 401:
        head.append((b"www-authenticate", b"Bearer"))
    own = getattr(dialect, "error_headers", None)
    if own is not None:
        taken = {name for name, _ in head}
        head += [(k.encode(), v.encode()) for k, v in own(error).items() if k.encode() not in taken]
    return head


def with_id(body: bytes, request_id: str) -> bytes:
    """An error's body with the request's id, where its dialect has a field for it (Anthropic's `request_id`). A text cannot hold these
    bytes: its quotes are escaped."""
    return body.replace(b'"request_id":null', f'"request_id":"{request_id}"'.encode(), 1)


def error_body(error: RouterError, dialect: Dialect | None, request_id: str) -> bytes:
    """In the dialect's shape; where none is asked in OpenAI's, which every client reads."""
    if dialect is not None:
        return with_id(dialect.error_body(error), request_id)
    return orjson.dumps({"error": {"message": error.text, "type": error.type, "param": error.param, "code": error.code}})


async def send_error(
    send: Send,
    error: RouterError,
    dialect: Dialect | None,
    request_id: str,
    more: list[tuple[bytes, bytes]] | None = None,
    *,
    again: bool = False,
) -> None:
    """One error, with the headers that clients read."""
    head = [*(more or []), *error_headers(error, dialect, again=again), *id_headers(request_id)]
    await send_json(send, error.status, error_body(error, dialect, request_id), head)
