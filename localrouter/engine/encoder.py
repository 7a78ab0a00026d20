"""The encoder: a BERT of 22 M parameters on llama.cpp, whose token head names people, places and organisations in a text.

Made for one process that scans texts (the inspector). Everything it needs lies in one GGUF file: weights, vocabulary, head.
Texts are read in windows of word pieces that overlap, several windows in one pass; each window is a sequence of its own, and what
an encoder reads leaves nothing behind, so nothing of a text stays in memory after its pass.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from localrouter.engine.cpu import spare_extra_buffers
from localrouter.engine.pieces import CLS, SEP, Pieces, Reader

BATCH = 256
"""Word pieces of one pass. Twice as many are no faster and take 30 MB more, four times as many 100 MB more (measured)."""
OVERLAP = 48
"""Word pieces that two windows share, so that a name at an edge is read once with what stands around it."""


SETTINGS = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""Environment of a process that loads an encoder, to be set before numpy and llama.cpp are imported: threads that spin while they wait
take their time from the daemon, and numpy's own threads cost more than its small products gain (80 ms of processor instead of 42
for 120 pieces, measured)."""


_GIVEN_UP = 2
"""What llama.cpp answers when the callback ended a pass (llama.h, llama_decode's return values)."""


class EncoderFault(Exception):
    """The file is missing, damaged, or no encoder of ours. Its text names no path but the file's name."""


class Tagged(NamedTuple):
    """A span in code points, its type, and the mean probability of that type over its words."""

    start: int
    end: int
    type: str
    score: float


def default_threads() -> int:
    """Two where there are two cores: the scan runs beside an editor and a daemon, and more threads gain little at this size."""
    return min(2, os.cpu_count() or 1)


@cache
def quiet() -> Any:
    """Have llama.cpp log nothing. Returns llama_cpp. The callback lives as long as the process: the library calls it whenever it likes, also
    after the model that it was set for is gone."""
    import llama_cpp

    callback = llama_cpp.llama_log_callback(lambda *_: None)
    llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    _KEPT.append(callback)
    return llama_cpp


_KEPT: list[Any] = []


class Encoder:
    """`threads` 0: chosen. Raises EncoderFault."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        if not path.is_file():
            raise EncoderFault(f"The encoder's file {path.name} is missing.")
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        import numpy as np

        from localrouter.engine.token_head import HEAD, WEIGHTS, Head

        llama_cpp = quiet()
        self._lib: Any = llama_cpp
        self._np: Any = np
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0  # a pass is over before a GPU has been handed its work
        params.use_extra_bufts = not spare_extra_buffers()
        model: Any = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not model:
            raise EncoderFault(f"The encoder's file {path.name} is damaged or of an unknown kind.")
        self._model = model
        width = int(llama_cpp.llama_model_n_embd(model))
        try:
            self.head = Head.of(self._text(HEAD, 1 << 16), self._text(WEIGHTS, 1 << 20), width)
        except ValueError as exc:
            llama_cpp.llama_model_free(model)
            raise EncoderFault(f"The file {path.name} is no encoder of localrouter: {exc}") from None
        self._width = width
        self._reader = Reader(self._vocabulary())
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = context.n_batch = context.n_ubatch = BATCH
        context.n_seq_max = BATCH // 16
        self._threads = threads or default_threads()
        context.n_threads = context.n_threads_batch = self._threads
        context.embeddings = True
        context.flash_attn_type = 1  # enabled: 43 instead of 63 ms for 120 pieces (measured)
        context.pooling_type = 0  # one vector for each piece
        self._context: Any = llama_cpp.llama_init_from_model(model, context)
        if not self._context:
            raise EncoderFault(f"The encoder {path.name} needs more memory than there is.")
        self._one = threading.Lock()
        """Of the context and the batch: a warm-up may read beside the work."""
        self._leave: Any = llama_cpp.ggml_abort_callback(0)
        self._may_leave = True
        self._batch: Any = llama_cpp.llama_batch_init(BATCH, 0, 1)
        self._ids, self._places, self._counts = (
            np.ctypeslib.as_array(p, (BATCH,)) for p in (self._batch.token, self._batch.pos, self._batch.n_seq_id)
        )
        self._counts[:] = 1
        np.ctypeslib.as_array(self._batch.logits, (BATCH,))[:] = 1

    def _text(self, key: str, most: int) -> str:
        buffer = ctypes.create_string_buffer(most)
        size = self._lib.llama_model_meta_val_str(self._model, key.encode(), buffer, most)
        if size < 0 or size >= most:
            raise ValueError(f"it lacks {key}")
        return buffer.value.decode("utf-8")

    def _vocabulary(self) -> list[str]:
        vocab = self._lib.llama_model_get_vocab(self._model)
        words = []
        for number in range(self._lib.llama_vocab_n_tokens(vocab)):
            word = self._lib.llama_vocab_get_text(vocab, number).decode("utf-8")
            special = word.startswith("[") and word.endswith("]") and len(word) > 2
            words.append(word[1:] if word.startswith("\u2581") else word if special else "##" + word)
        return words

    def polite(self, asked: Callable[[], bool] | None) -> None:
        """From now on a pass takes one thread, and as soon as `asked` says that somebody waits it is given up, and done once more behind `after`,
        then to its end; `asked` is called between two steps of a pass and must be quick. None: passes take all threads and are not given up."""
        lib, count = self._lib, 1 if asked is not None else self._threads
        with self._one:
            # Kept as long as llama.cpp may call it (llama.h, llama_set_abort_callback).
            self._leave = lib.ggml_abort_callback((lambda _: self._may_leave and asked()) if asked is not None else 0)
            lib.llama_set_abort_callback(self._context, self._leave, None)
            lib.llama_set_n_threads(self._context, count, count)

    def tag(self, texts: Sequence[str], after: Callable[[], None] = lambda: None, lean: float = 0.0) -> list[list[Tagged]]:
        """What the head finds in each text, in order, without overlaps; no threshold is applied. `after` is called behind each pass. `lean`
        is taken from the logit of "no name": how much a doubt counts for one. Raises EncoderFault."""
        from localrouter.engine.token_head import decode, windows

        read = [self._reader.read(text) for text in texts]
        jobs = [(n, a, b) for n, pieces in enumerate(read) for a, b in windows(pieces, self.head.window - 2, OVERLAP)]
        out: list[dict[tuple[int, int], Tagged]] = [{} for _ in texts]
        covered = [0] * len(texts)  # words that were decided by an earlier window
        for (number, begin, end), logits in zip(jobs, self._logits(read, jobs, after), strict=True):
            pieces = read[number]
            last = end == len(pieces.words)
            logits[:, 0] -= lean
            # In the shared part the window that sees more of what follows decides: the later one for its second half.
            seam = covered[number]
            limit = len(pieces.words) if last else end - self._half(pieces, end)
            for first, stop, kind, score in decode(logits, self.head.types):
                a, b = first + begin, stop + begin
                if seam <= a < limit:
                    start, finish = pieces.words[a][0], pieces.words[b - 1][1]
                    out[number][start, finish] = Tagged(start, finish, kind, score)
            covered[number] = limit
        return [_apart(own.values()) for own in out]

    def _half(self, pieces: Pieces, end: int) -> int:
        """How many words at the end of a window lie in the second half of what it shares with the next."""
        words = 0
        edge = pieces.at[end]
        while words < end and edge - pieces.at[end - words - 1] <= OVERLAP // 2:
            words += 1
        return words

    def _logits(
        self, read: Sequence[Pieces], jobs: Sequence[tuple[int, int, int]], after: Callable[[], None] = lambda: None
    ) -> list[Any]:
        """Logits of each window's words."""
        out: list[Any] = []
        group: list[tuple[int, int, int]] = []
        used = 0
        for job in jobs:
            size = self._size(read[job[0]], job) + 2
            if group and (used + size > BATCH or len(group) == BATCH // 16):
                out += self._pass(read, group, after)
                group, used = [], 0
            group.append(job)
            used += size
        if group:
            out += self._pass(read, group, after)
        return out

    @staticmethod
    def _size(pieces: Pieces, job: tuple[int, int, int]) -> int:
        return (pieces.at[job[2]] if job[2] < len(pieces.words) else len(pieces.ids)) - pieces.at[job[1]]

    def _pass(self, read: Sequence[Pieces], group: Sequence[tuple[int, int, int]], after: Callable[[], None]) -> list[Any]:
        for may_leave in (True, False):
            with self._one:
                self._may_leave = may_leave
                out = self._encoded(read, group)
            after()
            if out is not None:
                return out
        raise EncoderFault("The encoder's pass failed.")

    def _encoded(self, read: Sequence[Pieces], group: Sequence[tuple[int, int, int]]) -> list[Any] | None:
        """Logits of each window's words; None when the pass was given up."""
        np, at, rows = self._np, 0, []
        for sequence, (number, begin, end) in enumerate(group):
            pieces = read[number]
            low = pieces.at[begin]
            # A single word longer than the window cannot be: WORD_MAX bounds it.
            ids = [CLS, *pieces.ids[low : low + self._size(pieces, (number, begin, end))], SEP]
            stop = at + len(ids)
            self._ids[at:stop] = ids
            self._places[at:stop] = np.arange(len(ids))
            for i in range(at, stop):
                self._batch.seq_id[i][0] = sequence
            rows.append(np.array(pieces.first[begin:end]) - low + 1 + at)
            at = stop
        self._batch.n_tokens = at
        code = self._lib.llama_encode(self._context, self._batch)
        if code == _GIVEN_UP:
            return None
        if code != 0:
            raise EncoderFault("The encoder's pass failed.")
        hidden = np.ctypeslib.as_array(self._lib.llama_get_embeddings(self._context), (at, self._width))
        out = [self.head.logits(hidden[own]) for own in rows]
        if not all(np.isfinite(each).all() for each in out):
            raise EncoderFault("The encoder's pass gave no numbers.")
        return out

    def close(self) -> None:
        """Give the memory back."""
        self._lib.llama_batch_free(self._batch)
        self._lib.llama_free(self._context)
        self._lib.llama_model_free(self._model)


def _apart(spans: Any) -> list[Tagged]:
    """Without overlaps: where two windows disagree, the surer one stays."""
    out: list[Tagged] = []
    for span in sorted(spans, key=lambda s: -s.score):
        if all(span.end <= o.start or span.start >= o.end for o in out):
            out.append(span)
    return sorted(out)
