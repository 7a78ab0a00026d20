"""The scheduler over a memory in plain Python that checks what llama.cpp would: positions without gaps, cells, whole sequences.

The "model" answers with a hash of all tokens of the sequence, so that a token of another sequence, or one that is missing, changes
everything that is written after it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.engine import places
from localrouter.engine.batching import AGE, CHUNK, TAIL, Batcher, Busy
from localrouter.engine.memory import DecodeFault, Outcome, Part
from localrouter.engine.stash import Stash

WORDS = 50


def following(tokens: Sequence[int]) -> int:
    return hash(tuple(tokens)) % WORDS


def alone(prompt: Sequence[int], count: int) -> list[int]:
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(following(tokens))
    return tokens[len(prompt) :]


class Memory:
    def __init__(
        self, cells: int = 400, sequences: int = 8, batch: int = 64, *, cuttable: bool = True, crowds: bool = False
    ) -> None:
        self.cells, self.sequences, self.batch, self.cuttable, self.crowds = cells, sequences, batch, cuttable, crowds
        self.held: dict[int, list[tuple[int, int]]] = {s: [] for s in range(sequences)}
        self.serial = 0
        self.rows: dict[int, list[int]] = {}
        self.log: list[list[Part]] = []
        self.fail: Any = lambda _parts: Outcome.DONE
        self.aborts = 0
        self.saved: list[int] = []
        self.unreadable = False
        self.seconds = 0.0

    def decode(self, parts: Sequence[Part]) -> Outcome:
        assert parts and sum(len(p.tokens) for p in parts) <= self.batch
        assert len({p.seq for p in parts}) == len(parts)
        self.rows.clear()
        self.log.append(list(parts))
        self.seconds += 0.001 * sum(len(p.tokens) for p in parts)
        outcome = self.fail(parts)
        for index, part in enumerate(parts):
            own = self.held[part.seq]
            assert part.at == len(own) and len(part.tokens) > 0
            if outcome is not Outcome.DONE and index:
                break  # some of it is in the memory
            for token in part.tokens:
                self.serial += 1
                own.append((token, self.serial))
            if part.wanted:
                self.rows[index] = [t for t, _ in own]
        used = {c for own in self.held.values() for _, c in own}
        if len(used) > self.cells:
            return Outcome.FULL
        return outcome

    def row(self, part: int) -> list[int]:
        return self.rows[part]

    def keep(self, seq: int, length: int) -> bool:
        if length not in (0, len(self.held[seq])) and not self.cuttable:
            return False
        assert length <= len(self.held[seq])
        del self.held[seq][length:]
        return True

    def copy(self, source: int, target: int, length: int) -> bool:
        assert not self.held[target] and (self.cuttable or length == len(self.held[source]))
        self.held[target] = self.held[source][:length]
        return True

    def holds(self, seq: int, length: int) -> bool:
        return len(self.held[seq]) >= length

    def save(self, seq: int) -> Any:
        self.saved.append(seq)
        return np.array([t for t, _ in self.held[seq]], np.int64).view(np.uint8)

    def load(self, seq: int, state: Any) -> bool:
        assert not self.held[seq]
        if self.unreadable:
            return False
        for token in state.view(np.int64).tolist():
            self.serial += 1
            self.held[seq].append((token, self.serial))
        return True

    def abort(self) -> None:
        self.aborts += 1

    def rearm(self) -> None:
        pass


class Work:
    def __init__(self, key: int, prompt: Sequence[int], count: int, *, interactive: bool = True, chunk: int = 1) -> None:
        self.key, self.prompt, self.interactive = key, list(prompt), interactive
        self.count, self.chunk = count, chunk
        self.out: list[int] = []
        self.end = ""
        self.cached = -1
        self.notes: list[tuple[int, int]] = []

    def began(self, cached: int) -> None:
        assert self.cached < 0
        self.cached = cached

    def progress(self, done: int, total: int) -> None:
        self.notes.append((done, total))

    def take(self, row: list[int]) -> Sequence[int]:
        assert not self.end
        assert row == [*self.prompt, *self.out], "the sequence holds the request's own tokens and no others"
        more = []
        for _ in range(min(self.chunk, self.count - len(self.out))):
            more.append(following([*row, *more]))
        self.out += more
        if len(self.out) >= self.count:
            self.end = "done"
            return []
        return more

    def failed(self, error: Exception) -> None:
        assert not self.end
        self.end = f"failed: {error}"

    def cancelled(self) -> None:
        assert not self.end
        self.end = "cancelled"


def run(batcher: Batcher, most: int = 5000) -> None:
    for _ in range(most):
        if not batcher.step():
            return
    raise AssertionError("it does not end")


def test_one_request() -> None:
    work = Work(1, range(10), 5)
    batcher = Batcher(Memory(), slots=2)
    batcher.submit(work)
    run(batcher)
    assert work.out == alone(range(10), 5) and work.cached == 0 and work.end == "done"
    assert not batcher.step() and batcher.running == batcher.waiting == 0


def test_several_are_decoded_in_one_batch() -> None:
    memory = Memory()
    works = [Work(k, [k, 1, 2], 8) for k in range(4)]
    batcher = Batcher(memory, slots=4)
    batcher.submit(*works)
    run(batcher)
    assert [w.out for w in works] == [alone(w.prompt, 8) for w in works]
    assert len(memory.log) == 8 and all(len(parts) == 4 for parts in memory.log)


@pytest.mark.parametrize(("several", "in_turns"), [(6.0, True), (1.2, False)], ids=["slow batches", "quick batches"])
def test_answers_go_in_turns_where_that_is_quicker(several: float, in_turns: bool) -> None:
    memory = Memory(cells=4000)
    decode = memory.decode

    def timed(parts: Sequence[Part]) -> Outcome:
        memory.seconds += 1.0 if len(parts) == 1 else several
        return decode(parts)

    memory.decode = timed  # type: ignore[method-assign]
    works = [Work(k, [k, 1, 2], 300) for k in range(4)]
    batcher = Batcher(memory, slots=4, clock=lambda: memory.seconds)
    batcher.submit(*works)
    for _ in range(200):
        batcher.step()
        assert max(len(w.out) for w in works) - min(len(w.out) for w in works) <= 1, "all get on alike"
    singles = sum(len(parts) == 1 for parts in memory.log[-100:])
    assert singles > 80 if in_turns else singles < 60, "but for the trials of the other way"
    run(batcher)
    assert [w.out for w in works] == [alone(w.prompt, 300) for w in works]


def test_running_answers_come_first_and_prompts_fill_the_rest() -> None:
    memory = Memory(cells=5000, batch=64)
    short, long = Work(1, range(5), 200), Work(2, range(4000), 3)
    batcher = Batcher(memory, slots=2)
    batcher.submit(short)
    for _ in range(3):
        batcher.step()
    batcher.submit(long)
    while not long.out:
        before = len(short.out)
        batcher.step()
        assert len(short.out) == before + 1, "a token in every step, whatever else is read"
        assert sum(len(p.tokens) for p in memory.log[-1]) == 64 or long.out
    assert len(memory.log) - 3 == -(-4000 // 63)


def test_the_gap_of_a_running_answer_is_bounded_by_measured_time() -> None:
    memory = Memory(cells=9000, batch=512)
    short, long = Work(1, range(5), 500), Work(2, range(4000), 1)
    batcher = Batcher(memory, slots=2, clock=lambda: memory.seconds, gap=0.1)  # a token takes a millisecond
    batcher.submit(Work(9, range(100, 700), 1))
    run(batcher)
    batcher.submit(short)
    batcher.step(), batcher.step()
    batcher.submit(long)
    gaps = []
    while not long.out:
        began = memory.seconds
        batcher.step()
        gaps.append(memory.seconds - began)
    assert max(gaps) <= 0.11 and len(long.notes) >= 2 and long.notes[-1][1] == 4000


def test_a_short_prompt_is_not_held_up_by_a_long_one() -> None:
    memory = Memory(cells=9000, batch=64)
    long, short = Work(1, range(3000), 1), Work(2, range(500, 540), 1)
    batcher = Batcher(memory, slots=2)
    batcher.submit(long)
    batcher.step()
    batcher.submit(short)
    for _ in range(2):
        batcher.step()
    assert short.end == "done" and not long.end


def test_prefix_of_a_running_and_of_an_idle_sequence() -> None:
    memory = Memory(cells=1000)
    first = Work(1, [*range(30), 100], 20)
    batcher = Batcher(memory, slots=3)
    batcher.submit(first)
    batcher.step(), batcher.step()
    second = Work(2, [*range(30), 200, 201], 4)
    batcher.submit(second)
    run(batcher)
    assert second.cached == 30 and first.out == alone(first.prompt, 20) and second.out == alone(second.prompt, 4)
    third = Work(3, [*range(30), 100, *first.out[:10], 7], 4)
    batcher.submit(third)
    run(batcher)
    assert third.cached == 41 and third.out == alone(third.prompt, 4)
    again = Work(4, first.prompt, 4)
    batcher.submit(again)
    run(batcher)
    assert again.cached == 30, "the last token is always decoded: its logits are needed"
    used = {c for own in memory.held.values() for _, c in own}
    assert batcher.prefixes.free == memory.cells - len(used), "copies share their cells"


def test_idle_prefixes_go_when_cells_are_needed_the_oldest_first() -> None:
    memory = Memory(cells=100)
    batcher = Batcher(memory, slots=2)
    for k in range(3):
        batcher.submit(Work(k, range(k * 50, k * 50 + 30), 2))
        run(batcher)
    batcher.submit(Work(3, range(300, 330), 2))
    run(batcher)
    old, young = Work(4, [*range(30), 1], 1), Work(5, [*range(50, 80), 1], 1)
    batcher.submit(young)
    run(batcher)
    batcher.submit(old)
    run(batcher)
    assert young.cached == 30 and old.cached == 0


def test_more_than_the_memory_holds_waits_and_is_read_again() -> None:
    memory = Memory(cells=100)
    works = [Work(k, range(k * 100, k * 100 + 20), 70) for k in range(3)]
    batcher = Batcher(memory, slots=3)
    batcher.submit(*works)
    run(batcher)
    assert [w.end for w in works] == ["done"] * 3 and [w.out for w in works] == [alone(w.prompt, 70) for w in works]


def test_memory_that_cannot_be_cut() -> None:
    memory = Memory(cells=3000, sequences=8, batch=128, cuttable=False)
    batcher = Batcher(memory, slots=2)
    head = list(range(200))
    cached = []
    for k in range(4):
        work = Work(k, [*head, *range(1000 + 100 * k, 1100 + 100 * k)], 5)
        batcher.submit(work)
        run(batcher)
        assert work.out == alone(work.prompt, 5)
        cached.append(work.cached)
    assert cached == [0, 0, 200, 200], "the second shows where they part, the third profits"
    turn = Work(9, [*work.prompt, *work.out[:4], 5, 6, 7], 3)
    batcher.submit(turn)
    run(batcher)
    assert turn.cached == 304 and turn.out == alone(turn.prompt, 3), "the next turn goes on from the answer"
    other = Work(10, [*work.prompt[:-2], 5, 6, 7], 3)
    batcher.submit(other)
    run(batcher)
    assert other.cached == len(work.prompt) - TAIL, "or from shortly before the prompt's end"


def test_a_state_that_cannot_be_cut_comes_back_after_others() -> None:
    """Ten conversations take turns in a memory of three sequences: each goes on from the state that was put away at its last turn."""
    memory = Memory(cells=5000, sequences=3, batch=128, cuttable=False)
    batcher = Batcher(memory, slots=1, stash=1_000_000)
    said: dict[int, list[int]] = {}
    key = 0
    for turn in range(3):
        for talk in range(10):
            key += 1
            prompt = [*said.get(talk, range(1000 * talk, 1000 * talk + 80)), 5000 + turn, *range(6000, 6040)]
            work = Work(key, prompt, 3)
            batcher.submit(work)
            run(batcher)
            assert work.end == "done" and work.out == alone(prompt, 3)
            # The last token that was written was never decoded.
            assert work.cached == (len(said[talk]) - 1 if turn else 0)
            said[talk] = prompt + work.out
    assert batcher.places.stash.bytes <= 1_000_000 and len(batcher.places.stash) >= 10


def test_a_state_that_cannot_be_read_back_is_read_again_from_its_tokens() -> None:
    memory = Memory(cells=5000, sequences=2, batch=128, cuttable=False)
    batcher = Batcher(memory, slots=1, stash=1_000_000)
    for key in range(4):
        batcher.submit(Work(key, range(100 * key, 100 * key + 90), 3))
        run(batcher)
    memory.unreadable = True
    again = Work(9, [*range(90), *alone(range(90), 2), 7, 8], 3)
    batcher.submit(again)
    run(batcher)
    assert again.cached == 0 and again.out == alone(again.prompt, 3)


def test_choices_share_their_prompt() -> None:
    memory = Memory(cells=1000)
    works = [Work(1, range(100), 4) for _ in range(3)]
    batcher = Batcher(memory, slots=3)
    batcher.submit(*works)
    run(batcher)
    assert [w.cached for w in works] == [0, 99, 99] and all(w.out == alone(range(100), 4) for w in works)
    assert sum(len(p.tokens) for parts in memory.log for p in parts) < 120


def test_forced_tokens_are_fed_as_one_piece() -> None:
    memory = Memory()
    work = Work(1, range(5), 40, chunk=8)
    batcher = Batcher(memory, slots=1)
    batcher.submit(work)
    run(batcher)
    assert work.out == alone(range(5), 40) and len(memory.log) == 5


def test_a_full_queue_is_busy() -> None:
    batcher = Batcher(Memory(), slots=1, queue=2)
    batcher.submit(Work(1, [1], 50))
    batcher.step()
    batcher.submit(*(Work(2, [2], 1) for _ in range(5)))  # choices of one request count once
    batcher.submit(Work(3, [3], 1))
    with pytest.raises(Busy, match="2 waiting"):
        batcher.submit(Work(4, [4], 1))
    run(batcher)
    assert batcher.waiting == 0


def test_interactive_goes_first_and_the_background_is_never_starved() -> None:
    memory = Memory(cells=10000)
    batcher = Batcher(memory, slots=1, clock=lambda: memory.seconds)
    back = Work(1, range(10), 3, interactive=False)
    running = Work(0, range(100, 110), 400, interactive=False)
    batcher.submit(running)
    batcher.step()
    batcher.submit(back)
    front = Work(2, range(20, 30), 3)
    batcher.submit(front)
    for _ in range(3):
        batcher.step()
    assert front.end == "done" and not back.out and len(running.out) == 1, "it takes the slot of a background request"
    key = 10
    while not back.end:  # an endless stream of interactive requests
        batcher.submit(Work(key, [key], 50))
        key += 1
        for _ in range(50):
            batcher.step()
        assert memory.seconds < 3 * AGE
    run(batcher)
    assert running.out == alone(running.prompt, 400) and running.cached == 0


def test_cancel_frees_the_slot_within_one_step() -> None:
    gone: set[int] = set()
    memory = Memory()
    batcher = Batcher(memory, slots=1, gone=gone.__contains__)
    first, second, third = Work(1, range(10), 300), Work(2, range(20, 30), 5), Work(3, range(40, 44), 5)
    batcher.submit(first)
    batcher.submit(second)
    batcher.submit(third)
    batcher.step(), batcher.step()
    gone |= {1, 2}
    batcher.step()
    assert first.end == second.end == "cancelled" and third.out, "one that runs and one that waits"
    again = Work(4, [*range(10), 99], 1)
    batcher.submit(again)
    run(batcher)
    assert again.cached == 10, "what was read stays for the next"


def test_a_prompt_being_read_is_given_up_at_once() -> None:
    gone: set[int] = set()
    memory = Memory(cells=5000, batch=512)
    batcher = Batcher(memory, slots=3, gone=gone.__contains__)
    other, long = Work(1, range(10), 50), Work(2, range(2000), 5)
    batcher.submit(other)
    batcher.step()
    batcher.submit(long)

    def cancel(parts: Sequence[Part]) -> Outcome:  # as it comes from another thread, in the middle of a decode
        if any(len(p.tokens) >= CHUNK for p in parts) and not gone:
            gone.add(2)
            batcher.interrupt(2)
            batcher.interrupt(1)
            return Outcome.ABORTED
        return Outcome.DONE

    memory.fail = cancel
    batcher.step()
    assert memory.aborts == 1, "an answer of one token a step is not worth an abort"
    batcher.step()
    assert long.end == "cancelled"
    run(batcher)
    assert other.out == alone(other.prompt, 50)


def test_a_failing_request_fails_alone() -> None:
    memory = Memory()
    works = [Work(k, [k, 1, 2], 20) for k in range(4)]
    bad = works[2]
    memory.fail = lambda parts: Outcome.FAILED if any(p.tokens[0] == 2 and p.at == 0 for p in parts) else Outcome.DONE
    batcher = Batcher(memory, slots=4)
    batcher.submit(*works)
    run(batcher)
    assert bad.end == f"failed: {DecodeFault('The local model failed at this request.')}" and not bad.out
    assert all(w.out == alone(w.prompt, 20) for w in works if w is not bad)


def test_an_error_in_the_work_is_that_works_error() -> None:
    batcher = Batcher(Memory(), slots=2)
    bad, good = Work(1, [1], 5), Work(2, [2], 5)
    bad.take = lambda row: 1 // 0  # type: ignore[method-assign]
    batcher.submit(bad)
    batcher.submit(good)
    run(batcher)
    assert bad.end.startswith("failed") and good.out == alone([2], 5)


@settings(max_examples=150, deadline=None)
@pytest.fixture(scope="module", autouse=True)
def few() -> Iterator[None]:
    """Prefixes of a few tokens are worth putting away."""
    before, places.WORTH = places.WORTH, 4
    yield
    places.WORTH = before


def idle_and_other(**kw: Any) -> tuple[Memory, Batcher, list[int]]:
    """A request of 60 tokens is over and one of 20 others has begun."""
    memory = Memory(crowds=True)
    batcher = Batcher(memory, slots=2, **kw)
    first = Work(1, range(60), 3)
    batcher.submit(first)
    run(batcher)
    batcher.submit(Work(2, range(100, 120), 3))
    run(batcher)
    return memory, batcher, [*range(60), *first.out[:-1]]


def test_what_is_idle_makes_room_and_comes_back() -> None:
    memory, batcher, said = idle_and_other(stash=100_000)
    assert memory.saved and batcher.places.stash.tokens == len(said)
    assert sum(map(len, memory.held.values())) == 22, "only the second request's tokens are in the memory"
    again = Work(3, [*said, 7, 8], 3)
    batcher.submit(again)
    run(batcher)
    assert again.cached == len(said) and again.out == alone(again.prompt, 3)
    assert batcher.places.stash.tokens == 22, "and now the other one is outside"


def test_short_ones_that_idle_do_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "WORTH", 32)
    memory = Memory(crowds=True)
    batcher = Batcher(memory, slots=2, stash=100_000)
    prompts = [range(100 * n, 100 * n + 40) for n in range(1, 6)]
    for n, prompt in enumerate(prompts):
        batcher.submit(Work(n, prompt, 3))
        run(batcher)
    assert sum(map(len, memory.held.values())) == 42, "only the last one's tokens are in the memory"
    again = Work(9, prompts[0], 3)
    batcher.submit(again)
    run(batcher)
    assert again.cached == 39, "and the first one's were not lost"


def test_a_long_one_is_not_copied_for_the_few_tokens_that_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "WORTH", 1)
    memory = Memory(crowds=True)
    batcher = Batcher(memory, slots=2, stash=100_000)
    for n, last in enumerate((range(200, 202), range(300, 302))):
        batcher.submit(Work(n, [*range(100), *last], 3))
        run(batcher)
    assert not memory.saved and sum(map(len, memory.held.values())) == 104
    batcher.submit(Work(5, range(500, 520), 3))
    run(batcher)
    assert memory.saved and batcher.places.stash.tokens == 104, "once nobody shares them they are"


def test_the_beginning_of_what_is_put_away_serves_too() -> None:
    _, batcher, said = idle_and_other(stash=100_000)
    other = Work(3, [*said[:40], 1, 2, 3], 3)
    batcher.submit(other)
    run(batcher)
    assert other.cached == 40 and other.out == alone(other.prompt, 3)
    again = Work(4, [*said, 7, 8], 3)
    batcher.submit(again)
    run(batcher)
    assert again.cached == len(said), "what was longer is still there"


def test_without_room_outside_it_stays_in_the_memory() -> None:
    memory, _, said = idle_and_other(stash=0)
    assert not memory.saved and sum(map(len, memory.held.values())) == 22 + len(said)


def test_what_cannot_be_read_back_is_read_again() -> None:
    memory, batcher, said = idle_and_other(stash=100_000)
    memory.unreadable = True
    again = Work(3, [*said, 7, 8], 3)
    batcher.submit(again)
    run(batcher)
    assert again.cached == 0 and again.out == alone(again.prompt, 3)


def test_the_stash_keeps_to_its_budget() -> None:
    stash = Stash(100)
    tokens = [np.array([n, *range(9)], np.int32) for n in range(4)]
    for each in tokens:
        stash.put(each, np.zeros(40, np.uint8))
    assert stash.bytes == 80 and stash.match(tokens[0]) == (None, 0) and stash.match(tokens[3])[1] == 10
    stash.put(tokens[3][:5], np.zeros(20, np.uint8))
    assert len(stash) == 2, "what lies in another is not kept twice"
    stash.put(np.append(tokens[3], 1).astype(np.int32), np.zeros(50, np.uint8))
    assert stash.bytes == 90 and stash.tokens == 21
    stash.put(tokens[0], np.zeros(101, np.uint8))
    assert len(stash) == 2, "what is larger than all the room is not kept"


@settings(deadline=None)  # the machine may be busy
@given(st.integers(0, 10**9))
def test_whatever_happens_each_answer_is_its_own(seed: int) -> None:
    draw = random.Random(seed)
    gone: set[int] = set()
    memory = Memory(cells=draw.choice([60, 150, 400]), sequences=draw.choice([4, 6, 9]), batch=draw.choice([8, 40, 64]),
                    cuttable=draw.random() < 0.7, crowds=draw.random() < 0.5)  # fmt: skip
    memory.crowds &= memory.cuttable
    memory.unreadable = draw.random() < 0.1

    def fail(_parts: Sequence[Part]) -> Outcome:
        return draw.choices(list(Outcome), [30, 1, 2, 0])[0]

    memory.fail = fail
    slots, stash = draw.choice([1, 3, 4]), draw.choice([0, 200, 100_000])
    batcher = Batcher(memory, slots=slots, gone=gone.__contains__, clock=lambda: memory.seconds, stash=stash)
    heads = [list(range(k, k + draw.randint(1, 25))) for k in range(3)]
    works: list[Work] = []
    for key in range(draw.randint(1, 14)):
        prompt = [*draw.choice(heads), *(draw.randrange(WORDS) for _ in range(draw.randint(0, 12)))]
        same = [
            Work(key, prompt, draw.randint(1, 18), interactive=draw.random() < 0.6, chunk=draw.choice([1, 1, 3]))
            for _ in range(draw.choice([1, 1, 1, 3]))
        ]
        batcher.submit(*same)
        works += same
        for _ in range(draw.randint(0, 6)):
            batcher.step()
        if draw.random() < 0.2:
            gone.add(draw.choice(works).key)
    memory.fail = lambda _parts: Outcome.DONE
    run(batcher)
    for work in works:
        if work.end == "done":
            assert work.out == alone(work.prompt, work.count)
        else:
            assert (work.end == "cancelled" and work.key in gone) or "memory is full" in work.end
    used = {c for own in memory.held.values() for _, c in own}
    assert batcher.prefixes.free == memory.cells - len(used) and batcher.prefixes.pinned() == 0
    for seq in range(memory.sequences):
        assert [t for t, _ in memory.held[seq]] == list(batcher.prefixes.tokens(seq))
