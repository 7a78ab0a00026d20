"""Length-prefixed JSON frames: how the daemon and its children talk over a pipe.

A frame is 4 bytes of big-endian length and that many bytes of JSON. Pure: bytes in, messages out.
"""

from __future__ import annotations

import struct
from typing import Any

import orjson

MAX_FRAME = 96 * 1024 * 1024
"""Bytes. A body may hold 64 MiB (the door's limit) and JSON may escape it."""

_LEN = struct.Struct(">I")


class FrameError(ValueError):
    """The other side does not speak frames (a crash message on the pipe, say)."""


def encode(message: dict[str, Any]) -> bytes:
    """One message as a frame."""
    body = orjson.dumps(message)
    if len(body) > MAX_FRAME:
        raise FrameError(f"frame of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return _LEN.pack(len(body)) + body


class Decoder:
    """Feed bytes as they come, in any cut; get whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        self._buffer += data
        out: list[dict[str, Any]] = []
        while len(self._buffer) >= 4:
            (size,) = _LEN.unpack_from(self._buffer)
            if size > MAX_FRAME:
                raise FrameError(f"frame of {size} bytes is over the limit of {MAX_FRAME}")
            if len(self._buffer) < 4 + size:
                break
            try:
                message = orjson.loads(bytes(self._buffer[4 : 4 + size]))
            except orjson.JSONDecodeError as exc:
                raise FrameError("frame is not JSON") from exc
            if not isinstance(message, dict):
                raise FrameError("frame is not an object")
            del self._buffer[: 4 + size]
            out.append(message)
        return out
