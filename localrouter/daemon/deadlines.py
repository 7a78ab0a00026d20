"""The connection: strict framing in front of uvicorn's parser, and deadlines for what uvicorn waits for without end.

uvicorn has none for receiving (its issue 157): a silent client, one that drips its head and one that drips its body would all stay
for ever. Numbers: notes on security, "Default numbers"; each is a constant here.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from localrouter.daemon.control_socket import peer_uid
from localrouter.daemon.framing import BadFrame, Framer

HEAD_S = 5.0
"""From the first byte of a head (or the connection itself) to its end."""
BODY_S = 30.0
BODY_CHECK_S, BODY_RATE = 3.0, 1024
"""A body must bring BODY_RATE bytes a second, looked at every BODY_CHECK_S."""
STALL_S = 30.0
"""A client that reads nothing for so long is cut."""
CONNECTIONS = 768
CONTROL = "localrouter.control"
"""Set in the state of an ASGI scope that came through the control socket, from our own uid."""


class Connection(HttpToolsProtocol):
    """uvicorn's httptools protocol between a Framer and timers. One timer at a time says what is waited for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._framer = Framer()
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._body_since = 0.0
        self._dead = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family == getattr(socket, "AF_UNIX", None):
            # The raw descriptor: the loop's wrapper does not offer getsockopt on every platform.
            with socket.socket(fileno=os.dup(sock.fileno())) as peer:
                if peer_uid(peer) != os.getuid():
                    transport.abort()
                    self._dead = True
                    return
            self.app_state = {**self.app_state, CONTROL: True}
        if len(self.connections) > CONNECTIONS and not self._make_room():
            self._refuse(503, "Too many connections are open.")
            return
        self._wait(HEAD_S, self._late_head)

    def connection_lost(self, exc: Exception | None) -> None:
        self._dead = True
        self._wait(0, None)
        self._stalled(start=False)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._dead:
            return
        before = self._framer.waiting
        try:
            pieces = self._framer.feed(data)
        except BadFrame as exc:
            self._refuse(exc.status, exc.why)
            return
        for piece in pieces:
            super().data_received(piece)
        self._watch(before)

    def _watch(self, before: str) -> None:
        now = self._framer.waiting
        if now == "idle":
            self._wait(0, None)  # uvicorn's keep-alive timer takes over after the response
        elif now == "head" and (before != "head" or self._timer is None):
            self._unset_keepalive_if_required()
            self._wait(HEAD_S, self._late_head)
        elif now == "body" and before != "body":
            self._body_since = self.loop.time()
            self._expect_body(0)

    def _expect_body(self, had: int) -> None:
        def look() -> None:
            got = self._framer.received
            paused = self.flow.read_paused  # it is we who do not read
            if self.loop.time() - self._body_since > BODY_S or (not paused and got - had < BODY_RATE * BODY_CHECK_S):
                self._refuse(408, "The body of the request did not arrive in time.")
            else:
                self._expect_body(got)

        self._wait(BODY_CHECK_S, look)

    def _late_head(self) -> None:
        self._refuse(408, "The head of the request did not arrive in time.")

    def _wait(self, seconds: float, then: Callable[[], None] | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, then) if then is not None else None

    def _make_room(self) -> bool:
        """Close the connection that has been idle; one that is asked of something is kept."""
        for other in list(self.connections):
            if isinstance(other, Connection) and other is not self and other.timeout_keep_alive_task is not None:
                other.transport.close()
                self.connections.discard(other)
                return True
        return False

    def _refuse(self, status: int, why: str) -> None:
        """Say why and close. A response under way is not mixed with another one: then the connection is only cut."""
        self._dead = True
        self._wait(0, None)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        body = json.dumps({"error": {"message": why, "type": "invalid_request_error", "param": None, "code": "http"}}).encode()
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
            *(["retry-after: 1"] if status == 503 else []),
        ]
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled(start=True)

    def resume_writing(self) -> None:
        self._stalled(start=False)
        super().resume_writing()

    def _stalled(self, *, start: bool) -> None:
        if self._stall is not None:
            self._stall.cancel()
        self._stall = self.loop.call_later(STALL_S, self.transport.abort) if start else None
