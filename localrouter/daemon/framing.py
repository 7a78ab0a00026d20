"""Framing: which bytes are one HTTP/1.1 request, decided strictly, before any parser sees them. Pure; no sockets.

Two readers that disagree about where a request ends can be played against each other (request smuggling). So what RFC 9112 leaves
to a recipient's mercy is refused here: obsolete folding, bare line feeds, lists or repeats of Content-Length, any transfer coding
but `chunked`, chunk extensions, trailers, absolute targets, HTTP/1.0. `Upgrade` offers (h2c) are dropped, as RFC 9110 section 7.8
allows: clients such as Java's send them with every request and expect to be ignored.
"""

from __future__ import annotations

import re

MAX_HEAD = 16 * 1024
MAX_HEADERS = 100
MAX_BODY = 64 * 1024 * 1024
MAX_CHUNK_LINE = 18

_REQUEST = re.compile(rb"([A-Z]{3,10}) (/[\x21-\x7e]*) HTTP/1\.1")
_VERSION = re.compile(rb"[A-Z]+ [\x21-\x7e]+ HTTP/\d\.\d")
_HEADER = re.compile(
    rb"([!#$%&'*+.^`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*"
)
_ODD_PATH = re.compile(rb"%(?:5c|00|0a|0d|2e)|\\|#|/\.\.?(?:/|\?|$)", re.I)
# %2F stays: the OpenAI SDK asks for `/v1/models/host%2Fmodel`. Door and routes read the one decoded path, so they cannot disagree.
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}\r\n")
_DROPPED = (b"upgrade", b"http2-settings", b"connection", b"keep-alive", b"proxy-connection")


class BadFrame(Exception):
    """`status` and a sentence; the connection cannot be used any further."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Framer:
    """One connection. `feed` gives the bytes that the parser may have, in order; `waiting` says what is still missing:
    `idle` (between requests), `head` or `body`. After a BadFrame it must not be fed again."""

    def __init__(self) -> None:
        self._buffer = b""
        self._state = "head"
        self._left = 0
        self._body = 0
        self.received = 0
        """Body bytes of the present request, framing included: what a minimum rate is measured by."""

    @property
    def waiting(self) -> str:
        if self._state == "head":
            return "head" if self._buffer else "idle"
        return "body"

    def feed(self, data: bytes) -> list[bytes]:
        """Raises BadFrame."""
        out: list[bytes] = []
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer:
            step = {"head": self._head, "length": self._length, "size": self._size, "chunk": self._chunk, "gap": self._gap}[
                self._state
            ]
            piece = step()
            if piece is None:
                break
            out.append(piece)
        return out

    def _take(self, count: int) -> bytes:
        piece, self._buffer = self._buffer[:count], self._buffer[count:]
        if self._state != "head":
            self.received += len(piece)
        return piece

    def _head(self) -> bytes | None:
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD + 4)
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadFrame(431, f"The head of the request is over {MAX_HEAD} bytes.")
            # What cannot become a head is said at once, not after the deadline.
            if b"\n\n" in self._buffer or b"\n\r\n" in self._buffer.replace(b"\r\n", b""):
                raise BadFrame(400, "A line of the head ends in a bare line feed.")
            return None
        lines = self._take(end + 4)[:end].split(b"\r\n")
        return self._checked(lines)

    def _checked(self, lines: list[bytes]) -> bytes:
        request = _REQUEST.fullmatch(lines[0])
        if request is None:
            if _VERSION.fullmatch(lines[0]) and not lines[0].endswith(b"HTTP/1.1"):
                raise BadFrame(505, "Only HTTP/1.1 is spoken here.")
            raise BadFrame(400, "The request line is malformed.")
        if _ODD_PATH.search(request[2].split(b"?")[0]):
            raise BadFrame(400, "The path holds an encoded or relative part.")
        if len(lines) - 1 > MAX_HEADERS:
            raise BadFrame(431, f"The request has more than {MAX_HEADERS} headers.")
        seen: dict[bytes, bytes] = {}
        kept = [lines[0]]
        close = False
        for line in lines[1:]:
            match = _HEADER.fullmatch(line)
            if match is None:
                raise BadFrame(400, "A header line is malformed.")
            name = match[1].lower()
            if name in (b"host", b"content-length", b"transfer-encoding", b"authorization", b"content-type") and name in seen:
                raise BadFrame(400, f"The header {name.decode()} is there twice.")
            seen[name] = match[2]
            if name == b"connection":
                close = close or b"close" in [t.strip() for t in match[2].lower().split(b",")]
            elif name not in _DROPPED:
                kept.append(line)
        if not seen.get(b"host"):
            raise BadFrame(400, "The Host header is missing or empty.")
        if seen.get(b"expect", b"100-continue").lower() != b"100-continue":
            raise BadFrame(417, "The Expect header asks for something unknown.")
        self._begin_body(seen)
        if close:
            kept.append(b"connection: close")
        return b"\r\n".join(kept) + b"\r\n\r\n"

    def _begin_body(self, seen: dict[bytes, bytes]) -> None:
        self.received = self._body = 0
        length, coding = seen.get(b"content-length"), seen.get(b"transfer-encoding")
        if length is not None and coding is not None:
            raise BadFrame(400, "The request has both Content-Length and Transfer-Encoding.")
        if coding is not None:
            if coding.lower() != b"chunked":
                raise BadFrame(501, "The only transfer coding spoken here is chunked.")
            self._state = "size"
        elif length is not None:
            if not _LENGTH.fullmatch(length):
                raise BadFrame(400, "The Content-Length is not a number.")
            self._left = int(length)
            self._grow(self._left)
            self._state = "length" if self._left else "head"

    def _grow(self, by: int) -> None:
        self._body += by
        if self._body > MAX_BODY:
            raise BadFrame(413, f"The body is over {MAX_BODY} bytes.")

    def _length(self) -> bytes:
        piece = self._take(min(self._left, len(self._buffer)))
        self._left -= len(piece)
        if not self._left:
            self._state = "head"
        return piece

    def _size(self) -> bytes | None:
        end = self._buffer.find(b"\n", 0, MAX_CHUNK_LINE)
        if end < 0:
            if len(self._buffer) >= MAX_CHUNK_LINE:
                raise BadFrame(400, "A chunk size is malformed.")
            return None
        if not _CHUNK.fullmatch(self._buffer[: end + 1]):
            raise BadFrame(400, "A chunk size is malformed; extensions are not accepted.")
        size = int(self._buffer[:end].strip(), 16)
        self._grow(size)
        if size:
            line = self._take(end + 1)
            self._left, self._state = size, "chunk"
            return line
        # The last chunk and its empty line belong together: a trailer may not follow.
        if len(self._buffer) < end + 3:
            if not b"\r\n".startswith(self._buffer[end + 1 :]):
                raise BadFrame(400, "Trailers are not accepted.")
            return None
        if self._buffer[end + 1 : end + 3] != b"\r\n":
            raise BadFrame(400, "Trailers are not accepted.")
        line = self._take(end + 3)
        self._state = "head"
        return line

    def _chunk(self) -> bytes:
        piece = self._take(min(self._left, len(self._buffer)))
        self._left -= len(piece)
        if not self._left:
            self._state = "gap"
        return piece

    def _gap(self) -> bytes | None:
        if len(self._buffer) < 2:
            if self._buffer != b"\r":
                raise BadFrame(400, "A chunk is longer than its size says.")
            return None
        if self._buffer[:2] != b"\r\n":
            raise BadFrame(400, "A chunk is longer than its size says.")
        piece = self._take(2)
        self._state = "size"
        return piece
