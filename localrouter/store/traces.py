"""Traces: one veiled record a request, in a chain of HMACs over salted commitments.

A commitment is HMAC(salt, body); the link is HMAC(key, previous link, id, commitment). `forget` destroys body and salt and
leaves the commitment, so `verify` still passes while the text is gone.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import sqlite3
from collections.abc import Callable
from typing import Any

import orjson

from localrouter.core.errors import BadRequest
from localrouter.store import decisions
from localrouter.store.writer import Writer

_SUMMARY = ("id", "started", "who", "session", "lane", "route", "reason", "model", "status", "cost_micro", "ms")


GATHER_S = 0.02


_Entry = tuple[dict[str, Any], tuple[decisions.Kept, bytes] | None]


class Traces:
    """See the module. `key` is the install secret."""

    def __init__(self, writer: Writer, key: bytes, now: Callable[[], float]) -> None:
        self._writer, self._now = writer, now
        self._pending: list[tuple[_Entry, asyncio.Future[None]]] = []
        self._key = hmac.digest(key, b"localrouter trace chain", "sha256")

    def _link(self, before: bytes, id_: str, commitment: bytes) -> bytes:
        return hmac.digest(self._key, before + id_.encode() + b"\x00" + commitment, "sha256")

    async def put(self, record: dict[str, Any], decision: tuple[decisions.Kept, bytes] | None = None) -> None:
        """Append, with its decision and the place of that. The record is veiled already; this room cannot tell. Records of a short while are
        written as one job: they follow an answer and hurry nobody, while each commit costs the next reservation its turn."""
        loop = asyncio.get_running_loop()
        if not self._pending:
            loop.call_later(GATHER_S, self._flush)
        done = loop.create_future()
        self._pending.append(((record, decision), done))
        await done

    def _flush(self) -> None:
        batch, self._pending = self._pending, []
        written = asyncio.wrap_future(self._writer.submit(lambda db: self._append(db, [entry for entry, _ in batch])))

        def tell(result: asyncio.Future[None]) -> None:
            for _, done in batch:
                if done.done():
                    continue
                if result.cancelled():
                    done.cancel()
                elif (fault := result.exception()) is not None:
                    done.set_exception(fault)
                else:
                    done.set_result(None)

        written.add_done_callback(tell)

    def _append(self, db: sqlite3.Connection, entries: list[_Entry]) -> None:
        last = db.execute("SELECT link FROM traces ORDER BY seq DESC LIMIT 1").fetchone()
        link = last[0] if last else b""
        salts = os.urandom(16 * len(entries))
        for at, (record, decision) in enumerate(entries):
            body = orjson.dumps(record)
            salt = salts[16 * at : 16 * at + 16]
            commitment = hmac.digest(salt, body, "sha256")
            link = self._link(link, record["id"], commitment)
            text = "\n".join([record.get("explain", ""), *record.get("left_machine", []), record.get("answer", "")])
            cursor = db.execute(
                f"INSERT INTO traces ({', '.join(_SUMMARY)}, findings, salt, commitment, link, body)"  # noqa: S608  # own names
                f" VALUES ({', '.join('?' * (len(_SUMMARY) + 5))})",
                (
                    *(record.get(k) for k in _SUMMARY),
                    orjson.dumps(record.get("findings", {})).decode(),
                    salt,
                    commitment,
                    link,
                    body.decode(),
                ),
            )
            db.execute("INSERT INTO traces_fts (rowid, text) VALUES (?, ?)", (cursor.lastrowid, text))
            if decision is not None:
                decisions.append(db, *decision)

    async def get(self, id_: str) -> dict[str, Any] | None:
        """By id, or by a unique part of it of 6 characters and more. Raises BadRequest when several fit."""

        def job(db: sqlite3.Connection) -> dict[str, Any] | None:
            row = db.execute("SELECT id, body, forgotten FROM traces WHERE id = ?", (id_,)).fetchone()
            if row is None and len(id_) >= 6:
                rows = db.execute("SELECT id, body, forgotten FROM traces WHERE instr(id, ?) LIMIT 2", (id_,)).fetchall()
                if len(rows) > 1:
                    raise BadRequest("Several traces have that in their id.", "Give more of it.")
                row = rows[0] if rows else None
            if row is None:
                return None
            if row[1] is None:
                return {"id": row[0], "forgotten": row[2]}
            tree: dict[str, Any] = orjson.loads(row[1])
            return tree

        return await self._writer.run(job)

    async def recent(
        self, limit: int = 50, *, before: float | None = None, q: str | None = None, lane: str | None = None
    ) -> list[dict[str, Any]]:
        """Summaries, newest first; `forgotten` is when, or None. `q` searches the veiled text for all its words."""
        where: list[str] = ["1"]
        values: list[str | float] = []
        if before is not None:
            where.append("started < ?")
            values.append(before)
        if lane:
            where.append("lane = ?")
            values.append(lane)
        if q and q.split():
            where.append("seq IN (SELECT rowid FROM traces_fts WHERE traces_fts MATCH ?)")
            values.append(" ".join('"' + w.replace('"', '""') + '"' for w in q.split()))
        sql = (
            f"SELECT {', '.join(_SUMMARY)}, forgotten, findings FROM traces WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?"  # noqa: S608
        )

        def job(db: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = db.execute(sql, (*values, limit)).fetchall()
            return [
                dict(zip((*_SUMMARY, "forgotten"), row[:-1], strict=True)) | {"findings": orjson.loads(row[-1] or "{}")}
                for row in rows
            ]

        return await self._writer.run(job)

    async def forget(self, id_: str) -> bool:
        """Destroy a trace's body and salt, its decision, and what is remembered of the blocks that its answer signed; the tombstone keeps the
        chain whole. Whether there was one."""

        def job(db: sqlite3.Connection) -> bool:
            row = db.execute("SELECT seq, body FROM traces WHERE id = ? AND body IS NOT NULL", (id_,)).fetchone()
            if row is None:
                return False
            record = orjson.loads(row[1])
            text = "\n".join([record.get("explain", ""), *record.get("left_machine", []), record.get("answer", "")])
            db.execute("INSERT INTO traces_fts (traces_fts, rowid, text) VALUES ('delete', ?, ?)", (row[0], text))
            db.execute("INSERT INTO traces_fts (traces_fts) VALUES ('optimize')")
            sql = "UPDATE traces SET body=NULL, salt=NULL, findings='{}', session='', forgotten=? WHERE seq=?"
            db.execute(sql, (self._now(), row[0]))
            db.execute("DELETE FROM makers WHERE request = ?", (id_,))
            db.execute("DELETE FROM decisions WHERE id = ?", (id_,))
            return True

        return await self._writer.run(job)

    async def verify(self) -> tuple[bool, int, str]:
        """(whole, traces, id of the first bad one)."""

        def job(db: sqlite3.Connection) -> tuple[bool, int, str]:
            before, count = b"", 0
            for id_, salt, commitment, link, body in db.execute(
                "SELECT id, salt, commitment, link, body FROM traces ORDER BY seq"
            ):
                count += 1
                intact = body is None or hmac.compare_digest(hmac.digest(salt, body.encode(), "sha256"), commitment)
                if not intact or not hmac.compare_digest(self._link(before, id_, commitment), link):
                    return False, count, id_
                before = link
            return True, count, ""

        return await self._writer.run(job)
