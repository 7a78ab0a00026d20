"""How a token is drawn from a row of logits: what a client may ask for, checked; penalties and biases; llama.cpp's sampler chain.

Order, as in llama.cpp (common/common.h, `samplers`): biases and penalties, then the grammar's mask, then top-k, locally typical, top-p,
min-p, temperature, and a draw from a seeded Mersenne twister. Penalties and biases touch few tokens, so they are written into the row
instead of being looked up for each of the vocabulary's.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LAST = 64
"""Tokens that `repeat_penalty` looks back on (llama.cpp's default, `penalty_last_n`)."""
MOST_BIASES = 1024


class BadSampling(ValueError):
    """A value is out of its range. The text is a sentence for the client."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Temperature 0 is greedy. `presence`, `frequency`: OpenAI's penalties, over what was written; `repeat`: of CTRL (arXiv:1909.05858),
    over the last `LAST` tokens of prompt and answer, 1 for none. `bias`: added to a token's logit. `seed` None: a random one."""

    temperature: float = 0.8
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.05
    typical_p: float = 1.0
    seed: int | None = None
    presence: float = 0.0
    frequency: float = 0.0
    repeat: float = 1.0
    bias: tuple[tuple[int, float], ...] = ()


def sampling_of(ask: Mapping[str, Any], vocabulary: int) -> Sampling:
    """From a request in OpenAI's names. What is missing or null has its default. Raises BadSampling."""
    start = Sampling()
    seed = ask.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise BadSampling("The seed must be a whole number.")
    return Sampling(
        temperature=_number(ask, "temperature", start.temperature, 0.0, 100.0),
        top_p=_number(ask, "top_p", start.top_p, 0.0, 1.0),
        top_k=int(_number(ask, "top_k", start.top_k, -1, 1 << 30)),
        min_p=_number(ask, "min_p", start.min_p, 0.0, 1.0),
        typical_p=_number(ask, "typical_p", start.typical_p, 0.0, 1.0),
        seed=seed,
        presence=_number(ask, "presence_penalty", 0.0, -10.0, 10.0),
        frequency=_number(ask, "frequency_penalty", 0.0, -10.0, 10.0),
        repeat=_number(ask, "repeat_penalty", 1.0, 0.01, 10.0),
        bias=_biases(ask.get("logit_bias"), vocabulary),
    )


def _number(ask: Mapping[str, Any], key: str, default: float, least: float, most: float) -> float:
    value = ask.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadSampling(f"The field {key} must be a number.")
    if not least <= value <= most:
        raise BadSampling(f"The field {key} must lie between {least:g} and {most:g}.")
    return value


def _biases(given: Any, vocabulary: int) -> tuple[tuple[int, float], ...]:
    """OpenAI's map of token number to -100 ... 100 (API reference, chat completions, `logit_bias`)."""
    if not given:
        return ()
    if not isinstance(given, Mapping) or len(given) > MOST_BIASES:
        raise BadSampling(f"The field logit_bias must be an object of at most {MOST_BIASES} tokens.")
    out = {}
    for key in given:
        try:
            token = int(key)
        except (TypeError, ValueError):
            raise BadSampling("The keys of logit_bias must be token numbers.") from None
        if not 0 <= token < vocabulary:
            raise BadSampling("The field logit_bias names a token that the model does not have.")
        value = _number(given, key, 0.0, -100.0, 100.0)
        out[token] = -math.inf if value <= -100 else value
    return tuple(out.items())


class Sampler:
    """Draws the tokens of one answer. `lib`: llama_cpp. `close` gives its chain back."""

    def __init__(self, lib: Any, sampling: Sampling, prompt: Sequence[int], *, turn: int = 0) -> None:
        self._lib = lib
        self._sampling = sampling
        self._written: Counter[int] = Counter()
        self._last: deque[int] = deque(prompt[-LAST:], maxlen=LAST)
        self._biased = np.array([t for t, _ in sampling.bias], np.int64)
        self._biases = np.array([b for _, b in sampling.bias], np.float32)
        self.edits = bool(sampling.bias or sampling.presence or sampling.frequency or sampling.repeat != 1.0)
        """It changes logits before it draws."""
        seed = sampling.seed if sampling.seed is not None else random.getrandbits(32)
        self._chain = self._build((seed + turn) & 0xFFFFFFFF) if sampling.temperature > 0 else None

    def _build(self, seed: int) -> Any:
        lib, s = self._lib, self._sampling
        params = lib.llama_sampler_chain_default_params()
        params.no_perf = True
        chain = lib.llama_sampler_chain_init(params)
        if s.top_k > 0:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(s.top_k))
        if s.typical_p < 1:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_typical(s.typical_p, 1))
        if s.top_p < 1:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(s.top_p, 1))
        if s.min_p > 0:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_min_p(s.min_p, 1))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(s.temperature))
        # The library's own "random seed" is the number 0xFFFFFFFF.
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(seed if seed != 0xFFFFFFFF else 0))
        return chain

    def edit(self, logits: NDArray[np.float32]) -> None:
        """Biases and penalties, in place."""
        s = self._sampling
        if s.repeat != 1.0 and self._last:
            seen = np.fromiter(set(self._last), np.int64)
            own = logits[seen]
            logits[seen] = np.where(own > 0, own / s.repeat, own * s.repeat)
        if (s.presence or s.frequency) and self._written:
            seen = np.fromiter(self._written, np.int64)
            counts = np.fromiter(self._written.values(), np.float32)
            # OpenAI, "Parameter details": mu[j] -> mu[j] - c[j] * frequency - float(c[j] > 0) * presence
            logits[seen] -= counts * np.float32(s.frequency) + np.float32(s.presence)
        if len(self._biased):
            logits[self._biased] += self._biases

    def draw(self, row: Any) -> int:
        """The token, from a `context.Row` that was edited and masked."""
        return int(row.logits.argmax()) if self._chain is None else int(row.sample(self._chain))

    def saw(self, token: int) -> None:
        """The token was written (drawn or forced)."""
        if self.edits:
            self._written[token] += 1
            self._last.append(token)

    def close(self) -> None:
        if self._chain is not None:
            self._lib.llama_sampler_free(self._chain)
            self._chain = None
