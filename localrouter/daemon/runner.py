"""The runner carries out what the relay commands, for one request. It decides nothing.

The relay runs in a task of its own: when a client leaves, or the server stops, the settlement is still committed. Events of
the model and of the client arrive in one inbox, so a client that leaves is noticed while nothing is being written.

What it takes is in three parts: what is known of the request (assessing.py), the calls to models (calling.py), and whole answers held against
what was promised (judging.py). Here they come together with the ledger, the clock and the client.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable

from localrouter.core import commands as c
from localrouter.core import events as e
from localrouter.core.ask import Ask
from localrouter.core.chat import Chunk
from localrouter.core.errors import BudgetExceeded, Internal, RouterError, Stopping
from localrouter.core.money import Usage
from localrouter.core.plan import Attempt
from localrouter.core.relay import relay
from localrouter.daemon.assessing import Assessment
from localrouter.daemon.calling import Calling
from localrouter.daemon.due import Deadlines
from localrouter.daemon.faultlog import log_defect
from localrouter.daemon.health_watch import Watch
from localrouter.daemon.judging import Judging, unresolved
from localrouter.daemon.noting import Story, note
from localrouter.daemon.reply import Reply
from localrouter.daemon.reply import Send as Send
from localrouter.daemon.services import Services
from localrouter.dialects import Dialect, Writer
from localrouter.store.ledger import Denied


class Runner:
    """One request, from its Ask to its note."""

    def __init__(self, services: Services, dialect: Dialect, ask: Ask, request_id: str, send: Send) -> None:
        self.s, self.dialect, self.ask, self.id = services, dialect, ask, request_id
        # A running request keeps the recipe that it began with, whatever is put in force meanwhile.
        self.recipe = services.recipe
        self.story = Story(request_id, ask, services.now(), recipe=services.recipe, recipe_version=services.recipe_version)
        self._due = Deadlines()
        self._assessment = Assessment(services, ask, self.recipe, self.story, self._due)
        self._calling = Calling(services, self.recipe, dialect, ask, self.story)
        self._judging = Judging(services, ask, self.story)
        self._reply = Reply(
            dialect,
            dialect.Writer(ask, request_id),
            send,
            stream=ask.needs.stream,
            head=lambda: [*self.story.headers(stream=ask.needs.stream), *self._calling.limits],
            leave=self.leave,
        )
        self._cut: asyncio.Future[e.Event] = asyncio.get_running_loop().create_future()
        """What cuts the request short: the client left, or the daemon is being stopped."""
        self._watch = Watch(services.health, stream=ask.needs.stream)
        self._hurry = contextlib.ExitStack()

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
        self._hurry.enter_context(self.s.inspection.serving())
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
            self._hurry.close()
            self._watch.close()
            self.s.background(note(self.s, self.story, outcome))
            if outcome == "done":
                await self._calling.read_out()
            await self._calling.hang_up()
        return outcome

    async def _do(self, command: c.Command) -> e.Event:
        start = time.monotonic()
        name = type(command).__name__.lower()
        try:
            match command:
                case c.Unscanned():
                    return await self._assessment.unscanned()
                case c.Inspect():
                    seen = self._assessment.seen()
                    # Text seen before needs no wait, and so no watch for a client that leaves meanwhile.
                    return await (self._or_gone(self._assessment.scanned()) if seen is None else self._assessment.judged(seen))
                case c.Decided(plan):
                    self.story.plan = plan
                    late = self._due.undecided()
                    return e.Done() if late is None else e.Failed(late)
                case c.Reserve(attempt):
                    return await self._reserve(attempt)
                case c.Call():
                    self._hurry.close()
                    self._watch.begins(command)
                    self._due.begin(command.first_s, command.total_s)
                    return await self._or_gone(self._call(command), timed=True)
                case c.Next(first):
                    name = ""
                    return await self._next(first)
                case c.Judge(chunks, terms):
                    judged = self._judging.judged(chunks, terms, self._calling.restorer, self._who)
                    return await (judged if terms.rules is None else self._or_gone(judged))
                case c.Wait():
                    return await self._wait(command)
                case c.Stepped():
                    return self._stepped(command)
                case c.Emit(chunk):
                    name = ""
                    return await self._emit(chunk)
                case c.Hangup():
                    await self._calling.hang_up()
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
        late = begun = False
        while not begun or not (task.done() or self._cut.done() or late):
            begun = True  # also what is cut already: what begins is noted, and then undone
            patience = self._due.within(self._reply.patience, first=True) if timed else self._reply.patience
            await asyncio.wait({task, self._cut}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            late = timed and self._due.over(first=True)
            if not (task.done() or self._cut.done()):
                await self._reply.beat()
        if task.done():
            return task.result()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RouterError):
            await task
        return self._cut.result() if self._cut.done() else e.Failed(self._due.error(self._who, first=True))

    # --- money -----------------------------------------------------------------------------------

    async def _reserve(self, attempt: Attempt) -> e.Event:
        assert attempt.model is not None
        if self._judging.held is None:  # else the next call may be to mend that answer, which only its command says
            self._calling.prepare(attempt, self._assessment.findings)
        try:
            got = await self.s.store.ledger.reserve(
                self.id,
                user=self.ask.who,
                project="",
                host=attempt.model.host,
                model=attempt.id,
                session=self.ask.session,
                micro=attempt.reserve,
            )
        except BaseException:
            await self._calling.forget()
            raise
        if isinstance(got, Denied):
            await self._calling.forget()
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
            sent_bytes=self._calling.sent_bytes,
        )
        self.story.settled(command)
        return e.Done()

    # --- the call --------------------------------------------------------------------------------

    async def _call(self, command: c.Call) -> e.Event:
        held, self._judging.held = self._judging.held, None
        again = (held, command.complaint) if held is not None and command.complaint else None
        await self._calling.begin(command.attempt, self._assessment.findings, again)
        return e.Done()

    async def _next(self, first: bool) -> e.Event:
        inbox = self._calling.inbox
        while not self._cut.done():
            if self._due.over(first=first) and inbox.empty():
                return e.Failed(self._due.error(self._who, first=first))
            # Also while the host sends signs of life of its own, which may not reach the client.
            if self._reply.patience == 0.0:
                await self._reply.beat()
            if not inbox.empty():
                return inbox.get_nowait()
            try:
                # One inbox for the model and for what cuts it short, so that nothing else has to be waited for.
                async with asyncio.timeout(self._due.within(self._reply.patience, first=first)):
                    return await inbox.get()
            except TimeoutError:
                continue
        return self._cut.result()

    def leave(self) -> None:
        """The client has gone."""
        self._reply.gone = True
        self._end(e.ClientGone())

    def stop(self) -> None:
        """The daemon is being stopped; the client is still there and is told."""
        self._end(e.Failed(Stopping("localrouter is being stopped, and the answer was not finished.", "Ask again in a moment.")))

    def _end(self, why: e.Event) -> None:
        if not self._cut.done():
            self._cut.set_result(why)
            with contextlib.suppress(asyncio.QueueFull):  # full: then nobody waits, and the next look sees the cut
                self._calling.inbox.put_nowait(why)

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
            self._calling.own_words()
            self._judging.held = None
        return e.Done()

    # --- the client ------------------------------------------------------------------------------

    async def _emit(self, chunk: Chunk) -> e.Event:
        restorer, held = self._calling.restorer, self._judging.held
        assert restorer is not None
        ready = held.take(chunk) if held is not None else None
        shown, texts, extra = ready if ready is not None else restorer.restore(chunk)
        self.story.said(shown, restorer.recorded)
        self.story.restored = restorer.counts
        if restorer.unresolved:
            return e.Failed(unresolved())
        data = self._reply.writer.write(shown, texts, extra)
        whole = not self.ask.needs.stream and chunk.terminal
        if whole:
            sent = await self._reply.write(data, last=True, length=len(data))
        else:
            sent = (not data or await self._reply.write(data)) and (not chunk.terminal or await self._reply.write(b"", last=True))
        return e.Done() if sent else e.ClientGone()
