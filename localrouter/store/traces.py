"""Traces: one veiled record a request, in a chain of HMACs over salted commitments.

`forget` destroys a body and its salt and leaves the commitment (store/chain.py), so `verify` still passes while the text is gone.
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
from localrouter.store import chain, decisions
from localrouter.store.writer import Writer

_SUMMARY = ("id", "started", "who", "session", "lane", "route", "reason", "model", "status", "cost_micro", "ms")


GATHER_S = 0.02
PAGE = 256
"""Rows that one step of `verify` reads."""
DAY_S = 86_400.0

_Entry = tuple[dict[str, Any], tuple[decisions.Kept, bytes] | None, float | None]


class Traces:
    """See the module. `key` is the install secret."""

    def __init__(self, writer: Writer, key: bytes, now: Callable[[], float]) -> None:
        self._writer, self._now = writer, now
        self._pending: list[tuple[_Entry, asyncio.Future[None]]] = []
        self.key = hmac.digest(key, b"localrouter trace chain", "sha256")

    async def put(
        self,
        record: dict[str, Any],
        decision: tuple[decisions.Kept, bytes] | None = None,
        *,
        keep_days: int | None = None,
    ) -> None:
        """Append, with its decision and the place of that. The record is veiled already; this room cannot tell. `keep_days`: of its route, where
        that is less than what is kept of others (store/retention.py). Records of a short while are written as one job: they follow an answer
        and hurry nobody, while each commit costs the next reservation its turn."""
        loop = asyncio.get_running_loop()
        if not self._pending:
            loop.call_later(GATHER_S, self._flush)
        done = loop.create_future()
        expires = record["started"] + keep_days * DAY_S if keep_days is not None else None
        self._pending.append(((record, decision, expires), done))
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
        for at, (record, decision, expires) in enumerate(entries):
            body = orjson.dumps(record)
            salt = salts[16 * at : 16 * at + 16]
            commitment = hmac.digest(salt, body, "sha256")
            link = chain.link(self.key, link, record["id"], commitment)
            cursor = db.execute(
                f"INSERT INTO traces ({', '.join(_SUMMARY)}, findings, salt, commitment, link, body, expires)"  # noqa: S608  # own names
                f" VALUES ({', '.join('?' * (len(_SUMMARY) + 6))})",
                (
                    *(record.get(k) for k in _SUMMARY),
                    orjson.dumps(record.get("findings", {})).decode(),
                    salt,
                    commitment,
                    link,
                    body.decode(),
                    expires,
                ),
            )
            db.execute("INSERT INTO traces_fts (rowid, text) VALUES (?, ?)", (cursor.lastrowid, chain.text_of(record)))
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
            row = db.execute("SELECT seq FROM traces WHERE id = ? AND body IS NOT NULL", (id_,)).fetchone()
            if row is None:
                return False
            chain.empty(db, row[0], id_, self._now())
            db.execute("INSERT INTO traces_fts (traces_fts) VALUES ('optimize')")
            self._writer.truncate()
            return True

        return await self._writer.run(job)

    async def verify(self) -> tuple[bool, int, str]:
        """(whole, traces, id of the first bad one; "the beginning" where that was cut off by somebody else). In steps, so that no reservation
        waits for it."""
        count, after, before = 0, 0, b""

        def job(db: sqlite3.Connection) -> tuple[bool, int, str] | None:
            nonlocal count, after, before
            begins = chain.beginning(db, self.key)
            if begins is None:
                return False, count, "the beginning"
            if begins[0] > after:
                after, before = begins  # all before it is gone, also what was read of it
            rows = db.execute(
                "SELECT seq, id, salt, commitment, link, body FROM traces WHERE seq > ? ORDER BY seq LIMIT ?", (after, PAGE)
            ).fetchall()
            for seq, id_, salt, commitment, link, body in rows:
                count += 1
                intact = body is None or hmac.compare_digest(hmac.digest(salt, body.encode(), "sha256"), commitment)
                if not intact or not hmac.compare_digest(chain.link(self.key, before, id_, commitment), link):
                    return False, count, id_
                after, before = seq, link
            return (True, count, "") if len(rows) < PAGE else None

        while (found := await self._writer.run(job)) is None:
            pass
        return found
