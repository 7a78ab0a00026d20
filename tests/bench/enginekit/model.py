"""The models: llama architecture, random weights, a real tokenizer. Built once and kept in the cache folder.

Speed does not depend on what the weights are, only on their number and format. The tokenizer is a byte-level BPE trained on the sources of
Python's own library, so that prompts split as text does. Tokens that end an answer, and those that are no whole characters, have an
output row of zeros: beside 32 000 random logits greedy decoding never chooses them, so that every server writes exactly the tokens it
was asked for and each of them is text.
"""

from __future__ import annotations

import json
import os
import random
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import gguf
import numpy as np

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{%- for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML, the simplest of the common templates: all servers know it."""
CONTEXT = 32_768


@dataclass(frozen=True)
class Size:
    """`name`: about how many parameters; `words`: tokens of the vocabulary."""

    name: str
    dim: int
    layers: int
    heads: int
    kv_heads: int
    inner: int
    words: int = 32_000


SIZES = {
    "100M": Size("100M", 640, 12, 10, 5, 1792),
    "500M": Size("500M", 1280, 24, 20, 5, 3584),
    "tiny": Size("tiny", 64, 2, 4, 4, 128, 2_000),
}
FORMATS = {"q8_0": gguf.GGMLQuantizationType.Q8_0, "f16": gguf.GGMLQuantizationType.F16}


@cache
def sources() -> tuple[str, ...]:
    """Python's own library, file by file in order of name, up to 8 MB."""
    out, left = [], 8_000_000
    for file in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        text = file.read_text(encoding="utf-8", errors="replace")
        out.append(text)
        left -= len(text)
        if left < 0:
            break
    return tuple(out)


def _trained(words: int, file: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=words, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    made.train_from_iterator(sources(), trainer)
    made.save(str(file))


class Words:
    """The tokenizer of a model: text with a given number of tokens."""

    def __init__(self, folder: Path, words: int) -> None:
        from tokenizers import Tokenizer

        file = folder / f"bpe-{words}.json"
        if not file.exists():
            fresh = file.with_suffix(f".{os.getpid()}")
            _trained(words, fresh)
            fresh.replace(file)
        self._made = Tokenizer.from_file(str(file))
        self._all: list[int] = []
        state = json.loads(file.read_text())["model"]
        self.tokens = sorted(state["vocab"], key=state["vocab"].__getitem__)
        self.merges = [" ".join(m) if isinstance(m, list) else m for m in state["merges"]]

    def text(self, tokens: int, seed: int) -> str:
        """Source code of about so many tokens, from a place that the seed chooses; two seeds share no beginning."""
        if not self._all:
            self._all = [t for text in sources()[:60] for t in self._made.encode(text).ids]
        have = self._all
        at = random.Random(seed).randrange(max(1, len(have) - tokens))
        return f"{seed}: " + self._made.decode(have[at : at + max(0, tokens - 4)])

    def count(self, text: str) -> int:
        return len(self._made.encode(text).ids)


def _whole(token: str) -> bool:
    """It is text by itself: a byte-level token of printable ASCII."""
    return token.replace("\u0120", "").replace("\u010a", "").isascii()


def build(size: Size, kind: str, words: Words, file: Path) -> Path:
    """The GGUF, unless it is there."""
    if file.exists():
        return file
    print(f"  building {file.name}", file=sys.stderr, flush=True)
    names = [*words.tokens, *SPECIAL]
    draw = np.random.default_rng(7)
    quant = FORMATS[kind]

    fresh = file.with_suffix(f".{os.getpid()}")
    w = gguf.GGUFWriter(str(fresh), "llama")
    w.add_name(f"bench-{size.name}")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(size.dim)
    w.add_block_count(size.layers)
    w.add_feed_forward_length(size.inner)
    w.add_head_count(size.heads)
    w.add_head_count_kv(size.kv_heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(size.dim // size.heads)
    w.add_vocab_size(len(names))
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(names)
    w.add_token_types([gguf.TokenType.NORMAL] * len(words.tokens) + [gguf.TokenType.CONTROL] * len(SPECIAL))
    w.add_token_merges(words.merges)
    w.add_bos_token_id(names.index("<|endoftext|>"))
    w.add_eos_token_id(names.index("<|im_end|>"))
    w.add_pad_token_id(names.index("<|endoftext|>"))
    w.add_add_bos_token(False)
    w.add_chat_template(TEMPLATE)

    def add(name: str, rows: int, columns: int, silent: list[int] | None = None) -> None:
        tensor = draw.standard_normal((rows, columns), np.float32) / np.float32(np.sqrt(columns))
        if silent:
            tensor[silent] = 0
        w.add_tensor(name, gguf.quants.quantize(tensor, quant), raw_dtype=quant)

    kv = size.dim // size.heads * size.kv_heads
    ones = np.ones(size.dim, np.float32)
    add("token_embd.weight", len(names), size.dim)
    for n in range(size.layers):
        w.add_tensor(f"blk.{n}.attn_norm.weight", ones)
        w.add_tensor(f"blk.{n}.ffn_norm.weight", ones)
        for name, rows, columns in (
            ("attn_q", size.dim, size.dim), ("attn_k", kv, size.dim), ("attn_v", kv, size.dim), ("attn_output", size.dim, size.dim),
            ("ffn_gate", size.inner, size.dim), ("ffn_up", size.inner, size.dim), ("ffn_down", size.dim, size.inner),
        ):  # fmt: skip
            add(f"blk.{n}.{name}.weight", rows, columns)
    w.add_tensor("output_norm.weight", ones)
    silent = [i for i, t in enumerate(names) if i >= len(words.tokens) or not _whole(t)]
    add("output.weight", len(names), size.dim, silent)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    fresh.replace(file)
    return file
