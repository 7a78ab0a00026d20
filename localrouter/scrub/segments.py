"""Content-defined segments: a text in blocks of lines, cut by what the lines say, so that an insertion moves no other edge.

Laws: the segments cover the text in order; each is at most MAX long but for a word or a block that may not be cut, and those are
at most WHOLE_MAX; only where a line had to be cut do two segments overlap. Linear in the text.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_right

MAX = 2048
"""Characters. Small enough that a changed line costs little, large enough to keep a sentence's context."""
MIN = 256
"""Characters below which no block ends: blank lines are no edges of their own."""
SMALL = 1024
"""Characters up to which a text is one segment: it keeps all of its context."""
WHOLE_MAX = 16 * 1024
"""Characters of a block that is kept whole. An RSA key of 8 192 bits has 6.4 KB; a certificate chain with its key rarely 16."""
WORD_MAX = 8 * 1024
"""Characters of a word that is kept whole: a JWT with many claims. HTTP servers stop at 8 KiB for a header."""
OVERLAP = 128
"""Characters that two parts of a cut line share: more than an address, a spaced card number or `key = value` has."""

_WHOLE = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|PGP)[^\n]*?-----"
    r"|^PuTTY-User-Key-File-\d"
    r"|^kind:[ \t]*[\"']?Secret\b",
    re.M,
)
_WHOLE_HINT = re.compile(r"-----BEGIN |PuTTY-User|Secret\b")
_EDGE = re.compile(r"[\s,;&|<>]+")
_OPEN = (":", "=", ",", "\\", "(", "{", "[", "|", ">", "+", ".")
"""A line that ends so goes on in the next one (`password:`)."""


def segments(text: str) -> list[tuple[int, int]]:
    """(start, end) spans that cover the text in order."""
    size = len(text)
    if size <= SMALL:
        return [(0, size)] if text else []
    whole = _whole(text) if _WHOLE_HINT.search(text) else []
    starts = [w[0] for w in whole]
    out: list[tuple[int, int]] = []
    start = at = until = 0
    crc = zlib.crc32
    for line in text.splitlines(keepends=True):
        end = at + len(line)
        if end - start > MAX and at > start and at >= until:
            out.append((start, at))
            start = at
        if starts:
            index = bisect_right(starts, end - 1) - 1
            if index >= 0 and starts[index] >= at:
                until = max(until, whole[index][1])
        at = end
        if at < until:
            continue
        if len(line) > MAX:
            start = _cut_line(text, start, at, whole, out)
        # About every sixteenth line: blocks of some 700 characters, and a changed line costs one of them.
        said = line.strip()
        if (
            at - start >= MIN
            and crc(said.encode("utf-8", "surrogatepass")) & 15 == 0
            and not said.endswith(_OPEN)
            and not _deeper(text, line, at)
        ):
            out.append((start, at))
            start = at
    if at > start:
        out.append((start, at))
    return out


def _deeper(text: str, line: str, at: int) -> bool:
    """Whether the next line is indented more: it belongs to this one."""
    indent = len(line) - len(line.lstrip(" \t"))
    margin = text[at : at + indent + 1]
    return len(margin) > indent and not margin.strip(" \t")


def _whole(text: str) -> list[tuple[int, int]]:
    """Spans that may not be cut: key blocks, and manifests of secrets, as far as WHOLE_MAX."""
    out: list[tuple[int, int]] = []
    for m in _WHOLE.finditer(text):
        low, limit = m.start(), min(len(text), m.start() + WHOLE_MAX)
        if out and low < out[-1][1]:
            continue
        if m[0].startswith("-----"):
            end = text.find("-----END ", m.end(), limit)
            high = text.find("-----", end + 9, limit) + 5 if end >= 0 else 0
            # No end in sight: a key that was cut off. Its lines hold no blanks, so it ends with the paragraph.
            if high < 5:
                high = text.find("\n\n", m.end(), limit)
        elif m[0].startswith("PuTTY"):
            end = text.find("Private-MAC", m.end(), limit)
            high = text.find("\n", end, limit) if end >= 0 else -1
        else:
            low = max(text.rfind("\n---", max(0, low - WHOLE_MAX // 2), low) + 1, low - WHOLE_MAX // 2, 0)
            low = text.rfind("\n", 0, low) + 1
            high = text.find("\n---", m.end(), low + WHOLE_MAX)
            high = min(len(text), low + WHOLE_MAX) if high < 0 else high
        out.append((low, limit if high < 0 else high))
    return out


def _cut_line(text: str, start: int, end: int, whole: list[tuple[int, int]], out: list[tuple[int, int]]) -> int:
    """Cut a line that is longer than MAX; returns where its last part starts.

    Of the safe edges in the second half of a part the one is taken whose last characters are least in order: the same text has
    the same edge wherever it stands. A word is cut only beyond WORD_MAX.
    """
    while end - start > MAX:
        low, high = start + MAX // 2, start + MAX
        edges = [m.end() for m in _EDGE.finditer(text, low, high)]
        if not edges:
            m = _EDGE.search(text, high, min(end, start + WORD_MAX))
            if m is not None:
                edges = [m.end()]
            elif end - start <= WORD_MAX:
                break
            else:
                low, high = start + WORD_MAX // 2, start + WORD_MAX
                edges = list(range(low + 1, high))
        cut = min(edges, key=lambda i: text[i - 8 : i])
        kept = next((w for w in whole if w[0] < cut < w[1]), None)
        if kept is not None:
            if kept[0] - start > OVERLAP:
                out.append((start, kept[0]))
                start = kept[0]
                continue
            cut = kept[1]
        if cut >= end:
            break
        out.append((start, cut))
        # The next part starts at an edge before the cut, so that what stands across it is seen whole by one of the two.
        back = _EDGE.search(text, max(start + 1, cut - OVERLAP), cut)
        start = back.end() if back is not None and back.end() < cut else max(start + 1, cut - OVERLAP)
    return start
