"""The chain of traces: HMACs over salted commitments, what is taken out of it, and where it begins.

A commitment is HMAC(salt, body); the link is HMAC(key, previous link, id, commitment). `empty` destroys body and salt and leaves the
commitment; `drop` takes a row out at the beginning, and the anchor then holds the link that the first row left continues. Without the key nobody can
make another anchor.
"""

from __future__ import annotations

import hmac
import sqlite3
from typing import Any

import orjson


def link(key: bytes, before: bytes, id_: str, commitment: bytes) -> bytes:
    return hmac.digest(key, before + id_.encode() + b"\x00" + commitment, "sha256")


def text_of(record: dict[str, Any]) -> str:
    """What the search index holds of a record. An entry of a contentless index is deleted by the same text (sqlite.org/fts5.html, 4.4.1)."""
    return "\n".join([record.get("explain", ""), *record.get("left_machine", []), record.get("answer", "")])


def empty(db: sqlite3.Connection, seq: int, id_: str, now: float) -> None:
    """Within a job: body, salt, findings, session, decision and index entry go; the tombstone keeps the chain whole."""
    _unindexed(db, seq, id_)
    sql = "UPDATE traces SET body=NULL, salt=NULL, findings='{}', session='', forgotten=? WHERE seq=?"
    db.execute(sql, (now, seq))


def drop(db: sqlite3.Connection, seq: int, id_: str) -> None:
    """Within a job: the first row of the chain goes whole. Its link has to be anchored in the same job."""
    _unindexed(db, seq, id_)
    db.execute("DELETE FROM traces WHERE seq = ?", (seq,))


def _unindexed(db: sqlite3.Connection, seq: int, id_: str) -> None:
    (body,) = db.execute("SELECT body FROM traces WHERE seq = ?", (seq,)).fetchone()
    if body is not None:
        text = text_of(orjson.loads(body))
        db.execute("INSERT INTO traces_fts (traces_fts, rowid, text) VALUES ('delete', ?, ?)", (seq, text))
    db.execute("DELETE FROM makers WHERE request = ?", (id_,))
    db.execute("DELETE FROM decisions WHERE id = ?", (id_,))


def anchor(db: sqlite3.Connection, key: bytes, seq: int, last: bytes) -> None:
    """Within a job: the chain begins behind `seq`, whose link was `last`."""
    db.execute("INSERT OR REPLACE INTO chain_anchor (id, seq, link, mac) VALUES (1, ?, ?, ?)", (seq, last, _mac(key, seq, last)))


def beginning(db: sqlite3.Connection, key: bytes) -> tuple[int, bytes] | None:
    """(seq, link) of the last row that was dropped, (0, b"") before any; None when the anchor is not ours."""
    row = db.execute("SELECT seq, link, mac FROM chain_anchor WHERE id = 1").fetchone()
    if row is None:
        return 0, b""
    seq, last, mac = row
    return (seq, last) if hmac.compare_digest(mac, _mac(key, seq, last)) else None


def _mac(key: bytes, seq: int, last: bytes) -> bytes:
    return hmac.digest(key, b"anchor" + seq.to_bytes(8, "big") + last, "sha256")
