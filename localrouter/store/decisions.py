"""Decisions: what was read when a request was routed, and what became of it, apart from its trace so that a thousand are read at once.

No text of a request is here. A row is written with its trace, in one transaction, and goes with it when that is forgotten. What many rows
share (the place of a decision, a catalogue, a recipe) is kept once, by its hash, in `artifacts`.
"""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import orjson

from localrouter.store.writer import Writer

PAGE = 1000
"""Rows that one reading gives at most: it holds the writer's thread for some milliseconds."""


class Kept(NamedTuple):
    """A row. `body` is JSON (core/decision.Decision.slim), `outcome` what became of it: model, lane, status, cost_micro, usage, ms."""

    id: str
    at: float
    who: str
    session: str
    recipe: str
    catalogue: str
    place: str
    body: bytes
    outcome: bytes


def append(db: sqlite3.Connection, row: Kept, place: bytes) -> None:
    """Within a job. `place` is the JSON that `row.place` is the hash of."""
    keep(db, "place", row.place, place)
    db.execute(
        "INSERT OR REPLACE INTO decisions (id, at, who, session, recipe, catalogue, place, body, outcome) VALUES (?,?,?,?,?,?,?,?,?)",
        (*row[:7], row.body.decode(), row.outcome.decode()),
    )


def keep(db: sqlite3.Connection, kind: str, hash_: str, body: bytes) -> None:
    """Within a job: an artifact, unless it is there."""
    db.execute("INSERT OR IGNORE INTO artifacts (hash, kind, body) VALUES (?,?,?)", (f"{kind}:{hash_}", kind, body.decode()))


class Decisions:
    """See the module."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def of(self, request: str) -> dict[str, Any] | None:
        """One decision, its place in it; None when there is none. `digest` is over its bytes, as its trace names it. Raises StoreFault."""

        def job(db: sqlite3.Connection) -> dict[str, Any] | None:
            row = db.execute(
                "SELECT d.id, d.body, d.outcome, a.body FROM decisions d JOIN artifacts a ON a.hash = 'place:' || d.place WHERE d.id = ?",
                (request,),
            ).fetchone()
            if row is None:
                return None
            return {
                "id": row[0], "outcome": orjson.loads(row[2]), "body": row[1],
                "decision": {**orjson.loads(row[1]), "place": orjson.loads(row[3])},
            }  # fmt: skip

        return await self._writer.run(job)

    async def since(self, at: float, *, limit: int, before: tuple[float, str] | None = None) -> dict[str, Any]:
        """A page of PAGE rows at most, newest first: `decisions`, the `places` that they name, and `next`, where to go on (None at the end).
        `limit` and `before` (time, id) bound it. Raises StoreFault."""
        end = before or (float("inf"), "")
        many = min(limit, PAGE)

        def job(db: sqlite3.Connection) -> dict[str, Any]:
            rows = db.execute(
                "SELECT id, at, who, session, recipe, place, body, outcome FROM decisions"
                " WHERE at >= ? AND (at < ? OR (at = ? AND id < ?)) ORDER BY at DESC, id DESC LIMIT ?",
                (at, end[0], end[0], end[1], many),
            ).fetchall()
            places = {
                name: orjson.loads(db.execute("SELECT body FROM artifacts WHERE hash = ?", (f"place:{name}",)).fetchone()[0])
                for name in {row[5] for row in rows}
            }
            more = [rows[-1][1], rows[-1][0]] if len(rows) == many < limit else None
            decisions = [
                {"id": r[0], "at": r[1], "who": r[2], "session": r[3], "recipe": r[4], "decision": orjson.loads(r[6]),
                 "outcome": orjson.loads(r[7])}
                for r in rows
            ]  # fmt: skip
            return {"decisions": decisions, "places": places, "next": more}

        return await self._writer.run(job)

    async def counts(self) -> dict[str, int]:
        """How many rows there are, by recipe. Raises StoreFault."""
        sql = "SELECT recipe, count(*) FROM decisions GROUP BY recipe"
        return await self._writer.run(lambda db: dict(db.execute(sql).fetchall()))
