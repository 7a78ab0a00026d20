"""What the Readers of all wires over HTTP do alike: events of a stream, or one body, as JSON objects; what is none is an error."""

from __future__ import annotations

from typing import Any

import orjson

from localrouter.core.chat import Chunk
from localrouter.core.errors import HostBroken, HostTruncated
from localrouter.core.sse import Decoder, EventTooLarge, ServerEvent


class Reading:
    """See `providers.Reader`. A wire says what an event (`_event`) and a whole answer (`_whole`) mean."""

    def __init__(self, stream: bool) -> None:
        self._stream = stream
        self._sse = Decoder(comments=True)
        self._body: list[bytes] = []  # joined once: an array that grows is copied again and again

    def feed(self, data: bytes) -> list[Chunk]:
        if not self._stream:
            self._body.append(data)
            return []
        try:
            events = self._sse.feed(data)
        except EventTooLarge:
            return [Chunk(error=HostBroken("The host sent an event that is too large.", "Ask again."))]
        return [chunk for event in events for chunk in self._passed(self._read(event))]

    def end(self) -> list[Chunk]:
        if self._stream:
            return []
        body = b"".join(self._body)
        self._body.clear()
        try:
            tree = orjson.loads(body)
        except orjson.JSONDecodeError:
            return [Chunk(error=HostTruncated("The host's answer is not complete JSON.", "Ask again."))]
        return [self._whole(tree, body)]

    def _read(self, event: ServerEvent) -> Chunk:
        plain = self._plain(event)
        if plain is not None:
            return plain
        try:
            tree = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            return Chunk(error=HostBroken("The host sent an event that is not JSON.", "Ask again."))
        if not isinstance(tree, dict):
            return Chunk(error=HostBroken("The host sent an event that is not an object.", "Ask again."))
        return self._event(tree, event)

    def _passed(self, chunk: Chunk) -> list[Chunk]:
        """What is passed on when an event was read, before the next one is."""
        return [chunk]

    def _plain(self, event: ServerEvent) -> Chunk | None:
        """What an event means whose data is no JSON; None when it has to be some. Without data it is a sign of life."""
        return Chunk(raw=event.raw, pings=True) if not event.data else None

    def _event(self, tree: dict[str, Any], event: ServerEvent) -> Chunk:
        raise NotImplementedError

    def _whole(self, tree: Any, body: bytes) -> Chunk:
        """`tree`: any JSON value."""
        raise NotImplementedError
