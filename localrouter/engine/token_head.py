"""The encoder's token head: what stands in the file beside the weights, and how logits become spans.

File format: the GGUF of the encoder holds two string keys. `localrouter.token_head` is JSON: `format` (1), `types` (in the order of
the labels), `bias` (added to both labels of a type before decoding, calibrated on held-out text), `window` (word pieces of one
pass). `localrouter.token_head.weights` is base64 of little-endian float16: the bias vector, then the matrix, row by row, one row a
label. Labels are O, then B and I of each type (Ramshaw and Marcus, 1995). Pure: numpy and nothing else.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from localrouter.engine.pieces import Pieces

TYPES = (
    "PERSON", "USERNAME", "ORG", "LOCATION", "ADDRESS", "DATE_OF_BIRTH", "DATE", "AGE", "NRP", "TITLE", "ID", "PHONE", "EMAIL", "HOST",
    "CARD", "IBAN", "SSN", "IP",
)  # fmt: skip
FORMAT = 1
HEAD, WEIGHTS = "localrouter.token_head", "localrouter.token_head.weights"

Floats = np.ndarray[Any, np.dtype[np.float32]]


class HeadFault(ValueError):
    """The file has no token head, or one that this version cannot read."""


@dataclass(frozen=True, slots=True)
class Head:
    """`matrix` is (labels, width), `offset` is (labels,)."""

    matrix: Floats
    offset: Floats
    types: tuple[str, ...] = TYPES
    bias: dict[str, float] = field(default_factory=dict)
    window: int = 256

    def metadata(self) -> dict[str, str]:
        """The two keys of the file."""
        raw = np.concatenate([self.offset, self.matrix.reshape(-1)]).astype("<f2").tobytes()
        about = {"format": FORMAT, "types": self.types, "bias": self.bias, "window": self.window}
        return {HEAD: json.dumps(about), WEIGHTS: base64.b64encode(raw).decode()}

    @classmethod
    def of(cls, about: str, weights: str, width: int) -> Head:
        """From the two keys. Raises HeadFault."""
        try:
            tree = json.loads(about)
            raw = np.frombuffer(base64.b64decode(weights, validate=True), dtype="<f2").astype(np.float32)
            types = tuple(tree["types"])
            labels = 1 + 2 * len(types)
            if tree["format"] != FORMAT or raw.size != labels * (width + 1):
                raise HeadFault("The token head has another format or width than its encoder.")
            bias = {k: float(v) for k, v in tree["bias"].items()}
            return cls(raw[labels:].reshape(labels, width), raw[:labels], types, bias, int(tree["window"]))
        except (KeyError, TypeError, AttributeError, ValueError) as exc:
            raise HeadFault("The token head of the encoder's file cannot be read.") from exc

    def logits(self, hidden: Floats) -> Floats:
        """(n, width) to (n, labels), the calibrated bias included."""
        out: Floats = hidden @ self.matrix.T + self.offset
        for number, name in enumerate(self.types):
            extra = self.bias.get(name, 0.0)
            if extra:
                out[:, 1 + 2 * number : 3 + 2 * number] += extra
        return out


def decode(logits: Floats, types: tuple[str, ...] = TYPES) -> list[tuple[int, int, str, float]]:
    """(first word, last word + 1, type, score) of the best sequence of labels in which every I follows a B or I of its type.
    `logits`: (words, labels). The score is the mean probability of the type (its B and I) over the span's words. Viterbi (1967)."""
    words = len(logits)
    if not words:
        return []
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    inside = np.arange(2, logits.shape[1], 2)
    back = np.zeros(logits.shape, dtype=np.int32)
    best = logs[0].copy()
    best[inside] = -np.inf  # nothing starts with an I
    for word in range(1, words):
        top = int(best.argmax())
        step = np.full(best.shape, best[top])
        back[word] = top
        begun, goes_on = best[inside - 1], best[inside]
        step[inside] = np.maximum(begun, goes_on)
        back[word, inside] = np.where(begun >= goes_on, inside - 1, inside)
        best = step + logs[word]
    labels = [int(best.argmax())]
    for word in range(words - 1, 0, -1):
        labels.append(int(back[word, labels[-1]]))
    labels.reverse()
    out: list[tuple[int, int, str, float]] = []
    word = 0
    while word < words:
        label = labels[word]
        if label == 0:
            word += 1
            continue
        end = word + 1
        while end < words and labels[end] == label + label % 2 and labels[end] % 2 == 0:
            end += 1
        pair = slice(label - 1 + label % 2, label + 1 + label % 2)
        score = float(np.exp(logs[word:end, pair]).sum(axis=1).mean())
        out.append((word, end, types[(label - 1) // 2], score))
        word = end
    return out


def windows(pieces: Pieces, size: int, overlap: int) -> list[tuple[int, int]]:
    """(first word, last word + 1) of passes of at most `size` pieces, that share about `overlap` pieces."""
    out: list[tuple[int, int]] = []
    total, count, word = len(pieces.ids), len(pieces.words), 0
    while word < count:
        begin = pieces.at[word]
        if total - begin <= size:
            out.append((word, count))
            break
        end = word + 1
        while end < count and (pieces.at[end + 1] if end + 1 < count else total) - begin <= size:
            end += 1
        out.append((word, end))
        back = end
        while back > word + 1 and pieces.at[end] - pieces.at[back - 1] <= overlap:
            back -= 1
        word = back
    return out
