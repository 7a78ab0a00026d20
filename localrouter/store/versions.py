"""Versions: every recipe and catalogue that was in force, whole, by its hash; and when each recipe came into force, by whom, with what note."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from localrouter.store.decisions import keep
from localrouter.store.writer import Writer

_COLUMNS = "seq, at, name, hash, source, by, note"


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of the history. `hash`: of the recipe (core/decision.digest). `source`: what the settings named. `by`: who asked (`cli`, `tui`,
    `api`; of a rollback `rollback cli` and so on), or `file` when the settings or the recipe's file were found changed."""

    seq: int
    at: float
    name: str
    hash: str
    source: str
    by: str
    note: str

    @property
    def version(self) -> str:
        return f"{self.name}@{self.hash}"


class Versions:
    """See the module."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def keep(self, kind: str, hash_: str, body: str) -> None:
        """Keep an artifact of kind `recipe` or `catalogue`. Raises StoreFault."""
        await self._writer.run(lambda db: keep(db, kind, hash_, body.encode()))

    async def body(self, kind: str, hash_: str) -> str | None:
        """An artifact's JSON. Raises StoreFault."""
        sql = "SELECT body FROM artifacts WHERE hash = ?"

        def job(db: sqlite3.Connection) -> str | None:
            row = db.execute(sql, (f"{kind}:{hash_}",)).fetchone()
            return row[0] if row else None

        return await self._writer.run(job)

    async def entered(self, at: float, name: str, hash_: str, body: str, source: str, by: str, note: str) -> bool:
        """A recipe is in force from now on: keep it, and say so in the history unless its last entry says it already. Whether it is new there.
        Raises StoreFault."""

        def job(db: sqlite3.Connection) -> bool:
            keep(db, "recipe", hash_, body.encode())
            last = db.execute("SELECT name, hash FROM recipe_history ORDER BY seq DESC LIMIT 1").fetchone()
            if last == (name, hash_):
                return False
            db.execute(
                "INSERT INTO recipe_history (at, name, hash, source, by, note) VALUES (?,?,?,?,?,?)",
                (at, name, hash_, source, by, note),
            )
            return True

        return await self._writer.run(job)

    async def history(self, limit: int = 1000) -> list[Version]:
        """Newest first; the first is in force. Raises StoreFault."""
        sql = f"SELECT {_COLUMNS} FROM recipe_history ORDER BY seq DESC LIMIT ?"  # noqa: S608  # own names
        return await self._writer.run(lambda db: [Version(*row) for row in db.execute(sql, (limit,))])
