"""A host that lies: raw sockets, because a server that breaks its own protocol cannot be a library. It speaks chat completions.

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
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

WORDS = ("one ", "two ", "three ")
LAST = "four."
TEXT = "".join(WORDS) + LAST
USAGE = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
EVIL = "/evil"


def delta(content: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": content, "finish_reason": finish}
    return event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more})


def event(tree: Any) -> bytes:
    return b"data: " + json.dumps(tree, ensure_ascii=False).encode() + b"\n\n"


def usage(tree: Any = USAGE) -> bytes:
    return event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": tree})


DONE = b"data: [DONE]\n\n"
ROLE = delta({"role": "assistant", "content": ""})
SAID = [delta({"content": w}) for w in WORDS]
REST = [delta({"content": LAST}), delta({}, "stop")]
OK = [ROLE, *SAID, *REST, usage(), DONE]


def whole(**message: Any) -> dict[str, Any]:
    finish = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "message": {"role": "assistant", "content": TEXT} | message, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}


def call(arguments: str, index: int = 0, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {
        "tool_calls": [{"index": index, "function": function} | ({"id": f"call_{index}", "type": "function"} if name else {})]
    }


def statuses() -> dict[str, tuple[int, str, dict[str, str], bytes]]:
    """(status, reason, headers, body) by name."""
    error = json.dumps({"error": {"message": "no", "type": "error", "code": None}}).encode()
    out: dict[str, tuple[int, str, dict[str, str], bytes]] = {}
    for status in (401, 403, 408, 409, 413, 422, 500, 503, 529):
        out[str(status)] = (status, "No", {}, error)
    missing = {"error": {"message": "there is no such model", "code": "model_not_found"}}
    out["404"] = (404, "Not Found", {}, json.dumps(missing).encode())
    now = datetime.now(UTC)
    waits = {
        "2": "2",
        "date": format_datetime(now + timedelta(seconds=7), usegmt=True),
        "3600": "3600",
        "negative": "-1",
        "nan": "NaN",
    }
    for name, wait in waits.items():
        out[f"429-{name}"] = (429, "Slow", {"retry-after": wait, "date": format_datetime(now, usegmt=True)}, error)
    out["429"] = (429, "Slow", {}, error)
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
        self._thread.join(10)

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
        self._closed = socket.create_server(("127.0.0.1", 0))
        self.refused_port = self._closed.getsockname()[1]
        self._closed.close()

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
                if not await Answer(writer, reader, name, place.partition("-")[0], tree.get("stream") is True, self._bomb).give():
                    return
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


class Answer:
    """One answer. `give` says whether the connection goes on."""

    def __init__(
        self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader, name: str, place: str, stream: bool, bomb: bytes
    ) -> None:
        self.w, self.reader, self.name, self.place, self.stream, self.bomb = writer, reader, name, place, stream, bomb

    async def give(self) -> bool:
        own = getattr(self, "do_" + self.name.replace("-", "_"), None)
        if self.name in (found := statuses()):
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
            body = json.dumps(whole()).encode()
            return body[: len(body) // 2]
        return ROLE + (b"".join(SAID) if self.place == "after" else b"")

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
        await self._json({"error": {"message": "the model is overloaded", "type": "server_error"}})

    # --- framing ---------------------------------------------------------------------------------

    async def do_length_long(self) -> None:
        await self._head("content-length: 99999\r\n")
        await self._send(self._first)

    async def do_length_short(self) -> None:
        first = self._first
        await self._head(f"content-length: {len(first)}\r\n")
        await self._send(first)
        await self._pause()
        await self._send(b"".join(REST) + DONE)

    async def do_length_and_chunked(self) -> None:
        await self._head("content-length: 5\r\ntransfer-encoding: chunked\r\n")
        await self._chunk(b"".join(OK) if self.stream else json.dumps(whole()).encode())
        await self._send(b"0\r\n\r\n")
        await asyncio.sleep(0.05)

    async def do_bad_chunk(self) -> None:
        await self._head()
        await self._chunk(self._first)
        await self._pause()
        await self._send(b"zz\r\n" + b"".join(REST) + b"\r\n")
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
        body = b"".join(OK) if self.stream else json.dumps(whole()).encode()
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
        for at in range(len(ROLE)):
            await self._chunk(ROLE[at : at + 1])
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

    async def do_line_long(self) -> None:
        await self._head()
        await self._chunk(self._first)
        await self._pause()
        await self._chunk(b"data: " + b"x" * (5 << 20))
        await asyncio.sleep(1)

    async def do_no_done(self) -> None:
        await self._events(self._first + (b"".join(REST) if self.place == "after" else b""))

    async def do_utf8(self) -> None:
        await self._head()
        for byte in b"".join(self._script()):
            await self._chunk(bytes((byte,)))
        await self._send(b"0\r\n\r\n")

    # --- what is said ----------------------------------------------------------------------------

    def _script(self) -> Iterator[bytes]:
        rest = (*REST, usage(), DONE)
        if self.name == "line-ends":
            ends = (b"\r\n", b"\n", b"\r")
            yield from (e.replace(b"\n\n", ends[i % 3] * 2) for i, e in enumerate(OK))
        elif self.name == "bom":
            yield from (b"\xef\xbb\xbf", *OK)
        elif self.name == "utf8":
            yield from (ROLE, delta({"content": TEXT.replace("four", "vier €🙂")}), REST[1], usage(), DONE)
        elif self.name == "after-done":
            yield from (*OK, delta({"content": "more"}), DONE)
        elif self.name == "two-roles":
            yield from (ROLE, ROLE, *SAID, delta({"role": "assistant", "content": ""}), *rest)
        elif self.name == "two-finishes":
            yield from (ROLE, *SAID, *REST, delta({}, "stop"), usage(), DONE)
        elif self.name == "bad-json":
            yield from (self._first, b"data: {oops\n\n", *rest)
        elif self.name == "error-event":
            yield from (self._first, event({"error": {"message": "it broke", "type": "server_error"}}))
        elif self.name == "tool-cut":
            yield from (ROLE, delta(call("", name="look")), delta(call('{"where": "he')), delta({}, "tool_calls"), usage(), DONE)
        elif self.name == "tool-jump":
            calls = (call('{"a": 1}', 0, "look"), call('{"b": 2}', 7, "look"))
            yield from (ROLE, *(delta(c) for c in calls), delta({}, "tool_calls"), usage(), DONE)
        elif self.name.startswith("usage-"):
            yield from (ROLE, *SAID, *REST, *(usage(u) for u in self._usages()), DONE)
        elif self.name == "empties":
            yield from (ROLE, delta({"content": ""}) * 100_000, *SAID, *rest)
        else:
            yield from OK

    def _usages(self) -> list[dict[str, int]]:
        absurd = {"prompt_tokens": 11, "completion_tokens": 2_000_000, "total_tokens": 2_000_011}
        zero = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        first = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        return {"absent": [], "zero": [zero], "absurd": [absurd], "twice": [first, USAGE]}[self.name.removeprefix("usage-")]

    def _tree(self) -> dict[str, Any]:
        if self.name == "tool-cut":
            cut = {"id": "call_0", "type": "function", "function": {"name": "look", "arguments": '{"where": "he'}}
            return whole(content=None, tool_calls=[cut])
        tree = whole()
        if self.name.startswith("usage-"):
            told = self._usages()
            tree.pop("usage")
            if told:
                tree["usage"] = told[-1]
        return tree
