"""Hardware addresses (IEEE 802 EUI-48): six pairs with colons or dashes, or three groups of four with dots. They name one device.

All-zero, broadcast and multicast addresses (the low bit of the first octet) name nobody.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding

NAME = "mac"
_PAIRS = re.compile(r"(?<![\w:.-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:]|[-.]\w)")
_DOTTED = re.compile(r"(?<![\w:.-])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w:]|[-.]\w)")
_DOCKER = b"\x02\x42"
"""Docker's own prefix for the interfaces that it makes up."""
_GATE = re.compile(r"([:-])[0-9A-Fa-f]{2}\1[0-9A-Fa-f]{2}\1[0-9A-Fa-f]{2}\1|\.[0-9A-Fa-f]{4}\.")


def find(text: str, context: str) -> list[Finding]:
    if _GATE.search(text) is None:
        return []
    out: list[Finding] = []
    for pattern in (_PAIRS, _DOTTED):
        for m in pattern.finditer(text):
            octets = bytes.fromhex(re.sub(r"[:.-]", "", m[0]))
            if octets[0] & 1 or not any(octets) or octets[:2] == _DOCKER or (m[0].replace(".", "").isdigit() and "." in m[0]):
                continue
            out.append(Finding(m.start(), m.end(), "MAC", 0.8, NAME))
    return out
