"""Texts for the record: so much waits for its scan and no more, and what is not recorded is told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from localrouter.core.ask import Leaf
from localrouter.core.errors import PrivacyUnsure
from localrouter.core.keeping import Texts
from localrouter.daemon import verdicts
from localrouter.daemon.inspecting import BEHIND, BEHIND_BYTES, Inspection
from localrouter.daemon.recorded import Answer
from localrouter.daemon.services import Services
from localrouter.scrub.tokens import Minter

pytestmark = pytest.mark.anyio
KEY = b"k" * 32


def leaf(text: str) -> Leaf:
    return Leaf(("answer",), text, "assistant", "content")


async def noted(own: Inspection, text: str, as_: Texts = "veiled") -> dict[str, Any]:
    record: dict[str, Any] = {"answer": "", "explain": "It cost nothing."}
    services = cast("Services", SimpleNamespace(inspection=own, secret=KEY))
    await Answer(text, as_, [], Minter(KEY, "c", "", "")).into(record, services)
    return record


async def test_so_many_texts_wait_and_no_more() -> None:
    own = Inspection(KEY, {})
    try:
        assert own.room(10 * BEHIND_BYTES), "one alone always may"
        said = await noted(own, "write to jane@roe.org")
        assert "jane" not in said["answer"] and said["answer"].startswith("write to u") and "not_scanned" not in said
        waiting = [asyncio.create_task(own.inspect([leaf(f"text {n}")], background=True)) for n in range(BEHIND)]
        await asyncio.sleep(0)
        assert not own.room(1)
        for as_ in ("veiled", "hashed"):
            told = await noted(own, "write to joe@doe.net", as_)
            assert told["not_scanned"] == ["answer"] and "not in this record: too many texts waited" in told["explain"]
            assert "joe" not in str(told) and "answer_hashed" not in told
            assert told["answer"].startswith("(not recorded: too many") == (as_ == "veiled")
        assert (await noted(own, "write to jane@roe.org"))["answer"] == said["answer"], "what was seen before need not wait"
        await asyncio.gather(*waiting)
        assert own.room(1)
    finally:
        await own.stop()


async def test_so_much_text_waits_and_no_more() -> None:
    own = Inspection(KEY, {})
    try:
        long = "x = 1\n" * (BEHIND_BYTES // 6)
        waiting = asyncio.create_task(own.inspect([leaf(long)], background=True))
        await asyncio.sleep(0)
        assert not own.room(1000) and own.room(BEHIND_BYTES - len(long))
        await waiting
        assert own.room(1000)
    finally:
        await own.stop()


async def test_at_the_end_what_waits_is_told_and_nobody_is_started_again() -> None:
    own = Inspection(KEY, {})
    await own.inspect([leaf("hello")])
    waiting = [asyncio.create_task(own.inspect([leaf(f"text {n} " * 300)], background=True)) for n in range(20)]
    while own.room(BEHIND_BYTES):
        await asyncio.sleep(0)
    await own.stop()
    async with asyncio.timeout(30):
        ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(end, (PrivacyUnsure, list)) for end in ends) and any(isinstance(end, PrivacyUnsure) for end in ends)
    assert own.child.pid is None and own.room(1)


def test_the_encoder_need_not_read_the_canary() -> None:
    """Detectors are loaded in a process of their own, as in the inspector."""
    texts = [verdicts.canary() for _ in range(50)]
    code = f"from localrouter.scrub.detectors import encoder; print(sum(map(len, (encoder._passages(t, '') for t in {texts!r}))))"
    said = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert said.stdout.split() == ["0"]
