"""Store: the only room that opens SQLite. Ledger, traces, decisions, versions, makers and retention over one writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from localrouter.core.errors import RouterError, StoreFault
from localrouter.store.decisions import Decisions
from localrouter.store.ledger import Ledger
from localrouter.store.makers import Makers
from localrouter.store.retention import Keep as Keep
from localrouter.store.retention import Retention
from localrouter.store.schema import migrate
from localrouter.store.traces import Traces
from localrouter.store.versions import Versions
from localrouter.store.writer import Writer

FILE = "localrouter.db"


class Store:
    """Open parts; `swept` counts the calls that the last stop cut."""

    def __init__(
        self, writer: Writer, ledger: Ledger, traces: Traces, makers: Makers, swept: int, now: Callable[[], float]
    ) -> None:
        self._writer, self.ledger, self.traces, self.makers, self.swept = writer, ledger, traces, makers, swept
        self.decisions, self.versions = Decisions(writer), Versions(writer)
        self.retention = Retention(writer, traces.key, now)

    @classmethod
    def open(
        cls, folder: Path, *, key: bytes, budgets: tuple[int | None, int | None], now: Callable[[], float], tz: str = ""
    ) -> Store:
        """Open, migrate, sweep. Raises StoreFault with the path and what to do."""
        path = folder / FILE
        try:
            writer = Writer(path)
        except OSError as exc:
            raise StoreFault(f"The database {path} cannot be opened ({exc.strerror}).", "Check its permissions.") from None
        try:
            writer.submit(migrate_job).result()
        except RouterError:
            writer.close()
            raise
        ledger = Ledger(writer, budgets, now, tz)
        return cls(writer, ledger, Traces(writer, key, now), Makers(writer), ledger.sweep(), now)

    def close(self) -> None:
        """Commit what is queued and close the file."""
        self.makers.flush()
        self._writer.close()


def migrate_job(connection: sqlite3.Connection) -> None:
    """The migrations as one job, so that they commit together or not at all."""
    migrate(connection)
