"""Marks of blocks that a host signed or encrypted, and the marks that we put on thoughts of our own making.

A Messages client keeps `signature` and `data` as opaque text and sends them back. So a thought that no host signed (another vendor's
reasoning, an empty one that only kept a client awake) carries a mark of ours, by which it is known again and taken out before a host
that checks signatures would refuse it (notes on clients, 7.2). Neither begins like a host's own: those are base64.
"""

from __future__ import annotations

import re
from typing import Any

UNSIGNED = "lr0.unsigned"
"""Another vendor's reasoning, shown as a thought."""
AWAKE = "lr0.awake"
"""An empty thought that kept a silent stream alive."""
REDACTED = "redacted_thinking:"
"""In front of the data of a redacted thought, wherever its mark is named: it must be sent back as another kind of block."""
MARKS = ("signature", "encrypted_content", "encrypted_index", "encrypted_stdout")

_MARK = re.compile(r"[A-Za-z0-9+/=_.:\-]+")
"""Base64 and the alphabets of ids. A text in the place of a signature is a text."""


def mark_of(node: dict[str, Any]) -> str:
    """What makes the block a signed one: its signature or encrypted content; "" for any other."""
    if node.get("type") == "redacted_thinking":
        data = node.get("data")
        return REDACTED + data if isinstance(data, str) and _MARK.fullmatch(data) else ""
    held = [node[key] for key in MARKS if isinstance(node.get(key), str) and node[key]]
    return held[0] if held and all(map(_MARK.fullmatch, held)) else ""


def is_own(mark: str) -> bool:
    """Whether the mark is one of ours that stands for no host."""
    return mark.startswith("lr0.")
