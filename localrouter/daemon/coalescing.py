"""Repeats: one failing or abandoned turn is one decision upstream, not thirty.

Clients repeat a request that was slow or that failed, up to thirty times (notes on clients, 5.2). A repeat is the same token, dialect,
body and hints, and the same headers of those that change an answer. Two bodies are the same when their JSON is: Codex writes its
`client_metadata` in another order each time.

- Its client went away: the call goes on for GRACE_S, or LONG_GRACE_S; a repeat that comes meanwhile takes it over and is told what was
  said so far. What a model of this machine writes ends at once: others may wait for its slot, and the engine keeps the prompt that it read.
- Its client is still there: the repeat is told the same bytes, when it surely is a repeat: the SDK counts it as one, or the client names
  its conversation. Without either it may be a script that samples one prompt many times, whose answers must differ.
- It failed at a host: the client's own repeats get the same error at once, see daemon/failed_turns.py. What the user can mend here (a budget, a key,
  a recipe) is never remembered, so that it is seen as soon as it is mended.

The first client is written to directly, with its own back-pressure; others through a queue of their own, bounded, so that none slows another.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any

import orjson

from localrouter.core.ask import Ask
from localrouter.core.errors import HostFault, RouterError
from localrouter.daemon.door import Receive
from localrouter.daemon.failed_turns import FailedTurns, Failure
from localrouter.daemon.runner import Send

Message = MutableMapping[str, Any]

GRACE_S = 0.7
"""Claude Code, Codex and the SDKs repeat within half a second of a failure; a host is still told of a cancel within the second."""
LONG_S, LONG_GRACE_S = 55.0, 5.0
"""A client that heard nothing for so long and leaves has most likely met its own time limit (60 s and more: notes on clients, 5.1), and
repeats after its back-off: Claude Code's calls without a stream leave after 300 s and come again 0.8 and 1.2 s later, as often as it likes.
What the host has worked on for minutes is theirs. Streams hear signs of life, so a cancelled stream never waits so long."""
KEPT_BYTES = 1024 * 1024
"""Bytes of an answer that a repeat can be told from its beginning; a longer answer is not joined."""
BEHIND_BYTES = 1024 * 1024
"""How far a second reader may fall behind before it is cut off."""
_MATTER = ("anthropic-version", "anthropic-beta", "openai-beta", "idempotency-key", "content-encoding", "accept")


def key_of(token: bytes, ask: Ask, headers: Mapping[str, str]) -> bytes:
    """What makes two requests the same. Not whether a turn goes on: the same body says the same of it, and Copilot CLI calls its own repeat of a
    person's turn an agent's (`x-initiator`)."""
    digest = hashlib.sha256()
    own = sorted((k, v) for k, v in headers.items() if k.startswith("x-localrouter-"))
    named = [(k, headers[k]) for k in _MATTER if k in headers]
    for part in (
        ask.dialect,
        ask.session,
        repr(replace(ask.hints, continues=False)),
        repr(ask.caller),
        repr(sorted(ask.head.items())),
        repr(named),
        repr(own),
    ):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\x00")
    for raw in (token, _ordered(ask.tree)):
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()


def _ordered(tree: dict[str, Any]) -> bytes:
    """Its JSON with sorted keys; integers beyond 64 bits are orjson's limit."""
    try:
        return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return json.dumps(tree, sort_keys=True).encode()


class _Reader:
    """A client that came later: told through a queue."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self._queue: deque[Message] = deque()
        self._behind = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.cut = False

    def tell(self, message: Message, *, patient: bool) -> None:
        """`patient`: the writer waits for this reader, so that it need not be cut off."""
        self._queue.append(message)
        self._behind += len(message.get("body", b""))
        if self._behind > BEHIND_BYTES:
            self._room.clear()
            if not patient:
                self.cut = True
        self._news.set()

    async def room(self) -> None:
        await self._room.wait()

    def close(self) -> None:
        """Nothing more will come."""
        self.cut = True
        self._news.set()
        self._room.set()

    async def read(self, send: Send) -> bool:
        """Until the answer's last message; False when it was cut off."""
        while not self.cut:
            if not self._queue:
                self._news.clear()
                await self._news.wait()
                continue
            message = self._queue.popleft()
            await send(message)
            self._behind -= len(message.get("body", b""))
            if self._behind <= BEHIND_BYTES:
                self._room.set()
            if message["type"] == "http.response.body" and not message.get("more_body"):
                return True
        return False


class Shared:
    """One running request and who reads its answer. `leave` is called when nobody does any more. `here`: whether a model of this machine is at
    work on it."""

    def __init__(
        self, first: Send, receive: Receive, leave: Callable[[], None], here: Callable[[], bool] = lambda: False
    ) -> None:
        self._first: Send | None = first
        self._here = here
        self._receive = receive
        self._leave = leave
        self._later: list[_Reader] = []
        self._said: list[Message] = []
        self._size = 0
        self._grace: asyncio.TimerHandle | None = None
        self.began = time.monotonic()
        self._silent = True
        self.complete = False
        """Whether the last message was said: a call that was cancelled never says one."""
        self.told = False
        """Whether somebody got it."""
        self.over = self.given_up = False

    @property
    def whole(self) -> bool:
        """Whether a repeat can be told the answer from its beginning."""
        return self._size <= KEPT_BYTES

    @property
    def abandoned(self) -> bool:
        return self._first is None and not self._later

    def look(self) -> bool:
        """Whether it is abandoned, by a look at the sockets: a client that repeats at once may be read before its old connection's end."""
        if self._first is not None and not connected(self._receive):
            self._first = None
        return self._first is None and not any(connected(r.receive) for r in self._later)

    async def send(self, message: Message) -> None:
        """What the runner says: to the first client directly, to the others through their queues."""
        self._silent = False
        self.complete = message["type"] == "http.response.body" and not message.get("more_body")
        if self.whole:
            self._said.append(message)
            self._size += len(message.get("body", b""))
            if not self.whole:
                self._said.clear()
        for reader in self._later:
            reader.tell(message, patient=self._first is None and reader is self._later[0])
        if self.complete:
            self.told = not self.abandoned
        if self._first is not None:
            await self._first(message)
        elif self._later:
            await self._later[0].room()

    def end(self) -> None:
        """The runner is through. An answer that broke off has no last message: whoever still waits for one is cut off."""
        self.over = True
        if not self.complete:
            for reader in self._later:
                reader.close()

    def first_gone(self) -> None:
        self._first = None
        self._alone()

    async def join(self, send: Send, receive: Receive) -> None:
        """Read this answer from its beginning, until its end or until this client leaves too. Returns early when cut off: the server
        closes the connection then, as for any answer that broke off."""
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        reader = _Reader(receive)
        for message in self._said:
            reader.tell(message, patient=True)
        self._later.append(reader)
        reading = asyncio.ensure_future(reader.read(send))
        gone = asyncio.ensure_future(until_gone(receive))
        try:
            await asyncio.wait({reading, gone}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and reading.exception() is None and reading.result():
                self.told = True
        finally:
            for task in (reading, gone):
                task.cancel()
            self._later.remove(reader)
            reader.close()
            self._alone()

    def _alone(self) -> None:
        if self.abandoned and not self.over and self._grace is None:
            long = self._silent and time.monotonic() - self.began >= LONG_S
            grace = LONG_GRACE_S if long else 0.0 if self._here() else GRACE_S
            if not grace:
                self._give_up()
                return
            self._grace = asyncio.get_running_loop().call_later(grace, self._give_up)

    def _give_up(self) -> None:
        if self.abandoned:
            self.give_up()

    def give_up(self) -> None:
        """Cancel the call. From here on it is nobody's to share, although it takes a moment to end."""
        self.given_up = True
        self._leave()


async def until_gone(receive: Receive) -> None:
    """Until the client's connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass


def connected(receive: Receive) -> bool:
    """Whether the client's end of the connection is open, as the socket knows it before the event loop does. True when nobody can tell."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        return True
    sock = transport.get_extra_info("socket")
    if transport.is_closing() or sock is None or sock.fileno() < 0:
        return False
    try:
        # A descriptor of our own: the loop's wrapper offers no `recv`.
        with socket.socket(fileno=os.dup(sock.fileno())) as peer:
            return peer.recv(1, socket.MSG_PEEK | getattr(socket, "MSG_DONTWAIT", 0)) != b""
    except ConnectionError:
        return False
    except OSError:  # nothing to read, which an open and silent connection has
        return True


class Repeats:
    """What runs, and what failed lately, by key. `joined` and `spared` count what was not asked twice."""

    def __init__(self) -> None:
        self._running: dict[bytes, Shared] = {}
        self._failed = FailedTurns()
        self.joined = self.spared = 0

    def failed(self, key: bytes, *, sure: bool = False, named: bool = False) -> Failure | None:
        """The same turn's failure, if this is a client's own repeat of it: see `FailedTurns.repeat`."""
        failure = self._failed.repeat(key, sure=sure, named=named)
        self.spared += failure is not None
        return failure

    def running(self, key: bytes, *, sure: bool) -> Shared | None:
        """A running one that this request can share. `sure`: it is a repeat of it, not another sample."""
        shared = self._running.get(key)
        if shared is None or not shared.whole or shared.given_up or (shared.over and shared.told):
            return None
        if not (sure or shared.look()):
            return None
        self.joined += 1
        return shared

    def begin(self, key: bytes, shared: Shared) -> None:
        """It runs. A second one of the same key, which was not shared, takes its place when that can be shared no more."""
        before = self._running.get(key)
        if before is None or before.given_up or before.over:
            self._running[key] = shared

    def end(self, key: bytes, shared: Shared, error: RouterError | None, request_id: str) -> None:
        """It is through. An answer that nobody got the end of can still be told for a moment."""
        shared.end()
        if isinstance(error, HostFault):
            self._failed.keep(key, error, request_id)
        if self._running.get(key) is shared:
            if shared.told or not shared.complete or error is not None:
                del self._running[key]
            else:
                asyncio.get_running_loop().call_later(GRACE_S, self._forget, key, shared)

    def _forget(self, key: bytes, shared: Shared) -> None:
        if self._running.get(key) is shared and shared.abandoned:
            del self._running[key]
