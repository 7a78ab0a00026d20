"""Several engines within a budget of memory: real processes with tiny models."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localrouter.config.settings import Local
from localrouter.core.errors import LocalUnavailable
from localrouter.daemon.engines import Engines
from localrouter.daemon.local import LocalLane
from localrouter.engine.fit import Wish, fit
from localrouter.engine.gguf_header import read_header
from localrouter.engine.machine import Machine, machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import tiny_gguf

pytestmark = pytest.mark.anyio
HI = [{"role": "user", "content": "hi"}]
SET = Local(ctx=1024, threads=1, slots=2)
LARGE = Machine(total=64_000_000_000, available=60_000_000_000, logical=2, physical=2, fast=2)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    return [tiny_gguf.build(tmp_path / f"m{n}.gguf", seed=n) for n in range(3)]


class Pool:
    """Engines on a machine whose free memory the test sets."""

    def __init__(self) -> None:
        self.machine = LARGE
        self.engines = Engines(SET, look=lambda devices: self.machine)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    made = Pool()
    yield made
    await made.engines.stop()


async def load(engines: Engines, path: Path) -> int:
    async with engines.lease(path.stem, path) as engine:
        assert engine.child is not None and engine.child.pid is not None
        return engine.child.pid


def loaded(rows: list[dict[str, Any]]) -> list[str]:
    return [r["model"] for r in rows if r["loaded"]]


async def test_many_ask_for_one_and_it_is_loaded_once(pool: Pool, models: list[Path]) -> None:
    pids = await asyncio.gather(*(load(pool.engines, models[0]) for _ in range(6)))
    assert len(set(pids)) == 1
    (row,) = await pool.engines.state()
    assert row["loads"] == 1 and row["slots"] == 2 and row["users"] == 0 and row["resident"] > 1e6


async def test_the_budget_unloads_the_longest_idle_and_never_one_at_work(models: list[Path]) -> None:
    each = fit(read_header(models[0]), LARGE, Wish(ctx=1024, threads=1, slots=2), LARGE.available).memory
    engines = Engines(SET.model_copy(update={"memory_gb": 2.5 * each / 1e9}), look=lambda devices: LARGE)
    try:
        await load(engines, models[0])
        await load(engines, models[1])
        await load(engines, models[0])
        assert loaded(await engines.state()) == ["m0", "m1"]
        await load(engines, models[2])
        assert loaded(await engines.state()) == ["m0", "m2"], "m1 was idle for longest"
        async with engines.lease("m0", models[0]), engines.lease("m2", models[2]):
            with pytest.raises(LocalUnavailable, match=r"MB|GB") as caught:
                await load(engines, models[1])
            assert "missing" in caught.value.message and "at work" in caught.value.message and caught.value.do
        assert loaded(await engines.state()) == ["m0", "m2"]
        assert await load(engines, models[1]), "when they are done there is room"
    finally:
        await engines.stop()


async def test_a_model_that_does_not_fit_is_refused_and_tried_again(pool: Pool, models: list[Path]) -> None:
    pool.machine = replace(LARGE, available=5_400_000_000)
    with pytest.raises(LocalUnavailable, match="are missing"):
        await load(pool.engines, models[0])
    assert await pool.engines.state() and not loaded(await pool.engines.state())
    pool.machine = LARGE
    assert await load(pool.engines, models[0]), "memory comes and goes"


async def test_idle_models_are_unloaded_and_come_back(models: list[Path]) -> None:
    engines = Engines(SET.model_copy(update={"idle_minutes": 0.02}), look=lambda devices: LARGE)
    try:
        async with engines.lease("m0", models[0]):
            await asyncio.sleep(2)
            assert loaded(await engines.state()) == ["m0"], "one that is used is not idle"
        for _ in range(100):
            await asyncio.sleep(0.1)
            if not loaded(await engines.state()):
                break
        assert not loaded(await engines.state())
        assert await load(engines, models[0])
        row = (await engines.state())[0]
        assert row["loads"] == 2 and row["deaths"] == 0
    finally:
        await engines.stop()


async def test_a_waiter_that_leaves_undoes_no_load(pool: Pool, models: list[Path]) -> None:
    first = asyncio.create_task(load(pool.engines, models[0]))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(load(pool.engines, models[0]))
    await asyncio.sleep(0.05)
    first.cancel()
    assert await second
    (row,) = await pool.engines.state()
    assert row["users"] == 0 and row["loads"] == 1


async def test_stop_in_the_middle_of_a_load_leaves_no_process(pool: Pool, models: list[Path]) -> None:
    loading = asyncio.create_task(load(pool.engines, models[0]))
    while (engine := pool.engines.of(models[0])) is None or engine.child is None or engine.child.pid is None:
        await asyncio.sleep(0.002)
    assert not engine.up, "its process has begun, and the model is not loaded"
    await pool.engines.stop()
    with pytest.raises((LocalUnavailable, asyncio.CancelledError)):
        await loading
    assert not loaded(await pool.engines.state())
    with pytest.raises(LocalUnavailable):
        await load(pool.engines, models[0])


async def test_one_that_was_killed_at_rest_is_not_noticed(models: list[Path]) -> None:
    lane = LocalLane(Local(model=models[0], ctx=1024, threads=1, slots=4))
    try:
        for _ in range(3):
            assert [c async for c in lane.stream(HI, {"max_tokens": 2})][-1].terminal
            assert lane.pid is not None
            os.kill(lane.pid, signal.SIGKILL)  # the next request is sent before anybody has seen it die
        assert [c async for c in lane.stream(HI, {"max_tokens": 2})][-1].terminal
        assert lane.deaths == 3
    finally:
        await lane.stop()


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
async def test_killed_at_random_moments(kills: int, models: list[Path]) -> None:
    """Every waiting request gets its end or a typed error, and the next request works."""
    draw = random.Random(7)
    lane = LocalLane(Local(model=models[0], ctx=1024, threads=1, slots=4))

    async def run() -> str:
        try:
            last = [c async for c in lane.stream(HI, {"max_tokens": 900})][-1]
        except LocalUnavailable as exc:
            return "died" if exc.status == 503 and exc.message and exc.do else "no word of what to do"
        assert last.terminal
        return "done"

    ends: list[str] = []
    try:
        for _ in range(kills):
            running = [asyncio.create_task(run()) for _ in range(3)]
            await asyncio.sleep(draw.uniform(0, 0.6))
            if lane.pid is not None:
                os.kill(lane.pid, signal.SIGKILL)
            ends += await asyncio.gather(*running)
            chunks = [c async for c in lane.stream(HI, {"max_tokens": 2})]
            assert chunks[-1].terminal, "the next request works"
        assert set(ends) <= {"died", "done"} and ends.count("died") >= kills // 4 and lane.deaths >= kills // 2
        (row,) = await lane.engines.state()
        assert row["users"] == 0 and row["running"] == 0 and row["waiting"] == 0
    finally:
        await lane.stop()


def test_this_machine() -> None:
    now = machine()
    assert 0 < now.available <= now.total and 1 <= now.fast <= now.physical <= now.logical
