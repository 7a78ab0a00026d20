"""The control API: what the CLI and the TUI read and change. Scope `control`: the client token does not open it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from localrouter import __version__
from localrouter.core.decision import catalogue_read
from localrouter.core.errors import BadRequest, HostBroken, NotFound, RouterError
from localrouter.core.money import KILO
from localrouter.core.unrecorded import CannotReplay
from localrouter.daemon.app import App, Call, Route, send_json
from localrouter.daemon.engine_words import in_words as engine_in_words
from localrouter.daemon.health import in_words
from localrouter.daemon.services import Services

NOTES_S = 2.0
"""Traces are written after the answer's last byte; a reader waits this long for those under way, so that it sees its own request."""


class Control:
    """Handlers over the services; `stop` ends the daemon."""

    def __init__(self, app: App, services: Services, stop: Callable[[], None], reload: Callable[[], Awaitable[None]]) -> None:
        self.app, self.s, self._stop, self._reload = app, services, stop, reload

    def routes(self) -> list[Route]:
        table = (
            ("GET", "status", self.status),
            ("GET", "traces", self.traces),
            ("GET", "traces/", self.trace),
            ("DELETE", "traces/", self.forget),
            ("GET", "budget", self.budget),
            ("GET", "approvals", self.approvals),
            ("POST", "approvals/", self.approve),
            ("GET", "doctor", self.doctor),
            ("GET", "verify", self.verify),
            ("GET", "keys", self.keys),
            ("POST", "keys/refresh", self.refresh),
            ("POST", "keys/test", self.test_key),
            ("POST", "reload", self.reload),
            ("POST", "stop", self.stop),
        )
        return [Route(method, f"/control/{path}", "control", handler) for method, path, handler in table]

    async def status(self, call: Call) -> None:
        tree = {
            "version": __version__,
            "pid": os.getpid(),
            "uptime_s": round(time.time() - self.s.started, 1),
            "recipe": self.s.recipe_version,
            "catalogue": self.s.catalogue.version,
            "in_flight": self.s.in_flight,
            "door": {"passed": self.app.passed, "refused": self.app.refused},
            "inspector": self.s.inspection.state(),
            "local": {
                "available": self.s.local.available,
                "why_not": self.s.local.why_not,
                "engines": await self.s.local.engines.state(),
            },
            "approvals": self.s.approvals.count,
            "cooling": self.s.cooling,
            "refused": self.s.refused,
            "health": self.s.health.table(self.s.now()),
            "repeats": {"joined": self.app.completing.repeats.joined, "spared": self.app.completing.repeats.spared},
        }
        await send_json(call.send, 200, tree)

    async def traces(self, call: Call) -> None:
        limit = call.query.get("limit", "50")
        if not limit.isdigit() or not 1 <= int(limit) <= 1000:
            raise BadRequest("'limit' must be a number from 1 to 1000.", "Correct it.")
        await self.s.drain(NOTES_S)
        rows = await self.s.store.traces.recent(int(limit), q=call.query.get("q"), lane=call.query.get("lane"))
        await send_json(call.send, 200, {"traces": rows})

    async def trace(self, call: Call) -> None:
        await self.s.drain(NOTES_S)
        record = await self.s.store.traces.get(call.tail)
        if record is None:
            raise NotFound(f"There is no trace {call.tail[:60]!r}.", "`localrouter traces` lists them.")
        await send_json(call.send, 200, record | await self._tools_micro(record))

    async def _tools_micro(self, record: dict[str, Any]) -> dict[str, Any]:
        """What the tools that the host ran by itself cost, by kind, in micro-dollars: at the prices of the catalogue of then. It is part of
        the record's cost, and no part of the record."""
        uses = (record.get("usage") or {}).get("tools")
        if not uses:
            return {}
        try:
            kept = await self.s.store.versions.body("catalogue", str(record["catalogue"]))
            model = catalogue_read(kept).models.get(str(record["model"])) if kept else None
        except CannotReplay:
            model = None
        if model is None or model.price is None:
            return {}
        prices = model.price.tools
        return {"tools_micro": {kind: -(-n * prices[kind] // KILO) for kind, n in uses.items() if kind in prices}}

    async def forget(self, call: Call) -> None:
        """Destroy what is kept of a request: text, findings, decision. Its place in the chain stays, and what it cost stays in the ledger."""
        await self.s.drain(NOTES_S)
        record = await self.s.store.traces.get(call.tail)
        if record is None:
            raise NotFound(f"There is no trace {call.tail[:60]!r}.", "`localrouter traces` lists them.")
        gone = await self.s.forget(str(record["id"]))
        await send_json(call.send, 200, {"id": record["id"], "forgotten": gone})

    async def budget(self, call: Call) -> None:
        states = await self.s.store.ledger.budgets(call.query.get("user", "default"))
        tree = {
            "budgets": [asdict(b) for b in states],
            "spent_today_micro": await self.s.store.ledger.spent_today(),
        }
        await send_json(call.send, 200, tree)

    async def approvals(self, call: Call) -> None:
        """Tool calls that wait for a person, with what they would be called with."""
        await send_json(call.send, 200, {"approvals": self.s.approvals.table()})

    async def approve(self, call: Call) -> None:
        """`allow=yes` or `allow=no` to one of them."""
        said = call.query.get("allow", "")
        if said not in ("yes", "no"):
            raise BadRequest("'allow' must be yes or no.", "Say one of them.")
        if not self.s.approvals.answer(call.tail, said == "yes"):
            raise NotFound(f"No tool call waits under {call.tail[:60]!r}.", "`localrouter approvals` lists those that do.")
        await send_json(call.send, 200, {"id": call.tail, "allowed": said == "yes"})

    async def verify(self, call: Call) -> None:
        ok, count, bad = await self.s.store.traces.verify()
        await send_json(call.send, 200, {"ok": ok, "traces": count, "first_bad": bad})

    async def keys(self, call: Call) -> None:
        """Where each host's key comes from; no key is named."""
        await send_json(call.send, 200, await self.s.keys.sources())

    async def refresh(self, call: Call) -> None:
        self.s.forget_keys()
        await send_json(call.send, 200, {"ok": True})

    async def test_key(self, call: Call) -> None:
        """Ask a host for its list of models with the stored key: the cheapest question that needs one."""
        name = call.query.get("host", "")
        host = self.s.catalogue.hosts.get(name)
        if host is None:
            raise NotFound(f"There is no host {name[:60]!r}.", "Known hosts: " + ", ".join(sorted(self.s.catalogue.hosts)) + ".")
        self.s.forget_keys()
        key = await self.s.keys.find(host)
        wire = self.s.wires[host.wire]
        start = time.monotonic()
        # The wire's own headers too: Anthropic answers nothing without a version.
        own = {k: v for k, v in wire.prepare({}, True, {}).headers.items() if k not in ("content-type", "accept")}
        auth = {**own, **(wire.auth(key) if key is not None else {})}
        try:
            async with self.s.egress.open(host.name, host.origin, "/models", auth, b"", stream=True, method="GET") as answer:
                status = answer.status
        except RouterError as exc:
            self.s.health.probed(host.name, exc)
            raise
        # A 401 is an answer: the host is there, and the key is another matter.
        self.s.health.probed(host.name, HostBroken("The host answered 5xx.") if status >= 500 else None)
        ms = round((time.monotonic() - start) * 1000)
        await send_json(call.send, 200, {"host": name, "ok": status == 200, "status": status, "ms": ms})

    async def reload(self, call: Call) -> None:
        await self._reload()
        tree = {"recipe": self.s.recipe_version, "catalogue": self.s.catalogue.version, "local": str(self.s.local.file or "")}
        await send_json(call.send, 200, tree)

    async def stop(self, call: Call) -> None:
        await send_json(call.send, 200, {"ok": True})
        asyncio.get_running_loop().call_later(0.05, self._stop)

    async def doctor(self, call: Call) -> None:
        """What only the running daemon knows; the CLI adds the rest."""
        whole, count, bad = await self.s.store.traces.verify()
        scan = self.s.inspection.state()
        local = self.s.local
        checks = [
            {"name": "running", "ok": True, "detail": f"version {__version__}, pid {os.getpid()}, recipe {self.s.recipe_version}"},
            {
                "name": "privacy scan",
                "ok": scan["alive"],
                "detail": f"{len(scan['detectors'])} detectors, {scan['deaths']} deaths" if scan["alive"] else scan["why"] or "not running",
                "do": "" if scan["alive"] else "See `localrouter logs`; requests are refused until it runs.",
            },
            {"name": "local model", "ok": local.available or None, "detail": "ready" if local.available else local.why_not},
            *({"name": "engine", "ok": None if row["why_not"] else True, "detail": engine_in_words(row)} for row in await local.engines.state()),
            {"name": "keyring", "ok": None if self.s.keys.waiting or self.s.keys.why else True,
             "detail": "it has not answered yet; it may be locked" if self.s.keys.waiting else self.s.keys.why or "answers"},
            *_hosts(self.s),
            {"name": "traces", "ok": whole, "detail": f"{count} in the chain, all whole" if whole else f"the chain breaks at {bad}",
             "do": "" if whole else "Someone or something changed the database outside localrouter."},
        ]  # fmt: skip
        await send_json(call.send, 200, {"checks": checks})


def _hosts(s: Services) -> list[dict[str, Any]]:
    """A note for each host and model that does not do well; one line when all do."""
    known = s.health.standing(s.now())
    bad = [(name, in_words(health, s.now())) for name, health in sorted(known.items())]
    told = [{"name": name, "ok": None, "detail": why} for name, why in bad if why]
    return told or [{"name": "hosts", "ok": True, "detail": f"{len(known)} hosts and models were called of late, all do well"}]
