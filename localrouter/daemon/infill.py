"""Code in the middle of a text, from a model of this machine: POST /v1/completions with `prompt` and `suffix` (OpenAI API reference,
"Create completion"), and POST /infill as llama-server has it (llama.cpp, tools/server/README.md, "/infill"), which editors' plugins speak.

Only local models answer here: what an editor sends on each keystroke is not scanned in time to leave (DESIGN section 7, autocomplete). So
nothing is scanned before the answer; behind it the text is, for the record. The model is `local:fim` unless the request names another of
this machine. A prompt without a suffix is completed as a text that ends there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from localrouter.core.errors import BadRequest, Internal, NotFound, RouterError
from localrouter.core.virtual import word
from localrouter.daemon import door
from localrouter.daemon.coalescing import until_gone
from localrouter.daemon.embeddings import ClientLeft
from localrouter.daemon.faultlog import log_defect
from localrouter.daemon.local import CHAT, FIM
from localrouter.daemon.local_chunks import usage_of
from localrouter.daemon.noting_embeddings import Kind, note_embedding
from localrouter.daemon.reply import HOLD_S, KEEP_ALIVE_S
from localrouter.daemon.services import Services
from localrouter.daemon.surface import Call, Route, id_headers, new_id, send_json
from localrouter.dialects._chat_writer import error_body, usage_tree
from localrouter.dialects._fields import read_object

_PASSED = (
    "temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "stop", "presence_penalty", "frequency_penalty", "repeat_penalty", "logit_bias",
)  # fmt: skip
"""Of both APIs, by the names that the engine takes too."""
_UNSERVED = {"echo": (None, False), "best_of": (None, 1), "n": (None, 1), "logprobs": (None, 0), "n_probs": (None, 0)}
"""Settings of another kind of answer, and the values with which they ask for none."""
_KIND = "Filled in {what} ({tokens} tokens) on this machine with {model}; nothing left it and it costs nothing."
COMPLETION, INFILL = Kind("openai_completions", "fill", _KIND), Kind("llama_infill", "fill", _KIND)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that was read. `ask`: the engine's frame."""

    model: str
    ask: dict[str, Any]
    stream: bool


def read_completion(body: bytes) -> Wanted:
    """OpenAI's shape. Raises BadRequest, naming the field."""
    tree = read_object(body)
    prompt = tree.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise BadRequest("'prompt' must be one string.", "Send one prompt a request.", param="prompt")
    return _wanted(tree, {"prefix": prompt, "suffix": _text(tree, "suffix"), "max_tokens": _count(tree, "max_tokens")})


def read_infill(body: bytes) -> Wanted:
    """llama-server's shape. Raises BadRequest, naming the field."""
    tree = read_object(body)
    files = []
    extra = [] if tree.get("input_extra") is None else tree["input_extra"]
    for at, entry in enumerate(extra if isinstance(extra, list) else [None]):
        if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
            raise BadRequest(
                "'input_extra' must be a list of objects with 'filename' and 'text'.", "Correct it.", param=f"input_extra[{at}]"
            )
        files.append([str(entry.get("filename") or "tmp"), entry["text"]])
    ask = {
        # What is typed of the line already (`prompt`) stands before the cursor like everything else there.
        "prefix": _text(tree, "input_prefix") + _text(tree, "prompt"),
        "suffix": _text(tree, "input_suffix"),
        "max_tokens": _count(tree, "n_predict"),
        "files": files,
    }
    return _wanted(tree, ask)


def _wanted(tree: Mapping[str, Any], ask: dict[str, Any]) -> Wanted:
    for key, none in _UNSERVED.items():
        if tree.get(key) not in none:
            raise BadRequest(f"'{key}' is not served here.", "Leave it out.", param=key)
    if not ask["prefix"] and not ask["suffix"]:
        raise BadRequest("There is no text around the cursor.", "Send what stands before it.", param="prompt")
    stream = tree.get("stream", False)
    if stream is not None and not isinstance(stream, bool):
        raise BadRequest("'stream' must be true or false.", "Correct it.", param="stream")
    model = tree.get("model") or FIM
    if not isinstance(model, str):
        raise BadRequest("'model' must be a string.", f"Use {FIM!r}, or leave it out.", param="model")
    ask |= {key: tree[key] for key in _PASSED if tree.get(key) is not None}
    return Wanted(FIM if word(model) else model, {k: v for k, v in ask.items() if v is not None}, bool(stream))


def _text(tree: Mapping[str, Any], key: str) -> str:
    value = tree.get(key)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"'{key}' must be a string.", "Correct it.", param=key)
    return value or ""


def _count(tree: Mapping[str, Any], key: str) -> int | None:
    """A number of tokens; llama-server's -1 leaves it to the model."""
    value = tree.get(key)
    if value is None or (value == -1 and key == "n_predict"):
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000_000:
        raise BadRequest(f"'{key}' must be a whole number above 0.", "Correct it.", param=key)
    return value


class Infill:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self.s = services

    def routes(self) -> list[Route]:
        # A client whose base URL ends in /v1 asks below it.
        return [
            Route("POST", "/v1/completions", "client", self.complete),
            Route("POST", "/infill", "client", self.infill),
            Route("POST", "/v1/infill", "client", self.infill),
        ]

    async def complete(self, call: Call) -> None:
        await self._answer(call, COMPLETION)

    async def infill(self, call: Call) -> None:
        await self._answer(call, INFILL)

    async def _answer(self, call: Call, kind: Kind) -> None:
        body = await door.read_body(call.scope, call.receive)
        if body is None:
            return
        wanted = (read_completion if kind is COMPLETION else read_infill)(body)
        if wanted.model not in (FIM, CHAT) and wanted.model not in self.s.local.targets:
            raise NotFound(
                "Only models of this machine fill in code.", f"Use {FIM!r}; GET /v1/models lists the others.", param="model"
            )
        if wanted.model == FIM:
            await self.s.local.resolve(FIM)
        run = _Run(self.s, call, wanted, kind)
        try:
            await run.go()
        finally:
            texts = [t for t in (wanted.ask["prefix"], wanted.ask.get("suffix", "")) if t]
            tokens = usage_of(run.told).prompt
            self.s.background(note_embedding(self.s, run.id, wanted.model, texts, tokens, run.begun, run.error, kind, run.told))


class _Run:
    """One request: the engine's texts to the client, and signs of life while a model is loaded or a long text is read."""

    def __init__(self, services: Services, call: Call, wanted: Wanted, kind: Kind) -> None:
        self.s, self.call, self.wanted, self.kind = services, call, wanted, kind
        self.id = new_id()
        self.begun = (services.now(), time.monotonic())
        self.told: Mapping[str, Any] = {}
        self.error: RouterError | None = ClientLeft("The client left before the end.")
        self._inbox: asyncio.Queue[str | RouterError | None] = asyncio.Queue(maxsize=256)
        self._started = False
        self._created = int(time.time())

    async def _pump(self) -> None:
        def told(reply: Mapping[str, Any]) -> None:
            self.told = reply

        try:
            async with contextlib.aclosing(self.s.local.fill(self.wanted.ask, self.wanted.model, told)) as texts:
                async for text in texts:
                    await self._inbox.put(text)
            await self._inbox.put(None)
        except RouterError as exc:
            await self._inbox.put(exc)
        except Exception:
            log_defect(f"request {self.id}: fill failed")
            await self._inbox.put(Internal("Something in localrouter broke.", "See `localrouter logs`."))

    async def go(self) -> None:
        """Raises RouterError when nothing was said yet."""
        pump = asyncio.ensure_future(self._pump())
        gone = asyncio.ensure_future(until_gone(self.call.receive))
        said: list[str] = []
        try:
            while True:
                item = await self._next(gone)
                if item is gone:
                    return
                if isinstance(item, RouterError):
                    self.error = item
                    if not self._started:
                        raise item
                    await self._send(b"data: " + error_body(item) + b"\n\n", last=True)
                    return
                if item is None:
                    self.error = None
                    await self._end("".join(said))
                    return
                said.append(str(item))
                if self.wanted.stream:
                    await self._send(_event(self._piece(str(item))))
        except OSError:
            pass  # the client left
        finally:
            # The engine's slot is free before this request counts as over.
            for task in (pump, gone):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    async def _next(self, gone: asyncio.Future[None]) -> Any:
        """The next item, or `gone`."""
        while True:
            getting: asyncio.Future[Any] = asyncio.ensure_future(self._inbox.get())
            wait = KEEP_ALIVE_S if self._started else HOLD_S
            await asyncio.wait([getting, gone], timeout=wait if self.wanted.stream else None, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            getting.cancel()
            if gone.done():
                return gone
            await self._send(b": keep-alive\n\n")

    def _piece(self, text: str) -> dict[str, Any]:
        if self.kind is INFILL:
            return {"content": text, "stop": False}
        return self._head() | {"choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": None}]}

    def _head(self) -> dict[str, Any]:
        return {"id": f"cmpl-{self.id}", "object": "text_completion", "created": self._created, "model": self.wanted.model}

    async def _end(self, text: str) -> None:
        usage, finish = usage_of(self.told), str(self.told.get("finish") or "stop")
        shown = "" if self.wanted.stream else text
        if self.kind is INFILL:
            tree: dict[str, Any] = {
                "content": shown, "stop": True, "stop_type": "limit" if finish == "length" else "eos", "truncated": False, "model": self.wanted.model,
                "tokens_predicted": usage.output, "tokens_evaluated": usage.prompt, "tokens_cached": usage.cache_read,
            }  # fmt: skip
        else:
            tree = self._head() | {
                "choices": [{"index": 0, "text": shown, "logprobs": None, "finish_reason": finish}],
                "usage": usage_tree(usage),
            }
        if not self.wanted.stream:
            await send_json(self.call.send, 200, tree, self._headers())
            return
        await self._send(_event(tree) + (b"data: [DONE]\n\n" if self.kind is COMPLETION else b""), last=True)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        head = [(b"x-localrouter-lane", b"local"), (b"x-localrouter-model", self.wanted.model.encode("ascii", "replace"))]
        return [*head, (b"x-localrouter-id", self.id.encode()), *id_headers(self.id)]

    async def _send(self, data: bytes, *, last: bool = False) -> None:
        if not self._started:
            self._started = True
            head = [*self._headers(), (b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
            await self.call.send({"type": "http.response.start", "status": 200, "headers": head})
        await self.call.send({"type": "http.response.body", "body": data, "more_body": not last})


def _event(tree: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(tree) + b"\n\n"
