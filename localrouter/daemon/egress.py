"""Egress: the only way out, and the only import of httpx.

Law: an origin comes from configuration, never from a request; no redirect is followed; no proxy variable is read; a key goes
only to the origin that it was stored for. Time-outs: DESIGN section 4 (connect 5 s, first byte 300/900 s, idle 120 s).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from localrouter.core.errors import HostBroken, HostTimeout, HostTruncated, HostUnreachable

CONNECT_S = 5.0
FIRST_BYTE_S = {True: 300.0, False: 900.0}
IDLE_S = 120.0
TOTAL_S = 3600.0
MAX_BODY = 64 * 1024 * 1024
"""Bytes of one answer, decoded. A 200 KB gzip bomb decodes to 200 MB in one piece in httpx 0.28 (measured), so the decoding is
done here, in bounded steps, and only for gzip; everything else is asked for as identity."""


@dataclass(slots=True)
class Answer:
    """What the host answers: status, headers in lower case, and its bytes as they come."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


def check_origin(origin: str) -> None:
    """https, or http to a literal loopback address. Raises ValueError."""
    parts = urlsplit(origin)
    loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
        raise ValueError(f"the origin {parts.scheme}://{parts.hostname} must be scheme, host and path only")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ValueError(f"the origin {origin} must start with https:// (http:// only for loopback)")


class Egress:
    """One pool of connections. `open` yields an Answer and always gives the connection back."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=128, max_keepalive_connections=32, keepalive_expiry=60)
        timeout = httpx.Timeout(connect=CONNECT_S, read=None, write=60.0, pool=CONNECT_S)
        self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=timeout, limits=limits)

    async def close(self) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def open(
        self, host: str, origin: str, path: str, headers: Mapping[str, str], body: bytes, *, stream: bool, method: str = "POST"
    ) -> AsyncIterator[Answer]:
        """Ask a configured origin. Raises HostUnreachable, HostTimeout, HostTruncated, HostBroken."""
        check_origin(origin)
        sent = {**headers, "accept-encoding": "identity", "user-agent": "localrouter"}
        request = self._client.build_request(method, origin.rstrip("/") + path, headers=sent, content=body)
        response = await self._send(host, request, stream)
        try:
            yield Answer(response.status_code, response.headers, self._bytes(host, response))
        finally:
            await response.aclose()

    async def _send(self, host: str, request: httpx.Request, stream: bool) -> httpx.Response:
        for again in (True, False):
            try:
                async with asyncio.timeout(FIRST_BYTE_S[stream]):
                    return await self._client.send(request, stream=True)
            except TimeoutError:
                raise HostTimeout(
                    f"{host} did not start to answer in {FIRST_BYTE_S[stream]:.0f} seconds.", "Ask again."
                ) from None
            except (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError) as exc:
                raise HostUnreachable(
                    f"{host} cannot be reached ({type(exc).__name__}).", "Check the network, or use `--recipe offline`."
                ) from None
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as exc:
                # A pooled socket that died while idle (laptop resume) gets one free retry: no byte came back.
                if again:
                    continue
                raise HostTruncated(
                    f"{host} closed the connection before it answered ({type(exc).__name__}).", "Ask again."
                ) from None
            except httpx.HTTPError as exc:
                raise HostBroken(f"{host} does not speak HTTP as expected ({type(exc).__name__}).", "Check its origin.") from None
        raise AssertionError("unreachable")

    async def _bytes(self, host: str, response: httpx.Response) -> AsyncIterator[bytes]:
        coding = response.headers.get("content-encoding", "identity").lower()
        if coding not in ("identity", "gzip", ""):
            raise HostBroken(f"{host} answered in the encoding {coding[:20]!r}, which was not asked for.", "Check its origin.")
        inflate = zlib.decompressobj(31) if coding == "gzip" else None
        seen = 0
        raw = response.aiter_raw()
        async with asyncio.timeout(TOTAL_S):
            while True:
                try:
                    async with asyncio.timeout(IDLE_S):
                        chunk = await anext(raw, None)
                except TimeoutError:
                    raise HostTimeout(f"{host} fell silent for {IDLE_S:.0f} seconds.", "Ask again.") from None
                except httpx.HTTPError as exc:
                    raise HostTruncated(f"{host} broke off its answer ({type(exc).__name__}).", "Ask again.") from None
                if chunk is None:
                    return
                while chunk:
                    piece = chunk
                    if inflate is not None:
                        try:
                            piece = inflate.decompress(chunk, 65_536)
                        except zlib.error:
                            raise HostBroken(f"{host} sent bytes that are not gzip.", "Ask again.") from None
                    chunk = inflate.unconsumed_tail if inflate is not None else b""
                    seen += len(piece)
                    if seen > MAX_BODY:
                        raise HostBroken(f"{host} sent more than {MAX_BODY} bytes.", "Ask for less.")
                    if piece:
                        yield piece
