"""The ledger: reserve -> settle, in micro-dollars, exact under concurrency because one thread does it in one transaction.

Law: at every instant, settled + held <= limit for each window of each user, unless a host reported more than was reserved
(an overrun: charged, counted, shown). A hold that nobody settled is charged at its ceiling by the next start's sweep.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from localrouter.core.money import Usage, usd
from localrouter.store.totals import Totals, Window
from localrouter.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Hold:
    """A committed reservation."""

    id: str
    micro: int


@dataclass(frozen=True, slots=True)
class BudgetState:
    """One window of one user. Amounts in micro-dollars; `resets_at` in epoch seconds."""

    scope: str
    limit: int | None
    spent: int
    held: int
    remaining: int | None
    resets_at: float


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a reservation was refused; `text` is a sentence."""

    scope: str
    limit: int
    spent: int
    held: int
    remaining: int
    resets_at: float
    text: str


class Ledger:
    """See the module. `limits` are (day, month) in micro-dollars; None lifts one."""

    def __init__(self, writer: Writer, limits: tuple[int | None, int | None], now: Callable[[], float], tz: str = "") -> None:
        self._writer, self._now = writer, now
        self._totals = Totals()
        self._holds, self._born = 0, secrets.randbits(48)
        writer.on_failure(self._totals.forget)
        self._limits = {"daily": limits[0], "monthly": limits[1]}
        self._tz: tzinfo | None = ZoneInfo(tz) if tz else None

    def limit(self, limits: tuple[int | None, int | None]) -> None:
        """Other limits (day, month) from now on; what is spent and held stays."""
        self._limits = {"daily": limits[0], "monthly": limits[1]}

    def _window(self, scope: str) -> tuple[float, float]:
        """(start, end) of the window that holds this instant, in the user's time zone."""
        here = datetime.fromtimestamp(self._now(), self._tz) if self._tz else datetime.fromtimestamp(self._now()).astimezone()
        start = here.replace(hour=0, minute=0, second=0, microsecond=0)
        if scope == "daily":
            end = start + timedelta(days=1)
        else:
            start = start.replace(day=1)
            end = (start + timedelta(days=32)).replace(day=1)
        if self._tz is None:  # a fixed offset would be wrong across a change of summer time: ask the system again
            start, end = (datetime(d.year, d.month, d.day).astimezone() for d in (start, end))
        return start.timestamp(), end.timestamp()

    def _state(self, db: sqlite3.Connection, user: str, scope: str) -> BudgetState:
        # A hold counts in the window that it was opened in; an open one counts wherever it was opened.
        found = self._totals.known(user, scope, self._now())
        if found is None:
            found = self._totals.load(db, user, scope, *self._window(scope))
        return self._budget(scope, *found)

    def _budget(self, scope: str, window: Window, held: int) -> BudgetState:
        limit = self._limits[scope]
        return BudgetState(scope, limit, window.spent, held, None if limit is None else limit - window.spent - held, window.end)

    async def reserve(
        self, request: str, *, user: str, project: str, host: str, model: str, session: str, micro: int
    ) -> Hold | Denied:
        """Committed when it returns."""
        if micro < 0:
            raise ValueError("a reservation is not negative")

        def job(db: sqlite3.Connection) -> Hold | Denied:
            for scope in self._limits:
                state = self._state(db, user, scope)
                if state.limit is not None and state.remaining is not None and micro > state.remaining:
                    when = datetime.fromtimestamp(state.resets_at, self._tz).astimezone(self._tz)
                    held = f" and {usd(state.held)} is held by running calls" if state.held else ""
                    text = (
                        f"The {scope} budget of {usd(state.limit)} for user '{user}' cannot pay this call: {usd(state.spent)} is spent"
                        f"{held}, and it may cost {usd(micro)}. It resets on {when:%Y-%m-%d at %H:%M %Z}."
                    )
                    return Denied(scope, state.limit, state.spent, state.held, max(0, state.remaining), state.resets_at, text)
            # The request's id is unguessable and its own; a number tells its attempts apart. No randomness: each draw frees the GIL.
            self._holds += 1
            hold = Hold(f"{request}/{self._holds:x}.{self._born:x}", micro)
            db.execute(
                "INSERT INTO holds (id, request, user, project, host, model, session, micro, opened, overrun)"
                " VALUES (?,?,?,?,?,?,?,?,?,0)",
                (hold.id, request, user, project, host, model, session, micro, self._now()),
            )
            self._totals.reserved(user, micro)
            return hold

        future = self._writer.submit(job)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # The job may be running or done by now, and then nobody but us knows of its hold.
            future.add_done_callback(self._given_up)
            raise

    def _given_up(self, future: Future[Hold | Denied]) -> None:
        """Settle at nothing what a caller that went away reserved. In the writer's thread or the caller's."""
        if not future.cancelled() and future.exception() is None and isinstance(hold := future.result(), Hold):
            self._writer.submit(self._settlement(hold.id, 0, Usage(), estimated=False, outcome="gone", sent_bytes=0))

    async def settle(self, hold: str, micro: int, usage: Usage, *, estimated: bool, outcome: str, sent_bytes: int = 0) -> None:
        """Exactly once: a second settlement raises ValueError and changes nothing."""
        await self._writer.run(self._settlement(hold, micro, usage, estimated=estimated, outcome=outcome, sent_bytes=sent_bytes))

    def _settlement(
        self, hold: str, micro: int, usage: Usage, *, estimated: bool, outcome: str, sent_bytes: int
    ) -> Callable[[sqlite3.Connection], None]:
        def job(db: sqlite3.Connection) -> None:
            row = db.execute(
                "SELECT user, opened, micro, session FROM holds WHERE id = ? AND settled IS NULL", (hold,)
            ).fetchone()
            if row is None:
                raise ValueError(f"hold {hold} is not open")
            db.execute(
                "UPDATE holds SET settled=?, cost=?, estimated=?, outcome=?, input=?, output=?, cache_read=?, cache_write=?,"
                " cache_write_1h=?, reasoning=?, sent_bytes=?, overrun=(? > micro), tools=? WHERE id=? AND settled IS NULL",
                (
                    self._now(), micro, int(estimated), outcome, usage.input, usage.output, usage.cache_read, usage.cache_write,
                    usage.cache_write_1h, usage.reasoning, sent_bytes, micro,
                    json.dumps(dict(usage.tools), sort_keys=True) if usage.tools else None, hold,
                ),
            )  # fmt: skip
            user, opened, held, session = row
            self._totals.settled(user, opened, held, micro)
            if outcome == "done" and not estimated:
                self._totals.observed(session, usage.prompt, sent_bytes)

        return job

    def sweep(self) -> int:
        """Charge every open hold at its ceiling. For the start, before the first request."""

        def job(db: sqlite3.Connection) -> int:
            return db.execute(
                "UPDATE holds SET settled=?, cost=micro, estimated=1, outcome='orphan' WHERE settled IS NULL", (self._now(),)
            ).rowcount

        return self._writer.submit(job).result()

    async def budgets(self, user: str) -> list[BudgetState]:
        """Every window, also those without a limit. From memory when it is known; `reserve` decides in its transaction."""
        now = self._now()
        known = [(scope, self._totals.known(user, scope, now)) for scope in self._limits]
        if all(found is not None for _, found in known):
            return [self._budget(scope, *found) for scope, found in known if found is not None]
        return await self._writer.run(lambda db: [self._state(db, user, scope) for scope in self._limits])

    async def spent_today(self) -> int:
        """All users, settled since midnight."""
        start, _ = self._window("daily")
        sql = "SELECT coalesce(sum(cost), 0) FROM holds WHERE settled IS NOT NULL AND opened >= ?"
        return await self._writer.run(lambda db: int(db.execute(sql, (start,)).fetchone()[0]))

    async def density(self, session: str) -> float | None:
        """The most prompt tokens per sent byte that this session was billed for; None before its first settlement."""
        known, value = self._totals.density(session)
        return value if known else await self._writer.run(lambda db: self._totals.load_density(db, session))
