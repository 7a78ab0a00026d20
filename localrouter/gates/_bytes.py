"""How long a request is, for gates: bytes of what is read as text, and tokens at four bytes each."""

from __future__ import annotations

from localrouter.core.decide import View

BYTES_PER_TOKEN = 4
"""Text and code have some four bytes a token. Plain prose under a large vocabulary has up to five: near the end of a context, such a prompt is
taken for too long although it fits."""


def text_bytes(view: View) -> int:
    """Bytes of what is read as text. Pictures and files are as large as a book and are billed as a page or two. Counted once a decision."""
    found: int | None = view.memo.get("text_bytes")
    if found is None:
        ask = view.ask
        found = sum(len(leaf.text.encode("utf-8", "surrogatepass")) for leaf in ask.leaves) if ask.unread else ask.size
        view.memo["text_bytes"] = found
    return found
