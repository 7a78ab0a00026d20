"""Makers: which host signed which block, over a restart. Keyed hashes and host names; no text, no mark, no signature.

Without it a restart would take the thoughts of every running conversation away: encrypted blocks of unknown maker may not leave (law 1).
Bounded by LIMIT rows, the oldest goes first; a row goes with the trace of its request when that is forgotten.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import NamedTuple

from localrouter.store.writer import Writer

LIMIT = 65_536
"""Rows, some 8 MB of the database."""
GATHER_S = 0.2
"""A turn signs several blocks, which are written as one job. A crash loses no more than this."""


class Maker(NamedTuple):
    """`mark` and `text` are keyed hashes (daemon/origins.py) of a signature and of what it signs; `request` is the id of the answer."""

    mark: bytes
    text: bytes
    host: str
    request: str


class Makers:
    """See the module."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._new: list[Maker] = []

    def put(self, maker: Maker) -> None:
        """Remember one, soon: nobody waits for it. In a running event loop."""
        if not self._new:
            asyncio.get_running_loop().call_later(GATHER_S, self.flush)
        self._new.append(maker)

    def flush(self) -> None:
        """Hand what is new to the writer."""
        new, self._new = self._new, []
        if not new:
            return

        def job(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR REPLACE INTO makers (mark, text, host, request) VALUES (?,?,?,?)", new)
            db.execute("DELETE FROM makers WHERE rowid <= (SELECT max(rowid) FROM makers) - ?", (LIMIT,))

        self._writer.submit(job)

    async def load(self) -> list[Maker]:
        """All that are remembered, oldest first. Raises StoreFault."""
        sql = "SELECT mark, text, host, request FROM makers ORDER BY rowid"
        return await self._writer.run(lambda db: [Maker(*row) for row in db.execute(sql)])

    async def of(self, request: str) -> list[Maker]:
        """Those of one request. Raises StoreFault."""
        self.flush()
        sql = "SELECT mark, text, host, request FROM makers WHERE request = ?"
        return await self._writer.run(lambda db: [Maker(*row) for row in db.execute(sql, (request,))])
