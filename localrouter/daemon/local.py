"""The local lane: the engine's process as a model that streams chunks.

Law: whatever happens to the engine is a typed error of one request; the daemon goes on, and the next request starts it again.
It does not know dialects: a chunk from here has no raw form.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from localrouter.config.paths import SAFE
from localrouter.core.chat import Channel, Chunk, Finish, Piece
from localrouter.core.errors import BadRequest, LaneFault, LocalUnavailable
from localrouter.core.money import Usage
from localrouter.daemon.children import Child, ChildRefused
from localrouter.daemon.local_params import TAKES

LOAD_TIMEOUT = 180.0
"""Seconds. A big model on a slow disk needs minutes, not seconds."""

_HOW = "Run `localrouter up --local FILE.gguf`, or set `local.model` in the settings."

_FINISH: dict[str, Finish] = {"stop": "stop", "length": "length", "tool_calls": "tool_calls"}


class ContextExceeded(BadRequest):
    """The prompt is longer than the local model's context."""

    code = "context_length_exceeded"


class LocalLane:
    """The chat model of this machine, loaded at the first need."""

    def __init__(self, model_file: Path | None, ctx: int = 8192, threads: int = 0) -> None:
        self._file = model_file
        self._refused = ""
        self._name = model_file.stem if model_file is not None else ""
        self.context = ctx
        self._child: Child | None = None
        if model_file is not None:
            argv = [sys.executable, *SAFE, "-m", "localrouter.engine", "--model", str(model_file)]
            argv += ["--ctx", str(ctx), "--threads", str(threads)]
            self._child = Child("engine", argv, ready_timeout=LOAD_TIMEOUT)

    @property
    def name(self) -> str:
        """The model's name, or "" without one."""
        return self._name

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    @property
    def deaths(self) -> int:
        return self._child.deaths if self._child is not None else 0

    @property
    def available(self) -> bool:
        """A model is set and nothing says that it cannot run. It may not be loaded yet."""
        return not self.why_not

    @property
    def why_not(self) -> str:
        """Why the lane is closed and what to run, or ""."""
        if self._file is None:
            return f"No local chat model is set. {_HOW}"
        if self._refused:
            return f"{self._refused} {_HOW}"
        if not self._file.is_file():
            return f"The model file {self._file.name} does not exist. {_HOW}"
        return ""

    async def start_if_needed(self) -> None:
        """Load the model unless it is loaded. Raises LocalUnavailable."""
        if (why := self.why_not) or self._child is None:
            raise LocalUnavailable(why.removesuffix(_HOW).strip(), _HOW)
        try:
            ready = await self._child.start()
        except ChildRefused as exc:
            self._refused = exc.message  # the same file will say the same again
            raise LocalUnavailable(exc.message, _HOW) from exc
        except LaneFault as exc:
            raise LocalUnavailable(exc.message, exc.do, retry_after=exc.retry_after) from exc
        self._name, self.context = str(ready.get("model") or self._name), int(ready.get("ctx") or self.context)

    async def stop(self) -> None:
        """Unload the model and end its process."""
        if self._child is not None:
            await self._child.stop()

    async def stream(self, messages: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """What the model says. Closing the iterator cancels the work. `params` holds OpenAI's names; others are ignored."""
        await self.start_if_needed()
        assert self._child is not None
        ask = {
            "op": "chat",
            "messages": [dict(m) for m in messages],
            **{k: params[k] for k in TAKES if params.get(k) is not None},
        }
        try:
            async with aclosing(self._child.stream(ask)) as replies:
                async for reply in replies:
                    yield _chunk(reply)
        except LocalUnavailable:
            raise
        except LaneFault as exc:
            raise LocalUnavailable(exc.message, exc.do, retry_after=exc.retry_after) from exc


def _chunk(reply: Mapping[str, Any]) -> Chunk:
    if "error" in reply:
        message = str(reply["error"])
        if reply.get("code") == "context_length_exceeded":
            raise ContextExceeded(message, "Send less, or start the local model with a larger context.")
        if reply.get("code") == "bad_request":
            raise BadRequest(message, "Change the request.")
        raise LocalUnavailable(message, "Try again.")
    if reply.get("end") is True:
        usage = reply.get("usage") or {}
        return Chunk(
            usage=Usage(input=int(usage.get("input", 0)), output=int(usage.get("output", 0))),
            finish={0: _FINISH.get(str(reply.get("finish")), "stop")},
            terminal=True,
        )
    if tool := reply.get("tool"):
        piece = Piece(
            Channel(0, "tool", int(tool["index"])), str(tool["arguments"]), tool=str(tool["name"]), call_id=str(tool["id"])
        )
        return Chunk(pieces=(piece,))
    return Chunk(pieces=(Piece(Channel(0, "text"), str(reply.get("delta", ""))),))
