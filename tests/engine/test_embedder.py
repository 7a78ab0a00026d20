"""Sentence embeddings: length one, alike for alike, the same alone and together, and true to the float weights they came from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import pytest
from tiny import head, write

from localrouter.engine.embedder import WIDTH, WINDOW, Embedder
from localrouter.engine.encoder import EncoderFault

FILE = Path(str(resources.files("localrouter") / "models" / "embedder.gguf"))
PAIRS = [
    ("How do I reset my password?", "I forgot my login credentials, what now?"),
    ("The cat sat on the mat.", "A feline was resting on a rug."),
    ("What is the capital of France?", "Name the French capital city."),
    ("The server returns error 500.", "HTTP internal failure on the backend."),
    ("It is raining heavily.", "There is a downpour outside."),
]
FLOAT = {
    "The cat sat on the mat.": [0.1302, -0.0158, -0.0367, 0.0580, -0.0598, 0.0331, 0.0301, 0.0289],
    "How do I reset my password?": [0.0069, -0.0630, -0.0720, -0.0325, -0.0427, 0.0704, 0.0091, 0.0154],
    "It is raining heavily.": [-0.0035, -0.0224, 0.0927, 0.0400, 0.0514, -0.0448, 0.0627, -0.0197],
}  # fmt: skip


@pytest.fixture(scope="module")
def own() -> Iterator[Embedder]:
    made = Embedder(FILE, 1)
    yield made
    made.close()


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_vectors_have_length_one_in_order(own: Embedder) -> None:
    texts = [*itertools.chain(*PAIRS), "", "你好", "word " * 2000]
    rows = own.embed(texts)
    assert [len(r) for r in rows] == [WIDTH] * len(texts)
    assert all(math.isclose(dot(r, r), 1, abs_tol=1e-5) for r in rows)
    for text, row in zip(texts, rows, strict=True):
        assert dot(own.embed([text])[0], row) > 0.999
    assert own.embed([]) == []


def test_what_means_the_same_lies_near(own: Embedder) -> None:
    left, right = own.embed([a for a, _ in PAIRS]), own.embed([b for _, b in PAIRS])
    for i, row in enumerate(left):
        assert max(range(len(right)), key=lambda j: dot(row, right[j])) == i


def test_it_is_the_model_it_says_it_is(own: Embedder) -> None:
    """First numbers of the float32 model's vectors, run in torch from the safetensors; Q8_0 keeps the cosine above 0.999."""
    for text, numbers in FLOAT.items():
        assert own.embed([text])[0][: len(numbers)] == pytest.approx(numbers, abs=0.005)


def test_tokens_are_counted_as_they_are_read(own: Embedder) -> None:
    assert own.count("") == 2 and own.count("The cat sat.") == 6 and own.count("word " * 2000) == WINDOW
    assert own.embed(["word " * 254])[0] == own.embed(["word " * 300])[0], "what is beyond the window does not count"


def test_another_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "half.gguf").write_bytes(FILE.read_bytes()[:1_000_000])
    write(tmp_path / "tiny.gguf", head().metadata())
    for name in ("half.gguf", "tiny.gguf", "missing.gguf"):
        with pytest.raises(EncoderFault, match=name):
            Embedder(tmp_path / name)
