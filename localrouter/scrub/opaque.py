"""Long base64 in a text: images, fonts and archives are recognised by their first bytes and not scanned; text is read.

What decodes to neither stays part of the text. The scan of a picture's base64 costs seconds and finds only chance hits.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import NamedTuple

from localrouter.scrub.views import decoded

LEAST = 512
"""Characters. Shorter words are looked at where they stand (views)."""

_BLOCK = LEAST // 2
_RUN = re.compile(r"[A-Za-z0-9+/_-]*+={0,2}")
_WORD64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
_LINES = re.compile(r"\n((?:[A-Za-z0-9+/]{60,76}\r?\n){8,}+[A-Za-z0-9+/]{0,76}={0,2})")
"""Base64 in lines of 76 or 64 characters (RFC 2045, RFC 7468)."""
_MAGIC = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF", b"BM", b"II*\x00", b"MM\x00*", b"\x00\x00\x01\x00",  # pictures
    b"wOFF", b"wOF2", b"OTTO", b"true", b"\x00\x01\x00\x00",  # fonts
    b"%PDF-", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00", b"(\xb5/\xfd", b"7z\xbc\xaf", b"Rar!\x1a",  # archives
    b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\x00asm", b"SQLite format 3",  # programs and databases
    b"ID3", b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"\xff\xfb",  # sound and film
)  # fmt: skip
"""First bytes: Wikipedia, "List of file signatures", each checked against its format's own specification where one is public."""
_SHORT = 4
"""Bytes below which a signature proves nothing alone; the bytes behind it must then be binary too."""


class Blob(NamedTuple):
    """A long base64 word: `text` is what it says, or None for a known binary format."""

    start: int
    end: int
    text: str | None


def blobs(text: str) -> list[Blob]:
    """The long base64 words that can be read or named."""
    out: list[Blob] = []
    if len(text) < LEAST:
        return out
    for start, end in sorted([*_runs(text), *((m.start(1) - 1, m.end(1) - 1) for m in _LINES.finditer("\n" + text))]):
        word = text[start:end]
        head = _head(word)
        if head is None or (out and start < out[-1].end):
            continue
        if _binary(head):
            out.append(Blob(start, end, None))
        elif head.isascii() and (plain := decoded(re.sub(r"\s", "", word))) is not None:
            out.append(Blob(start, end, plain))
    return out


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Words of LEAST characters and more. Such a word fills one of the blocks that the text falls into, so one look a block finds it."""
    done = 0
    for at in range(0, len(text) - _BLOCK + 1, _BLOCK):
        if at < done or (end := _RUN.match(text, at).end()) < at + _BLOCK:  # type: ignore[union-attr]  # it matches nothing at least
            continue
        start = at
        while start > done and text[start - 1] in _WORD64:
            start -= 1
        done = end
        if end - start >= LEAST:
            yield start, end


def _head(word: str) -> bytes | None:
    try:
        return base64.b64decode(word[:60].replace("-", "+").replace("_", "/"))
    except ValueError:
        return None


def _binary(head: bytes) -> bool:
    for magic in _MAGIC:
        if head.startswith(magic):
            # Two letters are also the start of a word: a format's header has zeros or bytes beyond ASCII soon.
            return len(magic) > _SHORT or any(b < 9 or b > 126 for b in head[len(magic) : 44])
    return head[4:8] == b"ftyp"
