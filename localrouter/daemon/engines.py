"""The engines: one process for each loaded model, within a budget of memory over all of them.

A model is loaded when a request needs it, and the request waits. Before that its file is checked (engine/pins.py) and the machine is looked
at (engine/fit.py); when the memory is short, models that nobody uses are unloaded, the one longest idle first; when it is still short the
load is refused with what is missing. A model that nobody asks for a while is unloaded too. The encoder is no engine: it stays in the
inspector's process, and is never unloaded.
It does not know requests: it hands out engines and takes them back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localrouter.config.paths import SAFE, Paths
from localrouter.config.settings import Local
from localrouter.core.errors import LaneFault, LocalUnavailable
from localrouter.daemon.children import Child, ChildRefused
from localrouter.daemon.engine_words import SHOWN
from localrouter.daemon.local_counter import Counter
from localrouter.engine.fit import Fit, NoRoom, Wish, fit
from localrouter.engine.gguf_facts import Header
from localrouter.engine.machine import Llama, Machine, llama, machine, may_have_gpu, resident
from localrouter.engine.pins import ModelFault, Pins, admit

log = logging.getLogger("localrouter")

LOAD_TIMEOUT = 180.0
"""Seconds. A big model on a slow disk needs minutes, not seconds."""
REFUSED_S = 60.0
"""How long a model that could not be loaded is not tried again, while its file is the same."""
SPARE = 500_000_000
"""Bytes of memory that are left to the system, at the least; a twelfth of all where that is more."""
SMALLER = "Close other programs, choose a smaller model, or set a smaller local.ctx."


def wish(settings: Local) -> Wish:
    """What the settings ask of a fit."""
    return Wish(settings.ctx, settings.threads, settings.batch, settings.kv_type, settings.slots, settings.gpu_layers)


def spare(now: Machine) -> int:
    """Bytes of memory that a model may take of what can be had."""
    return now.available - max(SPARE, now.total // 12)


@dataclass(slots=True, eq=False)
class Engine:
    """A model that is, was or will be loaded. `users`: requests that hold it."""

    name: str
    path: Path
    child: Child | None = None
    fit: Fit | None = None
    users: int = 0
    used: float = 0.0
    loads: int = 0
    loading: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None
    refused: tuple[str, str, float, tuple[int, int]] | None = field(default=None, repr=False)
    """What happened, what to do, when, and the file's size and time."""

    @property
    def up(self) -> bool:
        return self.child is not None and self.child.alive

    @property
    def memory(self) -> int:
        return self.fit.memory if self.fit is not None else 0


class Engines:
    """`look`: the machine's state; for tests. Use it from one event loop."""

    def __init__(
        self, settings: Local, paths: Paths | None = None, *, look: Callable[[tuple[Any, ...]], Machine] = machine
    ) -> None:
        self.settings = settings
        self._pins = Pins(paths) if paths is not None else None
        self._look = look
        self._engines: dict[str, Engine] = {}
        self._lock = asyncio.Lock()
        self._counter = Counter()
        self._llama: Llama | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    # --- requests ------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def lease(self, name: str, path: Path) -> AsyncGenerator[Engine]:
        """The model, loaded, and kept as long as the lease lasts. Raises LocalUnavailable."""
        engine = await self._take(name, path)
        try:
            yield engine
        finally:
            self._give(engine)

    async def count(self, path: Path, ask: dict[str, Any], ctx: int) -> dict[str, Any]:
        """What an engine with a context of `ctx` tokens would say of how long a chat's prompt is (engine/worker.py, `count`), from a process that
        reads the vocabulary only: no weights, no memory that others would be unloaded for. Raises LaneFault and ModelFault."""
        await asyncio.to_thread(self._admitted, path)
        return await self._counter.count(path, ask, ctx)

    def of(self, path: Path) -> Engine | None:
        """What is known of a model that was asked for once."""
        return self._engines.get(_key(path))

    def why_not(self, path: Path) -> tuple[str, str]:
        """(why a model cannot be had for now, what to do), or ("", "")."""
        engine = self.of(path)
        if engine is None or engine.refused is None or engine.up:
            return "", ""
        why, do, at, mark = engine.refused
        if time.monotonic() - at > REFUSED_S or mark != _mark(path):
            engine.refused = None
            return "", ""
        return why, do

    async def _take(self, name: str, path: Path) -> Engine:
        if self._closed:
            raise LocalUnavailable("The local engine is being stopped.", "Ask again in a moment.")
        engine = self._engines.setdefault(_key(path), Engine(name, path))
        # From here on it is in use, and nobody unloads it.
        engine.users += 1
        if engine.timer is not None:
            engine.timer.cancel()
            engine.timer = None
        try:
            if not engine.up:
                why, do = self.why_not(path)
                if why:
                    raise LocalUnavailable(why, do)
                if engine.loading is None or engine.loading.done():
                    engine.loading = self._task(self._load(engine))
                # Shielded: a client that leaves must not undo a load that others wait for.
                await asyncio.shield(engine.loading)
        except BaseException:
            self._give(engine)
            raise
        return engine

    def _give(self, engine: Engine) -> None:
        engine.users -= 1
        engine.used = time.monotonic()
        self._set_timer(engine)

    # --- loading -------------------------------------------------------------------------------------------------------

    async def _load(self, engine: Engine) -> None:
        try:
            async with self._lock:
                if self._closed:
                    raise LocalUnavailable("The local engine is being stopped.", "Ask again in a moment.")
                if not engine.up:
                    await self._start(engine)
        finally:
            self._set_timer(engine)

    async def _start(self, engine: Engine) -> None:
        try:
            header = await asyncio.to_thread(self._admitted, engine.path)
            chosen = await self._place(engine, header)
            if engine.child is None or engine.fit is None or chosen.argv() != engine.fit.argv():
                engine.child = self._child(engine, chosen)
            engine.fit = chosen
            if self._closed:
                raise LocalUnavailable("The local engine is being stopped.", "Ask again in a moment.")
            await engine.child.start()
        except NoRoom as exc:
            # Memory comes and goes: asked again, it is looked at again.
            raise LocalUnavailable(str(exc), SMALLER) from exc
        except (ModelFault, ChildRefused) as exc:
            do = exc.do or "Choose another model: `localrouter models list`."
            engine.refused = exc.message, do, time.monotonic(), _mark(engine.path)
            raise LocalUnavailable(exc.message, do) from exc
        except LocalUnavailable:
            raise
        except LaneFault as exc:
            raise LocalUnavailable(exc.message, exc.do, retry_after=exc.retry_after) from exc
        engine.refused = None
        engine.loads += 1
        log.info("loaded %s: %s", engine.name, " ".join(chosen.reasons))

    def _admitted(self, path: Path) -> Header:
        """Raises ModelFault."""
        if self._llama is None or self._llama.devices:  # a GPU's free memory changes
            self._llama = llama() if may_have_gpu() else Llama()
        if self._pins is None:
            from localrouter.engine.gguf_checks import sound_header
            from localrouter.engine.gguf_header import BadHeader

            try:
                return sound_header(path)
            except BadHeader as exc:
                raise ModelFault(str(exc), "Choose another file.") from None
        return admit(path, self._pins)

    async def _place(self, engine: Engine, header: Header) -> Fit:
        """How to load it; others are unloaded for it as far as needed. Raises NoRoom."""
        while True:
            room = self._room(engine)
            if engine.fit is not None and engine.child is not None and engine.fit.memory <= room:
                return engine.fit
            try:
                return fit(header, self.machine(), wish(self.settings), room, engine.name)
            except NoRoom as exc:
                idle = [e for e in self._engines.values() if e.up and not e.users and e is not engine]
                if not idle:
                    busy = [e.name for e in self._engines.values() if e.up and e is not engine]
                    if busy:
                        raise NoRoom(f"{exc} {' and '.join(busy)} is at work.", exc.missing) from None
                    raise
                await self._unload(min(idle, key=lambda e: e.used), "its memory is needed")

    def machine(self) -> Machine:
        """The machine now, with the devices that llama.cpp saw last."""
        return self._look(self._llama.devices if self._llama is not None else ())

    def _room(self, engine: Engine) -> int:
        """Bytes that one more model may take. A loaded model's pages of its file count as free with the system, and its memory that was not
        touched yet does too: both are taken off."""
        now = self.machine()
        held = unpaid = 0
        for other in self._engines.values():
            if other is not engine and other.up and other.child is not None and other.child.pid is not None:
                held += other.memory
                resides, files = resident(other.child.pid)
                unpaid += max(0, other.memory - max(0, resides - files))
        room = spare(now) - unpaid
        return min(room, int(self.settings.memory_gb * 1e9) - held) if self.settings.memory_gb else room

    def _child(self, engine: Engine, chosen: Fit) -> Child:
        argv = [sys.executable, *SAFE, "-m", "localrouter.engine", "--model", str(engine.path), *chosen.argv()]
        made = Child("engine", argv, ready_timeout=LOAD_TIMEOUT)
        if engine.child is not None:
            made.deaths = engine.child.deaths
        return made

    # --- unloading -----------------------------------------------------------------------------------------------------

    def _set_timer(self, engine: Engine) -> None:
        if engine.timer is not None:
            engine.timer.cancel()
            engine.timer = None
        if engine.users == 0 and engine.up and self.settings.idle_minutes > 0 and not self._closed:
            loop = asyncio.get_running_loop()
            engine.timer = loop.call_later(self.settings.idle_minutes * 60, lambda: self._task(self._rest(engine)))

    async def _rest(self, engine: Engine) -> None:
        async with self._lock:
            if engine.up and not engine.users:
                await self._unload(engine, f"nobody asked it for {self.settings.idle_minutes:g} minutes")

    async def _unload(self, engine: Engine, why: str) -> None:
        """Under the lock. A request that comes meanwhile finds it down, and loads it again behind the lock."""
        if engine.child is not None:
            log.info("unloaded %s: %s", engine.name, why)
            await engine.child.stop()

    async def adopt(self, settings: Local) -> None:
        """Settings for what is loaded from now on; what is loaded and idle goes when they changed."""
        if settings == self.settings:
            return
        self.settings = settings
        async with self._lock:
            for engine in self._engines.values():
                engine.refused = None
                if not engine.users:
                    await self._unload(engine, "the settings changed")
                    engine.fit = None

    async def stop(self) -> None:
        """Unload everything; nothing is loaded after it."""
        self._closed = True
        for engine in self._engines.values():
            if engine.timer is not None:
                engine.timer.cancel()
        await asyncio.gather(self._counter.stop(), *(e.child.stop() for e in self._engines.values() if e.child is not None))
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        # A load that had begun may have made another process meanwhile.
        await asyncio.gather(*(e.child.stop() for e in self._engines.values() if e.child is not None))

    def _task(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: None if done.cancelled() else done.exception())  # every waiter may have gone
        return task

    # --- state ---------------------------------------------------------------------------------------------------------

    async def state(self) -> list[dict[str, Any]]:
        """A row for each model that was asked for, with what its process says of its slots when it answers at once."""
        return list(await asyncio.gather(*(self._row(e) for e in self._engines.values())))

    async def _row(self, engine: Engine) -> dict[str, Any]:
        child = engine.child
        row: dict[str, Any] = {
            "model": engine.name, "loaded": engine.up, "loading": engine.loading is not None and not engine.loading.done(),
            "users": engine.users, "loads": engine.loads, "deaths": child.deaths if child is not None else 0,
            "why_not": self.why_not(engine.path)[0],
        }  # fmt: skip
        if engine.up and child is not None and engine.fit is not None:
            row |= {"ctx": child.ready.get("ctx", 0), "memory": engine.fit.memory, "gpu_memory": engine.fit.gpu_memory}
            row |= {"resident": resident(child.pid)[0] if child.pid is not None else 0, "reasons": list(engine.fit.reasons)}
            row["fit"] = {key: getattr(engine.fit, key) for key in SHOWN}
            row["idle_s"] = 0.0 if engine.users else round(time.monotonic() - engine.used, 1)
            with contextlib.suppress(LaneFault):
                reply = await child.call({"op": "status"}, timeout=1.0)
                row |= reply.get("status") or {}
        return row


def _key(path: Path) -> str:
    return os.path.realpath(path)


def _mark(path: Path) -> tuple[int, int]:
    try:
        info = path.stat()
    except OSError:
        return 0, 0
    return info.st_size, info.st_mtime_ns
