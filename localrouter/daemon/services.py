"""What a request may use, in one place: the recipe in force, the rooms' open parts, the clock.

It holds state that outlives a request (stickiness of data classes, cooling hosts) and nothing that belongs to one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from typing import Any

from localrouter.classify import features
from localrouter.core.ask import Ask
from localrouter.core.catalogue import Catalogue, Host
from localrouter.core.decide import Gate
from localrouter.core.errors import RouterError
from localrouter.core.kinds import DataClass, strictest
from localrouter.core.recipe import Recipe, Task
from localrouter.core.secret import Secret
from localrouter.core.standing import Standing
from localrouter.daemon.egress import Egress
from localrouter.daemon.inspecting import Inspection
from localrouter.daemon.local import LocalLane
from localrouter.keys import provider_keys
from localrouter.providers import Wire
from localrouter.store import Store

log = logging.getLogger("localrouter")

SESSIONS = 10_000
"""Sessions whose data class is remembered; the oldest is forgotten first."""
KEY_TTL_S = 300.0


class Keys:
    """Provider keys, remembered for a while: the keyring is asked in a child and may take seconds."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Secret | None]] = {}
        self.waiting: set[str] = set()

    async def find(self, host: Host) -> Secret | None:
        """The key for a host's own origin, or None."""
        at, key = self._known.get(host.origin, (-KEY_TTL_S, None))
        if time.monotonic() - at < KEY_TTL_S:
            return key
        try:
            key = await provider_keys.find(host.name, host.origin, host.key_env)
            self.waiting.discard(host.name)
        except RouterError as exc:
            log.warning("the key of %s: %s", host.name, exc.text)
            self.waiting.add(host.name)
            key = None
        self._known[host.origin] = (time.monotonic(), key)
        return key

    def forget(self) -> None:
        """After `keys set`: look again."""
        self._known.clear()


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
        record_texts: bool,
        allowed: frozenset[str] = frozenset(),
    ) -> None:
        self.recipe, self.catalogue, self.gates, self.wires = recipe, catalogue, tuple(gates), wires
        self.store, self.inspection, self.local, self.egress = store, inspection, local, egress
        self.secret, self.record_texts, self.allowed = secret, record_texts, allowed
        self.keys = Keys()
        self.cooling: dict[str, float] = {}
        self.started = time.time()
        self.in_flight = 0
        digest = hashlib.sha256(recipe.model_dump_json(by_alias=True).encode()).hexdigest()[:12]
        self.recipe_version = f"{recipe.name}@{digest}"
        self._sticky: OrderedDict[tuple[str, str], DataClass] = OrderedDict()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._targets = self._hosts_in_use()

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

    @staticmethod
    def task(ask: Ask) -> Task:
        return features.task(ask)

    @staticmethod
    def difficulty(ask: Ask, task: Task) -> float:
        return features.difficulty(ask, task)

    async def standing(self, who: str) -> Standing:
        """The world at this instant, for one decision."""
        states = await self.store.ledger.budgets(who)
        tightest = min((b for b in states if b.remaining is not None), key=lambda b: b.remaining, default=None)
        keys = set()
        for name in self._targets:
            host = self.catalogue.hosts.get(name)
            if host is not None and (not host.key_env or await self.keys.find(host) is not None):
                keys.add(name)
        return Standing(
            now=self.now(),
            catalogue=self.catalogue,
            remaining=tightest.remaining if tightest is not None else None,
            resets_at=tightest.resets_at if tightest is not None else None,
            budget=f"{tightest.scope} budget" if tightest is not None else "",
            keys=frozenset(keys),
            local="local:chat" if self.local.available else "",
            local_context=self.local.context if self.local.available else 0,
            local_why_not=self.local.why_not,
            cooling=dict(self.cooling),
        )

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run to its end, kept from the garbage collector; `drain` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, seconds: float) -> None:
        """Wait for the notes and the running requests."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
