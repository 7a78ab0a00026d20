"""Sentence embeddings: the mean of the encoder's last layer, normalised, as sentence-transformers' all-MiniLM-L6-v2 makes them.

Made for one process. The rules (lower case, 256 word pieces with [CLS] and [SEP], mean pooling over all of them, L2 norm) are those of the
model card, https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2. The file is the stock model's Q8_0 conversion: the encoder that was
trained to find names no longer says which sentences mean the same.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localrouter.engine.cpu import spare_extra_buffers
from localrouter.engine.encoder import SETTINGS, EncoderFault, default_threads, quiet

WINDOW = 256
"""Word pieces that are read of a text, [CLS] and [SEP] among them; the rest of it does not count."""
WIDTH = 384
CLS, SEP, UNK = 101, 102, 100
WORD_MAX = 100
"""Characters of a word; a longer one is unknown (BERT's own tokenizer)."""


class Embedder:
    """`threads` 0: chosen. Raises EncoderFault when the file is missing, damaged or another model's. Not for two threads at once."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        if not path.is_file():
            raise EncoderFault(f"The embedding model's file {path.name} is missing.")
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        import numpy as np
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

        llama_cpp = quiet()
        self._lib: Any = llama_cpp
        self._np: Any = np
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0
        params.use_extra_bufts = not spare_extra_buffers()
        self._model: Any = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise EncoderFault(f"The embedding model's file {path.name} is damaged or of an unknown kind.")
        words = self._vocabulary()
        self._words = len(words)
        if llama_cpp.llama_model_n_embd(self._model) != WIDTH or words[CLS : SEP + 1] != ["[CLS]", "[SEP]"]:
            llama_cpp.llama_model_free(self._model)
            raise EncoderFault(f"The file {path.name} is not the embedding model that localrouter ships.")
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = context.n_batch = context.n_ubatch = WINDOW
        context.n_seq_max = WINDOW // 16
        context.n_threads = context.n_threads_batch = threads or default_threads()
        context.embeddings = True
        context.flash_attn_type = 1
        context.pooling_type = 1  # the mean
        self._context: Any = llama_cpp.llama_init_from_model(self._model, context)
        if not self._context:
            raise EncoderFault(f"The embedding model {path.name} needs more memory than there is.")
        self._batch: Any = llama_cpp.llama_batch_init(WINDOW, 0, 1)
        model: Any = models.WordPiece(
            vocab={word: number for number, word in enumerate(words)},
            unk_token="[UNK]",  # no password
            max_input_chars_per_word=WORD_MAX,
        )
        self._tokenizer: Any = Tokenizer(model)
        self._tokenizer.normalizer = normalizers.BertNormalizer()
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def _vocabulary(self) -> list[str]:
        vocab = self._lib.llama_model_get_vocab(self._model)
        words = []
        for number in range(self._lib.llama_vocab_n_tokens(vocab)):
            word = self._lib.llama_vocab_get_text(vocab, number).decode("utf-8")
            special = word.startswith("[") and word.endswith("]") and len(word) > 2
            words.append(word[1:] if word.startswith("\u2581") else word if special else "##" + word)
        return words

    def count(self, text: str) -> int:
        """Word pieces of a text with [CLS] and [SEP], as far as they are read."""
        return len(self._ids(text))

    def _ids(self, text: str | Sequence[int]) -> list[int]:
        ids: Sequence[int] = self._tokenizer.encode(text, add_special_tokens=False).ids if isinstance(text, str) else text
        if any(not 0 <= token < self._words for token in ids):
            raise EncoderFault("There is no such word piece.")
        return [CLS, *ids[: WINDOW - 2], SEP]

    def embed(self, texts: Sequence[str | Sequence[int]]) -> list[list[float]]:
        """A vector of 384 dimensions and length 1 for each text (or its word pieces without [CLS] and [SEP]), in order. An empty text has one
        too. Raises EncoderFault."""
        read = [self._ids(text) for text in texts]
        out: list[list[float]] = []
        group: list[list[int]] = []
        used = 0
        for ids in read:
            if group and (used + len(ids) > WINDOW or len(group) == WINDOW // 16):
                out += self._pass(group)
                group, used = [], 0
            group.append(ids)
            used += len(ids)
        return out + self._pass(group) if group else out

    def _pass(self, group: Sequence[Sequence[int]]) -> list[list[float]]:
        at = 0
        for sequence, ids in enumerate(group):
            for place, token in enumerate(ids):
                self._batch.token[at], self._batch.pos[at], self._batch.logits[at] = token, place, 1
                self._batch.n_seq_id[at], self._batch.seq_id[at][0] = 1, sequence
                at += 1
        self._batch.n_tokens = at
        if self._lib.llama_encode(self._context, self._batch) != 0:
            raise EncoderFault("The embedding model's pass failed.")
        out: list[list[float]] = []
        for sequence in range(len(group)):
            row = self._np.ctypeslib.as_array(self._lib.llama_get_embeddings_seq(self._context, sequence), (WIDTH,))
            length = float(self._np.linalg.norm(row))
            if not length > 0:  # nor for NaN
                raise EncoderFault("The embedding model's pass gave no numbers.")
            out.append([float(x) for x in row / length])
        return out

    def close(self) -> None:
        """Give the memory back."""
        self._lib.llama_batch_free(self._batch)
        self._lib.llama_free(self._context)
        self._lib.llama_model_free(self._model)
