"""The engine's process: reads asks as frames, generates one after the other, streams what the model says.

Law: stdout carries frames only; a cancel or a ping is heard while a token is being computed; no text is logged.
It does not know keys, money or the network.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import secrets
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from localrouter.core.frames import Decoder, FrameError, encode
from localrouter.engine.model import BadAsk, BadModel, Model, Sampling, default_threads

OPEN, CLOSE = "<tool_call>", "</tool_call>"


class StopStrings:
    """Cuts the text at the first stop string, also when it comes in pieces."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [s for s in stops if s]
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """The text that may be shown now."""
        if self.hit:
            return ""
        text = self._held + text
        found = [i for s in self._stops if (i := text.find(s)) >= 0]
        if found:
            self.hit, self._held = True, ""
            return text[: min(found)]
        keep = max((partial(text, s) for s in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        out, self._held = self._held, ""
        return out


def partial(text: str, marker: str) -> int:
    """How many characters at the end of `text` may be the start of `marker`."""
    return next((n for n in range(min(len(text), len(marker) - 1), 0, -1) if text.endswith(marker[:n])), 0)


class ToolCalls:
    """Takes tool calls out of the text: `<tool_call>{...}</tool_call>`, or an answer that is one JSON call and no more.
    What does not parse, or names a tool that was not offered, stays text."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._buffer = ""
        self._state = "start" if names else "off"  # start | text | call | json | off
        self._count = 0

    @property
    def found(self) -> bool:
        return self._count > 0

    def feed(self, text: str, *, last: bool = False) -> Iterator[dict[str, Any]]:
        if self._state == "off":
            if text:
                yield {"delta": text}
            return
        self._buffer += text
        while True:
            if self._state == "start":
                head = self._buffer.lstrip()
                if not head and not last:
                    return
                self._state = "json" if head.startswith("{") else "text"
            if self._state == "json":
                if last:
                    yield from self._close(self._buffer, self._buffer)
                    self._buffer = ""
                return
            if self._state == "text":
                at = self._buffer.find(OPEN)
                keep = 0 if last or at >= 0 else partial(self._buffer, OPEN)
                cut = at if at >= 0 else len(self._buffer) - keep
                shown = self._buffer[:cut]
                blank = self.found and not shown.strip()  # the space between two calls, or after the last, is nobody's text
                if blank and at < 0 and not last:
                    return
                self._buffer = self._buffer[cut:]
                if shown and not blank:
                    yield {"delta": shown}
                if at < 0:
                    return
                self._state = "call"
            end = self._buffer.find(CLOSE)
            if end < 0 and not last:
                return
            whole = self._buffer[: end + len(CLOSE)] if end >= 0 else self._buffer
            self._buffer = self._buffer[len(whole) :]
            yield from self._close(whole.removeprefix(OPEN).removesuffix(CLOSE), whole)
            self._state = "text"

    def _close(self, inner: str, whole: str) -> Iterator[dict[str, Any]]:
        try:
            call = json.loads(inner)
        except ValueError:
            call = None
        if not isinstance(call, dict) or call.get("name") not in self._names:
            if whole:
                yield {"delta": whole}
            return
        arguments = call.get("arguments", call.get("parameters", {}))
        yield {
            "tool": {
                "index": self._count,
                "id": f"call_{secrets.token_hex(12)}",
                "name": call["name"],
                "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False),
            }
        }
        self._count += 1


def forced_schema(tools: Sequence[dict[str, Any]], choice: Any) -> dict[str, Any] | None:
    """The schema of "you must call a tool (this one)", or None when the model is free."""
    name = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    if name is None and choice != "required":
        return None
    picked = [f for f in (t.get("function", {}) for t in tools) if name is None or f.get("name") == name]
    if not picked:
        raise BadAsk("The tool choice names a tool that is not in the list.")
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {"name": {"const": f.get("name")}, "arguments": f.get("parameters") or {"type": "object"}},
                "required": ["name", "arguments"],
            }
            for f in picked
        ]
    }


class Worker:
    """The queue between the pipe's reader (a thread) and the model (the main thread)."""

    def __init__(self, out_fd: int, note_fd: int) -> None:
        self._out = out_fd
        self._notes = note_fd
        self._lock = threading.Lock()
        self._asks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._pending: set[int] = set()
        self._cancelled: set[int] = set()
        self._now: int | None = None

    def send(self, message: dict[str, Any]) -> None:
        data = memoryview(encode(message))
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._out, data) :]
            except OSError:
                os._exit(0)  # the daemon is gone

    def listen(self, fd: int) -> None:
        """Runs in its own thread, so that a cancel is heard between two tokens. Ends the process with the pipe."""
        decoder = Decoder()
        try:
            while data := os.read(fd, 1 << 16):
                for message in decoder.feed(data):
                    self._take(message)
        except (OSError, FrameError):
            pass
        os._exit(0)

    def _take(self, message: dict[str, Any]) -> None:
        op, ident = message.get("op"), message.get("id")
        if not isinstance(ident, int):
            return
        if op == "ping":
            self.send({"id": ident, "pong": True})
        elif op == "cancel":
            if ident in self._pending:
                self._cancelled.add(ident)
        elif op == "chat":
            self._pending.add(ident)
            self._asks.put(message)
        else:
            self.send({"id": ident, "end": True, "error": "The engine does not know this operation.", "code": "bad_request"})

    def cancelled(self) -> bool:
        return self._now in self._cancelled

    def serve(self, model: Model) -> None:
        """Run the asks in their order, for ever."""
        model.on_abort(self.cancelled)
        while True:
            ask = self._asks.get()
            ident: int = ask["id"]
            self._now = ident
            try:
                end = self._chat(model, ask)
            except BadAsk as exc:
                end = {"error": str(exc), "code": exc.code}
            except (TypeError, ValueError, AttributeError, KeyError):
                end = {"error": "A field of the request has a wrong type.", "code": "bad_request"}
            except Exception as exc:  # the process serves on: a failed decode is one request's trouble
                model.forget()
                os.write(self._notes, f"engine: {type(exc).__name__}\n".encode())
                end = {"error": "The local model failed at this request.", "code": "failed"}
            self._now = None
            self._pending.discard(ident)
            self._cancelled.discard(ident)
            self.send({"id": ident, "end": True, **end})

    def _chat(self, model: Model, ask: dict[str, Any]) -> dict[str, Any]:
        ident: int = ask["id"]
        choice = ask.get("tool_choice")
        tools = list(ask.get("tools") or ()) if choice != "none" else []
        prompt = model.prompt(ask["messages"], tools or None)
        forced = forced_schema(tools, choice) if tools else None
        grammar = model.grammar(forced) if forced is not None else self._format(model, ask.get("response_format"))
        defaults = Sampling()
        sampling = Sampling(
            temperature=_number(ask.get("temperature"), defaults.temperature),
            top_p=_number(ask.get("top_p"), defaults.top_p),
            top_k=int(_number(ask.get("top_k"), defaults.top_k)),
            min_p=_number(ask.get("min_p"), defaults.min_p),
            seed=None if ask.get("seed") is None else int(ask["seed"]),
        )
        limit = ask.get("max_tokens")
        room = model.ctx - len(prompt) if limit is None else max(0, min(int(limit), model.ctx - len(prompt)))
        stop = ask.get("stop") or []
        stops = StopStrings([stop] if isinstance(stop, str) else [str(s) for s in stop])
        calls = ToolCalls({str(t.get("function", {}).get("name")) for t in tools})
        count, finish = 0, "stop"

        def emit(text: str, *, last: bool = False) -> None:
            for part in calls.feed(text, last=last):
                self.send({"id": ident, **part})

        if room == 0:
            finish = "length"
        elif not self.cancelled():
            pieces = model.generate(prompt, sampling, grammar)
            try:
                for token, text in pieces:
                    count += token >= 0
                    if self.cancelled():
                        break
                    if text:
                        emit(stops.feed(text))
                    if stops.hit:
                        break
                    if count >= room:
                        finish = "length"
                        break
            except RuntimeError:
                if not self.cancelled():  # else it is the abort that was asked for
                    raise
            finally:
                pieces.close()  # type: ignore[attr-defined]  # it is a generator
        if self.cancelled():
            finish = "cancelled"
        else:
            emit(stops.rest(), last=True)
            if calls.found and finish == "stop":
                finish = "tool_calls"
        return {"finish": finish, "usage": {"input": len(prompt), "output": count}}

    @staticmethod
    def _format(model: Model, wanted: Any) -> Any:
        kind = wanted.get("type") if isinstance(wanted, dict) else None
        if kind == "json_object":
            return model.grammar(None)
        if kind == "json_schema":
            inner = wanted.get("json_schema") or {}
            schema = inner.get("schema", wanted.get("schema"))
            if not isinstance(schema, dict):
                raise BadAsk("The response format has no schema.")
            return model.grammar(schema)
        return None


def _number(value: Any, default: float) -> float:
    return default if value is None else float(value)


def main(argv: Sequence[str] | None = None) -> int:
    """Load the file and serve; 3 when it cannot be loaded."""
    parser = argparse.ArgumentParser(prog="localrouter.engine")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--ctx", type=int, default=8192)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args(argv)
    # Frames get a descriptor of their own; whatever else prints to stdout lands on stderr.
    out_fd = os.dup(1)
    os.dup2(2, 1)
    worker = Worker(out_fd, os.dup(2))
    threading.Thread(target=worker.listen, args=(0,), daemon=True, name="reader").start()
    try:
        model = Model(args.model, ctx=args.ctx, threads=args.threads or default_threads())
    except BadModel as exc:
        worker.send({"fatal": str(exc)})
        return 3
    except ImportError:
        worker.send({"fatal": "The local engine (llama-cpp-python) is not installed."})
        return 3
    worker.send({"ready": True, "model": model.name, "ctx": model.ctx, "template": model.template})
    # llama.cpp quotes a bad grammar, and so the request, on stderr: from here on only our own notes get out.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    worker.serve(model)
    return 0
