"""What a client is told and when: headers held back, signs of life, an error at any time."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import orjson
import pytest

from localrouter.core.chat import Channel, Chunk, Piece
from localrouter.core.errors import HostBroken, HostRateLimited
from localrouter.daemon import reply as module
from localrouter.daemon.reply import Reply
from localrouter.dialects import openai_chat

pytestmark = pytest.mark.anyio
TEXT = Chunk((Piece(Channel(0, "text"), "hi"),))


class Client:
    """Records what it is sent; `broken` refuses to take more."""

    def __init__(self, *, stream: bool = True) -> None:
        self.got: list[MutableMapping[str, Any]] = []
        self.broken = False
        self.left = 0
        ask = openai_chat.read(orjson.dumps({"messages": [{"role": "user", "content": "x"}], "stream": stream}), {})
        self.writer = openai_chat.Writer(ask, "r")
        self.reply = Reply(openai_chat, self.writer, self.send, stream=stream, head=lambda: [(b"x-own", b"1")], leave=self.leave)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if self.broken:
            raise OSError
        self.got.append(message)

    def leave(self) -> None:
        self.left += 1
        self.reply.gone = True

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.got)


class Clock:
    """Stands for `time` in the module: it goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


async def test_a_failure_while_headers_are_held_keeps_its_status() -> None:
    client = Client()
    await client.reply.beat()
    assert client.got == [], "nothing is due yet"
    await client.reply.refuse(HostRateLimited("Slow down.", retry_after=7))
    head = dict(client.got[0]["headers"])
    assert client.got[0]["status"] == 429 and head[b"x-should-retry"] == b"false" and head[b"retry-after"] == b"7"
    assert head[b"x-own"] == b"1" and int(head[b"content-length"]) == len(client.body)
    assert orjson.loads(client.body)["error"]["code"] == "rate_limit_exceeded"


async def test_signs_of_life_then_content(clock: Clock) -> None:
    client = Client()
    for wait in (module.HOLD_S, module.KEEP_ALIVE_S):
        clock.now += wait - 1
        await client.reply.beat()
        said = len(client.got)
        clock.now += 1
        await client.reply.beat()
        assert len(client.got) > said, "when it is due, and not before"
    assert client.got[0]["status"] == 200 and client.body == b": keep-alive\n\n" * 2
    patience = client.reply.patience
    assert patience == module.KEEP_ALIVE_S
    await client.reply.write(client.writer.write(TEXT, ["hi"], []))
    assert b'"content":"hi"' in client.body and sum(m["type"] == "http.response.start" for m in client.got) == 1


async def test_a_failure_after_signs_of_life_is_the_dialects_error_event(clock: Clock) -> None:
    client = Client()
    clock.now += module.HOLD_S
    await client.reply.beat()
    await client.reply.refuse(HostBroken("It broke."))
    assert client.body.startswith(b': keep-alive\n\ndata: {"error"') and client.got[-1]["more_body"] is False


async def test_a_whole_answer_has_no_signs_of_life(clock: Clock) -> None:
    client = Client(stream=False)
    assert client.reply.patience is None
    clock.now += module.HOLD_S
    await client.reply.beat()
    assert client.got == []


async def test_who_takes_nothing_more_has_left() -> None:
    client = Client()
    client.broken = True
    assert not await client.reply.write(b"x") and client.left == 1
    assert not await client.reply.write(b"y") and client.reply.patience is None
    await client.reply.refuse(HostBroken("x"))
    assert client.got == []


async def test_who_does_not_read_has_left_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEND_STALL_S", 0.05)
    client = Client()

    async def never(message: MutableMapping[str, Any]) -> None:
        await asyncio.sleep(60)

    client.reply._send = never
    assert not await client.reply.write(b"x") and client.left == 1
