"""Server-sent events, cut anywhere: bytes in, whole events out, each with its raw bytes.

WHATWG HTML, "Server-sent events": lines end in CRLF, LF or CR; an empty line ends an event. Sizes are bounded: an endless
line is a fault of the sender, not a reason to fill memory.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_EVENT = 4 * 1024 * 1024
"""Bytes of one event; openai-python's decoder has no limit and says so."""


class EventTooLarge(ValueError):
    """An event is over MAX_EVENT."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """`raw` is the event as it came, its empty line included; `data` joins the data lines."""

    raw: bytes
    data: bytes
    event: bytes = b""


class Decoder:
    """Feed any cut of a stream. `rest` is what is left over at its end. With `comments`, what holds nothing but comments is an event
    without data too (some hosts keep a stream alive with them)."""

    def __init__(self, *, comments: bool = False) -> None:
        self._comments = comments
        self._buffer = bytearray()
        self._lines: list[bytes] = []
        self._raw = bytearray()

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        self._buffer += chunk
        out: list[ServerEvent] = []
        while True:
            cut = self._line_end()
            if cut is None:
                break
            line, size = cut
            self._raw += self._buffer[:size]
            del self._buffer[:size]
            if line:
                self._lines.append(line)
                continue
            event = self._finish()
            if event is not None:
                out.append(event)
        if len(self._buffer) + len(self._raw) > MAX_EVENT:
            raise EventTooLarge(f"an event is over {MAX_EVENT} bytes")
        return out

    @property
    def rest(self) -> bool:
        """Whether bytes wait for an end that did not come."""
        return bool(self._buffer.strip() or self._lines)

    def _line_end(self) -> tuple[bytes, int] | None:
        lf, cr = self._buffer.find(b"\n"), self._buffer.find(b"\r")
        if cr != -1 and (lf == -1 or cr < lf):
            if cr + 1 == len(self._buffer):
                return None  # the LF of a CRLF may be in the next cut
            width = 2 if self._buffer[cr + 1] == 0x0A else 1
            return bytes(self._buffer[:cr]), cr + width
        if lf == -1:
            return None
        return bytes(self._buffer[:lf]), lf + 1

    def _finish(self) -> ServerEvent | None:
        raw, self._raw = bytes(self._raw), bytearray()
        lines, self._lines = self._lines, []
        data: list[bytes] = []
        name = b""
        for line in lines:
            field, _, value = line.removeprefix(b"\xef\xbb\xbf").partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
        if not data and not name and not (self._comments and lines):
            return None
        return ServerEvent(raw, b"\n".join(data), name)
