"""The schema as numbered migrations, each applied once, by name, through sqlite-utils."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from localrouter.core.errors import StoreFault

if TYPE_CHECKING:
    from sqlite_utils import Database


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


def m003_makers(db: Database) -> None:
    # No primary key of its own: the rowid is the age, by which the table is bounded.
    db.table("makers").create(
        {"mark": bytes, "text": bytes, "host": str, "request": str}, not_null={"mark", "text", "host", "request"}
    )
    db.table("makers").create_index(["mark"], unique=True)


def m004_decisions(db: Database) -> None:
    db.table("artifacts").create({"hash": str, "kind": str, "body": str}, pk="hash", not_null={"kind", "body"})
    db.table("decisions").create(
        {
            "id": str, "at": float, "who": str, "session": str, "recipe": str, "catalogue": str, "place": str, "body": str, "outcome": str,
        },
        pk="id",
        not_null={"at", "recipe", "place", "body", "outcome"},
    )  # fmt: skip
    db.table("decisions").create_index(["at", "id"])
    db.table("decisions").create_index(["recipe"])
    db.table("recipe_history").create(
        {"seq": int, "at": float, "name": str, "hash": str, "source": str, "by": str, "note": str},
        pk="seq",
        not_null={"at", "name", "hash", "by"},
    )


def m005_hosted_tools(db: Database) -> None:
    # What was billed beside the tokens: a JSON object of kind -> uses, or NULL for none.
    db.table("holds").add_column("tools", str)


def m006_retention(db: Database) -> None:
    # `expires`: when the route keeps the text no longer; NULL where `[logging]` alone says.
    db.table("traces").add_column("expires", float)
    db.execute("CREATE INDEX traces_expires ON traces (expires) WHERE expires IS NOT NULL")
    db.table("chain_anchor").create(
        {"id": int, "seq": int, "link": bytes, "mac": bytes}, pk="id", not_null={"seq", "link", "mac"}
    )
    db.table("makers").create_index(["request"])
    db.table("decisions").create_index(["place"])


MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    m001_ledger,
    m002_traces,
    m003_makers,
    m004_decisions,
    m005_hosted_tools,
    m006_retention,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing. Raises StoreFault for a database of a newer localrouter."""
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)")
    done = {row[0] for row in connection.execute("SELECT name FROM migrations")}
    missing = [m for m in MIGRATIONS if m.__name__ not in done]
    if done - {m.__name__ for m in MIGRATIONS}:
        raise StoreFault("The database was written by a newer localrouter.", "Update localrouter; nothing was changed.")
    if missing:
        db = _opened(connection)
        for migration in missing:
            migration(db)
            connection.execute("INSERT INTO migrations VALUES (?)", (migration.__name__,))


def _opened(connection: sqlite3.Connection) -> Database:
    # sqlite-utils imports numpy when it is there, to map its types: 15 MB that the daemon would keep for nothing.
    hidden = "numpy" not in sys.modules
    if hidden:
        sys.modules["numpy"] = None  # type: ignore[assignment]  # the documented way to make an import fail
    try:
        from sqlite_utils import Database
    finally:
        if hidden:
            del sys.modules["numpy"]
    return Database(connection)
