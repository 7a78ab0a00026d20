"""A host that lies: raw sockets, because a server that breaks its own protocol cannot be a library. It speaks the wire whose path is asked.

What it does is named in the model of a request, `NAME.PLACE` (tests/faults/table.py); `ok` answers. Two more ports lie below HTTP: one with a
certificate that nobody signed, one that never shakes hands. Everything is on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from wires import TEXT, USED, WIRES, Chat, Messages, Responses, Used, Wire, event

RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
EVIL = "/evil"
USAGES: dict[str, list[Used]] = {"absent": [], "zero": [(0, 0)], "absurd": [(11, 2_000_000)], "twice": [(3, 1), USED]}


def statuses(wire: Wire) -> dict[str, tuple[int, str, dict[str, str], bytes]]:
    """(status, reason, headers, body) by name."""

    def error(status: int) -> bytes:
        return json.dumps(wire.fault(status, "error", "there is no such model" if status == 404 else "no")).encode()

    out: dict[str, tuple[int, str, dict[str, str], bytes]] = {}
    for status in (401, 403, 404, 408, 409, 413, 422, 500, 503, 529):
        out[str(status)] = (status, "No", {}, error(status))
    now = datetime.now(UTC)
    waits = {
        "2": "2",
        "date": format_datetime(now + timedelta(seconds=7), usegmt=True),
        "3600": "3600",
        "negative": "-1",
        "nan": "NaN",
    }
    for name, wait in waits.items():
        out[f"429-{name}"] = (429, "Slow", {"retry-after": wait, "date": format_datetime(now, usegmt=True)}, error(429))
    out["429"] = (429, "Slow", {}, error(429))
    out["502-html"] = (502, "Bad Gateway", {"content-type": "text/html"}, b"<html><h1>502 Bad Gateway</h1></html>")
    out["301"] = (301, "Moved", {"location": EVIL}, b"")
    return out


class Liar:
    """`with Liar(folder, ports) as host`: serves in a thread. `ports` (one for each who shall share no connection), `tls_port` (0 without openssl), `stall_port`, `refused_port`; `asked` counts
    requests by model, `evil` those that followed a redirect."""

    def __init__(self, folder: Path, ports: int = 1) -> None:
        self._folder, self._count = folder, ports
        self.ports: list[int] = []
        self.tls_port = self.stall_port = self.refused_port = 0
        self.asked: dict[str, int] = {}
        self.evil = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._bomb = gzip.compress(bytes(200 << 20), 9)

    def __enter__(self) -> Liar:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._deaf.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._ready.set()
        self._loop.run_forever()
        for server in self._servers:
            server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _open(self) -> None:
        self._servers = [await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 22) for _ in range(self._count)]
        self.ports = [s.sockets[0].getsockname()[1] for s in self._servers]
        self._servers.append(await asyncio.start_server(self._stall, "127.0.0.1", 0))
        self.stall_port = self._servers[-1].sockets[0].getsockname()[1]
        context = self._certificate()
        if context is not None:
            self._servers.append(await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context))
            self.tls_port = self._servers[-1].sockets[0].getsockname()[1]
        # Taken, and nobody listens: a port that was only let go may soon be another process's.
        self._deaf = socket.socket()
        self._deaf.bind(("127.0.0.1", 0))
        self.refused_port = self._deaf.getsockname()[1]

    def _certificate(self) -> ssl.SSLContext | None:
        if shutil.which("openssl") is None:
            return None
        key, cert = self._folder / "key.pem", self._folder / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost"],
            check=True, capture_output=True,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context

    async def _stall(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                if head.split(" ")[1] == EVIL:
                    self.evil += 1
                length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length"))
                tree = json.loads(await reader.readexactly(length))
                self.asked[tree["model"]] = self.asked.get(tree["model"], 0) + 1
                name, _, place = tree["model"].partition(".")
                wire = next(w for w in WIRES.values() if head.split(" ")[1].endswith(w.path))
                stream = tree.get("stream") is True
                if not await Answer(writer, reader, wire, name, place.partition("-")[0], stream, self._bomb).give():
                    return
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


class Answer:
    """One answer. `give` says whether the connection goes on."""

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        reader: asyncio.StreamReader,
        wire: Wire,
        name: str,
        place: str,
        stream: bool,
        bomb: bytes,
    ) -> None:
        self.w, self.reader, self.wire, self.name, self.place, self.stream, self.bomb = (
            writer, reader, wire, name, place, stream, bomb,
        )  # fmt: skip

    async def give(self) -> bool:
        own = getattr(self, "do_" + self.name.replace("-", "_"), None)
        if self.name in (found := statuses(self.wire)):
            status, reason, headers, body = found[self.name]
            await self._body(status, reason, {"content-type": "application/json"} | headers, body)
            return True
        if own is not None:
            await own()
            return False
        if self.stream:
            await self._events(b"".join(self._script()))
        else:
            await self._json(self._tree())
        return True

    # --- well-formed HTTP ------------------------------------------------------------------------

    async def _send(self, data: bytes) -> None:
        self.w.write(data)
        await self.w.drain()

    async def _body(self, status: int, reason: str, headers: dict[str, str], body: bytes) -> None:
        lines = "".join(f"{k}: {v}\r\n" for k, v in {**headers, "content-length": str(len(body))}.items())
        await self._send(f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode() + body)

    async def _json(self, tree: Any) -> None:
        await self._body(200, "OK", {"content-type": "application/json"}, json.dumps(tree).encode())

    async def _head(self, extra: str = "transfer-encoding: chunked\r\n") -> None:
        kind = "text/event-stream" if self.stream else "application/json"
        await self._send(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{extra}\r\n".encode())

    async def _chunk(self, data: bytes) -> None:
        await self._send(b"%x\r\n%s\r\n" % (len(data), data))

    async def _events(self, data: bytes, size: int = 1 << 16) -> None:
        await self._head()
        for i in range(0, len(data), size):
            await self._chunk(data[i : i + size])
        await self._send(b"0\r\n\r\n")

    @property
    def _first(self) -> bytes:
        """What comes before the fault: of a stream the role, and after it the words; of a whole answer its half."""
        if not self.stream:
            return self._body_of_all[: len(self._body_of_all) // 2]
        return self.wire.head() + (b"".join(self.wire.said()) if self.place == "after" else b"")

    @property
    def _rest(self) -> bytes:
        return b"".join((*self.wire.last(), *self.wire.end()))

    @property
    def _all(self) -> list[bytes]:
        return [self.wire.head(), *self.wire.said(), *self.wire.last(), *self.wire.end()]

    @property
    def _body_of_all(self) -> bytes:
        return b"".join(self._all) if self.stream else json.dumps(self.wire.whole()).encode()

    # --- below HTTP ------------------------------------------------------------------------------

    async def do_silence(self) -> None:
        await self.reader.read()

    async def do_rst(self) -> None:
        self.w.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    async def do_100_flood(self) -> None:
        while True:
            await self._send(b"HTTP/1.1 100 Continue\r\n\r\n" * 10)
            await asyncio.sleep(0.01)

    async def do_200_error(self) -> None:
        # As hosts do it: a stream was asked for, and an error in plain JSON comes under 200.
        await self._json(self.wire.fault(200, "server_error", "the model is in trouble"))

    # --- framing ---------------------------------------------------------------------------------

    async def do_length_long(self) -> None:
        await self._head("content-length: 99999\r\n")
        await self._send(self._first)

    async def do_length_short(self) -> None:
        first = self._first
        await self._head(f"content-length: {len(first)}\r\n")
        await self._send(first)
        await self._pause()
        await self._send(self._rest)

    async def do_length_and_chunked(self) -> None:
        await self._head("content-length: 5\r\ntransfer-encoding: chunked\r\n")
        await self._chunk(self._body_of_all)
        await self._send(b"0\r\n\r\n")
        await asyncio.sleep(0.05)

    async def do_bad_chunk(self) -> None:
        await self._head()
        await self._chunk(self._first)
        await self._pause()
        await self._send(b"zz\r\n" + self._rest + b"\r\n")
        await asyncio.sleep(0.1)

    async def do_half_closed(self) -> None:
        await self._head()
        self.w.write_eof()
        await self.reader.read()

    async def do_fin(self) -> None:
        await self._head()
        await self._chunk(self._first + b'data: {"id": "c1", "cho')

    async def do_reset(self) -> None:
        await self.do_fin()
        await self._pause()
        self.w.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    async def do_headers_endless(self) -> None:
        await self._send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await self._send(b"x-a: " + b"y" * 1000 + b"\r\n")

    async def do_gzip_bomb(self) -> None:
        await self._head(f"content-encoding: gzip\r\ncontent-length: {len(self.bomb)}\r\n")
        await self._send(self.bomb)

    async def do_wrong_coding(self) -> None:
        body = self._body_of_all
        await self._head(f"content-encoding: gzip\r\ncontent-length: {len(body)}\r\n")
        await self._send(body)

    async def _pause(self) -> None:
        """So that what was said is read before what comes now."""
        await asyncio.sleep(0.15)

    # --- streams that take their time ------------------------------------------------------------

    async def do_drip(self) -> None:
        await self._head()
        if self.place == "after":
            await self._chunk(self._first)
        for byte in self.wire.head():
            await self._chunk(bytes((byte,)))
            await asyncio.sleep(0.1)

    async def do_gap(self) -> None:
        await self._head()
        await self._chunk(self._first)
        await asyncio.sleep(60)

    async def do_comments(self) -> None:
        await self._head()
        await self._chunk(self._first)
        while True:
            await self._chunk(b": still here\n\n")
            await asyncio.sleep(0.2)

    async def do_pings(self) -> None:
        await self._head()
        await self._chunk(self._first)
        while True:
            await self._chunk(event({"type": "ping"}))
            await asyncio.sleep(0.2)

    async def do_line_long(self) -> None:
        await self._head()
        await self._chunk(self._first)
        await self._pause()
        await self._chunk(b"data: " + b"x" * (5 << 20))
        await asyncio.sleep(1)

    async def do_no_done(self) -> None:
        await self._events(self._first + (b"".join(self.wire.last()) if self.place == "after" else b""))

    async def do_utf8(self) -> None:
        await self._head()
        for byte in b"".join(self._script()):
            await self._chunk(bytes((byte,)))
        await self._send(b"0\r\n\r\n")

    # --- what is said ----------------------------------------------------------------------------

    def _script(self) -> list[bytes]:
        wire, all_ = self.wire, self._all
        head, said, last, end = wire.head(), wire.said(), wire.last(), wire.end()
        match self.name:
            case "line-ends":
                ends = (b"\r\n", b"\n", b"\r")
                return [e.replace(b"\n", ends[i % 3]) for i, e in enumerate(all_)]
            case "bom":
                return [b"\xef\xbb\xbf", *all_]
            case "utf8":
                return wire.saying(TEXT.replace("four", "vier €🙂"))
            case "after-done":
                return [*all_, *wire.said(("more",)), *end]
            case "two-roles":
                return [head, head, *said, *last, *end]
            case "two-finishes":
                return [head, *said, *last, *last[-1:], *end]
            case "bad-json":
                return [self._first, b"data: {oops\n\n", *last, *end]
            case "error-event":
                return [self._first, wire.error("server_error", "it broke")]
            case "tool-cut":
                return wire.calls([(0, '{"where": "he')])
            case "tool-jump":
                return wire.calls([(0, '{"a": 1}'), (7, '{"b": 2}')])
            case "empties":
                return [head, b"".join(wire.said(("",))) * 100_000, *said, *last, *end]
            case name if name.startswith("usage-"):
                used = USAGES[name.removeprefix("usage-")]
                first, final = (used[0], used[-1]) if used else (None, None)
                return [wire.head(first), *said, *wire.last(final), *wire.end(used)]
        return self._own() or all_

    def _own(self) -> list[bytes]:
        """What only one wire has words for."""
        wire = self.wire
        if isinstance(wire, Chat) and self.name == "limit-event":
            return [self._first, event({"error": {"code": 429, "message": "slow down"}}, False)]
        if isinstance(wire, Messages):
            kinds = {"overloaded": "overloaded_error", "limited": "rate_limit_error", "rejected": "invalid_request_error"}
            if self.name in kinds:
                return [self._first, wire.error(kinds[self.name], "it broke")]
            if self.name == "new-event":
                return [wire.head(), event({"type": "weather", "sky": "blue"}), *self._all[1:]]
        if isinstance(wire, Responses):
            match self.name:
                case "failed-paid":
                    return [self._first, wire.failed("server_error", "it broke", USED)]
                case "failed-limit":
                    return [self._first, wire.failed("rate_limit_exceeded", "slow down")]
                case "failed-long":
                    return [self._first, wire.failed("context_length_exceeded", "Your input exceeds the context window.")]
                case "failed-request":
                    return [self._first, wire.failed("invalid_prompt", "it will not")]
                case "error-bare":
                    return [self._first, wire.bare("server_error", "it broke")]
                case "incomplete" | "filtered":
                    reason = "max_output_tokens" if self.name == "incomplete" else "content_filter"
                    return [wire.head(), *wire.said(), *wire.last(), wire.incomplete(reason)]
                case "new-event":
                    return [wire.head(), event({"type": "response.weather", "sky": "blue"}), *self._all[1:]]
        return []

    def _tree(self) -> dict[str, Any]:
        if self.name == "tool-cut":
            return self.wire.whole(arguments='{"where": "he')
        if self.name.startswith("usage-"):
            told = USAGES[self.name.removeprefix("usage-")]
            return self.wire.whole(told[-1] if told else None)
        tree = self.wire.whole()
        if self.name == "failed-paid":
            return tree | {"status": "failed", "output": [], "error": {"code": "server_error", "message": "it broke"}}
        if self.name in ("queued", "cancelled"):
            return tree | {"status": self.name, "output": []} | ({"usage": None} if self.name == "queued" else {})
        return tree
