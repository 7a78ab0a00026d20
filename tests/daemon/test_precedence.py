"""Who goes next: those who keep a client waiting, and never more than one of the others before them."""

from __future__ import annotations

import asyncio
import random

import pytest

from localrouter.daemon.precedence import Precedence

pytestmark = pytest.mark.anyio


async def test_a_waiting_client_goes_before_the_record() -> None:
    order: list[str] = []
    turns, go = Precedence(2), asyncio.Event()

    async def work(name: str, *, background: bool) -> None:
        async with turns.take(background=background):
            order.append(name)
            await go.wait()
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(work(f"note {n}", background=True)) for n in range(5)]
    await asyncio.sleep(0.01)
    assert order == ["note 0"] and turns.behind == 4, "one room is never the record's"
    tasks += [asyncio.create_task(work(f"client {n}", background=False)) for n in range(3)]
    await asyncio.sleep(0.01)
    assert order == ["note 0", "client 0"]
    go.set()
    await asyncio.gather(*tasks)
    assert order[:4] == ["note 0", "client 0", "client 1", "client 2"] and order[4:] == [f"note {n}" for n in range(1, 5)]


async def test_who_gives_up_leaves_no_gap() -> None:
    turns, draw = Precedence(2), random.Random(1)
    done = at_work = 0

    async def work(background: bool) -> None:
        nonlocal done, at_work
        async with turns.take(background=background):
            at_work += 1
            assert at_work <= 2
            await asyncio.sleep(0)
            at_work -= 1
        done += 1

    tasks = [asyncio.create_task(work(draw.random() < 0.5)) for _ in range(300)]
    for task in draw.sample(tasks, 100):
        await asyncio.sleep(0)
        task.cancel()
    gone = sum(isinstance(r, asyncio.CancelledError) for r in await asyncio.gather(*tasks, return_exceptions=True))
    assert done + gone == 300 and gone > 0 and turns.behind == 0
    async with asyncio.timeout(60), turns.take(), turns.take(background=True):
        pass


async def test_the_short_gaps_between_requests_are_the_client_s() -> None:
    order: list[str] = []
    turns = Precedence(2, rest_s=2.0, patience_s=300.0)

    async def work(name: str, *, background: bool = False) -> None:
        async with turns.take(background=background):
            order.append(name)
            await asyncio.sleep(0.001)

    await work("first")
    note = asyncio.create_task(work("note", background=True))
    for n in range(10):
        await work(f"client {n}")
        await asyncio.sleep(0.002)
    assert "note" not in order
    await asyncio.wait_for(note, 60)
    assert order[-1] == "note"


async def test_the_record_gets_its_turn_beside_clients_that_never_rest() -> None:
    turns, went = Precedence(2, rest_s=10.0, patience_s=0.05), 0
    ended = asyncio.Event()

    async def client() -> None:
        while not ended.is_set():
            async with turns.take():
                await asyncio.sleep(0.001)

    async def note() -> None:
        nonlocal went
        async with turns.take(background=True):
            went += 1

    busy = asyncio.create_task(client())
    await asyncio.sleep(0.01)
    async with asyncio.timeout(60):
        await asyncio.gather(*(note() for _ in range(5)))
    ended.set()
    await busy
    assert went == 5 and turns.behind == 0


async def test_a_client_that_is_served_without_a_room_is_no_gap() -> None:
    order: list[str] = []
    turns = Precedence(2, rest_s=0.01, patience_s=300.0)

    async def note() -> None:
        async with turns.take(background=True):
            order.append("note")

    with turns.serving():
        task = asyncio.create_task(note())
        with turns.serving():
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.05)
        assert not order, "one of them is still served"
    await asyncio.wait_for(task, 60)
    assert order == ["note"]


async def test_the_record_gets_its_turn_beside_clients_that_are_always_served() -> None:
    turns = Precedence(2, rest_s=10.0, patience_s=0.05)
    with turns.serving():
        async with asyncio.timeout(60), turns.take(background=True):
            pass


async def test_a_look_that_comes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop's way with what is due within half a millisecond: a handle without a time, called too early."""
    loop, done = asyncio.get_running_loop(), 0
    monkeypatch.setattr(loop, "call_at", lambda at, what: loop.call_soon(what))
    turns = Precedence(2, rest_s=0.05)
    async with turns.take():
        pass

    async def note() -> None:
        nonlocal done
        async with turns.take(background=True):
            done += 1

    await asyncio.gather(*(note() for _ in range(3)))
    assert done == 3 and turns.behind == 0
