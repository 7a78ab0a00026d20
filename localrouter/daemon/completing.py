"""The routes on which models answer: from the bytes of a request to a runner, its repeats, and what is kept of its answer."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.errors import Busy, ClientFault
from localrouter.daemon import door
from localrouter.daemon.answers_kept import AnswersKept
from localrouter.daemon.asking import asked
from localrouter.daemon.coalescing import Message, Repeats, Shared, key_of, until_gone
from localrouter.daemon.failed_turns import counted
from localrouter.daemon.runner import Runner
from localrouter.daemon.services import Services
from localrouter.daemon.surface import Call, Route, id_headers, new_id, send_error, with_id
from localrouter.dialects import Dialect
from localrouter.dialects._fields import dumps, read_object
from localrouter.dialects._hints import names_session

IN_FLIGHT = 64
SETTLE_S = 5.0
SOCKETS = ("/v1/responses",)
"""Where Codex first tries a WebSocket. 426 makes it use HTTP at once; 404 costs it seven tries, 400 is fatal (notes on clients, 1)."""


class NoSocket(ClientFault):
    """A WebSocket was asked for (RFC 9110, 15.5.22)."""

    status, code = 426, "upgrade_required"


class Completing:
    """One daemon's running requests."""

    def __init__(self, services: Services) -> None:
        self.s = services
        self.closing = False
        self.repeats = Repeats()
        self.kept = AnswersKept()
        self._running: dict[asyncio.Task[Any], Runner] = {}

    def routes(self, dialects: Iterable[Dialect]) -> list[Route]:
        out: list[Route] = []
        for dialect in dialects:
            for method, path in dialect.ROUTES:
                out.append(Route(method, path, "client", functools.partial(self._complete, dialect), dialect))
                if path in SOCKETS:
                    out.append(Route("GET", path, "client", functools.partial(self._no_socket, dialect), dialect))
        return out

    async def _no_socket(self, dialect: Dialect, call: Call) -> None:
        error = NoSocket("No WebSocket is spoken here.", "POST the request to the same path.")
        await send_error(call.send, error, dialect, new_id(), [(b"upgrade", b"HTTP/1.1")])

    async def _complete(self, dialect: Dialect, call: Call) -> None:
        body = await door.read_body(call.scope, call.receive)
        if body is None:
            return
        headers = door.headers_of(call.scope)
        token, _ = door.token_of(call.scope)
        ask = replace(self._read(dialect, body, headers, token), endpoint=call.path)
        key = key_of(token, ask, headers)
        sure, named_one = counted(headers), names_session(headers, ask.tree)
        failure = self.repeats.failed(key, sure=sure, named=named_one)
        if failure is not None:
            own = [(b"x-localrouter-id", failure.request_id.encode())]
            await send_error(call.send, failure.again(), dialect, failure.request_id, own)
            return
        # A second, equal request means the first, which is still running, and not another sample.
        shared = self.repeats.running(key, sure=sure or named_one)
        if shared is not None:
            await shared.join(call.send, call.receive)
            return
        if self.closing or self.s.in_flight >= IN_FLIGHT:
            raise Busy(f"{IN_FLIGHT} requests are running already.", "Ask again in a moment.", retry_after=1)
        await self._run(call, dialect, ask, key, token)

    def _read(self, dialect: Dialect, body: bytes, headers: dict[str, str], token: bytes) -> Ask:
        resume, before = getattr(dialect, "resume", None), None
        if resume is not None and any(mark in body for mark in getattr(dialect, "REFERS", ())):
            tree = read_object(body)
            whole = resume(tree, functools.partial(self.kept.recall, token), functools.partial(self.kept.recall_item, token))
            if whole is not tree:
                body, before = dumps(whole), tree
        ask = dialect.read(body, headers)
        if before is not None and (resumed := getattr(dialect, "resumed", None)) is not None:
            ask = resumed(ask, before)
        return asked(self.s, ask, headers)

    async def _run(self, call: Call, dialect: Dialect, ask: Ask, key: bytes, token: bytes) -> None:
        request_id = new_id()
        held: list[Message] = []  # the start of an error, whose length changes with the id in its body

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *id_headers(request_id)]}
                if message["status"] >= 400:
                    held.append(message)
                    return
            elif held:
                body = with_id(message["body"], request_id)
                start = held.pop()
                kept = [(k, v) for k, v in start["headers"] if k != b"content-length"]
                await shared.send({**start, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
                message = {**message, "body": body}
            elif not message.get("more_body"):
                # Before its last byte: the client may ask for it as soon as it has that.
                self._keep(dialect, ask, runner, token)
            await shared.send(message)

        runner = Runner(self.s, dialect, ask, request_id, send)

        def here() -> bool:
            return runner.story.attempt is not None and runner.story.attempt.model is None

        shared = Shared(call.send, call.receive, runner.leave, here)
        self.repeats.begin(key, shared)
        self.s.in_flight += 1
        task = asyncio.create_task(runner.run())
        self._running[task] = runner

        def over(done: asyncio.Task[Any]) -> None:
            self._running.pop(done, None)
            self.s.in_flight -= 1
            self.repeats.end(key, shared, runner.error, request_id)

        task.add_done_callback(over)
        watcher = asyncio.ensure_future(until_gone(call.receive))
        try:
            # Only waited for: when the client or the server gives the request up, the relay still settles.
            await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            shared.give_up()
            raise
        finally:
            if not task.done():
                shared.first_gone()
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    def _keep(self, dialect: Dialect, ask: Ask, runner: Runner, token: bytes) -> None:
        kept = getattr(dialect, "kept", None)
        if kept is None or runner.error is not None:
            return
        answer = getattr(runner.writer, "answer", None)
        found = kept(ask, answer() if callable(answer) else answer)
        if found is not None:
            self.kept.keep(token, *found)

    async def drain(self, seconds: float) -> None:
        """See `App.drain`."""
        self.closing = True
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        for runner in list(self._running.values()):
            runner.stop()
        if self._running:
            await asyncio.wait(set(self._running), timeout=SETTLE_S)
