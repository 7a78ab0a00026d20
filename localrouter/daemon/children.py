"""Children: one process that the daemon starts, talks to in frames, and starts again when it dies.

Law: a child never sees a key (its environment is allow-listed), and its death is a typed error to each caller, never a hang.
Contract with the child's main: write `{"ready": true, ...}` (or `{"fatal": "sentence"}` and exit), answer `{"op": "ping", "id"}`
at any time, copy `id` into every reply, end a stream with `"end": true`, and exit when stdin ends.
It does not know what the messages mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import time
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from localrouter.core.errors import LaneFault
from localrouter.core.frames import Decoder, FrameError, encode
from localrouter.daemon.child_env import child_env

Message = dict[str, Any]
_T = TypeVar("_T")

WINDOW = 60.0
"""Seconds in which `restarts` deaths are allowed."""
MISSES = 3
"""Silent heartbeats in a row before the child is killed."""
LINE = 400
"""Characters of one stderr line that reach the log."""
LINES = 2000
"""Stderr lines of one run that reach the log; the rest are read and dropped."""
GRACE = 2.0
"""Seconds that a child has to leave after its stdin ended."""


class ChildDied(LaneFault):
    """The process ended (or never came up) while someone needed it."""

    code, retryable = "child_died", True


class ChildRefused(ChildDied):
    """The child said, in its own sentence, why it cannot run. Trying again with the same arguments will not help."""

    code, retryable = "child_refused", False


class ChildSlow(LaneFault):
    """No reply came in time; the child may still be well."""

    code, retryable = "child_slow", True


class Child:
    """One process under supervision. It is started by `start` or by the first call, and again by the first call after a death
    while the budget lasts. Use it from one event loop."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        ready_timeout: float = 60.0,
        heartbeat: float = 5.0,
        restarts: int = 5,
    ) -> None:
        self.name = name
        self.deaths = 0
        self.ready: Message = {}
        self._argv = tuple(argv)
        self._env = dict(env or {})
        self._ready_timeout = ready_timeout
        self._heartbeat = heartbeat
        self._restarts = restarts
        self._recent: deque[float] = deque()
        self._ids = itertools.count(1)
        self._log = logging.getLogger(f"localrouter.child.{name}")
        self._proc: asyncio.subprocess.Process | None = None
        self._up = False
        self._stopped = False
        self._heard = 0
        self._waiting: dict[int, asyncio.Queue[Message | ChildDied]] = {}
        self._first: asyncio.Future[Message] | None = None
        self._starting: asyncio.Task[Message] | None = None
        # Strong references: the loop itself keeps only weak ones.
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def alive(self) -> bool:
        """Up, ready, and not known to be dying."""
        return self._up and self._proc is not None and self._proc.returncode is None

    @property
    def pid(self) -> int | None:
        return self._proc.pid if self._proc is not None and self._proc.returncode is None else None

    async def start(self) -> Message:
        """Bring the child up and return its ready message; at once when it is up already."""
        self._stopped = False
        return await self._ensure()

    def kill(self) -> None:
        """End the present process at once (it hangs, say); the next use starts another, while the budget lasts."""
        self._up = False
        if self._proc is not None:
            self._kill(self._proc)

    def forgive(self) -> None:
        """It has done its work since it was started, so its earlier deaths count no more against its budget."""
        self._recent.clear()

    async def stop(self) -> None:
        """End the child: politely, then by force. It stays down until `start`."""
        self._stopped = True
        self._up = False
        proc = self._proc
        if proc is not None and proc.returncode is None:
            if proc.stdin is not None:
                proc.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await proc.wait()
            self._kill(proc)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def call(self, message: Message, *, timeout: float) -> Message:  # noqa: ASYNC109  # it also marks the child as slow
        """Send one message and return its one reply. The timeout covers a restart too; the restart itself goes on."""
        ident: int | None = None
        done = False
        try:
            async with asyncio.timeout(timeout):
                await self._ensure()
                ident, inbox = await self._send(message)
                reply = await inbox.get()
                done = True
        except TimeoutError:
            raise ChildSlow(f"The {self.name} process did not answer in {timeout:g} s.", "Try again.") from None
        finally:
            if ident is not None:
                self._forget(ident, cancel=not done)
        if isinstance(reply, ChildDied):
            raise reply
        return reply

    async def stream(self, message: Message) -> AsyncGenerator[Message, None]:
        """Send one message and yield its replies up to the one with `"end": true`. Closing early cancels the work."""
        await self._ensure()
        ended = False
        ident, inbox = await self._send(message)
        try:
            while not ended:
                reply = await inbox.get()
                if isinstance(reply, ChildDied):
                    ended = True
                    raise reply
                ended = reply.get("end") is True
                yield reply
        finally:
            self._forget(ident, cancel=not ended)

    async def tell(self, message: Message) -> None:
        """Send one message that has no reply."""
        await self._ensure()
        await self._write(encode(message))

    # -- starting ------------------------------------------------------------------------------------------------------

    async def _ensure(self) -> Message:
        if self._stopped:
            raise ChildDied(f"The {self.name} process was stopped.", "Start the daemon again.")
        if self.alive:
            return self.ready
        if self._starting is None or self._starting.done():
            self._spend()
            self._starting = self._task(self._launch(), "start")
        # Shielded: a caller that goes away must not undo a load that others wait for.
        return await asyncio.shield(self._starting)

    def _spend(self) -> None:
        now = time.monotonic()
        while self._recent and now - self._recent[0] > WINDOW:
            self._recent.popleft()
        if len(self._recent) > self._restarts:
            raise ChildDied(
                f"The {self.name} process died {len(self._recent)} times in a minute and is left down for now.",
                "Look at the daemon's log, then try again in a minute.",
                retry_after=max(1.0, WINDOW - (now - self._recent[0])),
            )

    async def _launch(self) -> Message:
        # The last run's reader must be through, or it would report its death to this run's callers.
        old = {t for t in self._tasks if t is not asyncio.current_task()}
        if old:
            await asyncio.gather(*old, return_exceptions=True)
        try:
            proc = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=child_env(self._env),
                start_new_session=True,
            )
        except OSError as exc:
            self._count_death()
            raise ChildDied(
                f"The {self.name} process could not be started ({type(exc).__name__}).", "Run `localrouter doctor`."
            ) from exc
        self._proc = proc
        first: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._first = first
        self._task(self._read(proc, first), "read")
        self._task(self._drain(proc), "stderr")
        if self._stopped:  # stop() came while the process was being made
            self._kill(proc)
        try:
            async with asyncio.timeout(self._ready_timeout):
                message = await first
        except TimeoutError:
            self._kill(proc)
            raise ChildDied(f"The {self.name} process was not ready in {self._ready_timeout:g} s.", "Try again.") from None
        except BaseException:
            self._kill(proc)
            raise
        self.ready = message
        self._up = not self._stopped and proc.returncode is None
        if self._heartbeat > 0:
            self._task(self._beat(proc), "heartbeat")
        return message

    # -- talking -------------------------------------------------------------------------------------------------------

    async def _send(self, message: Message) -> tuple[int, asyncio.Queue[Message | ChildDied]]:
        ident = next(self._ids)
        frame = encode({**message, "id": ident})
        inbox: asyncio.Queue[Message | ChildDied] = asyncio.Queue()
        self._waiting[ident] = inbox
        try:
            await self._write(frame)
        except BaseException:
            self._forget(ident, cancel=True)
            raise
        return ident, inbox

    async def _write(self, frame: bytes) -> None:
        proc = self._proc
        if proc is None or proc.stdin is None or not self.alive:
            raise self._died()
        try:
            proc.stdin.write(frame)
            await proc.stdin.drain()
        except (ConnectionError, RuntimeError) as exc:
            raise self._died() from exc

    def _forget(self, ident: int, *, cancel: bool) -> None:
        self._waiting.pop(ident, None)
        if cancel and self.alive and self._proc is not None and self._proc.stdin is not None:
            # No drain: this also runs while a caller is being cancelled, and the frame is tiny.
            with contextlib.suppress(ConnectionError, RuntimeError):
                self._proc.stdin.write(encode({"op": "cancel", "id": ident}))

    async def _read(self, proc: asyncio.subprocess.Process, first: asyncio.Future[Message]) -> None:
        assert proc.stdout is not None
        decoder = Decoder()
        fatal = ""
        broken = False
        while data := await proc.stdout.read(1 << 16):
            if broken:
                continue  # killed; read to the end so that the pipe closes
            try:
                messages = decoder.feed(data)
            except FrameError as exc:
                self._log.error("%s: %s; it is killed", self.name, exc)
                broken = True
                self._kill(proc)
                continue
            self._heard += 1
            for message in messages:
                if "fatal" in message:
                    fatal = str(message["fatal"])
                elif message.get("ready") is True:
                    if not first.done():
                        first.set_result(message)
                elif (inbox := self._waiting.get(message.get("id", 0))) is not None:
                    inbox.put_nowait(message)
        self._up = False
        self._kill(proc)
        code = await proc.wait()
        if proc.stdin is not None:
            proc.stdin.close()
        if not self._stopped:
            self._count_death()
            self._log.warning("%s (pid %d) ended with %s", self.name, proc.pid, code)
        error: ChildDied = ChildRefused(fatal, "") if fatal else self._died()
        if not first.done():
            first.set_exception(error)
            first.exception()  # start() may have given up already; that is not an unseen error
        waiting, self._waiting = self._waiting, {}
        for inbox in waiting.values():
            inbox.put_nowait(self._died())

    async def _drain(self, proc: asyncio.subprocess.Process) -> None:
        assert proc.stderr is not None
        left = LINES
        rest = b""
        while data := await proc.stderr.read(1 << 14):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[: LINE * 4]
            for line in lines:
                if left > 0:
                    left -= 1
                    self._log.debug("%s", line[: LINE * 4].decode("utf-8", "replace")[:LINE])

    async def _beat(self, proc: asyncio.subprocess.Process) -> None:
        missed, heard = 0, self._heard
        while self.alive and self._proc is proc:
            if proc.stdin is not None and not proc.stdin.is_closing() and missed == 0:
                with contextlib.suppress(ConnectionError, RuntimeError):
                    proc.stdin.write(encode({"op": "ping", "id": next(self._ids)}))
            # Ends with the process, so that a stop or a restart does not wait a beat.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat):
                    await proc.wait()
                    return
            # Counted in ticks, not in seconds: a daemon that was itself asleep must not blame the child.
            missed, heard = (missed + 1 if self._heard == heard else 0), self._heard
            if missed >= MISSES:
                self._log.error("%s (pid %d) missed %d heartbeats; it is killed", self.name, proc.pid, missed)
                self._kill(proc)
                return

    # -- ends ----------------------------------------------------------------------------------------------------------

    def _died(self) -> ChildDied:
        if self._stopped:
            return ChildDied(f"The {self.name} process was stopped.", "Start the daemon again.")
        return ChildDied(f"The {self.name} process ended before it answered.", "Try again: it is started anew.")

    def _count_death(self) -> None:
        self.deaths += 1
        self._recent.append(time.monotonic())

    def _kill(self, proc: asyncio.subprocess.Process) -> None:
        """Kill the child and what it started: it leads its own group."""
        if proc.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    os.killpg(proc.pid, signal.SIGKILL)
                else:
                    proc.kill()

    def _task(self, work: Coroutine[Any, Any, _T], what: str) -> asyncio.Task[_T]:
        task = asyncio.create_task(work, name=f"child.{self.name}.{what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_seen)
        return task


def _seen(task: asyncio.Task[Any]) -> None:
    """Look at the error once: every caller may have gone before a start failed."""
    if not task.cancelled():
        task.exception()
