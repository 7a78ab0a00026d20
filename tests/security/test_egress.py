"""A malicious or broken host: each fault ends in bounded time with one typed error, in bounded memory, and is never called twice
after a byte came back. Raw sockets, because a server that lies cannot be a library."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from localrouter.core.errors import HostBroken, HostFault, HostTimeout, HostTruncated, HostUnreachable
from localrouter.daemon import egress as room
from localrouter.daemon.egress import Egress, check_origin, check_peer
from localrouter.providers import openai_chat as wire

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
EVENT = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}\n\n'
DONE = b"data: [DONE]\n\n"
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(*parts: bytes | float, reset: bool = False) -> Answer:
    """Write these; a number waits so many seconds."""

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            else:
                await asyncio.sleep(part)
        if reset:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    return run


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, piece: bytes, pause: float) -> None:
    writer.write(head)
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)


def for_ever(head: bytes, piece: bytes, pause: float = 0.0) -> Answer:
    return lambda r, w: endless(r, w, head, piece, pause)


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts)


BOMB = gzip.compress(bytes(200 << 20))
FAULTS: dict[str, tuple[Answer, type[HostFault]]] = {
    "accepts and is silent": (says(30.0), HostTimeout),
    "closes at once": (says(), HostTruncated),
    "resets at once": (says(reset=True), HostTruncated),
    "not http": (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 0.2), HostBroken),
    "http/0.9": (says(b"hello\n", 0.2), HostBroken),
    "half a status line": (says(b"HTTP/1.1 2", 0.1), HostFault),
    "status 999": (says(b"HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n"), HostFault),
    "endless head": (for_ever(b"HTTP/1.1 200 OK\r\n", b"x-a: " + b"y" * 1000 + b"\r\n"), HostFault),
    "one endless header": (for_ever(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 65536), HostBroken),
    "head dripped": (for_ever(b"HTTP/1.1 200 OK\r\n", b"x", 0.05), HostTimeout),
    "100-continue for ever": (for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), HostFault),
    "length and chunked": (
        says(OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(EVENT) + b"0\r\n\r\n", 0.2),
        HostFault,
    ),
    "two lengths": (says(OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!", 0.2), HostFault),
    "length too long": (says(OK + b"content-length: 9999\r\n\r\n" + EVENT), HostTruncated),
    "bad chunk size": (says(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n" + EVENT, 0.2), HostFault),
    "chunk cut": (says(OK + b"transfer-encoding: chunked\r\n\r\nff\r\n" + EVENT), HostTruncated),
    "closed inside an event": (says(OK + b"transfer-encoding: chunked\r\n\r\n" + chunked(EVENT, EVENT[:20])), HostTruncated),
    "reset inside an event": (says(OK + b"transfer-encoding: chunked\r\n\r\n" + chunked(EVENT), 0.05, reset=True), HostTruncated),
    "no [DONE]": (says(OK + b"connection: close\r\n\r\n" + EVENT), HostTruncated),
    "silent in the middle": (says(OK + b"transfer-encoding: chunked\r\n\r\n" + chunked(EVENT), 30.0), HostTimeout),
    "not json in an event": (says(OK + b"connection: close\r\n\r\n" + b"data: {oops\n\n" + DONE), HostBroken),
    "array in an event": (says(OK + b"connection: close\r\n\r\n" + b"data: [1]\n\n" + DONE), HostBroken),
    "an event of 20 MB": (for_ever(OK + b"connection: close\r\n\r\ndata: ", b"x" * 65536), HostBroken),
    "endless small events": (for_ever(OK + b"connection: close\r\n\r\n", EVENT * 800), HostFault),
    "small events for ever": (for_ever(OK + b"connection: close\r\n\r\n", EVENT, 0.2), HostTimeout),
    "error in the stream": (
        says(OK + b"connection: close\r\n\r\n" + EVENT + b'data: {"error":{"message":"overloaded"}}\n\n'),
        HostFault,
    ),
    "gzip bomb": (says(OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB) + BOMB), HostBroken),
    "gzip cut": (
        says(OK + b"content-encoding: gzip\r\nconnection: close\r\n\r\n" + gzip.compress(EVENT * 50 + DONE)[:-12]),
        HostFault,
    ),
    "gzip that is none": (says(OK + b"content-encoding: gzip\r\nconnection: close\r\n\r\n" + EVENT), HostBroken),
    "br, not asked for": (says(OK + b"content-encoding: br\r\nconnection: close\r\n\r\n" + b"\x0b\x02\x80"), HostBroken),
    "two encodings": (says(OK + b"content-encoding: gzip, gzip\r\nconnection: close\r\n\r\n" + EVENT), HostBroken),
    "redirect": (says(b"HTTP/1.1 307 T\r\nlocation: http://127.0.0.1:9/evil\r\ncontent-length: 0\r\n\r\n"), HostBroken),
    "upgrade": (says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", 0.2), HostFault),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FIRST_BYTE_S", {True: 1.0, False: 1.0})
    monkeypatch.setattr(room, "IDLE_S", 1.0)
    monkeypatch.setattr(room, "TOTAL_S", 6.0)
    return


async def called(
    answer: Answer, *, own: frozenset[int] = frozenset(), headers: dict[str, str] | None = None
) -> tuple[BaseException | None, int, bytes]:
    """(the fault, how often the host was called, what it received) of one call through egress and the wire's reader."""
    calls = 0
    got = b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls, got
        calls += 1
        try:
            got += await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    egress = Egress(own)
    error: BaseException | None = None
    try:
        async with egress.open(
            "test", f"http://127.0.0.1:{port}", "/chat/completions", headers or {}, b"{}", stream=True
        ) as answer_:
            if answer_.status != 200:
                raise wire.fault("test", answer_.status, answer_.headers, b"")
            reader = wire.Reader(True)
            ended = False
            async for part in answer_.body:
                for chunk in reader.feed(part):
                    if chunk.error is not None:
                        raise chunk.error
                    ended = ended or chunk.terminal
            if not ended:
                raise HostTruncated("no end")
    except HostFault as exc:
        error = exc
    finally:
        await egress.close()
        server.close()
    return error, calls, got


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_typed_bounded_and_not_retried(name: str) -> None:
    answer, kind = FAULTS[name]
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error, calls, _ = await called(answer)
    assert isinstance(error, kind), error
    assert error.text and "hi" not in error.text.split()
    assert time.monotonic() - began < 40, "some two seconds, on a machine at rest"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 96 * 1024
    assert calls == 1, "a fresh connection that dies is not tried again: the host may have begun to bill"
    if name not in ("redirect", "status 999", "upgrade"):  # a status line is not billed
        assert error.money_at_risk


async def test_an_honest_host_passes_also_in_gzip() -> None:
    plain = OK + b"connection: close\r\n\r\n" + EVENT * 3 + DONE
    assert (await called(says(plain)))[0] is None
    for size in (1, 100, 65_536, 200_000):
        body = gzip.compress(b": " + b"x" * size + b"\n\n" + EVENT + DONE)
        assert (await called(says(OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body) + body)))[0] is None


async def test_nothing_from_the_environment_and_no_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    monkeypatch.setenv("NETRC", "/nowhere")
    error, calls, got = await called(says(OK + b"set-cookie: a=b; Path=/\r\nconnection: close\r\n\r\n" + EVENT + DONE))
    assert error is None and calls == 1
    assert b"cookie" not in got.lower() and b"proxy" not in got.lower()
    assert b"accept-encoding: identity" in got.lower() and b"user-agent: localrouter" in got.lower()


@pytest.mark.parametrize(
    ("address", "loopback", "fine"),
    [
        ("93.184.216.34", False, True), ("10.1.2.3", False, True), ("127.0.0.1", True, True), ("::1", True, True),
        ("127.0.0.1", False, False), ("127.9.9.9", False, False), ("::1", False, False), ("::ffff:127.0.0.1", False, False),
        ("169.254.169.254", False, False), ("169.254.169.254", True, False), ("::ffff:169.254.169.254", False, False), ("fe80::1%eth0", False, False),
        ("fd00:ec2::254", False, False), ("0.0.0.0", False, False), ("0.0.0.0", True, False), ("::", True, False), ("224.0.0.1", False, False), ("ff02::1", False, False),
    ],
)  # fmt: skip
def test_addresses(address: str, loopback: bool, fine: bool) -> None:
    if fine:
        check_peer(address, 443, loopback=loopback, own=frozenset({1}))
    else:
        with pytest.raises(OSError, match="host"):
            check_peer(address, 443, loopback=loopback, own=frozenset({1}))


async def test_we_do_not_call_ourselves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as own:
        port = own.getsockname()[1]
        egress = Egress(frozenset({port}))
        try:
            with pytest.raises(HostUnreachable, match="localrouter itself"):
                async with egress.open("t", f"http://127.0.0.1:{port}", "/x", {}, b"", stream=True):
                    pass
        finally:
            await egress.close()


async def test_a_public_name_that_resolves_to_this_machine_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding on the way out: the address is looked at when the socket is made."""
    accepted: list[Any] = []
    server = await asyncio.start_server(lambda r, w: accepted.append(1), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def resolve(self: Any, host: str, port_: int = 0, family: int = 0) -> list[Any]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port_, "family": socket.AF_INET, "proto": 6, "flags": 0}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    monkeypatch.setattr(aiohttp.DefaultResolver, "resolve", resolve)
    egress = Egress()
    try:
        with pytest.raises(HostUnreachable, match="resolves to this machine"):
            async with egress.open("t", f"https://api.example.org:{port}", "/x", {"authorization": "Bearer k"}, b"", stream=True):
                pass
    finally:
        await egress.close()
        server.close()
    assert not accepted


async def test_refused_and_unknown() -> None:
    egress = Egress()
    try:
        with pytest.raises(HostUnreachable) as caught:
            async with egress.open("t", "http://127.0.0.1:1", "/x", {}, b"", stream=True):
                pass
        assert caught.value.money_at_risk is False
    finally:
        await egress.close()


@pytest.mark.parametrize(
    "origin",
    ["http://api.example.org", "ftp://x", "https://", "https://u@h", "https://u:p@h", "https://h?x", "https://h#x", "http://127.0.0.1.evil.org", "http://localhost.evil.org",
     "https://h:99999", "https://h:x", "https://exämple.org", "https://h\\evil", "https://a b", "file:///etc/passwd", "//h", "h", "", "https://h\n.evil", "http://0.0.0.0", "http://10.0.0.1"],
)  # fmt: skip
def test_origins_that_are_none(origin: str) -> None:
    with pytest.raises(ValueError):
        check_origin(origin)


async def test_a_pooled_connection_that_died_gets_one_retry() -> None:
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        served += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        try:
            await reader.readuntil(b"\r\n\r\n")  # the next request on this connection: die on it
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    egress = Egress()
    try:
        for _ in range(3):
            async with egress.open(
                "t", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "/x", {}, b"", stream=False
            ) as answer:
                assert b"".join([p async for p in answer.body]) == b"{}"
    finally:
        await egress.close()
        server.close()
    assert served == 3


async def test_bytes_beyond_an_answer_do_not_spoil_the_next() -> None:
    """A host says more than it announced; the surplus lies on a pooled connection. The next request gets a fresh one, once."""
    calls = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                calls += 1
                body = EVENT + DONE
                await reader.readexactly(2)
                writer.write(OK + b"content-length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
                if calls == 1:
                    # Only when the next request is there: until then the pool takes the connection for a good one.
                    await reader.readuntil(b"\r\n\r\n")
                    calls += 1
                    writer.write(b"surplus\r\n\r\n")
                    await writer.drain()
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    egress = Egress()
    try:
        for _ in range(3):
            origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with egress.open("test", origin, "/chat/completions", {}, b"{}", stream=True) as answer:
                assert answer.status == 200 and b"[DONE]" in b"".join([part async for part in answer.body])
        assert calls == 4, "the second was asked again, once"
    finally:
        await egress.close()
        server.close()
