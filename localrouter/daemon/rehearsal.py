"""The rehearsal host: a SIMULATED hosted model on loopback, for the demo and the tests. It never reaches a network.

It speaks the OpenAI chat-completions wire, quotes back the tokens that it received, calls tools when asked to, and keeps a
record of every byte that came in, so that anyone can check what left. Faults are chosen by the model's name.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import uvicorn

TOKEN = re.compile(
    r"\b[A-Z][A-Z_]{2,20}_(?=[A-Z0-9]{0,5}[0-9])[0-9A-HJKMNP-TV-Z]{6}\b|\bu[0-9a-z]{6}@pii\.invalid|\bh[0-9a-z]{6}\.invalid"
    r"|\b198\.1[89]\.\d{1,3}\.\d{1,3}\b|(?<=/home/)u[0-9a-z]{6}|(?<=/Users/)u[0-9a-z]{6}"
)
"""Whatever looks like a placeholder of localrouter; a real model would simply repeat it."""


def answer_for(tree: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """(text, tool call or None). The text quotes each token once in prose and once in a code block."""
    texts = [m.get("content") for m in tree.get("messages", ())]
    flat = "\n".join(t if isinstance(t, str) else json.dumps(t, ensure_ascii=False) for t in texts if t)
    users = [m for m in tree.get("messages", ()) if m.get("role") == "user"]
    last = users[-1].get("content", "") if users else ""
    last = last if isinstance(last, str) else "\n".join(p.get("text", "") for p in last if isinstance(p, dict))
    tokens = list(dict.fromkeys(TOKEN.findall(flat)))
    tools = tree.get("tools") or []
    wants = tree.get("tool_choice") not in (None, "auto", "none") or re.search(r"\b(call|use|write|save|edit)\b", last, re.I)
    if tools and wants and tree.get("messages", [{}])[-1].get("role") != "tool":
        function = tools[0]["function"]
        fields = function.get("parameters", {}).get("properties", {"text": {}})
        arguments = {name: last if i else (tokens[0] if tokens else "notes.txt") for i, name in enumerate(fields)}
        if "path" in fields:
            arguments["path"] = "notes.txt"
        return "", {"name": function["name"], "arguments": json.dumps(arguments, ensure_ascii=False)}
    if "<<<<<<< SEARCH" in last:
        block = last[last.index("<<<<<<< SEARCH") :]
        return f"Here is the edit again (simulated):\n\n```\n{block}\n```\n", None
    lines = ["This is a simulated answer of the rehearsal host."]
    if tokens:
        lines += ["I was told of: " + ", ".join(tokens) + ".", "", "```text", *tokens, "```"]
    else:
        lines.append(f"You asked, in {len(last.split())} words; a real model would answer here.")
    return "\n".join(lines) + "\n", None


def cut(text: str, seed: int) -> list[str]:
    """Odd pieces of 1 to 9 characters, the same for the same seed."""
    out: list[str] = []
    at = 0
    state = seed or 1
    while at < len(text):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        size = 1 + (state >> 16) % 9
        out.append(text[at : at + size])
        at += size
    return out


class App:
    """ASGI. `record` holds the body of every request, as text, the reply to it, and whether its client left early."""

    def __init__(self) -> None:
        self.record: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/record":
            await self._json(send, 200, self.record)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":  # its client died while it was sending
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        entry: dict[str, Any] = {"body": body.decode("utf-8", "replace"), "hung_up": False, "at": time.time()}
        self.record.append(entry)
        if not scope["path"].endswith("/chat/completions"):
            await self._json(send, 404, {"error": {"message": "no such path", "type": "invalid_request_error"}})
            return
        tree = orjson.loads(body)
        model = tree.get("model", "")
        fault = model.removeprefix("rehearsal-")
        if fault in ("500", "429", "400"):
            head = [(b"retry-after", b"1")] if fault == "429" else []
            await self._json(
                send, int(fault), {"error": {"message": f"simulated {fault}", "type": "server_error", "code": None}}, head
            )
            return
        if fault == "silent":
            while (await receive())["type"] != "http.disconnect":
                pass
            entry["hung_up"] = True
            return
        try:
            text, call = answer_for(tree)
        except (AttributeError, TypeError, KeyError, IndexError):
            # A body that only localrouter's door let through; real hosts say so too.
            await self._json(send, 400, {"error": {"message": "not a chat request", "type": "invalid_request_error"}})
            return
        if fault in ("echo", "split"):
            content = tree["messages"][-1]["content"]
            text, call = (content if isinstance(content, str) else json.dumps(content)), None
        entry["reply"], entry["tool"] = (call["arguments"] if call else text), bool(call)
        usage = {"prompt_tokens": max(1, len(body) // 4), "completion_tokens": max(1, len(text) // 4)}
        usage["total_tokens"] = sum(usage.values())
        if not tree.get("stream"):
            out: dict[str, Any] = {"role": "assistant", "content": text or None}
            if call:
                out["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
            choice = {"index": 0, "message": out, "finish_reason": "tool_calls" if call else "stop"}
            await self._json(
                send,
                200,
                {
                    "id": "chatcmpl-1",
                    "object": "chat.completion",
                    "created": 1,
                    "model": model,
                    "choices": [choice],
                    "usage": usage,
                },
            )
            return
        await self._stream(receive, send, tree, entry, fault, (text, call, usage))

    async def _stream(
        self, receive: Any, send: Any, tree: dict[str, Any], entry: dict[str, Any], fault: str, answer: Any
    ) -> None:
        text, call, usage = answer
        head = [(b"content-type", b"text/event-stream"), (b"x-simulated", b"true")]
        await send({"type": "http.response.start", "status": 200, "headers": head})

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            entry["hung_up"] = True

        watcher = asyncio.create_task(watch())
        try:
            count = 0
            if fault == "split":
                # The text in two pieces at character `seed`, the bytes in two writes at byte `seed`: any cut can be asked for.
                at = int(tree.get("seed") or 0)
                whole = b"".join([e async for e in self._events(tree, [text[:at], text[at:]], call, usage)])
                for part in (whole[:at], whole[at:]):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                    await asyncio.sleep(0.001)
                await send({"type": "http.response.body", "body": b""})
                return
            async for data in self._events(tree, cut(text, len(text)), call, usage):
                if entry["hung_up"]:
                    return
                await send({"type": "http.response.body", "body": data, "more_body": True})
                count += 1
                if fault == "slow":
                    await asyncio.sleep(0.2)
                if fault == "drop" and count == 4:
                    raise ConnectionResetError  # the server closes the connection without an end
                if fault == "cut" and count == 4:
                    break
                if fault == "error-mid" and count == 4:
                    event = {"error": {"message": "simulated overload", "type": "server_error", "code": None}}
                    await send(
                        {"type": "http.response.body", "body": b"data: " + orjson.dumps(event) + b"\n\n", "more_body": True}
                    )
                    break
            await send({"type": "http.response.body", "body": b""})
            entry["ended"] = True
        except ConnectionResetError:
            return
        finally:
            watcher.cancel()

    @staticmethod
    async def _events(
        tree: dict[str, Any], pieces: list[str], call: dict[str, Any] | None, usage: dict[str, int]
    ) -> AsyncIterator[bytes]:
        def frame(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            chunk = {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": tree["model"],
                "choices": [choice],
            }
            return b"data: " + orjson.dumps(chunk) + b"\n\n"

        yield frame({"role": "assistant", "content": ""})
        for piece in pieces:
            yield frame({"content": piece})
        if call:
            yield frame(
                {
                    "tool_calls": [
                        {"index": 0, "id": "call_1", "type": "function", "function": {"name": call["name"], "arguments": ""}}
                    ]
                }
            )
            for piece in cut(call["arguments"], 7):
                yield frame({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        yield frame({}, "tool_calls" if call else "stop")
        if (tree.get("stream_options") or {}).get("include_usage"):
            chunk = {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": tree["model"],
                "choices": [],
                "usage": usage,
            }
            yield b"data: " + orjson.dumps(chunk) + b"\n\n"
        yield b"data: [DONE]\n\n"

    @staticmethod
    async def _json(send: Any, status: int, tree: Any, head: list[tuple[bytes, bytes]] | None = None) -> None:
        headers = [(b"content-type", b"application/json"), (b"x-simulated", b"true"), *(head or [])]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": orjson.dumps(tree)})


class Rehearsal:
    """`with Rehearsal() as host:` serves on a free loopback port in a thread of its own."""

    def __init__(self) -> None:
        self.app = App()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        config = uvicorn.Config(self.app, log_level="error", lifespan="off", access_log=False, ws="none", loop="asyncio")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def __enter__(self) -> Rehearsal:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def record(self) -> list[dict[str, Any]]:
        """What came in so far."""
        return list(self.app.record)
