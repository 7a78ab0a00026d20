"""The segment cache: keyed hash of (text, context, versions) -> findings. It keeps no text.

Bounded, least recently used first. The key is secret, so that the table does not tell whether a guessed text was seen.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from localrouter.core.findings import Finding

VERSION = b"1"
"""Raise it when a detector or a rule changes what it finds."""


class SegmentCache:
    """See the module. `limit` counts segments."""

    def __init__(self, key: bytes, limit: int = 200_000) -> None:
        self._key = hashlib.blake2b(key, digest_size=32, person=b"lr-segments").digest()
        self._limit = limit
        self._rows: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()

    def key_of(self, text: str, context: str) -> bytes:
        digest = hashlib.blake2b(digest_size=16, key=self._key)
        digest.update(VERSION + context.encode("utf-8", "surrogatepass") + b"\x00" + text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def get(self, key: bytes) -> tuple[Finding, ...] | None:
        row = self._rows.get(key)
        if row is not None:
            self._rows.move_to_end(key)
        return row

    def put(self, key: bytes, findings: Sequence[Finding]) -> None:
        self._rows[key] = tuple(findings)
        self._rows.move_to_end(key)
        while len(self._rows) > self._limit:
            self._rows.popitem(last=False)

    def __len__(self) -> int:
        return len(self._rows)
