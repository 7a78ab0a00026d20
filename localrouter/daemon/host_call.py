"""A call to a host as a stream of chunks, and any such stream as events in a request's inbox."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from localrouter.core import events as e
from localrouter.core.catalogue import Host
from localrouter.core.chat import Chunk
from localrouter.core.errors import HostBroken, RouterError
from localrouter.daemon.egress import Egress
from localrouter.daemon.faultlog import log_defect
from localrouter.providers import Upstream, Wire

FAULT_BYTES = 65_536
"""Of a host's error only its beginning is read."""
AT_ONCE = 16
"""Chunks that are read in a row of what a host sent at once; then whoever writes to the client has a turn. The first ones go out one by one: a
client waits for them, and not for what came behind them in the same packet."""


async def host_chunks(
    egress: Egress,
    wire: Wire,
    host: Host,
    sent: Upstream,
    stream: bool,
    ready: asyncio.Future[None],
    begun: Callable[[Mapping[str, str]], None],
) -> AsyncIterator[Chunk]:
    """`sent` has the key in its headers. `ready` is done when the answer has begun, or holds why it has not; later failures are raised here.
    `begun` is told the answer's headers. Raises RouterError."""
    try:
        async with egress.open(host.name, host.origin, sent.path, sent.headers, sent.body, stream=stream) as answer:
            if answer.status != 200:
                raise wire.fault(host.name, answer.status, answer.headers, await _beginning(answer.body))
            kind = answer.headers.get("content-type", "")
            if stream and "text/event-stream" not in kind:
                if "json" in kind:
                    # Hosts say some errors under status 200 and as plain JSON, also where a stream was asked for.
                    whole = wire.Reader(False)
                    for chunk in (*whole.feed(await _beginning(answer.body)), *whole.end()):
                        if chunk.error is not None:
                            raise chunk.error
                raise HostBroken(f"{host.name} answered a stream with something else.", "Check its origin.")
            begun(answer.headers)
            if not ready.done():
                ready.set_result(None)
            reader = wire.Reader(stream)
            async for part in answer.body:
                for chunk in reader.feed(part):
                    yield chunk
            for chunk in reader.end():
                yield chunk
    except BaseException as exc:
        # The first failure belongs to the call itself, later ones to the stream.
        if not ready.done():
            ready.set_exception(exc if isinstance(exc, RouterError) else HostBroken("The call was given up."))
            ready.exception()
            if isinstance(exc, RouterError):
                return
        raise


async def pumped(chunks: AsyncIterator[Chunk], inbox: asyncio.Queue[e.Event], request: str) -> None:
    """Put every chunk into the inbox, and how the stream ended. `request`: its id, for the log of defects."""
    try:
        count = 0
        async with contextlib.aclosing(chunks) as source:  # type: ignore[type-var]  # async generators all
            async for chunk in source:
                await inbox.put(e.Got(chunk))
                count += 1
                if count <= AT_ONCE or count % AT_ONCE == 0:
                    await asyncio.sleep(0)
        await inbox.put(e.Ended())
    except RouterError as exc:
        await inbox.put(e.Failed(exc.alone()))
    except asyncio.CancelledError:
        raise
    except Exception as exc:
        log_defect(f"request {request}: the answer of a model could not be read")
        await inbox.put(e.Failed(HostBroken(f"The answer could not be read ({type(exc).__name__}).", "Ask again.")))


async def _beginning(body: AsyncIterator[bytes]) -> bytes:
    text = b""
    async for part in body:
        text += part
        if len(text) > FAULT_BYTES:
            break
    return text
