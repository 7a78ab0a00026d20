"""From logits to spans: the best allowed sequence, windows that cover everything, and a file format that is checked."""

from __future__ import annotations

import itertools
import json
import random

import numpy as np
import pytest
from tiny import VOCABULARY, WIDTH, head

from localrouter.engine.pieces import Reader
from localrouter.engine.token_head import HEAD, WEIGHTS, Head, HeadFault, decode, windows

TWO = ("PERSON", "ORG")  # labels: O, B-PERSON, I-PERSON, B-ORG, I-ORG


def best(logits: np.ndarray) -> tuple[float, tuple[int, ...]]:
    """By trying every sequence."""
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    every = []
    for labels in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        allowed = all(b not in (2, 4) or a in (b, b - 1) for a, b in zip((0, *labels), labels, strict=False))
        if allowed:
            every.append((float(sum(logs[i, label] for i, label in enumerate(labels))), labels))
    return max(every)


def labels_of(spans: list[tuple[int, int, str, float]], size: int) -> tuple[int, ...]:
    out = [0] * size
    for first, last, kind, _ in spans:
        begin = 1 + 2 * TWO.index(kind)
        out[first:last] = [begin] + [begin + 1] * (last - first - 1)
    return tuple(out)


def test_decode_is_the_best_allowed_sequence() -> None:
    draw = np.random.default_rng(7)
    for _ in range(200):
        logits = draw.normal(0, 3, (int(draw.integers(1, 6)), 5)).astype(np.float32)
        _, wanted = best(logits)
        assert labels_of(decode(logits, TWO), len(logits)) == wanted


def test_neighbours_of_one_type_are_two_and_the_score_is_the_mean_probability() -> None:
    logits = np.log(
        np.array([[0.1, 0.8, 0.05, 0.03, 0.02], [0.1, 0.7, 0.1, 0.05, 0.05], [0.2, 0.1, 0.6, 0.05, 0.05]], dtype=np.float32)
    )
    spans = decode(logits, TWO)
    assert [s[:3] for s in spans] == [(0, 1, "PERSON"), (1, 3, "PERSON")]
    assert [round(s[3], 3) for s in spans] == [0.85, 0.75]
    assert decode(np.zeros((0, 5), dtype=np.float32), TWO) == []


def test_windows_cover_every_word_and_overlap() -> None:
    reader, rng = Reader(VOCABULARY), random.Random(2)
    for size in (1, 5, 40, 400):
        pieces = reader.read(" ".join(rng.choice(["Jane", "doeson", "met", "x1y2z3"]) for _ in range(size)))
        for limit, overlap in ((16, 4), (64, 16), (254, 48)):
            made = windows(pieces, limit, overlap)
            assert {w for a, b in made for w in range(a, b)} == set(range(size))
            assert all(a < c <= b for (a, b), (c, _) in itertools.pairwise(made)) or len(made) < 2
            for a, b in made:
                end = pieces.at[b] if b < size else len(pieces.ids)
                assert a < b and (end - pieces.at[a] <= limit or b == a + 1)
    assert windows(reader.read(""), 16, 4) == []


def test_the_file_format_comes_back() -> None:
    own = head(bias={"PERSON": 1.5}, window=128)
    keys = own.metadata()
    again = Head.of(keys[HEAD], keys[WEIGHTS], WIDTH)
    assert np.array_equal(again.matrix, own.matrix) and again.bias == own.bias and again.window == 128
    hidden = np.random.default_rng(3).normal(size=(4, WIDTH)).astype(np.float32)
    plain = Head(own.matrix, own.offset).logits(hidden)
    moved = own.logits(hidden) - plain
    assert np.allclose(moved[:, 1:3], 1.5, atol=1e-5) and np.allclose(moved[:, 3:], 0) and np.allclose(moved[:, 0], 0)


def test_another_format_is_refused() -> None:
    keys = head().metadata()
    about = json.loads(keys[HEAD])
    for wrong in (
        ("{", keys[WEIGHTS], WIDTH),
        (json.dumps({**about, "format": 2}), keys[WEIGHTS], WIDTH),
        (json.dumps({k: v for k, v in about.items() if k != "types"}), keys[WEIGHTS], WIDTH),
        (keys[HEAD], keys[WEIGHTS], WIDTH + 1),
        (keys[HEAD], keys[WEIGHTS][:-8], WIDTH),
        (keys[HEAD], "no base64!", WIDTH),
        ("[]", keys[WEIGHTS], WIDTH),
    ):
        with pytest.raises(HeadFault):
            Head.of(*wrong)
