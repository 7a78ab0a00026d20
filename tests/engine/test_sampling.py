"""What may be asked of the sampler, and that what is drawn follows it: counts of many draws beside the textbook's probabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from localrouter.engine.encoder import quiet
from localrouter.engine.sampling import BadSampling, Sampler, Sampling, sampling_of


class Row:
    """Logits that llama.cpp's chain draws from through its own candidate list, as `llama_sampler_sample` does."""

    def __init__(self, logits: Sequence[float]) -> None:
        self.logits = np.array(logits, np.float32)

    def sample(self, chain: Any) -> int:
        import ctypes

        lib = quiet()
        n = len(self.logits)
        data = (lib.llama_token_data * n)(*[lib.llama_token_data(i, float(v), 0.0) for i, v in enumerate(self.logits)])
        array = lib.llama_token_data_array(ctypes.cast(data, lib.llama_token_data_p), n, -1, False)
        lib.llama_sampler_apply(chain, ctypes.byref(array))
        token = int(array.data[array.selected].id)
        lib.llama_sampler_accept(chain, token)
        return token


def counts(logits: Sequence[float], draws: int = 4000, **kw: Any) -> dict[int, float]:
    sampler = Sampler(quiet(), Sampling(**{"top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 1, "temperature": 1.0, **kw}), [])
    seen: Counter[int] = Counter()
    for _ in range(draws):
        row = Row(logits)
        sampler.edit(row.logits)
        seen[sampler.draw(row)] += 1
    sampler.close()
    return {token: n / draws for token, n in sorted(seen.items())}


LOGITS = [2.0, 1.0, 0.0, -1.0, -9.0]


def shares(logits: Sequence[float], temperature: float = 1.0) -> np.ndarray:
    e = np.exp(np.array(logits) / temperature)
    return np.asarray(e / e.sum())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_temperature(temperature: float) -> None:
    got = counts(LOGITS, temperature=temperature)
    for token, share in enumerate(shares(LOGITS, temperature)):
        assert abs(got.get(token, 0.0) - share) < 0.03


def test_zero_is_greedy_whatever_else_is_asked() -> None:
    assert counts(LOGITS, 20, temperature=0.0, top_p=0.1, seed=None) == {0: 1.0}


def test_top_k_top_p_min_p() -> None:
    assert set(counts(LOGITS, top_k=2)) == {0, 1}
    assert set(counts(LOGITS, top_p=0.7)) == {0, 1}  # shares: .64 .24 .09 .03
    assert set(counts(LOGITS, min_p=0.2)) == {0, 1}


def test_the_seed_decides_and_choices_differ() -> None:
    def run(seed: int | None, turn: int = 0) -> list[int]:
        sampler = Sampler(quiet(), Sampling(seed=seed, temperature=1.5, top_k=0), [], turn=turn)
        out = [sampler.draw(Row([0.1 * i for i in range(50)])) for _ in range(12)]
        sampler.close()
        return out

    assert run(5) == run(5) != run(6)
    assert run(5, turn=1) == run(6), "each choice has the next seed"
    assert run(None) != run(None)
    assert run(-1) == run(0), "llama.cpp's own mark for a random seed is not handed on"


def test_penalties_are_openais_and_llama_cpps() -> None:
    sampler = Sampler(quiet(), Sampling(presence=0.5, frequency=0.25), [3, 3, 3])
    for token in (1, 1, 2):
        sampler.saw(token)
    row = np.zeros(5, np.float32)
    sampler.edit(row)
    assert row.tolist() == [0.0, -1.0, -0.75, 0.0, 0.0], "the prompt does not count"
    sampler.close()
    sampler = Sampler(quiet(), Sampling(repeat=2.0), [3])
    sampler.saw(1)
    row = np.array([1.0, 1.0, 1.0, -1.0, -1.0], np.float32)
    sampler.edit(row)
    assert row.tolist() == [1.0, 0.5, 1.0, -2.0, -1.0], "the prompt counts, and a negative logit falls too"
    sampler.close()


def test_biases() -> None:
    asked = sampling_of({"logit_bias": {"0": -100, "4": 12}}, 5)
    assert counts(LOGITS, 50, temperature=0.0, bias=asked.bias) == {4: 1.0}
    got = counts([2.0, 1.0, 0.0, -1.0, -2.0], bias=((0, float("-inf")),))
    assert 0 not in got and len(got) == 4


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ({"temperature": "hot"}, "temperature must be a number"),
        ({"temperature": -1}, "temperature must lie between"),
        ({"temperature": float("nan")}, "must be a number"),
        ({"top_p": 2}, "top_p"),
        ({"top_k": True}, "top_k"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"logit_bias": {"x": 1}}, "token numbers"),
        ({"logit_bias": {"9": 1}}, "does not have"),
        ({"logit_bias": {"1": 1000}}, "between -100 and 100"),
        ({"logit_bias": [1]}, "object"),
        ({"repeat_penalty": 0}, "repeat_penalty"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(ask: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSampling, match=words):
        sampling_of(ask, 5)


def test_null_means_the_default() -> None:
    assert sampling_of({"temperature": None, "seed": None, "logit_bias": None}, 5) == Sampling()
