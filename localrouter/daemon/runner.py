"""The runner carries out what the relay commands, for one request. It decides nothing.

The relay runs in a task of its own: when a client leaves, or the server stops, the settlement is still committed. Events of
the model and of the client arrive in one inbox, so a client that leaves is noticed while nothing is being written.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import time
from collections.abc import AsyncIterator, Awaitable, Mapping

from localrouter.classify import Classified, classify
from localrouter.core import commands as c
from localrouter.core import events as e
from localrouter.core.ask import Ask
from localrouter.core.chat import Chunk
from localrouter.core.decide import Attempt
from localrouter.core.errors import BudgetExceeded, HostBroken, HostRateLimited, HostRejected, Internal, RouterError, Stopping
from localrouter.core.findings import Finding
from localrouter.core.kinds import strictest
from localrouter.core.money import Usage
from localrouter.core.relay import relay
from localrouter.core.terms import Terms
from localrouter.core.tool_rules import ToolRules
from localrouter.daemon import calls_judged, contracts, planes
from localrouter.daemon.contracts import Held
from localrouter.daemon.due import Deadlines, scanned_within
from localrouter.daemon.faultlog import log_defect
from localrouter.daemon.health_watch import Watch
from localrouter.daemon.host_call import host_chunks, pumped
from localrouter.daemon.limits import passed_on
from localrouter.daemon.local_params import in_background
from localrouter.daemon.noting import Story, note
from localrouter.daemon.reading import classes_of, signals
from localrouter.daemon.reply import Reply
from localrouter.daemon.reply import Send as Send
from localrouter.daemon.restoring import Restorer
from localrouter.daemon.services import Services
from localrouter.daemon.shaping import shaped
from localrouter.daemon.veiling import veiled_for
from localrouter.dialects import Dialect, Writer
from localrouter.store.ledger import Denied


class Runner:
    """One request, from its Ask to its note."""

    def __init__(self, services: Services, dialect: Dialect, ask: Ask, request_id: str, send: Send) -> None:
        self.s, self.dialect, self.ask, self.id = services, dialect, ask, request_id
        # A running request keeps the recipe that it began with, whatever is put in force meanwhile.
        self.recipe = services.recipe
        self.story = Story(request_id, ask, services.now(), recipe=services.recipe, recipe_version=services.recipe_version)
        self._reply = Reply(
            dialect,
            dialect.Writer(ask, request_id),
            send,
            stream=ask.needs.stream,
            head=lambda: [*self.story.headers(stream=ask.needs.stream), *self._limits],
            leave=self.leave,
        )
        self._due = Deadlines()
        self._held: Held | None = None
        self._cut = asyncio.Event()
        self._why_cut: e.Event = e.ClientGone()
        self._inbox: asyncio.Queue[e.Event] = asyncio.Queue(maxsize=256)
        self._pump: asyncio.Task[None] | None = None
        self._restorer: Restorer | None = None
        self._findings: list[tuple[Finding, ...]] = []
        self._sent_bytes = 0
        self._limits: list[tuple[bytes, bytes]] = []
        self._watch = Watch(services.health, stream=ask.needs.stream)

    @property
    def error(self) -> RouterError | None:
        """What the client was told of a failure, if anything."""
        return self.story.error

    @property
    def writer(self) -> Writer:
        return self._reply.writer

    async def run(self) -> str:
        """Drive the relay to its end; then note it. Returns the outcome."""
        outcome: str = "failed"
        life = relay(self.ask, self.recipe, self.s.gates)
        try:
            command = next(life)
            while True:
                event = await self._do(command)
                self._watch.saw(command, event)
                command = life.send(event)
        except StopIteration as stop:
            outcome = str(stop.value)
            if outcome == "done" and self.story.attempt is not None:
                route = self.story.plan.route if self.story.plan is not None else ""
                self.s.served(self.ask, self.story.attempt.id, route, Usage(**self.story.usage))
                self.s.turns.called(self.ask.who, route, len(self.story.tool_calls), self.s.now())
        finally:
            self._watch.close()
            self.s.background(note(self.s, self.story, outcome))
            if outcome == "done" and self._pump is not None:
                # The host's last bytes after its terminal event: read to the end, the connection goes back to the pool.
                await asyncio.wait({self._pump}, timeout=0.25)
            await self._hang_up()
        return outcome

    async def _do(self, command: c.Command) -> e.Event:
        start = time.monotonic()
        name = type(command).__name__.lower()
        try:
            match command:
                case c.Unscanned():
                    return await self._unscanned()
                case c.Inspect():
                    seen = self.s.inspection.cached(self.ask.leaves)
                    # Text seen before needs no wait, and so no watch for a client that leaves meanwhile.
                    return await (self._or_gone(self._inspect()) if seen is None else self._judge(seen))
                case c.Decided(plan):
                    self.story.plan = plan
                    late = self._due.undecided()
                    return e.Done() if late is None else e.Failed(late)
                case c.Reserve(attempt):
                    return await self._reserve(attempt)
                case c.Call():
                    self._watch.begins(command)
                    self._due.begin(command.first_s, command.total_s)
                    return await self._or_gone(self._call(command.attempt, command.complaint), timed=True)
                case c.Next(first):
                    name = ""
                    return await self._next(first)
                case c.Judge(chunks, terms):
                    return await (
                        self._judged(chunks, terms) if terms.rules is None else self._or_gone(self._judged(chunks, terms))
                    )
                case c.Wait():
                    return await self._wait(command)
                case c.Stepped():
                    return self._stepped(command)
                case c.Emit(chunk):
                    name = ""
                    return await self._emit(chunk)
                case c.Hangup():
                    await self._hang_up()
                    return e.Done()
                case c.Settle():
                    return await self._settle(command)
                case c.Refuse(error):
                    self.story.error = error
                    await self._reply.refuse(error)
                    return e.Done()
        except RouterError as exc:
            return e.Failed(exc.alone())
        except Exception:
            # A defect of ours is no reason to leave a reservation open or a client without an answer. The text is not logged.
            log_defect(f"request {self.id}: {name or type(command).__name__.lower()} failed")
            return e.Failed(Internal("Something in localrouter broke.", "`localrouter logs` says what; please report it."))
        finally:
            if name:
                self.story.steps.append({"name": name, "ms": round((time.monotonic() - start) * 1000, 2)})

    async def _or_gone(self, work: Awaitable[e.Event], *, timed: bool = False) -> e.Event:
        """Wait for the work or for the client to leave, whichever is first; the client is told that we live meanwhile. `timed`: or until the
        time of a call's first content is over."""
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self._cut.wait())
        try:
            late = False
            while not (task.done() or gone.done() or late):
                patience = self._due.within(self._reply.patience, first=True) if timed else self._reply.patience
                await asyncio.wait({task, gone}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                late = timed and self._due.over(first=True)
                if not (task.done() or gone.done()):
                    await self._reply.beat()
            if task.done():
                return task.result()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, RouterError):
                await task
            return self._why_cut if gone.done() else e.Failed(self._due.error(self._who, first=True))
        finally:
            gone.cancel()

    # --- inspect ---------------------------------------------------------------------------------

    async def _inspect(self) -> e.Event:
        scan = asyncio.ensure_future(self.s.inspection.inspect(self.ask.leaves))
        try:
            async with scanned_within(self.recipe.limits.inspect_ms):
                await asyncio.sleep(0)  # its question is sent; what is asked for is read while another process scans
                said = classify(self.ask)
                found = await scan
            return await self._judge(found, said)
        finally:
            scan.cancel()

    async def _judge(self, findings: list[tuple[Finding, ...]], said: Classified | None = None) -> e.Event:
        self._findings = findings
        seen = classes_of(self.ask, self._findings)
        inherited = self.s.sticky(self.ask.who, self.ask.session, strictest(list(seen)))
        async with self._due.decided_within(self.recipe.limits.decide_ms):
            density = await self.s.density(self.ask.session)
            by = classify if said is None else lambda _: said
            self.story.signals = signals(self.ask, self._findings, inherited=inherited, density=density, by=by)
            self.story.standing = await self.s.standing(self.ask, counted=True)
        return e.Inspected(self.story.signals, self.story.standing)

    async def _unscanned(self) -> e.Event:
        """Signals without findings. No text may leave: the relay asks the local lane only, and the gates are told so as well."""
        inherited = self.s.inherited(self.ask.who, self.ask.session)
        self._findings = [() for _ in self.ask.leaves]
        found = signals(self.ask, self._findings, inherited=inherited, density=None)
        self.story.signals = dataclasses.replace(found, keep_local=True)
        self.story.standing = await self.s.standing(self.ask)
        return e.Inspected(self.story.signals, self.story.standing)

    # --- money -----------------------------------------------------------------------------------

    async def _reserve(self, attempt: Attempt) -> e.Event:
        assert attempt.model is not None
        got = await self.s.store.ledger.reserve(
            self.id,
            user=self.ask.who,
            project="",
            host=attempt.model.host,
            model=attempt.id,
            session=self.ask.session,
            micro=attempt.reserve,
        )
        if isinstance(got, Denied):
            wait = max(0.0, got.resets_at - self.s.now())
            return e.Failed(
                BudgetExceeded(got.text, "Raise it with `localrouter budget set`, or wait for the reset.", retry_after=wait)
            )
        self.story.reserved = attempt.reserve
        return e.Reserved(got.id)

    async def _settle(self, command: c.Settle) -> e.Event:
        await self.s.store.ledger.settle(
            command.hold,
            command.micro,
            command.usage,
            estimated=command.estimated,
            outcome=command.outcome,
            sent_bytes=self._sent_bytes,
        )
        self.story.settled(command)
        return e.Done()

    # --- the call --------------------------------------------------------------------------------

    async def _call(self, attempt: Attempt, complaint: str) -> e.Event:
        self.story.begin(attempt)
        self.s.retries.called()
        self._limits = []
        self._inbox = asyncio.Queue(maxsize=256)
        route = self.story.plan.route if self.story.plan is not None else ""
        shape = await shaped(
            self.s.inspection, self.dialect, self.ask, self._findings, self.story.signals, self.recipe, route,
            leaves=attempt.model is not None,
        )  # fmt: skip
        ask, findings = shape.ask, shape.findings
        if complaint and self._held is not None:
            ask = contracts.again(ask, self.dialect, self._held.said, complaint)
            findings = await self.s.inspection.inspect(ask.leaves)
        self._held = None
        if attempt.model is None:
            messages, params, notes = planes.local(self.s, self.dialect, ask, attempt)
            params, led = contracts.guided(params, self.story.plan, self.recipe)
            self._restorer = Restorer(None, self.s.origins, host="", wire="", crosses=True)
            self.story.called("local", True, (*notes, *led), shape.made)
            await self.s.local.start_if_needed(attempt.id)
            told, last = self.story.answered_here, in_background(self.ask)
            self._start_pump(self.s.local.stream(messages, params, attempt.id, background=last, told=told))
            return e.Done()
        host = self.s.catalogue.hosts[attempt.model.host]
        tree, unveiler, named = veiled_for(self.s, self.recipe, self.story, host.name, ask, findings)
        tokens = frozenset(entry.token for entry in self.story.veiled.table) if self.story.veiled else frozenset()
        out = await planes.outbound(self.s, self.recipe, self.dialect, ask, attempt, tree, host, tokens, named)
        self._restorer = Restorer(
            unveiler,
            self.s.origins,
            host=host.name,
            wire=out.wire.NAME,
            crosses=out.crosses,
            names=out.names,
            veiled=out.veiled,
            request=self.id,
        )
        self.story.called(out.wire.NAME, out.crosses, out.notes, (*shape.made, *out.edits))
        key = await self.s.keys.find(host)
        self._sent_bytes = len(out.upstream.body)
        self.story.sent = out.upstream.body if self.ask.hosted else b""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        headers = {**out.upstream.headers, **(out.wire.auth(key) if key is not None else {})}

        def begun(said: Mapping[str, str]) -> None:
            self._limits = passed_on(said, out.wire.NAME, self.dialect.WIRE)

        sent = dataclasses.replace(out.upstream, headers=headers)
        self._start_pump(host_chunks(self.s.egress, out.wire, host, sent, self.ask.needs.stream, ready, begun))
        try:
            await asyncio.shield(ready)
        except RouterError as exc:
            if isinstance(exc, HostRateLimited) and exc.retry_after:
                self.s.cool(attempt.id, min(exc.retry_after, 60.0))
            if isinstance(exc, HostRejected) and exc.blames == "host":
                self.s.shun(host.name, exc.status)
            raise
        self.s.welcome(host.name)
        return e.Done()

    def _start_pump(self, chunks: AsyncIterator[Chunk]) -> None:
        self._pump = asyncio.create_task(pumped(chunks, self._inbox, self.id))

    async def _hang_up(self) -> None:
        pump, self._pump = self._pump, None
        if pump is not None and not pump.done():
            pump.cancel()
        if pump is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    async def _next(self, first: bool) -> e.Event:
        while not self._cut.is_set():
            if self._due.over(first=first) and self._inbox.empty():
                return e.Failed(self._due.error(self._who, first=first))
            # Also while the host sends signs of life of its own, which may not reach the client.
            if self._reply.patience == 0.0:
                await self._reply.beat()
            if not self._inbox.empty():
                return self._inbox.get_nowait()
            try:
                # One inbox for the model and for what cuts it short, so that nothing else has to be waited for.
                async with asyncio.timeout(self._due.within(self._reply.patience, first=first)):
                    return await self._inbox.get()
            except TimeoutError:
                continue
        return self._why_cut

    def leave(self) -> None:
        """The client has gone."""
        self._reply.gone = True
        self._end(e.ClientGone())

    def stop(self) -> None:
        """The daemon is being stopped; the client is still there and is told."""
        self._end(e.Failed(Stopping("localrouter is being stopped, and the answer was not finished.", "Ask again in a moment.")))

    def _end(self, why: e.Event) -> None:
        if not self._cut.is_set():
            self._why_cut = why
            self._cut.set()
            with contextlib.suppress(asyncio.QueueFull):  # full: then nobody waits, and the next look sees the cut
                self._inbox.put_nowait(why)

    @property
    def _who(self) -> str:
        return self.story.attempt.id if self.story.attempt is not None else "the model"

    # --- between attempts ------------------------------------------------------------------------

    async def _wait(self, command: c.Wait) -> e.Event:
        """Full jitter. Refused where the daemon has made too many retries, or the request's time would be over first."""
        seconds = command.least_s + random.uniform(0.0, command.jitter_s)  # noqa: S311  # it spreads load and guards nothing
        if self._due.ends_within(command.total_s, seconds) or not self.s.retries.take():
            return e.NotNow()

        async def pause() -> e.Event:
            await asyncio.sleep(seconds)
            return e.Done()

        return await self._or_gone(pause())

    def _stepped(self, command: c.Stepped) -> e.Event:
        step = "static" if command.step.startswith("static:") else command.step
        self.story.stepped(command.kind, step, command.target, command.failed)
        if step in ("static", "clarify"):
            # The route's own words: no model said them, and nothing in them was veiled.
            self.story.answer.clear()
            self.story.tool_calls.clear()
            self.story.attempt = None
            self._restorer = Restorer(None, self.s.origins, host="", wire="", crosses=True)
            self._held = None
        return e.Done()

    async def _judged(self, chunks: tuple[Chunk, ...], terms: Terms) -> e.Event:
        """In a thread: a schema and an answer may be long."""
        if not chunks:
            await asyncio.to_thread(contracts.check, terms)
            return e.Done()
        assert self._restorer is not None
        self._held = held = contracts.Held(chunks, self._restorer)
        if self._restorer.unresolved:
            return e.Failed(_unresolved())
        verdict = await asyncio.to_thread(contracts.judge, terms, held.said, self._who)
        if terms.promises:
            self.story.judged(verdict.error)
        if verdict.error is None and terms.rules is not None:
            return await self._allowed(terms.rules, held)
        return e.Judged(verdict.error, verdict.complaint, held.size + len(verdict.complaint.encode()))

    async def _allowed(self, rules: ToolRules, held: Held) -> e.Event:
        """The calls of a whole answer against the route's rules; those that a person has to allow wait for one."""
        found = calls_judged.judged(rules, held.said, self._who)
        if found.error is not None:
            self.story.judged(found.error)
            return e.Judged(found.error, found.complaint, held.size + len(found.complaint.encode()))
        if found.asks:
            start = time.monotonic()
            answer = await self.s.approvals.ask(
                found.asks,
                request=self.id,
                who=self.ask.who,
                route=self.story.plan.route if self.story.plan is not None else "",
                model=self._who,
                wait_s=rules.wait_s,
            )
            self.story.person_said(answer, len(found.asks), time.monotonic() - start)
            if answer != "allowed":
                return e.Failed(calls_judged.not_approved(answer, rules.wait_s))
        if self.story.checks and not self.story.checks[-1]["held"]:
            self.story.judged(None)  # what was denied before is mended
        return e.Judged()

    # --- the client ------------------------------------------------------------------------------

    async def _emit(self, chunk: Chunk) -> e.Event:
        assert self._restorer is not None
        ready = self._held.take(chunk) if self._held is not None else None
        shown, texts, extra = ready if ready is not None else self._restorer.restore(chunk)
        self.story.said(shown, self._restorer.recorded)
        self.story.restored = self._restorer.counts
        if self._restorer.unresolved:
            return e.Failed(_unresolved())
        data = self._reply.writer.write(shown, texts, extra)
        whole = not self.ask.needs.stream and chunk.terminal
        if whole:
            sent = await self._reply.write(data, last=True, length=len(data))
        else:
            sent = (not data or await self._reply.write(data)) and (not chunk.terminal or await self._reply.write(b"", last=True))
        return e.Done() if sent else e.ClientGone()


def _unresolved() -> HostBroken:
    what = "The model wrote a placeholder into a file edit that stands for nothing here, so the edit was held back."
    return HostBroken(what, "Ask again.")
