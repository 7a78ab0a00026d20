"""Content-defined segments: lines grouped by what they say, so that an insertion moves no other edge.

A block ends after a line whose hash ends in three zero bits (about every eighth), or when it would pass MAX. A PEM block is
never cut. The whole text is covered; nothing overlaps.
"""

from __future__ import annotations

import zlib

MAX = 2048
"""Characters. Small enough that a changed line costs little, large enough to keep a sentence's context."""


def segments(text: str) -> list[tuple[int, int]]:
    """(start, end) spans that cover the text in order."""
    if len(text) <= 256:
        return [(0, len(text))] if text else []
    out: list[tuple[int, int]] = []
    start = at = 0
    inside = False
    for line in text.splitlines(keepends=True):
        size = len(line)
        if not inside and at > start and at - start + size > MAX:
            out.append((start, at))
            start = at
        if "-----BEGIN" in line:
            inside = True
        if "-----END" in line:
            inside = False
        at += size
        # A line that introduces a value (`password:`) stays with the next one.
        ends = line.strip()
        if (
            not inside
            and not ends.endswith((":", "=", ",", "\\", "(", "{", "["))
            and zlib.crc32(ends.encode("utf-8", "surrogatepass")) & 7 == 0
        ):
            out.append((start, at))
            start = at
    if at > start:
        out.append((start, at))
    return out
