"""The segment cache: keyed hash of (text, context, versions) -> findings. It keeps no text, in memory or on disk.

Bounded: two generations, and when the younger is half of the limit the older is dropped; what is used moves to the younger. The
key is secret, so that neither the table nor its file tells whether a guessed text was seen. The file carries a keyed hash of
itself: one that is damaged, or of another installation, is no file.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Mapping, Sequence

import orjson

from localrouter.core.findings import Finding

Row = tuple[Finding, ...]

_MAGIC = b"localrouter segments 2\n"
_HEAD = struct.Struct("<III")
_SPAN = struct.Struct("<IIHHf")
_KEY = 16
_MAC = 32
FILE_MAX = 8 * 1024 * 1024
"""Bytes of a file: some 300 000 segments, most of which hold nothing."""
ROW_MAX = 1000
"""Findings of a row above which it is not written."""


class SegmentCache:
    """See the module. `limit` counts segments. `version` names detectors, rules, lists and thresholds: a change of it forgets all."""

    def __init__(self, key: bytes, limit: int = 60_000) -> None:
        self._key = hashlib.blake2b(key, digest_size=32, person=b"lr-segments").digest()
        self._half = max(1, limit // 2)
        self._version = b""
        self._named = self._naming()
        self._new: dict[bytes, Row] = {}
        self._old: dict[bytes, Row] = {}
        self.changes = 0

    @property
    def version(self) -> bytes:
        return self._version

    @version.setter
    def version(self, version: bytes) -> None:
        if version != self._version:
            self._version = version
            self._new, self._old = {}, {}
            self._named = self._naming()

    def key_of(self, text: str, context: str) -> bytes:
        """The name of a text under a context, for this installation and this version."""
        digest = self._named.copy()
        digest.update(f"{context}\x00{text}".encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _naming(self) -> hashlib.blake2b:
        """What every name begins with: made once, since there are hundreds of names to a request."""
        return hashlib.blake2b(self._version, digest_size=_KEY, key=self._key)

    def get(self, key: bytes) -> Row | None:
        row = self._new.get(key)
        if row is None:
            row = self._old.get(key)
            if row is not None:
                self._keep(key, row)
        return row

    def put(self, key: bytes, findings: Sequence[Finding]) -> None:
        self.changes += 1
        self._keep(key, tuple(findings))

    def _keep(self, key: bytes, row: Row) -> None:
        self._new[key] = row
        if len(self._new) >= self._half:
            self._old, self._new = self._new, {}

    def __len__(self) -> int:
        return len(self._new) + sum(1 for key in self._old if key not in self._new)

    # --- the file ------------------------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[dict[bytes, Row], ...]:
        """All that is known, oldest first, for `pack` in another thread: an older generation is never changed, the younger is copied."""
        return self._old, dict(self._new)

    def adopt(self, rows: Mapping[bytes, Row]) -> None:
        """Add what a file knew. What is known already stays."""
        for key, row in rows.items():
            if key not in self._new and key not in self._old:
                self._keep(key, row)

    def pack(self, generations: Sequence[dict[bytes, Row]]) -> bytes:
        """The bytes of a file, at most FILE_MAX; the oldest are left out. Touches no state: it may run in a thread."""
        names: dict[str, int] = {}
        empty: list[bytes] = []
        parts: list[bytes] = []
        done: set[bytes] = set()
        size = 0
        for generation in reversed(generations):
            for key in reversed(generation):
                row = generation[key]
                if key in done or len(row) > ROW_MAX:
                    continue
                size += _KEY + (2 + len(row) * _SPAN.size if row else 0)
                if size > FILE_MAX:
                    break
                done.add(key)
                if not row:
                    empty.append(key)
                    continue
                parts.append(key + struct.pack("<H", len(row)))
                parts += [
                    _SPAN.pack(
                        f.start, f.end, names.setdefault(f.type, len(names)), names.setdefault(f.detector, len(names)), f.score
                    )
                    for f in row
                ]
        table = orjson.dumps(list(names))
        head = _HEAD.pack(len(table), len(empty), len(done) - len(empty))
        body = b"".join((self._file_head(), head, table, *reversed(empty), *parts))
        return body + self._mac(body)

    def _file_head(self) -> bytes:
        return _MAGIC + hashlib.blake2b(self._version, digest_size=_KEY).digest()

    def _mac(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, digest_size=_MAC, key=self._key).digest()

    def unpack(self, data: bytes) -> dict[bytes, Row]:
        """What a file knew; nothing when it is damaged, foreign, or of another version. Touches no state."""
        body, mac = data[:-_MAC], data[-_MAC:]
        head = self._file_head()
        if not body.startswith(head) or not hmac.compare_digest(self._mac(body), mac):
            return {}
        at = len(head)
        size, empty, count = _HEAD.unpack_from(body, at)
        at += _HEAD.size
        names = orjson.loads(body[at : at + size])
        at += size
        rows: dict[bytes, Row] = {body[i : i + _KEY]: () for i in range(at, at + empty * _KEY, _KEY)}
        at += empty * _KEY
        for _ in range(count):
            key = body[at : at + _KEY]
            (spans,) = struct.unpack_from("<H", body, at + _KEY)
            at += _KEY + 2
            rows[key] = tuple(
                Finding(start, end, names[kind], round(score, 4), names[detector])
                for start, end, kind, detector, score in _SPAN.iter_unpack(body[at : at + spans * _SPAN.size])
            )
            at += spans * _SPAN.size
        return rows
