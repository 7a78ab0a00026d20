"""Server-sent events, cut anywhere: bytes in, whole events out, each with its raw bytes.

WHATWG HTML, "Server-sent events": lines end in CRLF, LF or CR; an empty line ends an event. Sizes are bounded: an endless
line is a fault of the sender, not a reason to fill memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_EVENT = 4 * 1024 * 1024
"""Bytes of one event; openai-python's decoder has no limit and says so."""

_END = re.compile(rb"\r\n?|\n")


class EventTooLarge(ValueError):
    """An event is over MAX_EVENT."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """`raw` is the event as it came, its empty line included; `data` joins the data lines."""

    raw: bytes
    data: bytes
    event: bytes = b""


class Decoder:
    """Feed any cut of a stream. With `comments`, what holds nothing but comments is an event without data too (some hosts keep a stream
    alive with them). What no empty line has ended when the stream ends is no event, as the standard says.

    Linear in the stream, however it is cut: each byte is looked at once, so an unfinished line is never searched again.
    """

    def __init__(self, *, comments: bool = False) -> None:
        self._comments = comments
        self._line = bytearray()  # of a line without its end
        self._lines: list[bytes] = []
        self._raw = bytearray()
        self._held = False  # the last byte was CR: the LF of a CRLF may be in the next cut
        self._bare = False  # lines end in CR alone here, so none is held back: the last event of a stream has nothing after it
        self._skip = False  # a LF now is the end of a CR that was not held back

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that end in this chunk. Raises EventTooLarge."""
        out: list[ServerEvent] = []
        if self._held:
            chunk, self._held = b"\r" + chunk, False
        at = begun = 0  # of the line, of the event's bytes
        if self._skip and chunk:
            self._skip = False
            at = int(chunk.startswith(b"\n"))
        size = len(chunk)
        for match in _END.finditer(chunk, at):
            end = match.end()
            if match[0] == b"\r":
                if end < size:
                    self._bare = True
                elif not self._bare:
                    self._held = True
                    size -= 1
                    break
                else:
                    self._skip = True
            line = chunk[at : match.start()]
            if self._line:
                line = bytes(self._line) + line
                self._line.clear()
            at = end
            if line:
                self._lines.append(line)
                continue
            self._raw += chunk[begun:end]
            begun = end
            event = self._finish()
            if event is not None:
                out.append(event)
        self._line += chunk[at:size]
        self._raw += chunk[begun:size]
        if len(self._raw) > MAX_EVENT:
            raise EventTooLarge(f"an event is over {MAX_EVENT} bytes")
        return out

    def _finish(self) -> ServerEvent | None:
        raw, self._raw = bytes(self._raw), bytearray()
        if len(raw) > MAX_EVENT:
            raise EventTooLarge(f"an event is over {MAX_EVENT} bytes")
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
