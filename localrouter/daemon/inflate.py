"""Compressed request bodies, with a cap on what they decode to: gzip and deflate (RFC 1952, 1950), zstd (RFC 8878), br (RFC 7932).

A 200 KB body can decode to 200 MB, so each decoder is asked for bounded pieces and stopped at the cap, not measured afterwards.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from localrouter.core.errors import BadRequest, MediaType, TooLarge

PIECE = 256 * 1024
ZSTD_WINDOW = 8 * 1024 * 1024
"""RFC 8878 section 3.1.1.1.2: decoders should support at least 8 MiB; more is only memory for an attacker."""
ZSTD_STEP = 256


def _zlib(body: bytes, wbits: int) -> Iterator[bytes]:
    decoder = zlib.decompressobj(wbits)
    data = body
    while True:
        piece = decoder.decompress(data, PIECE)
        data = decoder.unconsumed_tail
        if piece:
            yield piece
        if decoder.eof:
            break
        if not piece and not data:
            raise EOFError("truncated")
    if decoder.unused_data:
        raise ValueError("bytes after the end")


def _zstd(body: bytes) -> Iterator[bytes]:
    import zstandard

    # Its reader ends quietly when a frame is cut short, its decompressobj knows; fed in small steps, that one is bounded too: a
    # block of 4 bytes gives 128 KiB at most.
    decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
    try:
        for at in range(0, len(body), ZSTD_STEP):
            if decoder.eof:
                raise ValueError("bytes after the end")
            piece = decoder.decompress(body[at : at + ZSTD_STEP])
            if piece:
                yield piece
    except zstandard.ZstdError as exc:
        raise ValueError(str(exc)) from None
    if not decoder.eof:
        raise EOFError("truncated")
    if decoder.unused_data:
        raise ValueError("bytes after the end")


def _brotli(body: bytes) -> Iterator[bytes]:
    import brotli

    decoder = brotli.Decompressor()
    data = body
    try:
        while not decoder.is_finished():
            piece = decoder.process(data, output_buffer_limit=PIECE)
            data = b""
            if piece:
                yield piece
            elif decoder.can_accept_more_data():
                raise EOFError("truncated")
    except brotli.error as exc:
        raise ValueError(str(exc)) from None


def inflate(coding: str, body: bytes, cap: int) -> bytes:
    """The decoded body. Raises MediaType for an unknown coding, TooLarge at the cap, BadRequest for bytes that do not decode."""
    name = coding.strip().lower()
    if name in ("", "identity"):
        return body
    if name in ("gzip", "x-gzip"):
        pieces = _zlib(body, 31)
    elif name == "deflate":
        pieces = _zlib(body, 15)
    elif name == "zstd":
        pieces = _zstd(body)
    elif name == "br":
        pieces = _brotli(body)
    else:
        raise MediaType(f"The content encoding {name[:20]!r} is not known.", "Send gzip, zstd, br or no encoding.")
    out: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            size += len(piece)
            if size > cap:
                raise TooLarge(f"The body decodes to more than {cap} bytes.", "Send less.")
            out.append(piece)
    except (zlib.error, ValueError, EOFError):
        raise BadRequest(f"The body is not valid {name}.", "Send it again, or without an encoding.") from None
    return b"".join(out)
