"""The rehearsal host: a SIMULATED hosted model on loopback, for the demo and the tests. It never reaches a network.

It speaks three wires on one port (`/chat/completions`, `/responses`, `/messages` under any prefix), streamed and not, quotes back the
tokens that it received, calls tools when asked to, and keeps a record of every byte that came in, so that anyone can check what left.
It refuses what the real APIs refuse, so that a request that was crossed wrongly is a 400 here as it would be there.

Faults are chosen by the model's name, or by a script:

    429 500 503 529 400 401 ...   that status          context        the prompt is too long, in the wire's own words
    silent, silent-N              no byte for N s      mute-N, hush-N N s of silence after the first event, after the first words
    drop, drop-first              the connection breaks in the middle (also of a whole answer), after the first event
    cut                           the stream ends without its terminal event; a whole answer ends inside its JSON
    error-first, error-mid        an error event before, after the first words; error-event: the bare `error` of Responses
    error-mid, not streamed       a 200 whose body is an error
    slow                          0.2 s an event       split          two writes, cut at byte `seed`
    echo                          says the last text   think, redacted   reasons first (Messages and Responses: when asked to)
    parallel, rounds-N            several tool calls at once, N turns of tool calls
    refuse, filtered, length, empty, lenient           a refusal, other ends, no words; unknown fields are let through
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import orjson
import uvicorn

from localrouter.core.errors import RouterError
from localrouter.daemon import rehearsal_chat, rehearsal_messages, rehearsal_responses
from localrouter.daemon.inflate import inflate
from localrouter.daemon.rehearsal_seen import TOKEN, Call, Offered, Reply, Seen, answer, cut
from localrouter.daemon.rehearsal_strict import Cache, Maker, Refused

__all__ = ["TOKEN", "App", "Call", "Offered", "Rehearsal", "Reply", "Seen", "answer_for", "cut"]

WIRES: dict[str, ModuleType] = {
    "/chat/completions": rehearsal_chat,
    "/responses": rehearsal_responses,
    "/messages": rehearsal_messages,
}
Turn = Reply | Callable[[Seen], Reply]
STATUS = re.compile(r"[45]\d\d")
LENIENT = ("echo", "split", "lenient")
BODY_CAP = 256 * 1024 * 1024


def answer_for(tree: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """(text, tool call or None) for a chat request. The text quotes each token once in prose and once in a code block."""
    said = answer(rehearsal_chat.read(tree, {}))
    call = said.calls[0] if said.calls else None
    return said.text, {"name": call.name, "arguments": call.arguments} if call else None


class App:
    """ASGI. `record` holds of every request: its path, headers and body as text, the reply to it, the bytes that were sent, and whether
    its client left early.

    `script`: the replies by turn (turns of tool calls that the request has already); each a Reply or a function of what was read. Requests
    that offer no tools (titles, summaries) are answered by `aside`. `strict`: refuse what the real APIs refuse; of chat completions, whose
    compatible hosts differ, unknown fields only then."""

    def __init__(
        self, script: Sequence[Turn] = (), *, aside: Callable[[Seen], Reply] = answer, strict: bool = False, pace: float = 0.2
    ) -> None:
        self.record: list[dict[str, Any]] = []
        self.script, self.aside, self.strict, self.pace = tuple(script), aside, strict, pace
        self.cut_at: int | None = None
        self._struck: dict[int, int] = {}
        self._makers: dict[str, Maker] = {}
        self._cache = Cache()
        self._count = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path == "/record":
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
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        if scope["method"] != "POST":
            await self._small(send, scope["method"], path)
            return
        try:
            body = inflate(headers.get("content-encoding", ""), body, BODY_CAP)
        except RouterError:
            await self._json(send, 400, {"error": {"message": "the body does not decode", "type": "invalid_request_error"}})
            return
        entry: dict[str, Any] = {
            "body": body.decode("utf-8", "replace"),
            "hung_up": False,
            "at": time.time(),
            "path": path,
            "headers": headers,
        }
        self.record.append(entry)
        end = next((e for e in WIRES if path.endswith(e)), "")
        if path.endswith("/messages/count_tokens"):
            await self._json(send, 200, {"input_tokens": max(1, len(body) // 4)})
            return
        if not end:
            await self._json(send, 404, {"error": {"message": "no such path", "type": "invalid_request_error"}})
            return
        await self._answer(WIRES[end], path, body, headers, entry, receive, send)

    async def _answer(
        self, wire: ModuleType, path: str, body: bytes, headers: dict[str, str], entry: dict[str, Any], receive: Any, send: Any
    ) -> None:
        self._count += 1
        number, maker = self._count, self._makers.setdefault(path, Maker())
        try:
            tree = orjson.loads(body)
            fault = str(tree.get("model", "")).removeprefix("rehearsal-")
            lenient = fault in LENIENT or (wire is rehearsal_chat and not self.strict)
            if self.strict or wire is not rehearsal_chat:
                wire.check(tree, headers, maker, lenient=lenient)
            seen: Seen = wire.read(tree, headers)
            reply, fault = self._reply(seen, fault)
        except Refused as refused:
            await self._refuse(send, wire, entry, refused)
            return
        except (AttributeError, TypeError, KeyError, IndexError, ValueError):
            # A body that only localrouter's door let through; real hosts say so too.
            await self._refuse(send, wire, entry, Refused("not a request of this API"))
            return
        if STATUS.fullmatch(fault):
            kind = "server_error" if wire is rehearsal_chat else ""
            await self._refuse(send, wire, entry, Refused(f"simulated {fault}", status=int(fault), kind=kind))
            return
        if fault == "context":
            await self._refuse(send, wire, entry, wire.OVERFLOW)
            return
        silence = re.fullmatch(r"silent(?:-(\d+))?", fault)
        if silence and await self._gone(receive, float(silence[1]) if silence[1] else None):
            entry["hung_up"] = True
            return
        entry["reply"] = reply.calls[0].arguments if reply.calls else reply.text
        entry["tool"] = bool(reply.calls)
        entry["thought"] = reply.thought
        counts = wire.usage(seen, reply, len(body), self._cache)
        entry["usage"] = counts
        if not seen.stream:
            tree = wire.whole(seen, reply, counts, number, maker)
            if fault == "error-mid":
                tree = wire.refusal(Refused("simulated overload", status=500))
            await self._json(send, 200, tree, entry=entry, fault=fault)
            return
        pieces = None
        at = self.cut_at
        if fault == "split":
            at = int(tree.get("seed") or 0) if at is None else at
            pieces = [reply.text[:at], reply.text[at:]]
        parts: list[tuple[bytes, bool]] = wire.events(seen, reply, counts, number, maker, pieces)
        if at is not None:
            # The bytes in two writes at byte `at`: any cut can be asked for.
            data = b"".join(p for p, _ in parts)
            parts = [(data[:at], True), (data[at:], True)]
        entry["sent"] = "".join(p.decode() for p, _ in parts) if at is None else data.decode()
        broken = wire.broken(seen, number, fault)
        await self._stream(receive, send, entry, fault, parts, broken)

    def _reply(self, seen: Seen, fault: str) -> tuple[Reply, str]:
        if not self.script:
            return answer(seen), fault
        if not seen.tools:
            return self.aside(seen), fault
        if seen.rounds >= len(self.script):
            return Reply("The work is done (simulated)."), fault
        turn = self.script[seen.rounds]
        reply = turn if isinstance(turn, Reply) else turn(seen)
        struck = self._struck.get(seen.rounds, 0)
        if not reply.fault or struck >= reply.times:
            return reply, fault
        self._struck[seen.rounds] = struck + 1
        return reply, reply.fault

    @staticmethod
    async def _gone(receive: Any, seconds: float | None) -> bool:
        """Wait; True when the client left meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        return True

    async def _stream(
        self, receive: Any, send: Any, entry: dict[str, Any], fault: str, parts: list[tuple[bytes, bool]], broken: bytes
    ) -> None:
        head = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-simulated", b"true")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        left = asyncio.Event()

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            entry["hung_up"], entry["hung_up_at"] = True, time.time()
            left.set()

        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        async def rest(seconds: float) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await left.wait()

        said = [i for i, (_, says) in enumerate(parts) if says]
        # After the third piece of the answer; of a short one, before its end.
        strike = said[2] + 1 if len(said) > 2 else max(1, len(parts) - 1)
        if fault in ("drop-first", "error-first"):
            strike = 1
        mute, hush = re.fullmatch(r"mute-(\d+)", fault), re.fullmatch(r"hush-(\d+)", fault)
        watcher = asyncio.create_task(watch())
        try:
            for count, (data, _) in enumerate(parts):
                if left.is_set():
                    return
                if count == strike and fault in ("drop", "drop-first"):
                    return  # the server closes the connection without an end
                if count == strike and fault == "cut":
                    break
                if count == strike and fault in ("error-mid", "error-first", "error-event", "context-mid"):
                    await write(broken)
                    break
                if hush and count == strike:
                    await rest(float(hush[1]))
                await write(data)
                if fault == "slow":
                    await rest(self.pace)
                elif mute and count == 0:
                    await rest(float(mute[1]))
                elif len(parts) == 2:
                    await asyncio.sleep(0.001)
            await send({"type": "http.response.body", "body": b""})
            entry["ended"] = True
        finally:
            watcher.cancel()

    async def _refuse(self, send: Any, wire: ModuleType, entry: dict[str, Any], refused: Refused) -> None:
        head = [(b"request-id", b"req_rehearsal"), (b"x-request-id", b"req_rehearsal")]
        if refused.status == 429:
            head.append((b"retry-after", b"1"))
        entry["refused"] = str(refused)
        await self._json(send, refused.status, wire.refusal(refused), head, entry)

    async def _small(self, send: Any, method: str, path: str) -> None:
        """What clients ask besides: a sign of life, the list of models, the WebSocket of Responses."""
        if path.endswith("/responses"):
            await self._json(send, 426, {"error": {"message": "Upgrade Required", "type": "invalid_request_error"}})
        elif path.endswith("/models") and method == "GET":
            data = [{"id": "rehearsal-1", "object": "model", "type": "model", "created": 1, "owned_by": "rehearsal"}]
            await self._json(send, 200, {"object": "list", "data": data, "has_more": False})
        else:
            await self._json(send, 200 if method == "HEAD" else 404, {})

    @staticmethod
    async def _json(
        send: Any,
        status: int,
        tree: Any,
        head: list[tuple[bytes, bytes]] | None = None,
        entry: dict[str, Any] | None = None,
        fault: str = "",
    ) -> None:
        headers = [(b"content-type", b"application/json"), (b"x-simulated", b"true"), *(head or [])]
        body = orjson.dumps(tree)
        if fault in ("drop", "cut"):
            if fault == "drop":  # the server closes the connection where more was announced
                headers.append((b"content-length", str(len(body)).encode()))
            body = body[: len(body) // 2]
        if entry is not None:
            entry["status"], entry["sent"] = status, body.decode()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": fault == "drop"})


class Rehearsal:
    """`with Rehearsal() as host:` serves on a free loopback port in a thread of its own. Arguments as App's."""

    def __init__(self, script: Sequence[Turn] = (), **options: Any) -> None:
        self.app = App(script, **options)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.root = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.origin = f"{self.root}/v1"
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
