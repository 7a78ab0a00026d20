"""What a request may use, in one place: the recipe in force, the rooms' open parts, the clock.

It holds state that outlives a request (stickiness of data classes, cooling hosts) and nothing that belongs to one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.catalogue import Catalogue
from localrouter.core.decide import Gate
from localrouter.core.decision import digest
from localrouter.core.errors import StoreFault
from localrouter.core.keeping import Texts
from localrouter.core.kinds import DataClass, strictest
from localrouter.core.money import Usage
from localrouter.core.recipe import Recipe
from localrouter.core.standing import Standing
from localrouter.daemon.approvals import Approvals
from localrouter.daemon.egress import Egress
from localrouter.daemon.health import Health
from localrouter.daemon.inspecting import Inspection
from localrouter.daemon.local import LocalLane
from localrouter.daemon.origins import Origins
from localrouter.daemon.retries import Retries
from localrouter.daemon.turns import Turns, warm
from localrouter.keys.remembered import Keys as Keys
from localrouter.providers import Wire
from localrouter.scrub.memory import Memories
from localrouter.scrub.tokens import TokenTable
from localrouter.store import Keep, Store
from localrouter.store.ledger import BudgetState

NOTHING = Usage()
KEYS_S = 2.0
REFUSED_S = 60.0
"""How long a host that refused our key or account comes last."""
SESSIONS = 10_000
"""Sessions whose data class is remembered; the oldest is forgotten first."""
TABLES, TABLE_ENTRIES, TABLE_TTL_S = 512, 4096, 24 * 3600.0


class Conversations:
    """What was veiled before in each conversation, for what a client's compaction has dropped since. In memory only, 24 h,
    bounded: keyed by (client token's user, session), so that no other conversation can name its values."""

    def __init__(self) -> None:
        self._tables: OrderedDict[tuple[str, str], tuple[float, TokenTable]] = OrderedDict()

    def merge(self, who: str, session: str, table: TokenTable) -> TokenTable:
        """This request's table, and behind it what the conversation knew."""
        now = time.monotonic()
        key = (who, session)
        at, older = self._tables.pop(key, (now, TokenTable()))
        if now - at < TABLE_TTL_S and len(older):
            table = table.merged(older)
        if len(table) > TABLE_ENTRIES:
            table = TokenTable(list(table)[:TABLE_ENTRIES])
        if len(table):
            self._tables[key] = (now, table)
        while len(self._tables) > TABLES or (self._tables and now - next(iter(self._tables.values()))[0] > TABLE_TTL_S):
            self._tables.popitem(last=False)
        return table


class Services:
    """See the module."""

    def __init__(
        self,
        *,
        recipe: Recipe,
        catalogue: Catalogue,
        gates: Sequence[Gate],
        wires: dict[str, Wire],
        store: Store,
        inspection: Inspection,
        local: LocalLane,
        egress: Egress,
        secret: bytes,
        texts: Texts,
        keep: Keep,
        allowed: frozenset[str] = frozenset(),
        breaker: bool = True,
    ) -> None:
        self.gates, self.wires = tuple(gates), wires
        self.store, self.inspection, self.local, self.egress = store, inspection, local, egress
        self.secret, self.texts, self.keep, self.allowed = secret, texts, keep, allowed
        self.keys = Keys()
        self.retries = Retries()
        self.conversations = Conversations()
        self.memories = Memories()
        self.origins = Origins(secret, store.makers)
        self.cooling: dict[str, float] = {}
        self._refused: dict[str, tuple[int, float]] = {}
        self._keys: frozenset[str] = frozenset()
        self._keys_at = float("-inf")
        self.started = time.time()
        self.in_flight = 0
        self._sticky: OrderedDict[tuple[str, str], DataClass] = OrderedDict()
        self.turns = Turns()
        self.approvals = Approvals()
        self.health = Health(breaker=breaker)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.adopt(recipe, catalogue)

    def adopt(self, recipe: Recipe, catalogue: Catalogue) -> None:
        """Put a recipe and a catalogue in force for the requests from now on."""
        self.recipe, self.catalogue = recipe, catalogue
        self.recipe_version = f"{recipe.name}@{digest(recipe)}"
        self._targets = self._hosts_in_use()
        self.keys.hosts = [h for h in catalogue.hosts.values() if h.key_env]
        self.forget_keys()

    def _hosts_in_use(self) -> set[str]:
        names: set[str] = set()
        for route in self.recipe.route:
            for target in route.try_:
                model = self.catalogue.find(target)
                if model is not None:
                    names.add(model.host)
                elif target.endswith("/*"):
                    names.add(target[:-2])
                elif target == "asked":
                    names |= set(self.catalogue.hosts)
        return names

    def cool(self, model: str, seconds: float) -> None:
        """Leave a model alone for a while; pauses that are over are dropped here, so the map stays small."""
        now = self.now()
        self.cooling = {k: v for k, v in self.cooling.items() if v > now}
        self.cooling[model] = now + seconds

    def shun(self, host: str, status: int) -> None:
        """`host` refused our key or account."""
        self._refused[host] = status, time.monotonic()

    def welcome(self, host: str) -> None:
        """`host` answered."""
        self._refused.pop(host, None)

    @property
    def refused(self) -> dict[str, int]:
        """Hosts that refused our key or account in the last minute, and by which status."""
        now = time.monotonic()
        self._refused = {k: v for k, v in self._refused.items() if now - v[1] < REFUSED_S}
        return {host: status for host, (status, _) in self._refused.items()}

    @staticmethod
    def now() -> float:
        return time.time()

    def sticky(self, who: str, session: str, seen: DataClass) -> DataClass:
        """A session's class may rise and does not fall (DESIGN section 5)."""
        key = (who, session)
        level = strictest([self._sticky.pop(key, "public"), seen if seen != "unreadable" else "public"])
        self._sticky[key] = level
        while len(self._sticky) > SESSIONS:
            self._sticky.popitem(last=False)
        return level

    def inherited(self, who: str, session: str) -> DataClass:
        """The class that a session has so far; nothing is changed."""
        return self._sticky.get((who, session), "public")

    def served(self, ask: Ask, model: str, route: str = "", usage: Usage = NOTHING) -> None:
        """`model` answered this turn by this route, and its host reported this usage."""
        self.turns.served(ask, model, route, usage, self.now())

    async def _hosts_with_keys(self) -> frozenset[str]:
        """Looked up anew every KEYS_S at most; a key that has gone meanwhile is missed by the call itself."""
        now = time.monotonic()
        if now - self._keys_at > KEYS_S or self.keys.waiting:
            keys = set()
            for name in self._targets:
                host = self.catalogue.hosts.get(name)
                if host is not None and (not host.key_env or await self.keys.has(host)):
                    keys.add(name)
            self._keys, self._keys_at = frozenset(keys), now
        return self._keys

    def forget_keys(self) -> None:
        """After `keys set` and `keys rm`: look again, at once."""
        self.keys.forget()
        self._refused.clear()
        self._keys_at = float("-inf")

    async def density(self, session: str) -> float | None:
        """The session's tokens per byte; None before its first settlement, and where the ledger cannot be read (then nothing is reserved)."""
        try:
            return await self.store.ledger.density(session)
        except StoreFault:
            return None

    async def standing(self, ask: Ask, *, counted: bool = False) -> Standing:
        """The world at this instant, for one decision. `counted`: the request is served, and not only looked at."""
        states: list[BudgetState] = []
        # What is served here costs nothing; of a hosted call the reservation meets the same fault, and refuses it.
        with contextlib.suppress(StoreFault):
            states = await self.store.ledger.budgets(ask.who)
        tightest = min((b for b in states if b.remaining is not None), key=lambda b: b.remaining or 0, default=None)
        keys = await self._hosts_with_keys()
        now, here = self.now(), time.localtime()
        last = self.turns.last(ask)
        rounds, repeats = self.turns.going_round(ask, self.recipe, now, counted=counted)
        return Standing(
            now=now,
            catalogue=self.catalogue,
            remaining=tightest.remaining if tightest is not None else None,
            resets_at=tightest.resets_at if tightest is not None else None,
            budget=f"{tightest.scope} budget" if tightest is not None else "",
            keys=keys,
            local="local:chat" if self.local.available else "",
            local_context=self.local.context if self.local.available else 0,
            local_why_not=self.local.why_not,
            locals=self.local.targets,
            local_languages=self._local_languages(),
            keyring_waiting=self.keys.waiting,
            cooling=dict(self.cooling),
            refused=self.refused,
            served=last.model,
            served_asked=last.asked,
            served_route=last.route,
            warm=warm(last, now),
            health=self.health.standing(now),
            minute=here.tm_hour * 60 + here.tm_min,
            rounds=rounds,
            repeats=repeats,
            tool_calls=self.turns.tool_calls(ask.who, self.recipe, now),
        )

    def _local_languages(self) -> tuple[str, ...]:
        """Those that the catalogue states of the chat model's file."""
        file = self.local.file
        found = (m for m in self.catalogue.local.values() if file is not None and m.file.rpartition("/")[2] == file.name)
        return next((m.languages for m in found), ())

    async def forget(self, request: str) -> bool:
        """Destroy what is kept of a request: its trace, and whose the blocks are that its answer signed. Whether there was a trace."""
        makers = await self.store.makers.of(request)
        gone = await self.store.traces.forget(request)
        if gone:
            self.origins.forget(makers)
        return gone

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run to its end, kept from the garbage collector; `drain` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, seconds: float) -> None:
        """Wait for the notes and the running requests."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
