"""Many requests at once in the engine's process: nobody hears another, a long prompt holds nobody up, a cancel frees at once.

The model is one whose answers the tests taught it (`tiny_chat.trained`), so that greedy answers have clear margins and depend on the
whole prompt: a token of a neighbour in a sequence would change the words.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import tiny_chat
from engine_process import Engine, Heard

MARGIN = 1e-2
"""Of two logits: where the best two are closer, which of them wins may depend on who else is in the batch."""
ROUNDING = {"flash": 0.3, "kv_type": 0.6}
"""The same where more is rounded: flash attention on a CPU (see `context.FLASH`), keys and values in 8 bits."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "trained": tiny_chat.build("trained", folder / "trained.gguf"),
        "wide": tiny_chat.build("random", folder / "wide.gguf", dim=192, layers=4, inner=512),
        "recurrent": tiny_chat.build("recurrent", folder / "recurrent.gguf"),
    }


@pytest.fixture(scope="module")
def engine(models: dict[str, Path]) -> Iterator[Engine]:
    e = Engine(models["trained"], ctx=8192, slots=8)
    yield e
    e.close()


def asks(draw: random.Random, count: int) -> list[dict[str, Any]]:
    """Songs that were taught, and texts that were not; some begin alike."""
    heads = ["", "Please sing this: ", "Here is a long introduction that several requests share. " * 8]
    out = []
    for _ in range(count):
        text = draw.choice(heads) + f"song {draw.randrange(tiny_chat.SONGS)}"
        out.append({"text": text, "max_tokens": draw.choice([5, 25, 60]), "temperature": 0, "logprobs": True, "top_logprobs": 2})
    return out


def certain(heard: Heard, margin: float = MARGIN) -> list[str]:
    """The tokens up to the first whose margin is too small to rely on."""
    out = []
    for token in heard.tokens:
        best = [t["logprob"] for t in token["top_logprobs"]]
        if best[0] - best[1] < margin:
            break
        out.append(token["token"])
    return out


def talk(engine: Engine, seconds: float, draw: random.Random, *, margin: float = MARGIN, streams: int = 8) -> int:
    """Keep `streams` requests going and cancel some. Returns how many were compared with the same request alone."""
    questions = asks(draw, 24)
    alone = [engine.finish(engine.start(**q))[0] for q in questions]
    assert sum(len(certain(a, margin)) for a in alone) > 0.4 * sum(len(a.tokens) for a in alone), "the model is decisive"
    heard: dict[int, Heard] = {}
    which: dict[int, int] = {}
    compared = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until or which:
        while len(which) < streams and time.monotonic() < until:
            n = draw.randrange(len(questions))
            ident = engine.start(**questions[n])
            heard[ident], which[ident] = Heard(), n
        frame = engine.hear(heard)
        if draw.random() < 0.02 and which:
            engine.cancel(draw.choice(list(which)))
        ident = frame["id"]
        if "end" not in frame:
            continue
        got, expected = heard.pop(ident), alone[which.pop(ident)]
        assert "error" not in frame, frame
        sure = certain(expected, margin)
        words = [t["token"] for t in got.tokens]
        if frame["finish"] != "cancelled":
            assert len(words) == len(expected.tokens) and frame["usage"]["output"] == expected.end["usage"]["output"]  # type: ignore[index]
        assert words[: len(sure)] == sure[: len(words)]
        for a, b in zip(got.tokens[: len(sure)], expected.tokens, strict=False):
            assert abs(a["logprob"] - b["logprob"]) < margin
        compared += 1
    return compared


def test_the_model_sings_what_it_was_taught(engine: Engine) -> None:
    idents = [engine.start(f"song {n}", max_tokens=30, temperature=0) for n in range(tiny_chat.SONGS)]
    for n, heard in enumerate(engine.finish(*idents)):
        assert heard.text == "".join(tiny_chat.song(n))


def test_eight_streams_do_not_hear_each_other(engine: Engine) -> None:
    assert talk(engine, 4.0, random.Random(1)) >= 10
    status = engine.status()
    assert status["running"] == status["waiting"] == 0 and status["used"] <= status["cells"]


def test_a_model_that_cannot_be_cut(models: dict[str, Path]) -> None:
    e = Engine(models["recurrent"], ctx=2048, slots=4)
    head = "an introduction of some length that comes first each time " * 6
    kw: dict[str, Any] = {"max_tokens": 12, "temperature": 0, "logprobs": True, "top_logprobs": 2}
    first = e.finish(e.start(head + "one", **kw))[0]
    e.finish(e.start(head + "two", **kw))
    third = e.finish(*(e.start(head + word, **kw) for word in ("three", "four", "one")))
    cached = [h.end["usage"]["cached"] for h in third if h.end]
    assert max(cached) > 50, "the shared beginning is read once it is known to be shared"
    sure = certain(first)
    assert [t["token"] for t in third[2].tokens][: len(sure)] == sure
    e.close()


def test_a_prefix_that_idles_is_put_away_and_comes_back(models: dict[str, Path]) -> None:
    e = Engine(models["trained"], ctx=4096, slots=2)
    kw: dict[str, Any] = {"max_tokens": 30, "temperature": 0, "logprobs": True, "top_logprobs": 2}
    long = "Here is a long introduction that several requests share. " * 40
    first = e.finish(e.start(long + "song 1", **kw))[0]
    other = e.finish(e.start("song 2", **kw))[0]
    assert e.status()["stashed"] > 300 and e.status()["kept"] < 200
    again = e.finish(e.start(long + "song 1", **kw))[0]
    assert again.end is not None and again.end["usage"]["cached"] > 0.9 * again.end["usage"]["input"]
    assert again.text == first.text and other.text == "".join(tiny_chat.song(2))
    for a, b in zip(again.tokens, first.tokens, strict=True):
        assert abs(a["logprob"] - b["logprob"]) < MARGIN, "what was put away is what was read"
    e.close()
    without = Engine(models["trained"], ctx=4096, slots=2, stash=0)
    without.finish(without.start(long + "song 1", **kw))
    without.finish(without.start("song 2", **kw))
    assert without.status()["stashed"] == 0 and without.status()["kept"] > 300
    without.close()


def test_an_answer_goes_on_while_a_long_prompt_is_read(models: dict[str, Path]) -> None:
    e = Engine(models["wide"], ctx=8192, slots=2)
    first = len(tiny_chat.tokenizer()[0])
    ends = {str(first + n): -100 for n in range(len(tiny_chat.SPECIAL))}
    running = e.start("hello", max_tokens=3000, temperature=0.7, seed=1, logit_bias=ends)
    heard = {running: Heard()}
    while len(heard[running].times) < 20:
        e.hear(heard)
    pace = sorted(b - a for a, b in zip(heard[running].times, heard[running].times[1:], strict=False))
    long = e.start("word " * 4000, max_tokens=1)
    heard[long] = Heard()
    began, before = time.monotonic(), len(heard[running].times)
    e.finish(long, into=heard)
    took = time.monotonic() - began
    during = [t for t in heard[running].times[before:] if t >= began]
    gaps = [b - a for a, b in zip([began, *during], during, strict=False)]
    assert len(during) >= 8, "a token for each piece of the prompt"
    assert max(gaps) < max(1.0, 20 * pace[len(pace) // 2]) and max(gaps) < took / 2
    assert heard[long].end is not None and heard[long].end["usage"]["input"] > 4000
    e.cancel(running)
    e.finish(running, into=heard)
    e.close()


def test_cancel_frees_the_slot(models: dict[str, Path]) -> None:
    e = Engine(models["wide"], ctx=16384, slots=1, batch=512)
    long = e.start("word " * 12000, max_tokens=5)
    waiting = e.start("hello", max_tokens=2)
    time.sleep(0.2)
    began = time.monotonic()
    e.cancel(long)
    first, second = e.finish(long, waiting)
    assert first.end and first.end["finish"] == "cancelled" and first.end["usage"]["output"] == 0
    assert second.end and second.end["finish"] == "length" and time.monotonic() - began < 20
    e.close()


def test_prefixes_are_read_once(engine: Engine) -> None:
    head = "The rules of this house, told at length. " * 30
    one = engine.finish(engine.start(head + "song 1", max_tokens=3, temperature=0))[0]
    two = engine.finish(engine.start(head + "song 2", max_tokens=3, temperature=0))[0]
    assert one.end and two.end
    assert two.end["usage"]["cached"] > 0.9 * two.end["usage"]["input"] and two.end["timings"]["prompt_ms"] >= 0
    running = engine.start(head + "song 1", max_tokens=400, temperature=0)
    heard = {running: Heard()}
    while not heard[running].text:
        engine.hear(heard)
    beside = engine.start(head + "song 3", max_tokens=3, temperature=0)
    heard[beside] = Heard()
    engine.finish(beside, into=heard)
    assert heard[beside].end["usage"]["cached"] > 200, "also from a sequence that is running"  # type: ignore[index]
    engine.cancel(running)
    engine.finish(running, into=heard)


def test_choices(engine: Engine) -> None:
    ident = engine.start("song 1", n=3, max_tokens=8, temperature=8, seed=11, top_k=0, top_p=1, min_p=0)
    (heard,) = engine.finish(ident)
    texts = {c: "".join(f.get("delta", "") for f in heard.frames if f.get("choice", 0) == c) for c in range(3)}
    assert len(set(texts.values())) > 1 and all(texts.values())
    assert [f["finish"] for f in heard.frames if "finish" in f] == ["length"] * 3
    assert heard.end and heard.end["usage"]["output"] == 24
    again = engine.finish(engine.start("song 1", n=3, max_tokens=8, temperature=8, seed=11, top_k=0, top_p=1, min_p=0))[0]
    assert "".join(f.get("delta", "") for f in again.frames if not f.get("choice")) == texts[0]


def test_logprobs_have_openais_shape(engine: Engine) -> None:
    (heard,) = engine.finish(engine.start("song 4", max_tokens=6, temperature=0, logprobs=True, top_logprobs=3))
    assert len(heard.tokens) == 6 and "".join(t["token"] for t in heard.tokens) == heard.text
    for token in heard.tokens:
        assert bytes(token["bytes"]).decode() == token["token"] and len(token["top_logprobs"]) == 3
        assert token["top_logprobs"][0]["logprob"] == token["logprob"] <= 0.0
        assert sorted((t["logprob"] for t in token["top_logprobs"]), reverse=True) == [
            t["logprob"] for t in token["top_logprobs"]
        ]
    (plain,) = engine.finish(engine.start("song 4", max_tokens=6, temperature=0))
    assert not plain.tokens and plain.text == heard.text
    assert plain.end and plain.end["confidence"]["measured"] == 6 and plain.end["confidence"]["margin_min"] > 5


def test_penalties_and_biases_change_what_is_said(engine: Engine) -> None:
    said = engine.finish(engine.start("song 5", max_tokens=30, temperature=0))[0]
    words = said.text.split()
    once = engine.finish(engine.start("song 5", max_tokens=11, temperature=0, presence_penalty=10, frequency_penalty=10))[0]
    assert len(set(once.text.split())) == 11 and words[:9] == once.text.split()[:9]
    tokens, _ = tiny_chat.tokenizer()
    never = {str(tokens.index("\u0120" + words[0])): -100}
    assert words[0] not in engine.finish(engine.start("song 5", max_tokens=10, temperature=0, logit_bias=never))[0].text.split()


def test_fill_in_the_middle(engine: Engine) -> None:
    ident = engine.send(op="fill", prefix="def f(x):\n    ", suffix="\n    return y", max_tokens=4, temperature=0)
    (heard,) = engine.finish(ident)
    assert heard.text and heard.end and heard.end["usage"]["output"] <= 4
    (bad,) = engine.finish(engine.send(op="fill", prefix=7))
    assert bad.end and bad.end["code"] == "bad_request"


def test_a_self_check_reads_one_row(engine: Engine) -> None:
    asked = [{"role": "user", "content": "song 1"}]
    (heard,) = engine.finish(engine.send(op="check", messages=asked, answer="red green"))
    assert heard.end and 0.0 <= heard.end["yes"] <= 1.0 and heard.end["usage"]["output"] == 0 and not heard.text
    (bad,) = engine.finish(engine.send(op="check", messages=asked))
    assert bad.end and bad.end["code"] == "bad_request"


def test_a_full_queue_says_so(models: dict[str, Path]) -> None:
    e = Engine(models["trained"], ctx=2048, slots=1, queue=2)
    first = e.start("song 1", max_tokens=1500)
    heard = {first: Heard()}
    while not heard[first].text:
        e.hear(heard)
    more = [e.start(f"song {n}", max_tokens=2) for n in range(4)]
    heard |= {i: Heard() for i in more}
    e.finish(*more[2:], into=heard)
    for ident in more[2:]:
        assert heard[ident].end["code"] == "busy" and "2 waiting" in heard[ident].end["error"]  # type: ignore[index]
    e.cancel(first)
    assert all(h.end and "finish" in h.end for h in e.finish(first, *more[:2], into=heard))
    e.close()


def test_the_background_gives_way(models: dict[str, Path]) -> None:
    e = Engine(models["trained"], ctx=4096, slots=1)
    slow = e.start("song 1", max_tokens=300, temperature=0, priority="background")
    heard = {slow: Heard()}
    while len(heard[slow].times) < 5:
        e.hear(heard)
    quick = e.start("song 2", max_tokens=10, temperature=0)
    heard[quick] = Heard()
    e.finish(quick, into=heard)
    assert heard[slow].end is None and heard[quick].text == "".join(tiny_chat.song(2)[:10])
    e.finish(slow, into=heard)
    alone = e.finish(e.start("song 1", max_tokens=300, temperature=0))[0]
    assert heard[slow].text.split()[:30] == alone.text.split()[:30] and heard[slow].end["usage"]["output"] == 300  # type: ignore[index]
    e.close()


def test_more_streams_than_the_memory_holds(models: dict[str, Path]) -> None:
    e = Engine(models["trained"], ctx=512, slots=4)
    idents = [e.start(f"song {n}", max_tokens=200, temperature=0) for n in range(4)]
    for n, heard in enumerate(e.finish(*idents)):
        assert heard.end and heard.end["finish"] == "length" and heard.end["usage"]["output"] == 200
        assert heard.text.startswith("".join(tiny_chat.song(n)))
    full = e.finish(e.start("song 1", temperature=0))[0]
    assert full.end and full.end["finish"] == "length" and sum(full.end["usage"][k] for k in ("input", "output")) == 512
    over = e.finish(e.start("word " * 600))[0]
    assert (
        over.end
        and over.end["code"] == "context_length_exceeded"
        and over.end["limit"] == 511
        and "context takes 511" in over.end["error"]
    )
    e.close()


def test_at_rest_it_takes_no_processor(engine: Engine) -> None:
    engine.finish(engine.start("song 1", max_tokens=5))
    time.sleep(0.5)
    process = psutil.Process(engine.proc.pid)
    before = sum(process.cpu_times()[:2])
    time.sleep(1.5)
    assert sum(process.cpu_times()[:2]) - before <= 0.02


def test_nothing_that_is_sent_ends_the_process(engine: Engine) -> None:
    bad: list[dict[str, Any]] = [
        {"op": "chat"}, {"op": "chat", "messages": 5}, {"op": "chat", "messages": [7]}, {"op": "chat", "messages": []},
        {"op": "nothing"}, {"op": "chat", "messages": [{"role": "user", "content": "x"}], "n": 0},
        {"op": "chat", "messages": [{"role": "user", "content": "x"}], "stop": {"a": 1}, "max_tokens": "many"},
        {"op": "chat", "messages": [{"role": "user", "content": "x"}], "tools": "all"},
        {"op": "chat", "messages": [{"role": "user", "content": "x"}], "grammar": {"kind": "music", "value": 1}},
        {"op": "chat", "messages": [{"role": "user", "content": "x"}], "grammar": {"kind": "regex", "value": "("}},
        {"op": "chat", "messages": [{"role": "user", "content": "x"}], "top_logprobs": 99, "logprobs": True},
        {"op": "fill"},
    ]  # fmt: skip
    for message in bad:
        (heard,) = engine.finish(engine.send(**message))
        assert heard.end and heard.end["code"] == "bad_request" and len(heard.end["error"]) > 10, message
    engine.cancel(10**9)
    assert engine.finish(engine.start("song 1", max_tokens=3, temperature=0))[0].text == "".join(tiny_chat.song(1)[:3])


@pytest.mark.parametrize("options", [{"flash": "on"}, {"kv_type": "q8_0"}])
def test_nor_with_other_memories(models: dict[str, Path], options: dict[str, str]) -> None:
    e = Engine(models["trained"], ctx=4096, slots=8, **options)
    assert talk(e, 1.5, random.Random(3), margin=ROUNDING[next(iter(options))]) >= 3
    e.close()


@pytest.mark.long
def test_ten_minutes_of_eight_streams(models: dict[str, Path]) -> None:
    """No leak: memory, descriptors, slots, cells. SOAK: seconds, 600 by default."""
    e = Engine(models["trained"], ctx=8192, slots=8)
    process, draw = psutil.Process(e.proc.pid), random.Random(2)
    talk(e, 30, draw)
    start, files = process.memory_info().rss, process.num_fds()
    rss = []
    until = time.monotonic() + float(os.environ.get("SOAK", "600"))
    compared = 0
    while time.monotonic() < until:
        compared += talk(e, 30, draw)
        rss.append(process.memory_info().rss)
        status = e.status()
        assert status["running"] == status["waiting"] == 0 and process.num_fds() == files
    half = len(rss) // 2
    growth = (sum(rss[half:]) / len(rss[half:]) - sum(rss[:half]) / max(1, half)) if half else rss[-1] - start
    assert growth < 4 << 20, f"{growth / 2**20:.1f} MiB more in the second half, {compared} answers"
    e.close()
