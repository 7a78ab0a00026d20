"""Models whose memory is no plain KV cache, under the scheduler: whatever was kept, cut, copied, put away, evicted or cancelled before, the
logits of each step are those of the same tokens read alone into an empty memory.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import tiny_kinds

from localrouter.engine.batching import TAIL, Batcher
from localrouter.engine.context import Context, Model, Settings
from localrouter.engine.memory import Outcome, Part

NEAR = 1e-2
"""Of two logits that should be equal, with keys and values in f32; their spread is 3. What is left is the order of sums, which who else is
in the memory decides."""
PLAIN: dict[str, Any] = {"ctx": 512, "slots": 3, "kept": 6, "threads": 1, "batch": 64, "kv_type": "f32"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Model]]:
    folder = tmp_path_factory.mktemp("kinds")
    made = {kind: Model(tiny_kinds.build(kind, folder / f"{kind}.gguf")) for kind in tiny_kinds.KINDS}
    yield made
    for model in made.values():
        model.close()


class Alone:
    """The same tokens in a memory that holds nothing else."""

    def __init__(self, model: Model) -> None:
        self._context = Context(model, Settings(ctx=1024, slots=1, kept=0, threads=1, batch=256, kv_type="f32"))

    def rows(self, prompt: Sequence[int], said: Sequence[int]) -> list[np.ndarray]:
        """The logits behind the prompt and behind each token that was said but the last."""
        assert self._context.keep(0, 0)
        tokens, out = list(prompt), []
        for start in range(0, len(tokens), 256):
            part = tokens[start : start + 256]
            assert self._context.decode([Part(0, start, part, wanted=start + 256 >= len(tokens))]) is Outcome.DONE
        out.append(self._context.row(0).logits.copy())
        for token in said[:-1]:
            assert self._context.decode([Part(0, len(tokens), [token], wanted=True)]) is Outcome.DONE
            tokens.append(token)
            out.append(self._context.row(0).logits.copy())
        return out

    def close(self) -> None:
        self._context.close()


class Greedy:
    """A request whose answer is the likeliest token each time."""

    def __init__(self, key: int, prompt: Sequence[int], count: int, *, interactive: bool = True) -> None:
        self.key, self.count, self.interactive = key, count, interactive
        self.prompt: Sequence[int] = list(prompt)
        self.said: list[int] = []
        self.rows: list[np.ndarray] = []
        self.cached = -1
        self.end = ""

    def began(self, cached: int) -> None:
        self.cached = cached

    def progress(self, done: int, total: int) -> None:
        pass

    def take(self, row: Any) -> Sequence[int]:
        self.rows.append(row.logits.copy())
        self.said.append(int(np.argmax(row.logits)))
        if len(self.said) < self.count:
            return self.said[-1:]
        self.end = "done"
        return []

    def failed(self, error: Exception) -> None:
        self.end = f"failed: {error}"

    def cancelled(self) -> None:
        self.end = "cancelled"


class Lane:
    """A scheduler over a model, and the same model alone."""

    def __init__(self, model: Model, **settings: Any) -> None:
        self.context = Context(model, Settings(**(PLAIN | settings)))
        self.alone = Alone(model)
        self.gone: set[int] = set()
        self.batcher = Batcher(self.context, slots=self.context.slots, gone=self.gone.__contains__, stash=self.context.stash)
        self.key = 0

    def start(self, prompt: Sequence[int], count: int, **kw: Any) -> Greedy:
        self.key += 1
        work = Greedy(self.key, prompt, count, **kw)
        self.batcher.submit(work)
        return work

    def run(self) -> None:
        for _ in range(20_000):
            if not self.batcher.step():
                return
        raise AssertionError("it does not end")

    def ask(self, prompt: Sequence[int], count: int = 4) -> Greedy:
        work = self.start(prompt, count)
        self.run()
        return self.checked(work)

    def checked(self, work: Greedy) -> Greedy:
        assert work.end in ("done", "cancelled"), work.end
        assert work.end == "cancelled" or len(work.said) == work.count
        if work.said:
            for step, (got, expected) in enumerate(zip(work.rows, self.alone.rows(work.prompt, work.said), strict=True)):
                worst = float(np.abs(got - expected).max())
                assert worst < NEAR, (
                    f"step {step} of {len(work.prompt)} + {len(work.said)} tokens, {work.cached} kept: {worst:.3f}"
                )
        return work

    def close(self) -> None:
        self.context.close()
        self.alone.close()


@pytest.fixture
def lane(models: dict[str, Model]) -> Iterator[Callable[..., Lane]]:
    made: list[Lane] = []

    def make(kind: str, **settings: Any) -> Lane:
        made.append(Lane(models[kind], **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def text(count: int, seed: int) -> list[int]:
    return [int(t) for t in np.random.default_rng(seed).integers(0, 2000, count)]


def chats(draw: random.Random) -> list[int]:
    """A prompt that begins like others, to a place that differs."""
    tokens = text(draw.choice([30, 90, 150]), draw.randrange(3))
    if draw.random() < 0.7:
        tokens = [*tokens, *text(draw.choice([1, 8, 40]), 10 + draw.randrange(4))]
    if draw.random() < 0.5:
        tokens = tokens[: draw.randrange(1, len(tokens) + 1)]
    return [*tokens, *text(draw.randrange(1, 12), 100 + draw.randrange(4))]


@pytest.mark.parametrize("kind", tiny_kinds.KINDS)
def test_the_kinds_are_what_they_are_taken_for(lane: Callable[..., Lane], kind: str) -> None:
    made = lane(kind)
    context = made.context
    assert context.cuttable is (kind in tiny_kinds.CUTTABLE)
    assert (context.model.window == tiny_kinds.WINDOW) is (kind.startswith("gemma") or kind.endswith("window"))
    tokens = text(100, 1)
    (plain,) = made.alone.rows(tokens, [0])
    (other,) = made.alone.rows([*tokens[:92], 7, *tokens[93:]], [0])
    assert np.abs(plain - other).max() > 10 * NEAR, "a wrong token is seen"


@pytest.mark.parametrize("kind", tiny_kinds.KINDS)
def test_a_conversation_is_not_read_again(lane: Callable[..., Lane], kind: str) -> None:
    """Turns of one conversation whose answers the next prompt does not repeat word for word, as with thoughts that are left out."""
    made = lane(kind)
    tokens, before = text(120, 1), 0
    for turn in range(4):
        work = made.ask(tokens, 6)
        if turn:
            assert work.cached >= before - TAIL, "the last prompt is known up to its end"
        before = len(tokens)
        tokens = [*tokens, *text(50, 20 + turn)]


@pytest.mark.parametrize("kind", tiny_kinds.KINDS)
def test_an_answer_is_gone_on_from(lane: Callable[..., Lane], kind: str) -> None:
    made = lane(kind)
    first = made.ask(text(80, 1), 8)
    work = made.ask([*first.prompt, *first.said, *text(9, 2)], 5)
    assert work.cached >= len(first.prompt) + len(first.said) - 1


@pytest.mark.parametrize("kind", tiny_kinds.KINDS)
def test_a_shared_beginning_is_kept_while_it_is_used(lane: Callable[..., Lane], kind: str) -> None:
    """A harness's system prompt, with many short conversations behind it: what all share is not what goes first."""
    made = lane(kind, slots=2, kept=2, ctx=1024)
    head = text(200, 1)
    for n in range(8):
        work = made.ask([*head, *text(60, 50 + n)], 3)
        assert n < 2 or work.cached >= len(head), n


@pytest.mark.parametrize("kind", tiny_kinds.KINDS)
def test_a_window_that_was_used_again_is_read_again(lane: Callable[..., Lane], kind: str) -> None:
    """Other requests take the cells that no window reaches any more; a prompt that parts from the kept one before that must not use them."""
    made = lane(kind, ctx=512)
    kept = text(200, 1)
    made.ask(kept, 3)
    for n in range(6):
        made.ask(text(130, 60 + n), 3)
    for length in (190, 150, 100, 40, 10):
        made.ask([*kept[:length], *text(5, 90 + length)], 3)
        made.ask(text(130, 70 + length), 3)


@pytest.mark.parametrize("settings", [{}, {"cells": 512, "ctx": 256, "slots": 2, "kept": 1}], ids=["roomy", "narrow"])
@pytest.mark.parametrize("kind", tiny_kinds.KINDS)
def test_whatever_came_before(lane: Callable[..., Lane], kind: str, settings: dict[str, Any]) -> None:
    draw = random.Random(f"{kind} {settings}")
    made = lane(kind, **settings)
    compared = reused = 0
    works: list[Greedy] = []
    for _ in range(40):
        for _ in range(draw.choice([0, 1, 1, 2, 4])):
            prompt = chats(draw)
            if works and draw.random() < 0.4:  # the next turn of an earlier one
                old = draw.choice(works)
                prompt = [*old.prompt, *old.said[: draw.choice([0, 3, 100])], *text(draw.randrange(1, 30), draw.randrange(9))][
                    :200
                ]
            works.append(made.start(prompt, draw.choice([1, 5, 30]), interactive=draw.random() < 0.8))
        for _ in range(draw.choice([1, 5, 40])):
            made.batcher.step()
            if works and draw.random() < 0.05:
                made.gone.add(draw.choice(works).key)
    made.run()
    for work in works:
        made.checked(work)
        compared += len(work.rows)
        reused += work.cached > 0
    assert compared > 100 and reused > 0, (compared, reused)
    assert made.batcher.running == made.batcher.waiting == 0


@pytest.mark.parametrize("kind", sorted(set(tiny_kinds.KINDS) - {*tiny_kinds.CUTTABLE, "lfm2-window"}))
@pytest.mark.parametrize(("megabytes", "others"), [(64, 4), (-1, 1)], ids=["set", "by itself"])
def test_a_conversation_that_comes_back_after_others_is_not_read_again(
    lane: Callable[..., Lane], kind: str, megabytes: int, others: int
) -> None:
    """A state that cannot be cut costs its whole size, so that the memory holds as many as slots beside those at work: the rest wait outside."""
    made = lane(kind, slots=1, kept=1, stash=megabytes)
    talks = [text(90, 30 + talk) for talk in range(1 + others)]
    for turn in range(3):
        for at, tokens in enumerate(talks):
            work = made.ask(tokens, 4)
            assert not turn or work.cached >= len(tokens) - 24, "only what this turn added is read"
            talks[at] = [*work.prompt, *work.said, *text(20, 50 + turn)]
    assert 0 < made.batcher.places.stash.bytes <= 64_000_000
