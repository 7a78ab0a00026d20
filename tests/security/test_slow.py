"""Slow clients: silent, dripping their head, dripping their body, not reading. They go in bounded time, and an honest client beside
them hardly notices."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from conftest import BUSY_S, Daemon, MakeDaemon, ask

from localrouter.daemon import deadlines


def connect(daemon: Daemon) -> socket.socket:
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=BUSY_S)


def gone_after(sock: socket.socket, feed: bytes, every: float) -> tuple[float, bytes]:
    """(seconds until the server closed, what it said)."""
    began = time.monotonic()
    sock.settimeout(every)
    said = b""
    while time.monotonic() - began < BUSY_S:
        try:
            if feed:
                sock.sendall(feed)
            part = sock.recv(4096)
            if not part:
                break
            said += part
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began, said


HEAD = "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {token}\r\ncontent-length: 100000\r\n\r\n"


ROOM = 5
"""Times a limit: a busy machine looks late at its clock."""
KINDS = {
    "silent": deadlines.HEAD_S,
    "head": deadlines.HEAD_S,
    "body": 2 * deadlines.BODY_CHECK_S,
    "half a body": 2 * deadlines.BODY_CHECK_S,
}


def cut(daemon: Daemon, kind: str) -> tuple[float, bytes]:
    with connect(daemon) as sock:
        head = HEAD.format(port=daemon.port, token=daemon.client).encode()
        if kind == "head":
            sock.sendall(head[:40])
        elif kind != "silent":
            sock.sendall(head + (b"{" * 50_000 if kind == "half a body" else b""))
        return gone_after(sock, b"x" if kind in ("head", "body") else b"", 0.3)


@pytest.fixture(scope="module")
def waited(daemon: Daemon) -> Iterator[dict[str, Future[Any]]]:
    """What takes its seconds, all at once."""
    with ThreadPoolExecutor(len(KINDS) + 2) as pool:
        runs: dict[str, Future[Any]] = {kind: pool.submit(cut, daemon, kind) for kind in KINDS}
        runs["idle"] = pool.submit(idle_between_requests, daemon)
        runs["long"] = pool.submit(long_answer, daemon)
        yield runs


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_cut_in_time(waited: dict[str, Future[Any]], kind: str) -> None:
    seconds, said = waited[kind].result()
    assert seconds < ROOM * KINDS[kind]
    assert said.startswith(b"HTTP/1.1 408 ") and b"did not arrive in time" in said


def idle_between_requests(daemon: Daemon) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b""
    first = connection.sock
    time.sleep(deadlines.HEAD_S + 1.5)  # longer than a head may take
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200 and connection.sock is first
    connection.close()


def long_answer(daemon: Daemon) -> None:
    began = time.monotonic()
    status, text = ask(
        daemon, "tell me all about it, please, at length and with care " * 4, "rehearsal/rehearsal-slow", stream=True
    )
    assert status == 200 and text.rstrip().endswith("[DONE]")
    assert time.monotonic() - began > deadlines.BODY_CHECK_S


def test_an_idle_connection_may_stay_between_requests(waited: dict[str, Future[Any]]) -> None:
    waited["idle"].result()


def test_a_long_answer_is_not_cut(waited: dict[str, Future[Any]]) -> None:
    """The deadlines are for what the client owes us, not for what we owe it: 'slow' takes five seconds and more."""
    waited["long"].result()


def rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def honest(daemon: Daemon, n: int) -> list[float]:
    """Milliseconds of n requests that were seen before."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    body = json.dumps({"messages": [{"role": "user", "content": "hello"}]})
    out = []
    for _ in range(n):
        began = time.perf_counter()
        connection.request(
            "POST", "/v1/chat/completions", body, {"authorization": f"Bearer {daemon.client}", "content-type": "application/json"}
        )
        assert connection.getresponse().read()
        out.append((time.perf_counter() - began) * 1000)
    connection.close()
    return out


def flood(daemon: Daemon, count: int, asked: int) -> tuple[float, float, float, int]:
    """(idle p99, p99 beside the flood, seconds until the last slow one was gone, growth in bytes). `asked`: honest requests for each p99."""
    honest(daemon, 50)
    idle = statistics.quantiles(honest(daemon, asked), n=100)[98]
    before = rss(daemon.pid)
    head = HEAD.format(port=daemon.port, token=daemon.client).encode()
    socks = []
    began = time.monotonic()
    for i in range(count):
        sock = connect(daemon)
        sock.sendall((b"", head[:30], head)[i % 3])
        sock.settimeout(0)
        socks.append(sock)
    stop = threading.Event()
    gone: dict[int, float] = {}

    def drip() -> None:
        while not stop.is_set() and len(gone) < count:
            for i, sock in enumerate(socks):
                if i in gone:
                    continue
                try:
                    if i % 3:
                        sock.send(b"x")
                    if sock.recv(1024) == b"":
                        gone[i] = time.monotonic() - began
                except BlockingIOError:
                    pass
                except OSError:
                    gone[i] = time.monotonic() - began
            time.sleep(0.5)

    thread = threading.Thread(target=drip)
    thread.start()
    beside = statistics.quantiles(honest(daemon, asked), n=100)[98]
    thread.join(BUSY_S)
    stop.set()
    grown = rss(daemon.pid) - before
    for sock in socks:
        sock.close()
    assert len(gone) == count, f"{count - len(gone)} slow sockets are still there"
    return idle, beside, max(gone.values()), grown


def test_sixty_slow_sockets(make_daemon: MakeDaemon) -> None:
    _, _, last, grown = flood(make_daemon(day_usd="1000"), 60, 50)
    assert last < ROOM * 2 * deadlines.HEAD_S and grown < 64 << 20


@pytest.mark.long
def test_five_hundred_slow_sockets_beside_one_honest_client(make_daemon: MakeDaemon) -> None:
    idle, beside, last, grown = flood(make_daemon(day_usd="1000"), 500, 300)
    print(
        f"500 slow sockets: honest p99 {beside:.1f} ms beside {idle:.1f} ms idle (x{beside / idle:.2f}), the last gone after {last:.1f} s, +{grown >> 20} MiB"
    )
    assert last < ROOM * 2 * deadlines.HEAD_S and grown < 64 << 20


@pytest.mark.anyio
async def test_a_client_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless answer to a client that reads nothing: cut after STALL_S (here one second), and the app is told."""
    monkeypatch.setattr(deadlines, "STALL_S", 1.0)
    told: list[float] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        began = time.monotonic()
        gone = asyncio.ensure_future(receive())
        while (await gone)["type"] != "http.disconnect" and not gone.cancelled():
            gone = asyncio.ensure_future(receive())
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while not gone.done() and time.monotonic() - began < BUSY_S:
                await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
                await asyncio.sleep(0)
        told.append(time.monotonic() - began)

    with socket.create_server(("127.0.0.1", 0)) as sock:
        config = uvicorn.Config(app, http=deadlines.Connection, lifespan="off", log_level="critical", ws="none", loop="asyncio")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", sock.getsockname()[1], limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        began = time.monotonic()
        while not told:
            await asyncio.sleep(0.05)
            assert time.monotonic() - began < 30, "it was not cut"
        cut = time.monotonic() - began
        writer.close()
        server.should_exit = True
        await asyncio.wait_for(running, BUSY_S)
    assert cut > 0.9
    del reader
