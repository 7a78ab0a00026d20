"""The local lane: the models of this machine as models that stream chunks.

A target names one by its role or its name: `local:chat`, `local:fim`, `local:NAME` for any model of the shelf (engine/shelf.py). It is loaded
at the first need (daemon/engines.py).
Law: whatever happens to an engine is a typed error of one request; the daemon goes on, and the next request starts it again.
It does not know dialects: a chunk from here has no raw form.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from localrouter.config.paths import Paths
from localrouter.config.settings import Local
from localrouter.core.candidates import LEAST_OUTPUT
from localrouter.core.catalogue import LocalModel
from localrouter.core.errors import BadRequest, Busy, ContextTooLong, LaneFault, LocalUnavailable, Unsupported
from localrouter.core.frames import encode
from localrouter.daemon.children import Child, ChildDied, ChildRefused
from localrouter.daemon.engines import Engines, spare, wish
from localrouter.daemon.local_chunks import Answer
from localrouter.daemon.local_counter import TIMEOUT_S
from localrouter.daemon.local_params import TAKES
from localrouter.engine.fit import CONTEXTS, PLENTY, NoRoom, fit
from localrouter.engine.gguf_header import BadHeader
from localrouter.engine.gguf_parts import read_model, title
from localrouter.engine.pins import ModelFault
from localrouter.engine.shelf import Facts, Shelved, at_path, choose, shelf

CHAT, FIM, PREFIX = "local:chat", "local:fim", "local:"
LOOK_S = 20.0
"""How long what was found on the shelf is taken for what is there, when a name is not found."""
CHECK_S = 10.0
"""How long an answer's last frame waits for what the model thinks of it."""
DENSE = 2
"""Bytes a token that no usual text comes near (English and code have some four). A prompt that would be too long even so is counted before
a model is loaded for it."""
_HOW = "Run `localrouter models use NAME`, or `localrouter up --local FILE.gguf`."
_HOW_FIM = "Run `localrouter models pull qwen2.5-coder-0.5b`, say."

Told = Callable[[Mapping[str, Any]], None]
"""Takes what an engine says of an answer when it is over: usage, confidence, timings."""


class CannotFill(Unsupported):
    """The local model has no tokens for filling in the middle."""

    code = "unsupported"


class LocalLane:
    """The models of this machine. Without `paths` it knows the set model only, and remembers nothing."""

    def __init__(
        self,
        settings: Local | None = None,
        paths: Paths | None = None,
        catalogue: Mapping[str, LocalModel] | None = None,
    ) -> None:
        self._settings = settings or Local()
        self._paths, self._catalogue = paths, catalogue or {}
        self.engines = Engines(self._settings, paths)
        self._shelf: list[Shelved] = []
        self._looked = float("-inf")
        self._planned: dict[Path, int] = {}
        self._facts: dict[Path, Facts] = {}

    # --- what there is -------------------------------------------------------------------------------------------------

    @property
    def file(self) -> Path | None:
        """The file of `local:chat`."""
        return self._settings.model

    @property
    def name(self) -> str:
        """The chat model's name, or "" without one."""
        return title(self.file) if self.file is not None else ""

    @property
    def context(self) -> int:
        """Tokens that the chat model reads and writes: as loaded, else as it would be."""
        return self._context(self.file) if self.file is not None else PLENTY

    @property
    def pid(self) -> int | None:
        engine = self.engines.of(self.file) if self.file is not None else None
        return engine.child.pid if engine is not None and engine.child is not None else None

    @property
    def deaths(self) -> int:
        engine = self.engines.of(self.file) if self.file is not None else None
        return engine.child.deaths if engine is not None and engine.child is not None else 0

    @property
    def available(self) -> bool:
        """A chat model is set and nothing says that it cannot run. It may not be loaded yet."""
        return not self.why_not

    @property
    def why_not(self) -> str:
        """Why there is no chat model and what to run, or ""."""
        if self.file is None:
            return f"No local chat model is set. {_HOW}"
        why, do = self.engines.why_not(self.file)
        if why:
            return f"{why} {do}"
        if not self.file.is_file():
            return f"The model file {self.file.name} does not exist. {_HOW}"
        return ""

    @property
    def targets(self) -> dict[str, int]:
        """Every name but `local:chat` that may be asked, and its context in tokens."""
        out = {PREFIX + m.name: self._context(m.path) for m in self._shelf if m.usable}
        if (fim := self._fim()) is not None:
            out[FIM] = self._context(fim)
        return out

    def title(self, target: str) -> str:
        """What a person would call it."""
        found = next((m for m in self._shelf if PREFIX + m.name == target), None)
        if target == FIM and (path := self._fim()) is not None:
            return title(path)
        return (found.facts.name or found.name) if found is not None else self.name or target

    def chats(self, target: str) -> bool:
        """Whether a model says that it was made for conversations: its file has a template."""
        found = next((m for m in self._shelf if PREFIX + m.name == target), None)
        return target == CHAT or (found is not None and found.facts.template)

    def _context(self, path: Path) -> int:
        engine = self.engines.of(path)
        if engine is not None and engine.up and engine.child is not None:
            return int(engine.child.ready.get("ctx") or self._settings.ctx or PLENTY)
        return self._settings.ctx or self._planned.get(path) or PLENTY

    def _fim(self) -> Path | None:
        """The file of `local:fim`: the set one; else the chat model when it can; else what is here for it, the smallest."""
        chat, roles = self.file, {n for n, m in self._catalogue.items() if "fim" in m.roles}
        if self._settings.fim is not None:
            return self._settings.fim
        if chat is not None and (facts := self._facts.get(chat)) is not None and facts.fim:
            return chat
        able = [m for m in self._shelf if m.usable and m.facts.fim]
        return min(able, key=lambda m: (m.name not in roles, m.facts.template, m.size), default=None).path if able else None  # type: ignore[union-attr]

    async def look(self, age: float = 0.0) -> None:
        """Look what is on the shelf, unless that was done in the last `age` seconds."""
        if time.monotonic() - self._looked < age:
            return
        self._looked = time.monotonic()
        self._shelf, self._facts, self._planned = await asyncio.to_thread(self._found)

    def _found(self) -> tuple[list[Shelved], dict[Path, Facts], dict[Path, int]]:
        found = shelf(self._paths, self._catalogue) if self._paths is not None else []
        facts = {m.path: m.facts for m in found}
        planned: dict[Path, int] = {}
        for path in (self._settings.model, self._settings.fim):
            if path is not None and path not in facts:
                facts[path] = at_path(path).facts
        now = self.engines.machine()
        for path in facts:
            if path in (self._settings.model, self._settings.fim):
                try:
                    planned[path] = fit(read_model(path), now, wish(self._settings), spare(now)).ctx
                except (BadHeader, NoRoom):
                    continue  # said when it is asked
            elif facts[path].context:
                planned[path] = min(facts[path].context, PLENTY)
        return found, facts, planned

    async def resolve(self, target: str) -> tuple[str, Path]:
        """(the target's name, its file). Raises LocalUnavailable."""
        if target == CHAT:
            if self.file is None or (why := self.why_not):
                why = self.why_not
                raise LocalUnavailable(why.removesuffix(_HOW).strip(), _HOW)
            return self.name, self.file
        await self.look(LOOK_S)
        if target == FIM:
            path = self._fim()
            if path is None:
                raise LocalUnavailable("There is no model on this machine that fills in code.", _HOW_FIM)
            return title(path), path
        found = choose([m for m in self._shelf if m.usable], target.removeprefix(PREFIX)) if self._shelf else None
        if found is None or found.place == "path":  # a client's word opens no path of this machine
            raise LocalUnavailable("There is no such model on this machine.", "`localrouter models list` shows those that are.")
        return found.name, found.path

    # --- what it does --------------------------------------------------------------------------------------------------

    async def adopt(self, settings: Local, catalogue: Mapping[str, LocalModel]) -> None:
        """Other settings, from now on."""
        self._settings, self._catalogue = settings, catalogue
        await self.engines.adopt(settings)
        await self.look()

    async def start_if_needed(self, target: str = CHAT) -> None:
        """Load the model unless it is loaded. Raises LocalUnavailable."""
        name, path = await self.resolve(target)
        async with self.engines.lease(name, path):
            pass

    async def ready(
        self, messages: Sequence[Mapping[str, Any]], params: Mapping[str, Any], target: str = CHAT, *, background: bool = False
    ) -> None:
        """Load the model that `stream` would ask, unless it is loaded or the prompt does not fit: a long one is counted first, without the
        weights. Raises LocalUnavailable and ContextTooLong."""
        name, path = await self.resolve(target)
        engine = self.engines.of(path)
        if engine is None or not engine.up:
            await self._fits(path, self._chat(messages, params, background))
        async with self.engines.lease(name, path):
            pass

    async def tokens(self, messages: Sequence[Mapping[str, Any]], params: Mapping[str, Any], target: str = CHAT) -> int:
        """How many tokens the prompt has in the model's own count: its engine's when it is loaded, else that of a process that reads the vocabulary
        only. Raises LaneFault, ModelFault and what `stream` raises."""
        _, path = await self.resolve(target)
        ask = self._chat(messages, params, background=False)
        engine = self.engines.of(path)
        if engine is not None and engine.up and engine.child is not None:
            reply: Mapping[str, Any] = await engine.child.call({**ask, "op": "count"}, timeout=TIMEOUT_S)
        else:
            reply = await self.engines.count(path, ask, self._most(path))
        if "tokens" not in reply:  # one that does not fit was counted too
            raise fault(reply)
        return int(reply["tokens"])

    def _most(self, path: Path) -> int:
        """Tokens of the largest context that the model may be loaded with."""
        facts = self._facts.get(path)
        return self._settings.ctx or min(CONTEXTS[0], (facts.context if facts is not None else 0) or CONTEXTS[0])

    async def _fits(self, path: Path, ask: dict[str, Any]) -> None:
        """Raises ContextTooLong where the prompt would not fit into the largest context that the model may be loaded with. What else may be wrong
        is for the engine to say."""
        most = self._most(path)
        if len(encode(ask)) <= most * DENSE:
            return
        try:
            reply = await self.engines.count(path, ask, most)
        except (LaneFault, ModelFault):
            return
        if reply.get("code") == ContextTooLong.code:
            raise fault(reply)

    async def stop(self) -> None:
        """Unload the models and end their processes."""
        await self.engines.stop()

    async def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        params: Mapping[str, Any],
        target: str = CHAT,
        *,
        background: bool = False,
        told: Told | None = None,
    ) -> AsyncGenerator[Any, None]:
        """What the model says, as `Chunk`s. Closing the iterator cancels the work. `params` holds OpenAI's names; others are ignored.
        Raises LocalUnavailable, Busy, ContextTooLong and BadRequest."""
        ask = self._chat(messages, params, background)
        answer = Answer(int(params.get("n") or 1))
        async with aclosing(self._ask(target, ask, told)) as replies:
            async for reply in replies:
                chunk = answer.chunk(reply)
                if chunk is not None:
                    yield chunk

    def _chat(self, messages: Sequence[Mapping[str, Any]], params: Mapping[str, Any], background: bool) -> dict[str, Any]:
        """The engine's frame."""
        ask: dict[str, Any] = {
            "op": "chat",
            "messages": [dict(m) for m in messages],
            "priority": "background" if background else "interactive",
            "least": LEAST_OUTPUT,
        }
        ask |= {k: params[k] for k in TAKES if params.get(k) is not None}
        if self._settings.samples:
            ask["samples"] = self._settings.samples
        return ask

    async def fill(self, ask: Mapping[str, Any], target: str = FIM, told: Told | None = None) -> AsyncGenerator[str, None]:
        """What stands between `prefix` and `suffix` of `ask` (engine/worker.py, `fill`), text by text. Raises like `stream`, and CannotFill."""
        async with aclosing(self._ask(target, {**ask, "op": "fill"}, told)) as replies:
            async for reply in replies:
                if text := reply.get("delta"):
                    yield str(text)

    async def _ask(self, target: str, ask: dict[str, Any], told: Told | None) -> AsyncGenerator[Mapping[str, Any], None]:
        """The engine's frames, errors raised. An engine that died before it said a word may have been dead when it was asked (killed while idle,
        for want of memory, say): it is started again and asked once more, and only once."""
        name, path = await self.resolve(target)
        for again in (True, False):
            begun = False
            try:
                async with self.engines.lease(name, path) as engine:
                    assert engine.child is not None
                    async with aclosing(self._replies(engine.child, ask, told)) as replies:
                        async for reply in replies:
                            begun = True
                            yield reply
                return
            except (LocalUnavailable, Busy):
                raise
            except LaneFault as exc:
                if not again or begun or not isinstance(exc, ChildDied) or isinstance(exc, ChildRefused):
                    raise LocalUnavailable(exc.message, exc.do, retry_after=exc.retry_after) from exc

    async def _replies(self, child: Child, ask: dict[str, Any], told: Told | None) -> AsyncGenerator[Mapping[str, Any], None]:
        async with aclosing(child.stream(ask)) as replies:
            said: list[str] = []
            async for reply in replies:
                if "error" in reply:
                    raise fault(reply)
                if reply.get("end") is True:
                    child.forgive()
                    if told is not None:
                        told(await self._checked(child, ask, said, reply))
                elif self._settings.self_check and not reply.get("choice"):
                    said.append(str(reply.get("delta") or ""))
                yield reply

    async def _checked(
        self, child: Child, ask: Mapping[str, Any], said: Sequence[str], reply: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The last frame, with what the model thinks of its answer when it is to be asked. That is a signal and no part of the answer: where it
        cannot be had, it is not there."""
        text = "".join(said)
        if not self._settings.self_check or ask["op"] != "chat" or not text or "confidence" not in reply:
            return reply
        try:
            got = await child.call({"op": "check", "messages": ask["messages"], "answer": text}, timeout=CHECK_S)
        except LaneFault:
            return reply
        return {**reply, "confidence": {**reply["confidence"], "self_check": got["yes"]}} if "yes" in got else reply


def fault(reply: Mapping[str, Any]) -> Exception:
    """An engine's error as ours."""
    message, code = str(reply["error"]), reply.get("code")
    if code == ContextTooLong.code:
        return ContextTooLong(int(reply["limit"]), int(reply["tokens"]))
    if code == "bad_request":
        return BadRequest(message, "Change the request.")
    if code == "unsupported":
        return CannotFill(message, _HOW_FIM)
    if code == "busy":
        return Busy(message, "Ask again in a moment.", retry_after=2)
    return LocalUnavailable(message, "Try again.")
