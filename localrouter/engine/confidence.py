"""How sure a model was of its answer: what a cascade needs to decide whether a larger model should answer instead.

Pure, on numbers: rows of logits in, a handful of figures out. A token's log-probability comes from the model's own logits, before
temperature, penalties, or a grammar. Quantiles rather than sums: sequence log-probability prefers short answers (Gupta et al. 2024,
"Language Model Cascades: Token-level uncertainty and beyond", arXiv:2404.10136, where quantiles fed to a small model beat sums and means).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75)
FLOOR = -80.0
"""Logits further below the best one than this count as this: exp of it is 0 beside 1 in float32."""

_REFUSALS = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|i (?:can(?:'t|not| not)|won't|do(?:n't| not) (?:know|have))|as an ai\b|unfortunately, i"
    r"|es tut mir leid|ich kann (?:\w+ ){0,3}(?:nicht|leider)|leider kann ich|je (?:suis désolé|ne (?:peux|sais) pas)"
    r"|désolé|lo siento|no puedo|não posso|desculpe|mi dispiace|non posso|извините|я не могу|抱歉|我无法|申し訳)",
    re.IGNORECASE,
)
REFUSAL = 200
"""Characters at an answer's beginning in which a refusal shows."""


class Meter:
    """Reads rows of logits; keeps its arrays, so that a row costs no memory. BLAS's dot takes a third of the time of numpy's own sums, with one
    thread (`__main__`): more would be started for each row."""

    def __init__(self, vocabulary: int) -> None:
        self._x = np.empty(vocabulary, np.float32)
        self._e = np.empty(vocabulary, np.float32)
        self._ones = np.ones(vocabulary, np.float32)
        # Beside an array, `maximum` takes a quarter of the time that it takes beside a number.
        self._floor = np.full(vocabulary, FLOOR, np.float32)
        self.best = 0.0
        """Of the row read last: the largest logit, and the logarithm of the sum of exponentials."""
        self.norm = 0.0

    def read(self, logits: NDArray[np.float32]) -> tuple[float, float]:
        """(entropy in nats, distance of the two largest logits) of a row, (vocabulary,). The row stays as it is. ValueError when it holds no
        numbers."""
        x, e = self._x, self._e
        first = int(logits.argmax())  # numpy's argmax stops at a NaN, and so finds it
        best = float(logits[first])
        if not math.isfinite(best):
            raise ValueError("the logits are no numbers")
        np.subtract(logits, np.float32(best), out=x)
        np.maximum(x, self._floor, out=x)
        np.exp(x, out=e)
        total = float(e.dot(self._ones))
        x[first] = FLOOR
        margin = -float(x.max())
        x[first] = 0.0
        entropy = math.log(total) - float(x.dot(e)) / total
        self.best, self.norm = best, best + math.log(total)
        return max(0.0, entropy), margin


def top(logits: NDArray[np.float32], count: int, norm: float) -> list[tuple[int, float]]:
    """The `count` likeliest tokens with their log-probabilities, likeliest first."""
    if count <= 0:
        return []
    found = np.argpartition(logits, -count)[-count:]
    return [(int(t), float(logits[t]) - norm) for t in found[np.argsort(-logits[found])]]


class Tally:
    """The figures of one answer, token by token."""

    def __init__(self) -> None:
        self._logprobs: list[float] = []
        self._entropies: list[float] = []
        self._margins: list[float] = []
        self.forced = 0
        """Tokens that a grammar left no choice about: they say nothing."""

    def add(self, logprob: float, entropy: float, margin: float) -> None:
        self._logprobs.append(logprob)
        self._entropies.append(entropy)
        self._margins.append(margin)

    def features(self, *, refusal: bool = False, format_ok: bool | None = None) -> dict[str, Any]:
        """What goes into the trace. `format_ok`: the answer has the form that was asked for; None when none was."""
        out: dict[str, Any] = {"tokens": len(self._logprobs) + self.forced, "measured": len(self._logprobs), "refusal": refusal}
        if format_ok is not None:
            out["format_ok"] = format_ok
        if not self._logprobs:
            return out
        own = np.array(self._logprobs)
        for q, value in zip(QUANTILES, np.quantile(own, QUANTILES), strict=True):
            out[f"logprob_q{round(100 * q):02d}"] = round(float(value), 4)
        out["logprob_mean"] = round(float(own.mean()), 4)
        out["logprob_min"] = round(float(own.min()), 4)
        out["logprob_first"] = round(self._logprobs[0], 4)
        out["entropy_mean"] = round(float(np.mean(self._entropies)), 4)
        out["entropy_max"] = round(float(np.max(self._entropies)), 4)
        out["margin_mean"] = round(float(np.mean(self._margins)), 4)
        out["margin_min"] = round(float(np.min(self._margins)), 4)
        return out


def refuses(text: str) -> bool:
    """The answer's beginning looks like a refusal or an "I do not know"."""
    return bool(_REFUSALS.search(text[:REFUSAL].replace("\u2019", "'")))


def agreement(answers: Sequence[str]) -> dict[str, float]:
    """How far several answers to one question agree: `share` of the commonest, and mean word overlap (Jaccard) of all pairs. Self-consistency
    (Wang et al. 2022, arXiv:2203.11171) as a signal. An empty list agrees with nothing."""
    words = [frozenset(re.findall(r"\w+", a.casefold())) for a in answers]
    if not words:
        return {"samples": 0.0, "share": 0.0, "overlap": 0.0}
    pairs = [(a, b) for i, a in enumerate(words) for b in words[i + 1 :]]
    overlap = sum(len(a & b) / max(1, len(a | b)) if a or b else 1.0 for a, b in pairs) / max(1, len(pairs))
    commonest = Counter(words).most_common(1)[0][1]
    return {"samples": float(len(words)), "share": commonest / len(words), "overlap": overlap if pairs else 1.0}


def chosen(logits: NDArray[np.float32], yes: Sequence[int], no: Sequence[int]) -> float:
    """Of a one-token self-check: the probability of the tokens that mean yes, among those that mean yes or no."""
    both = logits[[*yes, *no]].astype(np.float64)
    shares = np.exp(both - both.max())
    return float(shares[: len(yes)].sum() / shares.sum())
