"""What one client is told: status and headers, the body's bytes, signs of life, an error at any time.

A stream's headers are held back for HOLD_S, so that a failure before the first word keeps its own status; from then on a client that hears
nothing is told that we live, at least every KEEP_ALIVE_S, in the form that its dialect survives (notes on clients, 5.1). A sign of life is
no content: another model may still answer after it. Once the body has begun, an error is the dialect's own event.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from localrouter.core.errors import RouterError
from localrouter.dialects import Dialect, Writer

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Head = list[tuple[bytes, bytes]]

HOLD_S = 20.0
KEEP_ALIVE_S = 10.0
"""Clients give up after 60 to 600 silent seconds."""
SEND_STALL_S = 30.0


class Reply:
    """The answer to one request. `head` gives the x-localrouter headers at the moment when they are needed; `leave` is called when the
    client takes nothing more."""

    def __init__(
        self, dialect: Dialect, writer: Writer, send: Send, *, stream: bool, head: Callable[[], Head], leave: Callable[[], None]
    ) -> None:
        self.writer = writer
        self.begun = False
        self.gone = False
        self._dialect, self._send, self._stream = dialect, send, stream
        self._head, self._leave = head, leave
        self._due = time.monotonic() + HOLD_S

    @property
    def patience(self) -> float | None:
        """Seconds until the next sign of life is due; None when none ever is."""
        return max(0.0, self._due - time.monotonic()) if self._stream and not self.gone else None

    async def beat(self) -> None:
        """A sign of life, when one is due."""
        if self.patience == 0.0:
            self._due = time.monotonic() + KEEP_ALIVE_S
            data = self.writer.keep_alive()
            if data:
                await self.write(data)

    async def write(self, data: bytes, *, last: bool = False, length: int | None = None) -> bool:
        """Write to the client; False when it left or does not read. `length`: this is the whole body."""
        if self.gone:
            return False
        try:
            async with asyncio.timeout(SEND_STALL_S):
                if not self.begun:
                    self.begun = True
                    head = [*self._head(), (b"content-type", self.writer.media.encode())]
                    if self._stream:
                        head.append((b"cache-control", b"no-cache"))
                    if length is not None:
                        head.append((b"content-length", str(length).encode()))
                    await self._send({"type": "http.response.start", "status": 200, "headers": head})
                await self._send({"type": "http.response.body", "body": data, "more_body": not last})
        except (TimeoutError, OSError):
            self._leave()
            return False
        self._due = time.monotonic() + KEEP_ALIVE_S
        return True

    async def refuse(self, error: RouterError) -> None:
        """End with an error: its status when nothing was said yet, else the dialect's error event."""
        if self.gone:
            return
        if self.begun:
            await self.write(self.writer.error(error), last=True)
            return
        self.begun = True
        # Whatever could be tried again was tried here: a client that repeats would only multiply it (notes on clients, 5.2).
        head = [(b"content-type", b"application/json"), (b"x-should-retry", b"false")]
        if error.retry_after is not None:
            head.append((b"retry-after", str(max(1, round(error.retry_after))).encode()))
        own = getattr(self._dialect, "error_headers", None)
        named = {name for name, _ in head}
        for key, value in (own(error) if own is not None else {}).items():
            if key.encode() not in named:
                head.append((key.encode(), value.encode()))
        body = self._dialect.error_body(error)
        head.append((b"content-length", str(len(body)).encode()))
        with contextlib.suppress(OSError):
            await self._send({"type": "http.response.start", "status": error.status, "headers": [*self._head(), *head]})
            await self._send({"type": "http.response.body", "body": body})
