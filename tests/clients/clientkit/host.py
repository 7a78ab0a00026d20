"""A scripted host on loopback: a simulated hosted model that speaks all three wires, does one task, and fails as it is told to.

What it does next depends only on the request (`Asked`), so that a repeated request gets the same answer again. Every byte that came in
is kept, so that anyone can check what left.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn

from clientkit import wires
from clientkit.wires import Asked, Reply

Fault = Literal["", "429", "500", "529", "drop", "no-terminal", "overflow", "error-mid", "silent", "mute"]
FAULTS: tuple[Fault, ...] = ("429", "500", "529", "drop", "no-terminal", "overflow", "error-mid", "silent", "mute")
"""A status; a connection that breaks after the first words; a stream without its end; a prompt that is too long; an error event after the first
words; SILENCE_S before the first byte, SILENCE_S after the first words, either in the first turn only: later ones are answered at once."""
SILENCE_S = 330.0
Script = Callable[[Asked], Reply]


@dataclass
class Entry:
    """One request: its bytes, when they came, what was answered, and whether its sender left before the end."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    ended: float = 0.0
    hung_up: bool = False
    reply: str = ""

    @property
    def whole(self) -> str:
        """All that came in, as text."""
        return "\n".join(
            [self.method, self.path, *(f"{k}: {v}" for k, v in self.headers.items()), self.body.decode("utf-8", "replace")]
        )


@dataclass
class App:
    """ASGI. `script` answers; `fault` is what goes wrong with every call of a model."""

    script: Script
    fault: Fault = ""
    record: list[Entry] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        entry = Entry(scope["method"], scope["path"], headers, body, time.time())
        self.record.append(entry)
        try:
            await self._answer(scope, entry, receive, send)
        finally:
            entry.ended = time.time()

    async def _answer(self, scope: Any, entry: Entry, receive: Any, send: Any) -> None:
        wire = wires.of(scope["path"])
        if entry.method != "POST" or wire is None:
            listed = scope["path"].endswith("/models") and entry.method == "GET"
            tree: Any = {"object": "list", "data": [{"id": "scripted", "object": "model", "created": 1, "owned_by": "x"}]}
            upgrade = scope["path"].endswith("/responses")
            status = 200 if listed or entry.method == "HEAD" else 426 if upgrade else 404
            await _json(send, status, tree if listed else {"error": {"message": "not here", "type": "not_found_error"}})
            return
        if scope["path"].endswith("/count_tokens"):
            await _json(send, 200, {"input_tokens": len(entry.body) // 4})
            return
        asked = wire.asked(json.loads(entry.body))
        if self.fault in ("429", "500", "529"):
            head = [(b"retry-after", b"1")] if self.fault == "429" else []
            await _json(send, int(self.fault), wire.fault(int(self.fault)), head)
            return
        if self.fault == "overflow":
            await _json(send, 400, wire.overflow())
            return
        gone = asyncio.Event()
        watcher = asyncio.create_task(_watch(receive, gone, entry))
        try:
            if self.fault == "silent" and not asked.results and await _rest(gone):
                return
            reply = self.script(asked)
            entry.reply = json.dumps(
                {"text": reply.text, "calls": [(c.name, c.arguments) for c in reply.calls]}, ensure_ascii=False
            )
            if not asked.stream:
                await _json(send, 200, wire.whole(asked, reply))
                return
            await self._stream(wire.events(asked, reply), send, wire, gone, mute=self.fault == "mute" and not asked.results)
        except ConnectionResetError:
            pass  # the server closes the connection without an end, as the fault says
        finally:
            watcher.cancel()

    async def _stream(self, events: Iterator[bytes], send: Any, wire: wires.Wire, gone: asyncio.Event, *, mute: bool) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        content = 0
        for event in events:
            if gone.is_set():
                return
            if self.fault == "no-terminal" and wire.terminal(event):
                break
            await send({"type": "http.response.body", "body": event, "more_body": True})
            content += wire.content(event)
            await asyncio.sleep(0.01)  # each event a packet of its own
            if content == 2 and self.fault == "drop":
                raise ConnectionResetError
            if content == 2 and mute and await _rest(gone):
                return
            if content == 2 and self.fault == "error-mid":
                await send({"type": "http.response.body", "body": wire.error_event(), "more_body": True})
                break
        await send({"type": "http.response.body", "body": b""})


async def _rest(gone: asyncio.Event) -> bool:
    """SILENCE_S; True when the caller left meanwhile."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gone.wait(), SILENCE_S)
    return gone.is_set()


async def _watch(receive: Any, gone: asyncio.Event, entry: Entry) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    entry.hung_up = not entry.ended
    gone.set()


async def _json(send: Any, status: int, tree: Any, head: list[tuple[bytes, bytes]] | None = None) -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json"), *(head or [])]}
    )
    await send({"type": "http.response.body", "body": json.dumps(tree).encode()})


class Host:
    """`with Host(script) as host:` serves on a free loopback port in a thread of its own."""

    def __init__(self, script: Script, fault: Fault = "") -> None:
        self.app = App(script, fault)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.root = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(self.app, log_level="critical", lifespan="off", access_log=False, ws="none", loop="asyncio")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve(sockets=[self._socket])), daemon=True)

    def __enter__(self) -> Host:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)
        self._socket.close()

    @property
    def record(self) -> list[Entry]:
        return list(self.app.record)

    @property
    def calls(self) -> list[Entry]:
        """Calls of a model: no listings, no probes."""
        return [e for e in self.record if e.method == "POST" and wires.of(e.path) and not e.path.endswith("/count_tokens")]
