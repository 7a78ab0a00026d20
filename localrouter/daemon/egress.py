"""Egress: the only way out, and the only import of httpx and aiohttp.

Law: an origin comes from configuration, never from a request; no redirect is followed; no proxy variable is read; a key goes
only to the origin that it was stored for; the address that is really connected to is looked at again. Time-outs: DESIGN section 4.

httpx speaks through aiohttp's connections (httpx-aiohttp): beside httpx's own pool in one run it took 0.20 ms a call instead of 0.43, and
at 32 connections five times the calls, since that pool walks every connection for every call.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import re
import socket
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import aiohttp

# httpx loads its command line with it, and that loads rich, pygments and click: 6 MB and 40 ms (measured) that a daemon has no use for.
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = ModuleType("httpx._main")
    sys.modules["httpx._main"].main = lambda: None  # type: ignore[attr-defined]  # the one name that httpx takes from it

import httpx
from httpx_aiohttp import AiohttpTransport

from localrouter.core.errors import HostBroken, HostClosed, HostTimeout, HostTruncated, HostUnreachable
from localrouter.keys.binding import bound

CONNECT_S = 5.0
FIRST_BYTE_S = {True: 300.0, False: 900.0}
IDLE_S = 120.0
TOTAL_S = 3600.0
KEEP_S = 60.0
_TIMEOUTS = {"timeout": {"connect": CONNECT_S, "read": None, "write": 60.0, "pool": CONNECT_S}}
MAX_BODY = 64 * 1024 * 1024
"""Bytes of one answer, decoded. A 200 KB gzip bomb decodes to 200 MB in one piece in httpx 0.28 (measured), so the decoding is
done here, in bounded steps, and only for gzip; everything else is asked for as identity."""
PIECE = 65_536
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*", re.IGNORECASE)
"""RFC 1123 section 2.1, and the underscore that private networks use. Others break TLS in places that leak a socket."""
_METADATA = ipaddress.ip_address("fd00:ec2::254")
"""Instance metadata of a cloud over IPv6; over IPv4 it is link-local."""


def _cause(exc: BaseException) -> BaseException:
    """What happened below httpx, which folds aiohttp's errors into fewer of its own."""
    seen: BaseException | None = exc
    while seen is not None:
        if isinstance(seen, _PeerRefused):
            return seen
        nested = getattr(seen, "os_error", None)
        seen = nested if isinstance(nested, _PeerRefused) else seen.__cause__ or seen.__context__
    return exc.__cause__ if isinstance(exc, httpx.HTTPError) and exc.__cause__ is not None else exc


@dataclass(slots=True)
class Answer:
    """What the host answers: status, headers in lower case, and its bytes as they come."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


def check_origin(origin: str) -> None:
    """https, or http to a loopback name. Raises ValueError."""
    parts = urlsplit(origin)
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname or "@" in parts.netloc:
        raise ValueError(f"the origin {parts.scheme}://{parts.hostname} must be scheme, host and path only")
    if not origin.isascii() or not origin.isprintable() or " " in origin or "\\" in origin or "%" in parts.netloc:
        raise ValueError("the origin must be plain ASCII (an international name in its xn-- form)")
    parts.port  # noqa: B018  # raises ValueError when it is no port
    if parts.netloc.startswith("["):
        ipaddress.IPv6Address(parts.hostname)
    elif _NAME.fullmatch(parts.hostname) is None:
        raise ValueError(f"{parts.hostname!r} is no name of a host")
    elif parts.hostname.rpartition(".")[2].isdigit():
        # Such a name is an address or nothing (WHATWG URL, "ends in a number").
        ipaddress.IPv4Address(parts.hostname)
    if parts.scheme != "https" and not (parts.scheme == "http" and _loopback_name(parts.hostname)):
        raise ValueError(f"the origin {origin} must start with https:// (http:// only for loopback)")
    if bound(origin) is None:
        raise ValueError(f"the origin {origin!r} has characters that two readers of an address could take differently")


def _loopback_name(name: str | None) -> bool:
    return name in ("127.0.0.1", "::1", "localhost")


@functools.lru_cache(maxsize=256)
def _address(origin: str, path: str) -> tuple[httpx.URL, bool]:
    """(the URL of a path at a configured origin, whether that is on loopback). Checked and parsed once: it was a quarter of what a call costs.
    Raises ValueError."""
    check_origin(origin)
    return httpx.URL(origin.rstrip("/") + path), _loopback_name(urlsplit(origin).hostname)


class _PeerRefused(OSError):
    """The address that a name resolved to may not be connected to."""


def check_peer(address: str, port: int, *, loopback: bool, own: frozenset[int]) -> None:
    """Raises OSError for an address that no hosted model has: loopback (unless the origin names it), ourselves, link-local and metadata
    (SSRF, CVE-2025-23217), unspecified, multicast."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback and not loopback:
        raise _PeerRefused("the name of the host resolves to this machine")
    if ip.is_loopback and port in own:
        raise _PeerRefused("the origin of the host is localrouter itself")
    if ip.is_link_local or ip.is_unspecified or ip.is_multicast or ip == _METADATA:
        raise _PeerRefused("the name of the host resolves to an address that no host has")


_reused: ContextVar[list[bool]] = ContextVar("reused")


async def _note_reuse(session: object, context: object, params: object) -> None:
    _reused.get([]).append(True)


class _Cookies(aiohttp.DummyCookieJar):
    """Hosts set cookies; none is kept."""


class Egress:
    """Two pools of connections: for origins on loopback, and for all others. `open` yields an Answer and gives the connection back.
    `own_ports` are refused: a request that came back to us would be charged for ever."""

    def __init__(self, own_ports: frozenset[int] = frozenset()) -> None:
        self._own = own_ports
        self._transports: dict[bool, AiohttpTransport] = {}

    def _transport(self, loopback: bool) -> AiohttpTransport:
        # A transport alone: httpx's client above it would only add what is switched off here (redirects, cookies, proxies, auth).
        found = self._transports.get(loopback)
        if found is None:
            found = self._transports[loopback] = self._made(loopback)
        return found

    def _made(self, loopback: bool) -> AiohttpTransport:
        def make_socket(info: tuple[Any, ...]) -> socket.socket:
            family, kind, protocol, _, address = info
            check_peer(address[0], address[1], loopback=loopback, own=self._own)
            made = socket.socket(family, kind, protocol)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made

        context = httpx.create_ssl_context(trust_env=False)

        def session() -> aiohttp.ClientSession:
            trace = aiohttp.TraceConfig()
            trace.on_connection_reuseconn.append(_note_reuse)
            connector = aiohttp.TCPConnector(
                limit=128, keepalive_timeout=KEEP_S, ssl=context, socket_factory=make_socket, enable_cleanup_closed=False
            )
            return aiohttp.ClientSession(
                connector=connector, trust_env=False, auto_decompress=False, cookie_jar=_Cookies(), trace_configs=[trace]
            )

        return AiohttpTransport(client=session, trust_env=False, verify=context)

    async def close(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    @asynccontextmanager
    async def open(
        self, host: str, origin: str, path: str, headers: Mapping[str, str], body: bytes, *, stream: bool, method: str = "POST"
    ) -> AsyncIterator[Answer]:
        """Ask a configured origin. Raises HostUnreachable, HostTimeout, HostTruncated, HostBroken."""
        url, loopback = _address(origin, path)
        sent = {**headers, "accept-encoding": "identity", "user-agent": "localrouter"}
        transport = self._transport(loopback)
        request = httpx.Request(method, url, headers=sent, content=body, extensions=_TIMEOUTS)
        response = await self._send(transport, host, request, stream)
        unwatch = _watched(response)
        try:
            yield Answer(response.status_code, response.headers, self._bytes(host, response))
        finally:
            unwatch()
            await response.aclose()

    async def _send(self, transport: httpx.AsyncBaseTransport, host: str, request: httpx.Request, stream: bool) -> httpx.Response:
        for again in (True, False):
            reused: list[bool] = []
            _reused.set(reused)
            try:
                async with asyncio.timeout(FIRST_BYTE_S[stream]):
                    return await transport.handle_async_request(request)
            except TimeoutError:
                raise HostTimeout(
                    f"{host} did not start to answer in {FIRST_BYTE_S[stream]:.0f} seconds.", "Ask again."
                ) from None
            except (httpx.HTTPError, aiohttp.ClientError, OSError) as exc:
                cause = _cause(exc)
                if isinstance(cause, _PeerRefused):
                    raise HostUnreachable(f"{host} was not called: {cause}.", "Correct its origin.") from None
                if isinstance(
                    cause, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)
                ) and not isinstance(cause, aiohttp.ClientConnectorError):
                    # A pooled socket that died while idle (laptop resume) gets one free retry; a fresh one that dies was meant to.
                    if again and reused:
                        continue
                    raise HostClosed(f"{host} closed the connection before it answered.", "Ask again.") from None
                if isinstance(cause, aiohttp.ClientResponseError):
                    # Bytes that a host sent beyond the answer before are read in front of this one.
                    if again and reused:
                        continue
                    raise HostBroken(f"{host} does not speak HTTP as expected.", "Check its origin.") from None
                raise HostUnreachable(
                    f"{host} cannot be reached ({type(cause).__name__}).", "Check the network, or use `--recipe offline`."
                ) from None
        raise AssertionError("unreachable")

    async def _bytes(self, host: str, response: httpx.Response) -> AsyncIterator[bytes]:
        coding = response.headers.get("content-encoding", "identity").lower()
        if coding not in ("identity", "gzip", ""):
            raise HostBroken(f"{host} answered in the encoding {coding[:20]!r}, which was not asked for.", "Check its origin.")
        inflate = zlib.decompressobj(31) if coding == "gzip" else None
        seen = 0
        assert isinstance(response.stream, httpx.AsyncByteStream)
        # The transport's own stream: httpx's reader around it counts and cuts, and costs as much again.
        raw = aiter(response.stream)
        ends = asyncio.get_running_loop().time() + TOTAL_S
        while True:
            left = ends - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(min(IDLE_S, left)):
                    chunk = await anext(raw, None)
            except TimeoutError:
                why = f"fell silent for {IDLE_S:.0f} seconds" if left > IDLE_S else f"did not end in {TOTAL_S:.0f} seconds"
                raise HostTimeout(f"{host} {why}.", "Ask again.") from None
            except (httpx.HTTPError, aiohttp.ClientError, OSError) as exc:
                raise HostTruncated(f"{host} broke off its answer ({type(_cause(exc)).__name__}).", "Ask again.") from None
            if chunk is None:
                if inflate is not None and not inflate.eof:
                    raise HostTruncated(f"{host} broke off its answer inside gzip.", "Ask again.")
                return
            for piece in _pieces(host, inflate, chunk):
                seen += len(piece)
                if seen > MAX_BODY:
                    raise HostBroken(f"{host} sent more than {MAX_BODY} bytes.", "Ask for less.")
                yield piece


def _watched(response: httpx.Response) -> Callable[[], None]:
    """A connection that is closed ends the answer on it: after bytes that are no HTTP inside a body, aiohttp 3.14 closes the connection and leaves
    who reads the body waiting until the time limit. Returns what ends the watch."""
    raw = getattr(response.stream, "_aiohttp_response", None)
    connection = getattr(raw, "connection", None)
    closed = getattr(getattr(connection, "protocol", None), "closed", None)
    if raw is None or closed is None:
        return lambda: None
    content = raw.content

    def over(done: asyncio.Future[None]) -> None:
        if not done.cancelled():
            done.exception()
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the connection was closed inside the answer"))

    closed.add_done_callback(over)

    def end() -> None:
        closed.remove_done_callback(over)

    return end


def _pieces(host: str, inflate: Any, chunk: bytes) -> Iterator[bytes]:
    """A chunk as it is, or inflated in bounded steps. zlib may hold output back when a step is full, so it is asked until one is not."""
    if inflate is None:
        yield chunk
        return
    while not inflate.eof:
        try:
            piece = inflate.decompress(chunk, PIECE)
        except zlib.error:
            raise HostBroken(f"{host} sent bytes that are not gzip.", "Ask again.") from None
        chunk = inflate.unconsumed_tail
        if piece:
            yield piece
        if not chunk and len(piece) < PIECE:
            return
