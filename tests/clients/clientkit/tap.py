"""A tap between a client and localrouter: what the client sends us, how often and when, and what it hears, byte by byte with its time.

Bytes pass as they are but for the port in the Host header, which is as long as ours; an end of one side is an end of the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httptools


@dataclass
class Heard:
    """One request of the client: when it was whole, on which connection, and what came back (seconds after it, bytes). `left`: the client
    closed the connection before the end."""

    at: float
    line: str
    headers: dict[str, str]
    body: bytes
    connection: int
    told: list[tuple[float, bytes]] = field(default_factory=list)
    left: bool = False

    @property
    def turn(self) -> str:
        """The same for all requests that ask for the same answer, streamed or not."""
        return turn_of(self.body)

    @property
    def status(self) -> int:
        first = b"".join(data for _, data in self.told[:1])
        return int(first[9:12]) if first.startswith(b"HTTP/1.1 ") else 0

    @property
    def seconds(self) -> float:
        return self.told[-1][0] if self.told else 0.0

    @property
    def silence(self) -> float:
        """The longest time, in seconds, in which nothing was heard."""
        times = [0.0, *(at for at, _ in self.told)]
        return max((b - a for a, b in itertools.pairwise(times)), default=0.0)

    def __str__(self) -> str:
        text = b"".join(data for _, data in self.told)
        mark = self.headers.get("x-stainless-retry-count", "-")
        end = text[-200:].decode("utf-8", "replace").replace("\r\n", " ").replace("\n", " ")
        return (
            f"{self.at:9.2f} {self.line} turn {self.turn[:6]} connection {self.connection} retry {mark}: {self.status} after"
            f" {self.seconds:.2f} s, silent {self.silence:.1f} s at most{', left' if self.left else ''}: ...{end}"
        )


def turn_of(body: bytes) -> str:
    """A name for the turn that a request's body asks for: its conversation, however the answer is asked for. Claude Code asks without a
    stream, with other limits, when its stream broke, and moves its cache marks."""
    try:
        tree: Any = json.loads(body)
    except ValueError:
        return hashlib.sha256(body).hexdigest()
    said = tree.get("messages", tree.get("input")) if isinstance(tree, dict) else tree
    return hashlib.sha256(json.dumps(_bare(said), sort_keys=True).encode()).hexdigest()


def _bare(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {k: _bare(v) for k, v in tree.items() if k != "cache_control"}
    return [_bare(v) for v in tree] if isinstance(tree, list) else tree


def last_of(body: bytes) -> str:
    """How long the conversation is, and its last turn in short."""
    try:
        tree: Any = json.loads(body)
    except ValueError:
        return "not JSON"
    said = tree.get("messages", tree.get("input")) or [""]
    return f"{len(said)} turns, stream {tree.get('stream', False)}, last {json.dumps(said[-1], ensure_ascii=False)[-300:]}"


class _Requests:
    """httptools' callbacks: requests as they become whole."""

    def __init__(self, tap: Tap, connection: int) -> None:
        self._tap, self._connection = tap, connection
        self._url, self._body, self._headers = b"", b"", dict[str, str]()
        self.last: Heard | None = None
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self._url, self._body, self._headers = b"", b"", {}

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        line = f"{self.parser.get_method().decode()} {self._url.decode('latin-1')}"
        self.last = Heard(time.monotonic() - self._tap.began, line, self._headers, self._body, self._connection)
        self._tap.heard.append(self.last)


class Tap:
    """`with Tap(port) as tap:` listens on `tap.root`, a loopback port in front of `port`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = _as_long(port)
        self._own = self._socket.getsockname()[1]
        self.root = f"http://127.0.0.1:{self._own}"
        self.heard: list[Heard] = []
        self.began = time.monotonic()
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._socket, limit=1 << 24))
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    def __enter__(self) -> Tap:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count += 1
        requests = _Requests(self, self._count)
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.close()
            return
        up = asyncio.ensure_future(self._up(reader, forth, requests))
        down = asyncio.ensure_future(self._down(back, writer, requests))
        try:
            done, _ = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if up in done and not down.done() and requests.last is not None and not _whole(requests.last):
                requests.last.left = True
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            for side in (writer, forth):
                with contextlib.suppress(OSError):
                    side.close()

    async def _up(self, reader: asyncio.StreamReader, forth: asyncio.StreamWriter, requests: _Requests) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                data = data.replace(f"127.0.0.1:{self._own}".encode(), f"127.0.0.1:{self._port}".encode())
                with contextlib.suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):
                    requests.parser.feed_data(data)
                forth.write(data)
                await forth.drain()

    async def _down(self, back: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: _Requests) -> None:
        with contextlib.suppress(OSError):
            while data := await back.read(65536):
                if requests.last is not None:
                    requests.last.told.append((time.monotonic() - self.began - requests.last.at, data))
                writer.write(data)
                await writer.drain()


def _whole(heard: Heard) -> bool:
    """Whether the answer's last byte was heard."""
    text = b"".join(data for _, data in heard.told)
    head, _, body = text.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return body.endswith(b"0\r\n\r\n")


def _as_long(port: int) -> socket.socket:
    """A listening socket whose port is written with as many digits."""
    while True:
        made = socket.create_server(("127.0.0.1", 0))
        if len(str(made.getsockname()[1])) == len(str(port)):
            return made
        made.close()
