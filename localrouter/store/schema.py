"""The schema as numbered migrations, each applied once, by name, through sqlite-utils."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from sqlite_utils import Database

from localrouter.core.errors import StoreFault


def m001_ledger(db: Database) -> None:
    db.table("holds").create(
        {
            "id": str, "request": str, "user": str, "project": str, "host": str, "model": str, "session": str,
            "micro": int, "opened": float, "settled": float, "cost": int, "estimated": int, "outcome": str,
            "input": int, "output": int, "cache_read": int, "cache_write": int, "cache_write_1h": int, "reasoning": int,
            "sent_bytes": int, "overrun": int,
        },
        pk="id",
        not_null={"request", "user", "host", "model", "micro", "opened"},
    )  # fmt: skip
    db.table("holds").create_index(["user", "opened"])
    db.table("holds").create_index(["settled"])
    db.table("holds").create_index(["session", "settled"])


def m002_traces(db: Database) -> None:
    db.table("traces").create(
        {
            "seq": int, "id": str, "started": float, "who": str, "session": str, "lane": str, "route": str, "reason": str,
            "model": str, "status": int, "cost_micro": int, "ms": float, "findings": str, "salt": bytes, "commitment": bytes,
            "link": bytes, "body": str, "forgotten": float,
        },
        pk="seq",
    )  # fmt: skip
    db.table("traces").create_index(["id"], unique=True)
    db.execute("CREATE VIRTUAL TABLE traces_fts USING fts5(text, content='')")


MIGRATIONS: tuple[Callable[[Database], None], ...] = (m001_ledger, m002_traces)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing. Raises StoreFault for a database of a newer localrouter."""
    db = Database(connection)
    db.table("migrations").create({"name": str}, pk="name", if_not_exists=True)
    done = {row["name"] for row in db.table("migrations").rows}
    unknown = done - {m.__name__ for m in MIGRATIONS}
    if unknown:
        raise StoreFault("The database was written by a newer localrouter.", "Update localrouter; nothing was changed.")
    for migration in MIGRATIONS:
        if migration.__name__ not in done:
            migration(db)
            db.table("migrations").insert({"name": migration.__name__})
