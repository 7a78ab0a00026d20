"""A BERT of some hundred words with random weights, as GGUF: enough to run the encoder's every step where the real file is not needed."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from localrouter.engine.token_head import TYPES, Head

WIDTH, INNER, HEADS = 32, 64, 2
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
VOCABULARY = [
    "[PAD]", *(f"[unused{n}]" for n in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]",
    *LETTERS, *(f"##{c}" for c in LETTERS), "jane", "doe", "met", "in", "paris", ".", ",", "##son",
]  # fmt: skip
"""With BERT's own places for the special words."""


def head(seed: int = 1, **other: object) -> Head:
    """A head with random weights of the tiny width."""
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(1 + 2 * len(TYPES), WIDTH)).astype("<f2").astype(np.float32)
    return Head(matrix, np.zeros(len(matrix), dtype=np.float32), **other)  # type: ignore[arg-type]


def write(path: Path, extra: dict[str, str], seed: int = 1) -> Path:
    """The file. `extra`: string keys of our own."""
    draw = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(path), "bert")
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.NONE)
    writer.add_tokenizer_model("bert")
    special = [t.startswith("[") and len(t) > 2 for t in VOCABULARY]
    writer.add_token_list(
        [t if s else t[2:] if t.startswith("##") else "\u2581" + t for t, s in zip(VOCABULARY, special, strict=True)]
    )
    writer.add_token_types([gguf.TokenType.CONTROL if s else gguf.TokenType.NORMAL for s in special])
    writer.add_token_type_count(2)
    for key, token in (("unk", "[UNK]"), ("sep", "[SEP]"), ("pad", "[PAD]"), ("mask", "[MASK]")):
        getattr(writer, f"add_{key}_token_id")(VOCABULARY.index(token))
    writer.add_bos_token_id(101)
    writer.add_eos_token_id(102)
    for key, value in extra.items():
        writer.add_string(key, value)
    shapes = {"token_embd": (len(VOCABULARY), WIDTH), "position_embd": (512, WIDTH), "token_types": (2, WIDTH)}
    shapes |= {f"blk.0.attn_{name}": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")}
    shapes |= {"blk.0.ffn_up": (INNER, WIDTH), "blk.0.ffn_down": (WIDTH, INNER)}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", draw.normal(0, 0.3, shape).astype(np.float32))
        if name.startswith("blk"):
            writer.add_tensor(f"{name}.bias", np.zeros(shape[0], dtype=np.float32))
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, dtype=np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(WIDTH, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
