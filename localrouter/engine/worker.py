"""The engine's process: frames in, frames out.

Three threads. The reader hears a cancel or a ping while a batch is being computed. The preparer makes requests ready (template, tokens,
grammar), so that a large one holds up nobody. The main thread runs the batches. At rest all three wait for the pipe.
Law: stdout carries frames only; no text is logged; no message ends the process but the pipe's end.
It does not know keys, money or the network.

Frames in (`id` is the daemon's number of the request):
    {"id", "op": "chat", "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format", "grammar": {"kind", "value"},
     "max_tokens", "temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "stop", "n", "logprobs", "top_logprobs",
     "presence_penalty", "frequency_penalty", "repeat_penalty", "logit_bias", "reasoning", "priority": "interactive" | "background",
     "least": tokens of an answer without room for which the prompt counts as too long (requests.py),
     "samples": k}   k further answers, unseen: "agreement" in the confidence
    {"id", "op": "fill", "prefix", "suffix", ...}   fill-in-the-middle, sampling as in chat; without a suffix any model goes on with the text
    {"id", "op": "count", ...}   as chat: nothing is computed but how many tokens the prompt has
    {"id", "op": "check", "messages", "answer"}     how likely the model thinks its answer is right: "yes" in the end frame, 0 to 1
    {"id", "op": "cancel"}   {"id", "op": "ping"}   {"id", "op": "status"}
Frames out:
    {"ready": true, "model", "ctx", "template", "family", "fill", "bytes", "slots", "threads", "warning"?}   or {"fatal": sentence}
    {"id", "delta": text, "logprobs"?: [...]}   {"id", "reasoning": text}   {"id", "tool": {"index", "id", "name", "arguments"}}
    each with "choice": i from the second choice on; {"id", "choice"?, "finish", "stopped"?, "confidence"} when one of several choices is over
    {"id", "progress": {"done", "total"}}   while a long prompt is read, once a second
    {"id", "end": true, "finish": "stop" | "length" | "tool_calls" | "cancelled", "usage": {"input", "output", "cached"}, "confidence",
     "timings", "stopped"?: the stop string that was met}   or {"id", "end": true, "error": sentence, "code"}; codes: bad_request,
     context_length_exceeded (with "tokens" of the prompt and "limit"), unsupported, busy, failed
    {"id", "end": true, "tokens"}   of a count
    {"id", "end": true, "status": {"slots", "running", "waiting", "cells", "used", "kept", "stashed", "steps"}}   in tokens

With `--count` only the file's vocabulary and template are read, in a moment and a few megabytes, and only counts are answered.
"""

from __future__ import annotations

import argparse
import os
import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localrouter.core.frames import Decoder, FrameError, encode
from localrouter.engine.batching import Batcher, Busy
from localrouter.engine.context import FLASH, KV_TYPES, BadModel, Context, Model, Settings, default_threads
from localrouter.engine.memory import DecodeFault

Message = dict[str, Any]
SERVES = frozenset({"chat", "fill", "check", "count"})
COUNTS = frozenset({"count"})


class Pipe:
    """The way out: frames are gathered and written together, once a step. Ends the process when nobody reads."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._gathered: list[bytes] = []

    def gather(self, message: Message) -> None:
        """For the next `flush`; the main thread only."""
        self._gathered.append(encode(message))

    def flush(self) -> None:
        if self._gathered:
            data, self._gathered = b"".join(self._gathered), []
            self._write(data)

    def send(self, message: Message) -> None:
        """At once, from any thread."""
        self._write(encode(message))

    def _write(self, frames: bytes) -> None:
        data = memoryview(frames)
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:
                os._exit(0)  # the daemon is gone


class Worker:
    """Between the pipe and the scheduler."""

    def __init__(self, out_fd: int, note_fd: int, serves: frozenset[str] = SERVES) -> None:
        self.pipe = Pipe(out_fd)
        self._notes = note_fd
        self._serves = serves
        self._asked: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pending: set[int] = set()
        self._cancelled: set[int] = set()
        self._batcher: Batcher | None = None
        self._steps = 0

    # -- the reader's thread -------------------------------------------------------------------------------------------

    def listen(self, fd: int) -> None:
        """Take what comes; the end of the pipe ends the process."""
        decoder = Decoder()
        try:
            while data := os.read(fd, 1 << 16):
                for message in decoder.feed(data):
                    self._take(message)
        except (OSError, FrameError):
            pass
        os._exit(0)

    def _take(self, message: Message) -> None:
        op, ident = message.get("op"), message.get("id")
        if not isinstance(ident, int) or isinstance(ident, bool):
            return
        if op == "ping":
            self.pipe.send({"id": ident, "pong": True})
        elif op == "cancel":
            if ident in self._pending:
                self._cancelled.add(ident)
                if self._batcher is not None:
                    self._batcher.interrupt(ident)
        elif op == "status":
            self._ready.put(ident)
        elif op not in self._serves:
            self._refuse(ident, "The engine does not know this operation.", "bad_request")
        elif ident in self._pending:
            pass  # its number is taken: an answer to this one could not be told from the other's
        else:
            self._pending.add(ident)
            self._asked.put(message)

    def _refuse(self, ident: int, error: str, code: str, **more: int) -> None:
        self.pipe.send({"id": ident, "end": True, "error": error, "code": code, **more})

    # -- the preparer's thread -----------------------------------------------------------------------------------------

    def prepare(self, preparer: Any, tools: Any = None) -> None:
        """Make ready what comes, for ever."""
        from localrouter.engine.answer import Request
        from localrouter.engine.check import Check
        from localrouter.engine.requests import BadAsk, TooLong

        while True:
            message = self._asked.get()
            ident = message["id"]
            try:
                if ident in self._cancelled:
                    self._over(ident)
                    self.pipe.send(
                        {"id": ident, "end": True, "finish": "cancelled", "usage": {"input": 0, "output": 0, "cached": 0}}
                    )
                    continue
                ask = preparer.prepare(message)
                if message["op"] == "count":
                    self._over(ident)
                    self.pipe.send({"id": ident, "end": True, "tokens": len(ask.prompt)})
                elif ask.yes:
                    self._ready.put(Check(ident, ask.prompt, ask.yes, ask.no, self.pipe.gather, self._over))
                else:
                    self._ready.put(Request(ask, tools, self.pipe.gather, self._over))
            except TooLong as exc:
                self._over(ident)
                self._refuse(ident, str(exc), exc.code, tokens=exc.tokens, limit=exc.limit)
            except BadAsk as exc:
                self._over(ident)
                self._refuse(ident, str(exc), exc.code)
            except Exception as exc:  # the process serves on
                self._note(exc)
                self._over(ident)
                self._refuse(ident, "The local model failed at this request.", "failed")

    def _over(self, ident: int) -> None:
        self._pending.discard(ident)
        self._cancelled.discard(ident)

    def _gone(self, ident: int) -> bool:
        """Cancelled, or ended by an error of another of its choices."""
        return ident in self._cancelled or ident not in self._pending

    # -- the main thread -----------------------------------------------------------------------------------------------

    def serve(self, context: Context, preparer: Any, *, queue_limit: int) -> None:
        """Run the requests, for ever."""
        from localrouter.engine.answer import Tools

        voc = context.model.vocabulary
        tools = Tools(context.lib, preparer.shown, voc.pieces, voc.ends)
        batcher = self._batcher = Batcher(context, slots=context.slots, queue=queue_limit, gone=self._gone, stash=context.stash)
        threading.Thread(target=self.prepare, args=(preparer, tools), daemon=True, name="preparer").start()
        busy = False
        while True:
            try:
                while True:
                    self._admit(batcher, self._ready.get(block=not busy))
                    busy = True
            except queue.Empty:
                pass
            try:
                busy = batcher.step()
                self._steps += busy
            except Exception as exc:  # a fault of ours; the requests get an error, the process serves on
                self._note(exc)
                batcher.reset(DecodeFault("The local model failed at this request."))
            self.pipe.flush()

    def _admit(self, batcher: Batcher, item: Any) -> None:
        if isinstance(item, int):
            self.pipe.send({"id": item, "end": True, "status": self._status(batcher)})
            return
        if not item.works:
            item.nothing()
            return
        try:
            batcher.submit(*item.works)
        except Busy as exc:
            item.refused(str(exc), "busy")

    def _status(self, batcher: Batcher) -> Message:
        books = batcher.prefixes
        return {
            "slots": batcher.slots,
            "running": batcher.running,
            "waiting": batcher.waiting,
            "cells": books.cells,
            "used": books.cells - books.free,
            "kept": books.kept,
            "stashed": batcher.places.stash.tokens,
            "steps": self._steps,
        }

    def _note(self, exc: Exception) -> None:
        """The kind of an error, never its text: it may quote the request."""
        os.write(self._notes, f"engine: {type(exc).__name__}\n".encode())


def settings_of(args: argparse.Namespace) -> Settings:
    return Settings(
        ctx=max(0, args.ctx),
        cells=max(0, args.cells),
        slots=args.slots,
        kept=args.kept,
        stash=args.stash,
        threads=args.threads,
        threads_batch=args.threads_batch,
        batch=args.batch,
        kv_type=args.kv_type,
        flash=args.flash,
        gpu_layers=args.gpu_layers,
    )


def parser() -> argparse.ArgumentParser:
    """The command line; `context.Settings` says what the options mean."""
    start = Settings()
    made = argparse.ArgumentParser(prog="localrouter.engine")
    made.add_argument("--model", type=Path, required=True)
    for name in ("ctx", "cells", "slots", "kept", "stash", "threads", "threads_batch", "batch", "gpu_layers"):
        made.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(start, name))
    made.add_argument("--kv-type", choices=sorted(KV_TYPES), default=start.kv_type)
    made.add_argument("--flash", choices=list(FLASH), default=start.flash)
    made.add_argument("--queue", type=int, default=64)
    made.add_argument("--count", action="store_true", help="read the vocabulary only; needs --ctx")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Load the file and serve; 3 when it cannot be loaded."""
    args = parser().parse_args(argv)
    # Frames get a descriptor of their own; whatever else prints to stdout lands on stderr.
    out_fd = os.dup(1)
    os.dup2(2, 1)
    worker = Worker(out_fd, os.dup(2), COUNTS if args.count else SERVES)
    threading.Thread(target=worker.listen, args=(0,), daemon=True, name="reader").start()
    try:
        from localrouter.engine.requests import Preparer

        model = Model(args.model, gpu_layers=args.gpu_layers, vocab_only=args.count)
        context = None if args.count else Context(model, settings_of(args))
        preparer = Preparer(model, args.ctx if context is None else context.ctx)
    except BadModel as exc:
        worker.pipe.send({"fatal": str(exc)})
        return 3
    except ValueError:
        worker.pipe.send({"fatal": f"The model file {args.model.name} has no token that ends an answer, so it cannot be used."})
        return 3
    except ImportError:
        worker.pipe.send({"fatal": "The local engine (llama-cpp-python) is not installed."})
        return 3
    ready: Message = {
        "ready": True,
        "model": model.name,
        "ctx": args.ctx if context is None else context.ctx,
        "template": preparer.template.own,
        "family": preparer.family.NAME,
        "fill": preparer.fills,
        "bytes": model.bytes,
    }
    if context is not None:
        ready |= {"slots": context.slots, "threads": args.threads or default_threads()}
    if preparer.template.problem:
        ready["warning"] = preparer.template.problem
    # llama.cpp and others may quote a request on stderr: from here on only our own notes get out.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    worker.pipe.send(ready)
    if context is None:
        worker.prepare(preparer)
    else:
        worker.serve(context, preparer, queue_limit=args.queue)
    return 0
