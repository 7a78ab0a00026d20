"""The local lane over a real engine process with a tiny model."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from localrouter.config.paths import Paths
from localrouter.config.settings import Local
from localrouter.core.errors import BadRequest, ContextTooLong, LocalUnavailable
from localrouter.daemon.coalescing import Shared
from localrouter.daemon.local import CannotFill, LocalLane

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
import tiny_chat
import tiny_gguf

pytestmark = pytest.mark.anyio
HI = [{"role": "user", "content": "hi"}]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalLane]:
    monkeypatch.setenv("OPENAI_API_KEY", "-".join(["sk", "test", "1" * 20]))
    made = LocalLane(Local(model=tiny_gguf.build(tmp_path / "tiny.gguf"), ctx=32768, threads=1))
    yield made
    await made.stop()


async def test_streams_chunks_and_ends(lane: LocalLane) -> None:
    assert lane.available and lane.why_not == ""
    chunks = [c async for c in lane.stream(HI, {"max_tokens": 20, "seed": 3, "unknown": 1})]
    assert "".join(p.text for c in chunks for p in c.pieces)
    last = chunks[-1]
    assert last.terminal and last.finish == {0: "length"} and last.usage is not None and last.usage.output == 20
    assert not any(c.terminal for c in chunks[:-1]) and lane.context == 32768 and lane.name == "tiny"
    environ = Path(f"/proc/{lane.pid}/environ").read_bytes()
    assert b"sk-test" not in environ and b"API_KEY" not in environ


async def test_closing_cancels_soon(lane: LocalLane) -> None:
    async with aclosing(lane.stream(HI, {"max_tokens": 30000})) as chunks:
        async for _ in chunks:
            break
    began = time.monotonic()
    assert [c async for c in lane.stream(HI, {"max_tokens": 1})][-1].terminal
    assert time.monotonic() - began < 10 and lane.deaths == 0, "30,000 tokens take longer"


async def test_kill_in_mid_stream_is_typed_and_the_next_request_works(lane: LocalLane) -> None:
    with pytest.raises(LocalUnavailable) as caught:
        async for _ in lane.stream(HI, {"max_tokens": 30000}):
            if lane.deaths == 0 and lane.pid is not None:
                os.kill(lane.pid, signal.SIGKILL)
    assert caught.value.status == 503 and caught.value.do
    assert [c async for c in lane.stream(HI, {"max_tokens": 2})][-1].terminal
    assert lane.deaths == 1


async def test_errors_of_the_request(lane: LocalLane) -> None:
    with pytest.raises(ContextTooLong):
        _ = [c async for c in lane.stream([{"role": "user", "content": "word " * 40000}], {})]
    with pytest.raises(BadRequest):
        _ = [c async for c in lane.stream(HI, {"temperature": "hot"})]
    assert [c async for c in lane.stream(HI, {"max_tokens": 2})][-1].terminal


async def test_tool_pieces(lane: LocalLane) -> None:
    schema = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"], "additionalProperties": False}
    tool = {"type": "function", "function": {"name": "go", "parameters": schema}}
    chunks = [
        c
        async for c in lane.stream(
            HI, {"max_tokens": 300, "tools": [tool], "tool_choice": "required", "parallel_tool_calls": False}
        )
    ]
    (piece,) = [p for c in chunks for p in c.pieces]
    assert piece.channel.kind == "tool" and piece.tool == "go" and piece.call_id and piece.text.startswith("{")
    assert chunks[-1].finish == {0: "tool_calls"}


async def test_no_model_and_a_bad_model(tmp_path: Path) -> None:
    none = LocalLane()
    assert not none.available and "localrouter up --local" in none.why_not and "models use" in none.why_not
    with pytest.raises(LocalUnavailable):
        _ = [c async for c in none.stream(HI, {})]
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"not a model")
    lane = LocalLane(Local(model=bad))
    for _ in range(8):
        with pytest.raises(LocalUnavailable, match="not a GGUF"):
            await lane.start_if_needed()
    assert not lane.available and lane.deaths == 0, "no process was started for it"
    tiny_gguf.build(bad)
    assert lane.available, "another file is looked at again"
    await lane.start_if_needed()
    await lane.stop()


async def test_several_answers_with_what_their_tokens_were_worth(lane: LocalLane) -> None:
    told: list[dict[str, object]] = []
    ask = {"max_tokens": 6, "n": 2, "logprobs": True, "top_logprobs": 2, "seed": 1, "temperature": 1.0}
    chunks = [c async for c in lane.stream(HI, ask, told=lambda reply: told.append(dict(reply)))]
    for choice in (0, 1):
        worth = [row for c in chunks for p in c.pieces if p.channel.choice == choice for row in p.logprobs]
        assert 1 <= len(worth) <= 6 and all(row["logprob"] <= 0 and len(row["top_logprobs"]) == 2 for row in worth)
    assert set(chunks[-1].finish) == {0, 1} and not any(c.finish for c in chunks[:-1])
    assert told[0]["confidence"]["tokens"] >= 1 and "prompt_ms" in told[0]["timings"]  # type: ignore[operator,index]


async def test_samples_and_the_models_own_word(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    model = tiny_chat.build("trained", tmp_path / "trained.gguf")
    sure = LocalLane(Local(model=model, ctx=2048, threads=1, samples=3, self_check=True))
    try:
        ask = {"max_tokens": 30, "temperature": 0}
        message = [{"role": "user", "content": "song 1"}]
        chunks = [c async for c in sure.stream(message, ask, told=lambda reply: told.append(dict(reply)))]
    finally:
        await sure.stop()
    assert {p.channel.choice for c in chunks for p in c.pieces} == {0}, "nobody sees the samples"
    assert "".join(p.text for c in chunks for p in c.pieces) == "".join(tiny_chat.song(1))
    confidence = told[0]["confidence"]
    assert confidence["agreement"] == {"samples": 4.0, "share": 1.0, "overlap": 1.0}, "it was taught one song"
    assert 0 <= confidence["self_check"] <= 1
    assert told[0]["usage"]["output"] <= 30


async def test_a_name_of_the_shelf_and_a_fill(tmp_path: Path) -> None:
    paths = Paths(config=tmp_path / "config", state=tmp_path / "state")
    paths.ensure()
    folder = paths.state / "models"
    folder.mkdir()
    tiny_chat.random(folder / "fills.gguf")
    chat = tiny_gguf.build(tmp_path / "chat.gguf")
    lane = LocalLane(Local(model=chat, ctx=2048, threads=1), paths)
    await lane.look()
    try:
        assert set(lane.targets) >= {"local:fills.gguf", "local:fim"} and lane.chats("local:fills.gguf")
        text = "".join([t async for t in lane.fill({"prefix": "def f(", "suffix": "):\n", "max_tokens": 4})])
        assert text
        assert [c async for c in lane.stream(HI, {"max_tokens": 2}, "local:fills.gguf")][-1].terminal
        rows = await lane.engines.state()
        assert [(r["model"], r["loads"]) for r in rows] == [("fills", 1)], "one file is one engine, by whatever name"
        with pytest.raises(CannotFill):
            _ = [t async for t in lane.fill({"prefix": "a", "suffix": "b"}, "local:chat")]
        for name in ("local:nothing", f"local:{chat}"):
            with pytest.raises(LocalUnavailable, match="no such model"):
                await lane.start_if_needed(name)
    finally:
        await lane.stop()


async def test_a_client_that_leaves_an_answer_of_this_machine_is_not_waited_for() -> None:
    """At a host it may come again within GRACE_S, and be told what was paid for; here others may wait for its slot."""

    async def nowhere(_: Any) -> None:
        """Takes what is said."""

    async def there() -> dict[str, Any]:
        return {"type": "http.request"}

    for here in (True, False):
        left: list[bool] = []
        shared = Shared(nowhere, there, lambda left=left: left.append(True), lambda here=here: here)
        await shared.send({"type": "http.response.body", "body": b"so far", "more_body": True})
        shared.first_gone()
        assert bool(left) is here and shared.given_up is here


async def test_a_long_prompt_is_counted_before_a_model_is_loaded_for_it(tmp_path: Path) -> None:
    lane = LocalLane(Local(model=tiny_gguf.build(tmp_path / "tiny.gguf"), ctx=512, threads=1))
    try:
        for text, fits in ((" request" * 450, True), (" request" * 600, False), ("\u00e9" * 600, False)):
            said = [{"role": "user", "content": text}]
            if fits:
                await lane.ready(said, {"max_tokens": 4})
                assert lane.pid is not None
                await lane.engines.stop()
                lane = LocalLane(Local(model=tmp_path / "tiny.gguf", ctx=512, threads=1))
                continue
            with pytest.raises(ContextTooLong) as caught:
                await lane.ready(said, {"max_tokens": 4})
            assert lane.pid is None, "no weights were read"
            limit, tokens = (int(n) for n in re.findall(r"\d+", caught.value.message))
            assert limit == 508 < tokens
    finally:
        await lane.stop()
