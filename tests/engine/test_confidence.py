"""The figures beside a plain computation in double precision, and the signals from text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from localrouter.engine.confidence import Meter, Tally, agreement, chosen, refuses, top


@settings(deadline=None)
@given(arrays.arrays(np.float32, st.integers(2, 300), elements=st.floats(-60, 60, width=32)))
def test_meter(logits: np.ndarray) -> None:
    before = logits.copy()
    meter = Meter(len(logits))
    entropy, margin = meter.read(logits)
    exact = logits.astype(np.float64)
    norm = float(np.log(np.exp(exact - exact.max()).sum()) + exact.max())
    logp = exact - norm
    assert abs(meter.norm - norm) < 1e-3
    assert abs(entropy + float((np.exp(logp) * logp).sum())) < 2e-3
    first, second = np.sort(exact)[::-1][:2]
    assert abs(margin - min(80.0, first - second)) < 1e-3
    assert (logits == before).all()


def test_meter_takes_minus_infinity_and_refuses_what_is_no_number() -> None:
    meter = Meter(4)
    entropy, margin = meter.read(np.array([1, 1, -np.inf, -np.inf], np.float32))
    assert abs(entropy - np.log(2)) < 1e-5 and margin == 0
    for bad in ([np.nan, 1, 2, 3], [1, np.nan, 2, 3], [np.inf, 1, 1, 1], [-np.inf] * 4):
        with pytest.raises(ValueError, match="no numbers"):
            meter.read(np.array(bad, np.float32))


def test_top() -> None:
    logits = np.array([0.0, 3.0, 1.0, 2.0], np.float32)
    assert top(logits, 3, 4.0) == [(1, -1.0), (3, -2.0), (2, -3.0)] and top(logits, 0, 4.0) == []
    assert len(top(logits, 4, 4.0)) == 4


def test_features() -> None:
    tally = Tally()
    assert tally.features() == {"tokens": 0, "measured": 0, "refusal": False}
    for n in range(1, 21):
        tally.add(-0.1 * n, 0.5, float(n))
    tally.forced = 3
    got = tally.features(refusal=True, format_ok=False)
    assert (got["tokens"], got["measured"], got["refusal"], got["format_ok"]) == (23, 20, True, False)
    assert got["logprob_min"] == -2.0 and got["logprob_mean"] == -1.05 and got["logprob_q50"] == -1.05
    assert got["logprob_q05"] == pytest.approx(-1.905) and got["logprob_first"] == -0.1
    assert got["entropy_mean"] == 0.5 and got["margin_min"] == 1.0 and got["margin_mean"] == 10.5


@pytest.mark.parametrize("text", [
    "I'm sorry, but I can't help with that.", "I\u2019m unable to open files.", "As an AI, I have no access to it.",
    "Es tut mir leid, das geht nicht.", "Ich kann dir dabei leider nicht helfen", "Je ne peux pas répondre.", "Lo siento, no puedo.",
    "抱歉，我无法回答。",
])  # fmt: skip
def test_refusals(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize("text", [
    "", "The function returns None when the file is missing.", "You can use a list here; I would not.", "x" * 300 + " I can't",
    "Sorry to hear that it crashed: the index is off by one.",
])  # fmt: skip
def test_no_refusals(text: str) -> None:
    assert not refuses(text)


def test_agreement() -> None:
    assert agreement([]) == {"samples": 0.0, "share": 0.0, "overlap": 0.0}
    assert agreement(["Paris."])["share"] == agreement(["Paris."])["overlap"] == 1.0
    got = agreement(["It is Paris.", "it is  paris", "It is Rome!"])
    assert got["share"] == pytest.approx(2 / 3) and 0.5 < got["overlap"] < 0.8


def test_self_check() -> None:
    assert chosen(np.array([5.0, 2.0, 2.0], np.float32), [1], [2]) == 0.5
    assert chosen(np.array([3.0, 2.0, 2.0], np.float32), [0, 1], [2]) > 0.7
