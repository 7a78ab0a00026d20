"""The runner carries out what the relay commands, for one request. It decides nothing.

The relay runs in a task of its own: when a client leaves, or the server stops, the settlement is still committed. Events of
the model and of the client arrive in one inbox, so a client that leaves is noticed while nothing is being written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import asdict
from typing import Any

from localrouter.core import commands as c
from localrouter.core import events as e
from localrouter.core.ask import Ask, Leaf, rename_keys, replace
from localrouter.core.chat import Channel, Chunk
from localrouter.core.decide import AUTO, Attempt, Plan
from localrouter.core.errors import BudgetExceeded, HostBroken, HostRateLimited, Internal, RouterError, Stopping
from localrouter.core.findings import Finding
from localrouter.core.kinds import ORDER, strictest
from localrouter.core.money import usd
from localrouter.core.relay import relay
from localrouter.core.signals import Signals
from localrouter.daemon.faultlog import log_defect
from localrouter.daemon.reading import classes_of, signals
from localrouter.daemon.services import Services
from localrouter.dialects import Dialect, Writer
from localrouter.scrub.checked import checked
from localrouter.scrub.tokens import Minter
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler
from localrouter.scrub.veil import Veiled, taken, veil
from localrouter.store.ledger import Denied

log = logging.getLogger("localrouter")

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

KEEP_ALIVE_S = 10.0
"""Clients give up after 60 to 600 silent seconds; a comment every 10 s keeps every chat client that was tried."""
SEND_STALL_S = 30.0
TEXT_CAP = 256 * 1024
"""Characters of outgoing text that a trace keeps."""


class Runner:
    """One request, from its Ask to its note."""

    def __init__(self, services: Services, dialect: Dialect, ask: Ask, request_id: str, send: Send) -> None:
        self.s, self.dialect, self.ask, self.id = services, dialect, ask, request_id
        self._send_raw = send
        self._gone = False
        self._cut = asyncio.Event()
        self._why_cut: e.Event = e.ClientGone()
        self._writer: Writer = dialect.Writer(ask, request_id)
        self._inbox: asyncio.Queue[e.Event] = asyncio.Queue(maxsize=256)
        self._pump: asyncio.Task[None] | None = None
        self._started = time.monotonic()
        self._at = services.now()
        self._headers_sent = False
        self._attempt: Attempt | None = None
        self._unveiler: Unveiler | None = None
        self._channels: dict[Channel, None] = {}
        self._findings: list[tuple[Finding, ...]] = []
        self._signals = Signals()
        self._plan: Plan | None = None
        self._minter: Minter | None = None
        self._sent_bytes = 0
        self._veiled: Veiled | None = None
        self._steps: list[dict[str, Any]] = []
        self._attempts: list[dict[str, Any]] = []
        self._answer: list[str] = []
        self._tool_calls: list[dict[str, Any]] = []
        self._cost = 0
        self._reserved = 0
        self._usage: dict[str, int] = {}
        self._status = 200
        self._error: RouterError | None = None
        self._remember_texts: list[str] = []

    @property
    def error(self) -> RouterError | None:
        """What the client was told of a failure, if anything."""
        return self._error

    @property
    def writer(self) -> Writer:
        return self._writer

    async def run(self) -> str:
        """Drive the relay to its end; then note it. Returns the outcome."""
        outcome: str = "failed"
        life = relay(self.ask, self.s.recipe, self.s.gates)
        try:
            command = next(life)
            while True:
                event = await self._do(command)
                command = life.send(event)
        except StopIteration as stop:
            outcome = str(stop.value)
        finally:
            self.s.background(self._note(outcome))
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
                case c.Inspect():
                    seen = self.s.inspection.cached(self.ask.leaves)
                    # Text seen before needs no wait, and so no watch for a client that leaves meanwhile.
                    return await (self._or_gone(self._inspect()) if seen is None else self._judge(seen))
                case c.Decided(plan):
                    self._plan = plan
                    return e.Done()
                case c.Reserve(attempt):
                    return await self._reserve(attempt)
                case c.Call(attempt):
                    return await self._or_gone(self._call(attempt))
                case c.Next():
                    name = ""
                    return await self._next()
                case c.Emit(chunk):
                    name = ""
                    return await self._emit(chunk)
                case c.Hangup():
                    await self._hang_up()
                    return e.Done()
                case c.Settle():
                    return await self._settle(command)
                case c.Refuse(error):
                    await self._refuse(error)
                    return e.Done()
        except RouterError as exc:
            return e.Failed(exc)
        except Exception:
            # A defect of ours is no reason to leave a reservation open or a client without an answer. The text is not logged.
            log_defect(f"request {self.id}: {name or type(command).__name__.lower()} failed")
            return e.Failed(Internal("Something in localrouter broke.", "`localrouter logs` says what; please report it."))
        finally:
            if name:
                self._steps.append({"name": name, "ms": round((time.monotonic() - start) * 1000, 2)})

    async def _or_gone(self, work: Awaitable[e.Event]) -> e.Event:
        """Wait for the work or for the client to leave, whichever is first."""
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self._cut.wait())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, RouterError):
                await task
            return self._why_cut
        finally:
            gone.cancel()

    # --- inspect ---------------------------------------------------------------------------------

    async def _inspect(self) -> e.Event:
        return await self._judge(await self.s.inspection.inspect(self.ask.leaves))

    async def _judge(self, findings: list[tuple[Finding, ...]]) -> e.Event:
        self._findings = findings
        seen = classes_of(self.ask, self._findings)
        inherited = self.s.sticky(self.ask.who, self.ask.session, strictest(list(seen)))
        density = await self.s.store.ledger.density(self.ask.session)
        self._signals = signals(self.ask, self._findings, inherited=inherited, density=density)
        return e.Inspected(self._signals, await self.s.standing(self.ask.who))

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
        self._reserved = attempt.reserve
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
        self._cost += command.micro
        self._usage = {k: v for k, v in asdict(command.usage).items() if v}
        if self._attempts:
            self._attempts[-1] |= {"cost_micro": command.micro, "estimated": command.estimated, "outcome": command.outcome}
        return e.Done()

    # --- the call --------------------------------------------------------------------------------

    async def _call(self, attempt: Attempt) -> e.Event:
        self._attempt = attempt
        self._attempts.append({"model": attempt.id, "lane": attempt.lane, "reserved_micro": attempt.reserve})
        self._channels.clear()
        self._answer.clear()
        self._tool_calls.clear()
        self._inbox = asyncio.Queue(maxsize=256)
        if attempt.model is None:
            self._unveiler = None
            messages, params = self.dialect.messages(self.ask.tree, self.ask, attempt)
            await self.s.local.start_if_needed()
            self._start_pump(self.s.local.stream(messages, params))
            return e.Done()
        tree = self._veil(attempt)
        host = self.s.catalogue.hosts[attempt.model.host]
        wire = self.s.wires[host.wire]
        key = await self.s.keys.find(host)
        upstream = wire.prepare(self.dialect.outgoing(tree, self.ask, attempt), self.ask.needs.stream, self.ask.head)
        self._sent_bytes = len(upstream.body)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        headers = {**upstream.headers, **(wire.auth(key) if key is not None else {})}
        self._start_pump(self._host_chunks(attempt, host.origin, upstream.path, headers, upstream.body, ready))
        try:
            await asyncio.shield(ready)
        except RouterError as exc:
            if isinstance(exc, HostRateLimited) and exc.retry_after:
                self.s.cool(attempt.id, min(exc.retry_after, 60.0))
            raise
        return e.Done()

    def _veil(self, attempt: Attempt) -> dict[str, Any]:
        assert attempt.model is not None
        values = {name: self.s.recipe.rule(name).values for name in ORDER}
        self._minter = Minter(self.s.secret, f"{self.ask.who}\x00{self.ask.session}", attempt.model.host, taken(self.ask.leaves))
        veiled = checked(self.ask.leaves, self._findings, values, self._minter, self.s.allowed)
        self._veiled = veiled
        table = self.s.conversations.merge(self.ask.who, self.ask.session, veiled.table)
        json_reply = self.ask.needs.json_schema
        self._unveiler = Unveiler(table, veiled.outgoing, tool_class, json_reply=json_reply) if len(table) else None
        tree: dict[str, Any] = self.ask.tree
        if veiled.edits:
            tree = replace(tree, veiled.edits)
        if veiled.renames:
            tree = rename_keys(tree, veiled.renames)
        return tree

    async def _host_chunks(
        self, attempt: Attempt, origin: str, path: str, headers: dict[str, str], body: bytes, ready: asyncio.Future[None]
    ) -> AsyncIterator[Chunk]:
        assert attempt.model is not None
        host = self.s.catalogue.hosts[attempt.model.host]
        wire = self.s.wires[host.wire]
        stream = self.ask.needs.stream
        try:
            async with self.s.egress.open(host.name, origin, path, headers, body, stream=stream) as answer:
                if answer.status != 200:
                    text = b""
                    async for part in answer.body:
                        text += part
                        if len(text) > 65_536:
                            break
                    raise wire.fault(host.name, answer.status, answer.headers, text)
                if stream and "text/event-stream" not in answer.headers.get("content-type", ""):
                    raise HostBroken(f"{host.name} answered a stream with something else.", "Check its origin.")
                if not ready.done():
                    ready.set_result(None)
                reader = wire.Reader(stream)
                async for part in answer.body:
                    for chunk in reader.feed(part):
                        yield chunk
                for chunk in reader.end():
                    yield chunk
        except BaseException as exc:
            # The first failure belongs to the call itself, later ones to the stream.
            if not ready.done():
                ready.set_exception(exc if isinstance(exc, RouterError) else HostBroken("The call was given up."))
                ready.exception()
                if isinstance(exc, RouterError):
                    return
            raise

    def _start_pump(self, chunks: AsyncIterator[Chunk]) -> None:
        inbox = self._inbox

        async def pump() -> None:
            try:
                async with contextlib.aclosing(chunks) as source:  # type: ignore[type-var]  # async generators both
                    async for chunk in source:
                        await inbox.put(e.Got(chunk))
                await inbox.put(e.Ended())
            except RouterError as exc:
                await inbox.put(e.Failed(exc))
            except asyncio.CancelledError:
                raise
            except Exception as exc:
                log_defect(f"request {self.id}: the answer of a model could not be read")
                await inbox.put(e.Failed(HostBroken(f"The answer could not be read ({type(exc).__name__}).", "Ask again.")))

        self._pump = asyncio.create_task(pump())

    async def _hang_up(self) -> None:
        pump, self._pump = self._pump, None
        if pump is not None and not pump.done():
            pump.cancel()
        if pump is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    async def _next(self) -> e.Event:
        while not self._cut.is_set():
            if not self._inbox.empty():
                return self._inbox.get_nowait()
            try:
                # One inbox for the model and for what cuts it short, so that nothing else has to be waited for.
                async with asyncio.timeout(KEEP_ALIVE_S):
                    return await self._inbox.get()
            except TimeoutError:
                if self.ask.needs.stream:
                    await self._write(self._writer.keep_alive())
        return self._why_cut

    def leave(self) -> None:
        """The client has gone."""
        self._gone = True
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

    # --- the client ------------------------------------------------------------------------------

    async def _emit(self, chunk: Chunk) -> e.Event:
        texts, extra = self._restore(chunk)
        for piece, text in zip(chunk.pieces, (p.text for p in chunk.pieces), strict=True):
            self._remember(piece.channel, text, piece.tool)
        del texts[len(chunk.pieces) :]
        if self._unveiler is not None and self._unveiler.unresolved:
            return e.Failed(
                HostBroken(
                    "The model wrote a placeholder into a file edit that stands for nothing here, so the edit was held back.",
                    "Ask again.",
                )
            )
        data = self._writer.write(chunk, texts, extra)
        if not self.ask.needs.stream and chunk.terminal:
            return e.Done() if await self._write(data, last=True, length=len(data)) else e.ClientGone()
        if data and not await self._write(data):
            return e.ClientGone()
        if chunk.terminal and not await self._write(b"", last=True):
            return e.ClientGone()
        return e.Done()

    def _restore(self, chunk: Chunk) -> tuple[list[str], list[tuple[Channel, str]]]:
        unveiler = self._unveiler
        if unveiler is None:
            return [p.text for p in chunk.pieces], []
        texts: list[str] = []
        extra: list[tuple[Channel, str]] = []
        whole = chunk.terminal and chunk.tree is not None
        for piece in chunk.pieces:
            self._channels[piece.channel] = None
            text = unveiler.feed(piece.channel, piece.text, piece.tool)
            if whole:
                text += unveiler.flush(piece.channel)
            texts.append(text)
        ending = set(chunk.finish)
        if not whole and (ending or chunk.terminal):
            own = {p.channel: i for i, p in enumerate(chunk.pieces)}
            for channel in [ch for ch in self._channels if chunk.terminal or ch.choice in ending]:
                del self._channels[channel]
                rest = unveiler.flush(channel)
                if not rest:
                    continue
                if channel in own:
                    texts[own[channel]] += rest
                else:
                    extra.append((channel, rest))
        return texts, extra

    def _remember(self, channel: Channel, text: str, tool: str | None) -> None:
        if channel.kind == "tool":
            if tool is not None:
                self._tool_calls.append({"name": tool, "choice": channel.choice, "index": channel.index})
        elif channel.choice == 0 and channel.kind == "text":
            self._answer.append(text)

    def _head(self, extra: list[tuple[bytes, bytes]] | None = None) -> list[tuple[bytes, bytes]]:
        plan, attempt = self._plan, self._attempt
        pairs = [
            ("x-localrouter-id", self.id),
            ("x-localrouter-route", plan.route if plan else ""),
            ("x-localrouter-lane", attempt.lane if attempt else "none"),
            ("x-localrouter-model", attempt.id if attempt else ""),
            ("x-localrouter-reason", plan.reason if plan else (self._error.code if self._error else "")),
        ]
        if self.ask.needs.stream:
            pairs.append(("x-localrouter-reserved-usd", f"{self._reserved / 1_000_000:.6f}"))
        else:
            pairs.append(("x-localrouter-cost-usd", f"{self._cost / 1_000_000:.6f}"))
        encoded = [(k.encode(), v.encode("ascii", "replace")) for k, v in pairs]
        return [*encoded, *(extra or [])]

    async def _write(self, data: bytes, *, last: bool = False, length: int | None = None) -> bool:
        """Write to the client; False when it left or does not read. `length`: this is the whole body."""
        if self._gone:
            return False
        try:
            async with asyncio.timeout(SEND_STALL_S):
                if not self._headers_sent:
                    self._headers_sent = True
                    head = self._head([(b"content-type", self._writer.media.encode())])
                    if self.ask.needs.stream:
                        head.append((b"cache-control", b"no-cache"))
                    if length is not None:
                        head.append((b"content-length", str(length).encode()))
                    await self._send_raw({"type": "http.response.start", "status": 200, "headers": head})
                await self._send_raw({"type": "http.response.body", "body": data, "more_body": not last})
        except (TimeoutError, OSError):
            self.leave()
            return False
        return True

    async def _refuse(self, error: RouterError) -> None:
        self._error, self._status = error, error.status
        if self._gone:
            return
        if self._headers_sent:
            await self._write(self._writer.error(error), last=True)
            return
        self._headers_sent = True
        head = [(b"content-type", b"application/json"), (b"x-should-retry", b"false")]
        if error.retry_after is not None:
            head.append((b"retry-after", str(max(1, round(error.retry_after))).encode()))
        with contextlib.suppress(OSError):
            await self._send_raw({"type": "http.response.start", "status": error.status, "headers": self._head(head)})
            await self._send_raw({"type": "http.response.body", "body": self.dialect.error_body(error)})

    # --- the note --------------------------------------------------------------------------------

    async def _scrubbed(self, text: str) -> str:
        """A reply is scrubbed before it is noted (law 8): it may name people whom the request did not."""
        if not text:
            return ""
        leaf = Leaf(("answer",), text[:TEXT_CAP], "assistant", "content")
        try:
            found = await self.s.inspection.inspect([leaf])
        except RouterError:
            return "(not recorded: the answer could not be scanned)"
        # A placeholder that the model repeated is one already; a second name for it could not be compared with what left.
        own = [entry.token for entry in self._veiled.table] if self._veiled is not None else []
        found = [tuple(f for f in row if not any(token in leaf.text[f.start : f.end] for token in own)) for row in found]
        minter = self._minter or Minter(self.s.secret, f"{self.ask.who}\x00{self.ask.session}", "", text)
        return veil([leaf], found, dict.fromkeys(ORDER, "veil"), minter).texts[0]

    async def _note(self, outcome: str) -> None:
        plan, attempt = self._plan, self._attempt
        try:
            record = {
                "id": self.id,
                "started": self._at,
                "ms": round((time.monotonic() - self._started) * 1000, 1),
                "who": self.ask.who,
                "session": self.ask.session,
                "dialect": self.ask.dialect,
                "asked": self._asked(),
                "lane": attempt.lane if attempt else "none",
                "route": plan.route if plan else "",
                "reason": plan.reason if plan else (self._error.code if self._error else ""),
                "explain": self._explain(outcome),
                "model": attempt.id if attempt else "",
                "status": self._status if outcome != "client_gone" else 499,
                "outcome": outcome,
                "error": self._error.code if self._error else "",
                "findings": self._signals.findings,
                "data_class": self._signals.data_class,
                "signals": {
                    "task": self._signals.task,
                    "difficulty": self._signals.difficulty,
                    "prompt_bound": self._signals.prompt_bound,
                },
                "left_machine": self._left_machine(),
                "tokens": [e.token for e in self._veiled.table] if self._veiled else [],
                "attempts": self._attempts,
                "candidates": [asdict(w) for w in plan.weighed] if plan else [],
                "tool_calls": self._tool_calls,
                "context_ids": (await self._scrubbed("\n".join(self.ask.context_ids))).split("\n")
                if self.ask.context_ids
                else [],
                "restored": dict(self._unveiler.counts) if self._unveiler else {},
                "cost_micro": self._cost,
                "reserved_micro": self._reserved,
                "usage": self._usage,
                "steps": self._steps,
                "recipe": self.s.recipe_version,
                "catalogue": self.s.catalogue.version,
                "answer": await self._scrubbed("".join(self._answer)) if self.s.record_texts else "",
            }
            await self.s.store.traces.put(record)
        except RouterError as exc:
            log.warning("a trace could not be written: %s", exc.text)
        except Exception:
            log_defect(f"request {self.id}: its trace could not be written")

    def _asked(self) -> str:
        """The model that the client named, when it is one; its text is the client's, and may be anything."""
        name = self.ask.model
        known = name in AUTO or name == "local:chat" or self.s.catalogue.find(name) is not None
        return name if known else "(not in the catalogue)"

    def _left_machine(self) -> list[str]:
        if self._veiled is None or not self.s.record_texts:
            return []
        out: list[str] = []
        room = TEXT_CAP
        for text in self._veiled.texts:
            if room <= 0:
                out.append("(more was sent; the trace keeps its first part)")
                break
            out.append(text[:room])
            room -= len(text)
        return out

    def _explain(self, outcome: str) -> str:
        text = self._plan.explain if self._plan else ""
        failed = [a for a in self._attempts if a.get("outcome") == "error"]
        if failed and self._attempt is not None and outcome == "done":
            text += f" {failed[0]['model']} failed first, so {self._attempt.id} answered."
        if self._error is not None and self._error.text not in text:
            text += f" It ended with an error: {self._error.text}"
        if outcome == "client_gone":
            text += " The client left before the end."
        if self._cost:
            text += f" It cost {usd(self._cost)}."
        return text.strip()
