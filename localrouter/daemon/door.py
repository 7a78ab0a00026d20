"""The door: who may come in, decided before anything is read. Pure ASGI scope in, verdict out.

Rules: notes of DESIGN section 4 and RFC 9110. An exact Host set (DNS rebinding), no web page (Origin, Sec-Fetch-Site), a token
compared in constant time as bytes, JSON media types only, a body limit counted while reading.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from localrouter.core.errors import BadRequest, Forbidden, MediaType, TooLarge, Unauthorized
from localrouter.core.secret import Secret
from localrouter.daemon.deadlines import CONTROL
from localrouter.daemon.inflate import inflate

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MAX_BODY = 64 * 1024 * 1024
MAX_HEADERS = 100
SLOTS = 8
"""Tokens of one request that are looked at: a guesser gains nothing by sending many at once."""
TOKEN = "localrouter.token"
"""Where in a scope the token stands by which the request came in."""


_REPEATED = re.compile(r"^(?:/v1)+(?=/v1(?:/|$))")
"""A base URL that ends in /v1, under a client that adds /v1 itself."""


def tidy(path: str) -> str:
    """The path that users meant, whose base URL has or lacks a `/v1`, ends in `/`, or is another product's (notes on clients, 2):
    `//` and `/v1/v1` collapsed, no slash at the end, and no `/openai`, `/anthropic` or, before `/v1`, `/api` in front."""
    while "//" in path:
        path = path.replace("//", "/")
    path = path.rstrip("/")
    for prefix in ("/openai", "/anthropic"):
        if path == prefix or path.startswith(prefix + "/"):
            path = path[len(prefix) :]
    if path == "/api/v1" or path.startswith("/api/v1/"):
        path = path[len("/api") :]
    return _REPEATED.sub("", path) or "/"


def headers_of(scope: Scope) -> dict[str, str]:
    """Lower-case names to values; a repeated sensitive header is refused in `check_frame`."""
    return {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}


def hosts_for(port: int) -> frozenset[str]:
    """The only Host values that are us."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


def controls(scope: Scope) -> bool:
    """Whether the request came through the control socket."""
    return bool((scope.get("state") or {}).get(CONTROL))


def check_frame(scope: Scope, allowed_hosts: frozenset[str], origins: frozenset[str] = frozenset()) -> None:
    """Host, origin and framing. Raises Forbidden or BadRequest."""
    names = [k for k, _ in scope["headers"]]
    if len(names) > MAX_HEADERS:
        raise BadRequest(f"The request has more than {MAX_HEADERS} headers.", "Send fewer.")
    for name in (b"host", b"content-length", b"authorization", b"transfer-encoding"):
        if names.count(name) > 1:
            raise BadRequest(f"The header {name.decode()} is there twice.", "Send it once.")
    if b"content-length" in names and b"transfer-encoding" in names:
        raise BadRequest("The request has both Content-Length and Transfer-Encoding.", "Send one of them.")
    headers = headers_of(scope)
    if controls(scope):
        # Nothing that a browser has touched; the peer's uid was checked when it connected.
        if "origin" in headers or "referer" in headers or "sec-fetch-site" in headers:
            raise Forbidden("The request comes from a web page, and none may call.", "Use the `localrouter` command.")
        return
    if headers.get("host", "").lower() not in allowed_hosts:
        raise Forbidden("The Host header names another machine.", "Use the address that `localrouter status` prints.")
    if headers.get("origin") in origins:
        return
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") or "origin" in headers:
        raise Forbidden("The request comes from a web page, and none may call.", "Call from an editor, a CLI or a script.")


def tokens_of(scope: Scope) -> tuple[tuple[bytes, ...], str]:
    """(what stands in every slot that real clients use, path without its `/t/<token>` prefix). An empty slot does not count. A client may
    fill several, and not each with our token: Claude Code with both of its variables set sends `Authorization` and `X-Api-Key`, Continue
    three (notes on clients, 6.2)."""
    path: str = scope["path"]
    found: list[bytes] = []
    if path.startswith("/t/"):
        token, _, rest = path[3:].partition("/")
        found, path = [token.encode("utf-8", "surrogatepass")], "/" + rest
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            found.append(value[7:].strip())
        elif name in (b"x-api-key", b"api-key", b"x-goog-api-key"):
            found.append(value.strip())
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    found += [key.encode("latin-1", "replace") for key in query.get("key", ())]
    return tuple(dict.fromkeys(t for t in found if t))[:SLOTS], path


def token_of(scope: Scope) -> tuple[bytes, str]:
    """(the token by which a request came in, path without a token). Before the door has looked: the first that it bears."""
    tokens, path = tokens_of(scope)
    return scope.get(TOKEN) or (tokens[0] if tokens else b""), path


def check_token(given: bytes | tuple[bytes, ...], wanted: Secret) -> bytes:
    """The one that is right. Raises Unauthorized. Every one is compared, in constant time, whichever it is; no database and no cache take
    part."""
    right = b""
    for token in (given,) if isinstance(given, bytes) else given:
        if wanted.matches(token):
            right = token
    if not right:
        raise Unauthorized("The token is missing or wrong.", "`localrouter token show` prints it.")
    return right


def check_media(scope: Scope) -> None:
    """A missing content type is accepted; what a form can send is not. Raises MediaType."""
    kind = headers_of(scope).get("content-type", "").split(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise MediaType("The content type is not JSON.", "Send application/json.")


def cors(scope: Scope, origins: frozenset[str]) -> list[tuple[bytes, bytes]]:
    """The headers that let a listed origin's page read the answer (fetch.spec.whatwg.org, CORS protocol); none for all others.
    No credentials: a page shows the token itself, cookies play no part."""
    origin = headers_of(scope).get("origin", "")
    if origin not in origins or controls(scope):
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", b"*"),
        (b"vary", b"origin"),
    ]


_ALLOWED = (
    "authorization, content-type, accept, x-api-key, api-key, x-goog-api-key, x-goog-api-client, anthropic-version, anthropic-beta, "
    "anthropic-dangerous-direct-browser-access, openai-beta, openai-organization, openai-project, idempotency-key, x-session-id, "
    "x-localrouter-session, x-localrouter-context, x-localrouter-user, x-localrouter-tier, x-localrouter-project, x-localrouter-tags, "
    "x-localrouter-path, x-localrouter-interaction, "
    + ", ".join(
        f"x-stainless-{name}"
        for name in (
            "arch", "async", "helper-method", "lang", "os", "package-version", "raw-response", "read-timeout", "retry-count",
            "runtime", "runtime-version", "timeout",
        )
    )
)  # fmt: skip
"""What the vendors' SDKs send from a page; `*` would not cover `authorization` (Fetch standard)."""

PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, HEAD, POST"),
    (b"access-control-allow-headers", _ALLOWED.encode()),
    (b"access-control-max-age", b"600"),
]


async def read_body(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body, decoded, or None when the client left. Raises TooLarge while reading, not after; MediaType and BadRequest for its
    encoding."""
    length = headers_of(scope).get("content-length", "")
    if length.isdigit() and int(length) > MAX_BODY:
        raise TooLarge(f"The body is over {MAX_BODY} bytes.", "Send less.")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise TooLarge(f"The body is over {MAX_BODY} bytes.", "Send less.")
        parts.append(part)
        if not message.get("more_body"):
            break
    coding = headers_of(scope).get("content-encoding", "")
    if coding:
        # In a thread: 64 MiB take a tenth of a second, and the loop has other clients.
        return await asyncio.to_thread(inflate, coding, b"".join(parts), MAX_BODY)
    return b"".join(parts)
