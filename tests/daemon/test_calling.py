"""What a host is asked is made while its reservation is written, and nothing of it leaves before that is on the disk (law 2)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from localrouter.core.ask import Leaf
from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.findings import Finding
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.daemon.asking import asked
from localrouter.daemon.egress import Egress
from localrouter.daemon.runner import Runner
from localrouter.daemon.services import Services
from localrouter.dialects import all_dialects
from localrouter.gates import all_gates
from localrouter.providers import all_wires
from localrouter.store import FILE, Keep, Store

pytestmark = pytest.mark.anyio

PRIVATE = "jane@roe.org"
ANSWER = json.dumps(
    {
        "id": "c1", "object": "chat.completion", "created": 1, "model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 2},
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Fine."}}],
    }
).encode()  # fmt: skip


class Scan:
    """A scan that has seen every text: the address is found wherever it stands. `hurried`: requests for which scans for the record wait."""

    crowded = False
    hurried = 0

    def names(self, leaves: Sequence[Leaf]) -> list[bytes]:
        return [f"{leaf.context}\0{leaf.text}".encode() for leaf in leaves]

    def cached(self, leaves: Sequence[Leaf], names: Sequence[bytes] | None = None) -> list[tuple[Finding, ...]]:
        return [
            (Finding(at, at + len(PRIVATE), "EMAIL_ADDRESS", 1.0, "test"),) if (at := leaf.text.find(PRIVATE)) >= 0 else ()
            for leaf in leaves
        ]

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        self.hurried += 1
        try:
            yield
        finally:
            self.hurried -= 1

    async def inspect(
        self, leaves: Sequence[Leaf], *, names: Sequence[bytes] | None = None, background: bool = False
    ) -> list[tuple[Finding, ...]]:
        return self.cached(leaves)


class NoLocal:
    """A machine without a chat model."""

    available, why_not, context, file = False, "", 0, None
    targets: dict[str, int] = {}  # noqa: RUF012  # nobody writes to it


@dataclass
class World:
    """`asked`: what the host was sent, each with the number of open holds that another reader of the ledger's file saw then; `hurried`: for how
    many requests scans for the record waited then."""

    services: Services
    store: Store
    scan: Scan
    asked: list[tuple[bytes, int]] = field(default_factory=list)
    hurried: list[int] = field(default_factory=list)

    @contextlib.contextmanager
    def slow_disk(self) -> Any:
        """Nothing is committed meanwhile."""
        through = threading.Event()
        self.store._writer.submit(lambda _: through.wait(60))
        try:
            yield
        finally:
            through.set()

    def runner(self) -> Runner:
        dialect = next(d for d in all_dialects() if d.NAME == "openai_chat")
        body = {"model": "h/m", "messages": [{"role": "user", "content": f"Write to {PRIVATE}."}], "max_tokens": 50}
        ask = asked(self.services, dialect.read(json.dumps(body).encode(), {}), {})

        async def send(message: Any) -> None:
            pass

        return Runner(self.services, dialect, ask, "lr-1", send)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
        except asyncio.IncompleteReadError:  # it was opened and nothing was asked: the client had left
            writer.close()
            return
        body = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as other:
            holds = other.execute("SELECT count(*) FROM holds WHERE settled IS NULL").fetchone()[0]
        made.asked.append((body, holds))
        made.hurried.append(scan.hurried)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host = Host("h", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    model = Model("h/m", "h", "m", Price(1_000_000, 2_000_000), 100_000, 4096)
    store = Store.open(tmp_path, key=b"k" * 32, budgets=(1_000_000, None), now=time.time)
    egress = Egress()
    scan: Any = Scan()
    local: Any = NoLocal()
    services = Services(
        recipe=Recipe.model_validate({"name": "t", "route": [{"name": "all", "try": ["asked"]}]}),
        catalogue=Catalogue("v", {"h": host}, {"h/m": model}),
        gates=all_gates(),
        wires=all_wires(),
        store=store,
        inspection=scan,
        local=local,
        egress=egress,
        secret=b"s" * 32,
        texts="veiled",
        keep=Keep(days=1, max_bytes=1 << 30),
    )
    made = World(services, store, scan)
    # Known from here on, so that only the reservation waits for the writer.
    await store.ledger.budgets("default")
    yield made
    await services.drain(10)
    await egress.close()
    server.close()
    await server.wait_closed()
    store.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.005)


def made(runner: Runner) -> bool:
    coming = runner._calling._coming
    return coming is not None and coming.done()


async def test_a_request_is_made_meanwhile_and_sent_after_its_reservation(world: World) -> None:
    runner = world.runner()
    await world.store.ledger.density(runner.ask.session)
    with world.slow_disk():
        running = asyncio.create_task(runner.run())
        await until(lambda: made(runner))
        assert not world.asked and not runner.story.attempts, "it is ready, and not one byte of it is sent"
        assert world.scan.hurried == 1, "no scan for the record takes its processor"
    assert await running == "done"
    ((body, holds),) = world.asked
    assert world.hurried == [0], "nor must one wait for a host that thinks"
    assert holds == 1, "the host is asked when another process can read the hold"
    assert PRIVATE.encode() not in body
    day, _ = await world.store.ledger.budgets("default")
    assert (day.held, day.spent) == (0, 9 + 2 * 2)


async def test_what_was_made_for_a_call_that_is_denied_is_neither_sent_nor_said_to_be(world: World) -> None:
    runner = world.runner()
    await world.store.ledger.density(runner.ask.session)
    with world.slow_disk():
        running = asyncio.create_task(runner.run())
        await until(lambda: made(runner))
        world.store.ledger.limit((1, None))  # another request took what was left
    assert await running in ("failed", "refused")
    assert runner.error is not None and runner.error.code == "budget_exceeded"
    assert not world.asked and runner.story.veiled is None and not runner.story.attempts


async def test_a_client_that_leaves_before_its_reservation_is_there_is_settled(world: World) -> None:
    runner = world.runner()
    await world.store.ledger.density(runner.ask.session)
    with world.slow_disk():
        running = asyncio.create_task(runner.run())
        await until(lambda: made(runner))
        runner.leave()
    assert await running == "client_gone"
    day, _ = await world.store.ledger.budgets("default")
    assert day.held == 0
