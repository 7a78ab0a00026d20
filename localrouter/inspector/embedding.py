"""Sentence embeddings in the inspector's process, in a thread of their own: a long list of texts never stands before a privacy scan.

The model is loaded at the first need. A text longer than its window is read in windows, and its vector is their mean, weighted by word
pieces and normalised (OpenAI's cookbook, "Embedding texts that are longer than the model's maximum context length"); a text that fits has
exactly the model's own vector.
"""

from __future__ import annotations

import array
import base64
import math
import queue
import re
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

from localrouter.engine.embedder import WINDOW, Embedder
from localrouter.engine.encoder import EncoderFault

_WORD = re.compile(r"\S+\s*|\s+")
_LONG = 80
"""Characters of a word that are read at once: normalised, one can become three word pieces (Hangul, by Unicode's NFD)."""
ROOM = WINDOW - 2


class Embedding:
    """`put` jobs `{"id", "texts"}`, each text a string or its word pieces from [CLS] to [SEP]; `say` gets `{"id", "vectors", "tokens"}` (base64
    of little-endian 32-bit floats, word pieces), or `{"id", "error"}` with a sentence."""

    def __init__(self, say: Callable[[dict[str, Any]], None]) -> None:
        self._say = say
        self._jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, job: dict[str, Any]) -> None:
        """Take a job; the answer comes through `say`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _run(self) -> None:
        embedder: Embedder | None = None
        while True:
            job = self._jobs.get()
            try:
                embedder = embedder or _load()
                vectors, tokens = embed(embedder, job["texts"])
            except EncoderFault as exc:
                self._say({"id": job.get("id"), "error": str(exc)})
            except Exception as exc:
                # No text is quoted: an exception of a library may hold one.
                self._say({"id": job.get("id"), "error": f"The embedding model failed ({type(exc).__name__})."})
            else:
                self._say({"id": job.get("id"), "vectors": [_packed(v) for v in vectors], "tokens": tokens})


def _load() -> Embedder:
    with resources.as_file(resources.files("localrouter") / "models" / "embedder.gguf") as path:
        return Embedder(path)


def windows(text: str, count: Callable[[str], int]) -> list[tuple[str, int]]:
    """(part, word pieces) of a text, each part within the window; cut between words where that is possible. `count` is the embedder's:
    with the two pieces that frame a text, and no more than the window."""
    whole = count(text)
    if whole < WINDOW:
        return [(text, whole - 2)]
    parts: list[tuple[str, int]] = []
    held, size = "", 0
    for match in _WORD.finditer(text):
        word = match[0]
        pieces = [word] if len(word) <= _LONG else [word[i : i + _LONG] for i in range(0, len(word), _LONG)]
        for piece in pieces:
            needs = count(piece) - 2
            if held and size + needs > ROOM:
                parts.append((held, size))
                held, size = "", 0
            held, size = held + piece, size + needs
    return [*parts, (held, size)] if held else parts


def slices(pieces: Sequence[int]) -> list[tuple[Sequence[int], int]]:
    """`windows` of what is in word pieces already; [CLS] and [SEP] are the frame of each."""
    inner = pieces[1:-1]
    return [(inner[at : at + ROOM], len(inner[at : at + ROOM])) for at in range(0, max(1, len(inner)), ROOM)]


def embed(embedder: Embedder, texts: Sequence[str | Sequence[int]]) -> tuple[list[list[float]], list[int]]:
    """(a vector of length 1 for each text, its word pieces). Raises EncoderFault."""
    cut = [windows(text, embedder.count) if isinstance(text, str) else slices(text) for text in texts]
    rows = iter(embedder.embed([part for parts in cut for part, _ in parts]))
    vectors: list[list[float]] = []
    for parts in cut:
        own = [next(rows) for _ in parts]
        vectors.append(own[0] if len(own) == 1 else _mean(own, [max(1, size) for _, size in parts]))
    return vectors, [sum(size for _, size in parts) for parts in cut]


def _mean(rows: list[list[float]], weights: list[int]) -> list[float]:
    sums = [sum(w * x for w, x in zip(weights, column, strict=True)) for column in zip(*rows, strict=True)]
    length = math.sqrt(sum(x * x for x in sums))
    return [x / length for x in sums] if length else rows[0]


def _packed(vector: list[float]) -> str:
    floats = array.array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()
