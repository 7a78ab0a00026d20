"""What an answer of the inspector is worth: findings that can be, and the canary that shows that it has looked."""

from __future__ import annotations

import secrets
from typing import Any

from localrouter.core.findings import Finding


def canary() -> str:
    """An address that no text holds: an inspector that answers "nothing" is as dead as a silent one. It has no word, and is too long for what a
    line without words may be to the encoder (_prose.TAIL): that need not read it in every batch. It is asked what it must know when a child
    starts."""
    return f"<{secrets.token_hex(10)}@canary-{secrets.token_hex(6)}.org>"


def findings(row: Any, size: int) -> tuple[Finding, ...] | None:
    """The findings of one piece, or None when the row is not one: a scan that answers nonsense has not scanned."""
    if not isinstance(row, list):
        return None
    out: list[Finding] = []
    for item in row:
        if not isinstance(item, list) or len(item) != 5:
            return None
        start, end, kind, score, detector = item
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= size:
            return None
        if not isinstance(kind, str) or not isinstance(detector, str) or not isinstance(score, (int, float)):
            return None
        out.append(Finding(start, end, kind, float(score), detector))
    return tuple(out)


def found(row: Any, text: str) -> bool:
    """Whether the canary's address was found, where it stands."""
    own = findings(row, len(text))
    address = text.strip("<>")
    return own is not None and any(text[f.start : f.end] == address for f in own)
