"""Long base64 in a text: images, fonts and archives are recognised by their first bytes and not scanned; text is read.

What decodes to neither stays part of the text. The scan of a picture's base64 costs seconds and finds only chance hits.
"""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from localrouter.scrub.views import decoded

LEAST = 512
"""Characters. Shorter words are looked at where they stand (views)."""

_RUN = re.compile(r"[A-Za-z0-9+/_-]{64}[A-Za-z0-9+/_-]{448,}+={0,2}|(?:[A-Za-z0-9+/]{60,76}\r?\n){8,}[A-Za-z0-9+/]{0,76}={0,2}")
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
    for m in _RUN.finditer(text):
        head = _head(m[0])
        if head is None:
            continue
        if _binary(head):
            out.append(Blob(m.start(), m.end(), None))
        elif head.isascii() and (plain := decoded(re.sub(r"\s", "", m[0]))) is not None:
            out.append(Blob(m.start(), m.end(), plain))
    return out


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
