"""Token counting routes of the dialects: answered on this machine, from the text alone. Nothing is scanned, sent or charged."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from localrouter.core.ask import Ask
from localrouter.daemon import door
from localrouter.daemon.surface import Call, Route, id_headers, new_id, send_json
from localrouter.dialects import Dialect


def estimate(ask: Ask) -> int:
    return max(1, ask.size // 4)


class Counting:
    """The handlers. Not counted as requests in flight: clients ask in bursts of 26."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._dialects = tuple(dialects)

    def routes(self) -> list[Route]:
        out: list[Route] = []
        for dialect in self._dialects:
            for method, path in getattr(dialect, "COUNT", ()):
                out.append(Route(method, path, "client", functools.partial(self._count, dialect), dialect))
        return out

    async def _count(self, dialect: Any, call: Call) -> None:
        body = await door.read_body(call.scope, call.receive)
        if body is None:
            return
        ask = dialect.read(body, door.headers_of(call.scope))
        await send_json(call.send, 200, dialect.counted(estimate(ask)), id_headers(new_id()))
