"""The model's memory and its decoder on llama.cpp, beside the same model computed in numpy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tiny_chat

from localrouter.engine.context import BadModel, Context, Model, Settings
from localrouter.engine.memory import Outcome, Part

HEADS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[Model]:
    made = Model(tiny_chat.build("random", folder / "random.gguf"))
    yield made
    made.close()


@pytest.fixture
def context(model: Model) -> Iterator[Context]:
    made = Context(model, Settings(ctx=512, threads=1, batch=128))
    yield made
    made.close()


def draw(count: int, seed: int = 1) -> list[int]:
    return [int(t) for t in np.random.default_rng(seed).integers(0, 2000, count)]


def logits(context: Context, seq: int, at: int, tokens: list[int]) -> np.ndarray:
    assert context.decode([Part(seq, at, tokens, wanted=True)]) is Outcome.DONE
    return context.row(0).logits.copy()


def near(a: np.ndarray, b: np.ndarray) -> None:
    assert np.abs(a - b).max() < 2e-2, np.abs(a - b).max()


def test_logits_are_those_of_an_independent_computation(context: Context) -> None:
    words = context.model.vocabulary.size
    weights = tiny_chat.body(64, 2, HEADS, 128, words, scale=1.0, seed=7)
    tokens = draw(40)
    expected = tiny_chat.forward(weights, HEADS, tokens) @ weights["output.weight"].T.astype(np.float64)
    near(logits(context, 3, 0, tokens), expected[-1])


def test_a_batch_of_several_is_each_alone(context: Context) -> None:
    texts = [draw(n, n) for n in (5, 30, 17, 1)]
    alone = []
    for tokens in texts:
        alone.append(logits(context, 0, 0, tokens))
        assert context.keep(0, 0)
    parts = [Part(seq, 0, tokens, wanted=seq != 1) for seq, tokens in enumerate(texts)]
    assert context.decode(parts) is Outcome.DONE
    for seq in (0, 2, 3):
        near(context.row(seq).logits, alone[seq])


def test_copies_and_cuts(context: Context) -> None:
    head, one, other = draw(60), draw(5, 2), draw(7, 3)
    context.decode([Part(0, 0, [*head, *one], wanted=False)])
    assert context.copy(0, 1, 60) and context.copy(0, 2, 40)
    shared = logits(context, 1, 60, other)
    again = logits(context, 2, 40, [*head[40:], *other])
    assert context.keep(0, 60)
    cut = logits(context, 0, 60, other)
    assert context.keep(3, 0)
    fresh = logits(context, 3, 0, [*head, *other])
    for each in (shared, again, cut):
        near(each, fresh)
    assert not context.keep(3, 500), "more than there is"


def test_full_is_said_and_the_memory_goes_on(context: Context) -> None:
    assert context.cells == 512
    for n in range(4):
        assert context.decode([Part(0, n * 128, draw(128), wanted=False)]) is Outcome.DONE
    assert context.decode([Part(1, 0, draw(2), wanted=True)]) is Outcome.FULL
    assert context.keep(0, 100) and context.keep(1, 0)
    assert context.decode([Part(1, 0, draw(2), wanted=True)]) is Outcome.DONE


def test_abort_ends_a_decode_and_leaves_the_rest_whole(folder: Path) -> None:
    big = Model(tiny_chat.build("random", folder / "wide.gguf", dim=512, layers=8, inner=1536))
    context = Context(big, Settings(ctx=2048, threads=1, batch=512))
    tokens = draw(20)
    expected = logits(context, 0, 0, tokens)
    assert context.keep(0, 0) and context.decode([Part(0, 0, tokens[:-1], wanted=False)]) is Outcome.DONE
    for _ in range(5):  # on a busy machine either of the two may have had more of the processor
        began = time.monotonic()
        assert context.decode([Part(1, 0, draw(512), wanted=False)]) is Outcome.DONE
        whole = time.monotonic() - began
        assert context.keep(1, 0)
        timer = threading.Timer(whole / 10, context.abort)
        timer.start()
        began = time.monotonic()
        outcome = context.decode([Part(1, 0, draw(512), wanted=False)])
        took = time.monotonic() - began
        timer.join()
        context.rearm()
        if outcome is Outcome.ABORTED and took < 0.7 * whole:
            break
        assert context.keep(1, 0)
    assert outcome is Outcome.ABORTED and took < 0.7 * whole
    assert context.keep(1, 0)
    near(logits(context, 0, 19, tokens[-1:]), expected)
    context.close()
    big.close()


def test_a_recurrent_model_is_found_out_and_copied_whole(folder: Path) -> None:
    model = Model(tiny_chat.build("recurrent", folder / "mamba.gguf"))
    context = Context(model, Settings(ctx=512, slots=2, kept=6, threads=1))
    assert model.recurrent and not context.cuttable and context.sequences == 4
    head, tail = draw(50), draw(8, 2)
    context.decode([Part(0, 0, head, wanted=False)])
    assert context.copy(0, 1, 50)
    first = logits(context, 0, 50, tail)
    assert not context.keep(0, 50), "the state is past that point"
    assert context.keep(0, 58)
    near(logits(context, 1, 50, tail), first)
    context.keep(2, 0)
    near(logits(context, 2, 0, [*head, *tail]), first)
    context.close()
    model.close()


def test_vocabulary(model: Model) -> None:
    voc = model.vocabulary
    text = "Grüße, 世界 🙂 <|im_end|>\n\tdef f(x): return x"
    plain, special = voc.read(text, special=False), voc.read(text, special=True)
    end = voc.controls["<|im_end|>"]
    assert end in special and end not in plain and end in voc.ends
    assert b"".join(voc.pieces[t] for t in plain) == text.encode()
    shown = voc.shown(["<think>"])
    assert shown[end] == b"" and shown[voc.controls["<think>"]] == b"<think>"
    assert set(voc.fim) >= {"pre", "suf", "mid"} and voc.name(voc.eos) == "<|im_end|>" and voc.name(-1) == ""
    assert model.meta("tokenizer.chat_template") == tiny_chat.TEMPLATE and model.meta("no.such.key") == ""


def test_what_cannot_be_loaded_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="does not exist"):
        Model(tmp_path / "no.gguf")
    (tmp_path / "text.gguf").write_bytes(b"hello world")
    with pytest.raises(BadModel, match="not a GGUF"):
        Model(tmp_path / "text.gguf")
    whole = tiny_chat.build("random", folder / "cut.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadModel, match="GGUF model that can be loaded"):
        Model(tmp_path / "cut.gguf")
