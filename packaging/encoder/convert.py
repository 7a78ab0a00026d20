"""A BERT encoder (Hugging Face names, safetensors) as GGUF for llama.cpp, in Q8_0.

Tensor and key names: llama.cpp's `bert` architecture (gguf-py `MODEL_ARCH.BERT`). Matrices whose rows are a multiple of 32 become
Q8_0; norms, biases, positions and token types stay F32. The vocabulary lies inside, in llama.cpp's spelling of WordPiece ("▁" before
a word's first piece, nothing before the others), and once more as it is, for the tokenizer that gives character offsets.

Run: python packaging/encoder/convert.py WEIGHTS.safetensors VOCAB.txt OUT.gguf
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors import safe_open

NAMES = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.LayerNorm.weight": "token_embd_norm.weight",
    "embeddings.LayerNorm.bias": "token_embd_norm.bias",
}
BLOCK = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
HEADS, EPSILON, CONTEXT = 12, 1e-12, 512
KEEP_F32 = ("position_embd.weight", "token_types.weight")


def renamed(name: str) -> str | None:
    """The GGUF name of a tensor; None for what the encoder has no use for (the pooler)."""
    name = name.removeprefix("bert.")
    if name in NAMES:
        return NAMES[name]
    if name.startswith("encoder.layer."):
        number, _, rest = name.removeprefix("encoder.layer.").partition(".")
        module, _, kind = rest.rpartition(".")
        return f"blk.{number}.{BLOCK[module]}.{kind}"
    return None


def write(tensors: dict[str, np.ndarray[Any, Any]], vocabulary: list[str], out: Path, name: str, extra: dict[str, str]) -> None:
    """`tensors` by their Hugging Face names, float32; `extra`: string keys of our own, under `localrouter.`."""
    made = {new: tensor for old, tensor in tensors.items() if (new := renamed(old)) is not None}
    width = made["token_embd.weight"].shape[1]
    writer = gguf.GGUFWriter(str(out), "bert")
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(made["blk.0.ffn_up.weight"].shape[0])
    writer.add_block_count(1 + max(int(n.split(".")[1]) for n in made if n.startswith("blk.")))
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(EPSILON)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.NONE)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_tokenizer_model("bert")
    writer.add_token_list([_spelled(t) for t in vocabulary])
    writer.add_token_types([gguf.TokenType.CONTROL if _special(t) else gguf.TokenType.NORMAL for t in vocabulary])
    writer.add_token_type_count(2)
    for key, token in (("unk", "[UNK]"), ("sep", "[SEP]"), ("pad", "[PAD]"), ("mask", "[MASK]")):
        getattr(writer, f"add_{key}_token_id")(vocabulary.index(token))
    writer.add_bos_token_id(vocabulary.index("[CLS]"))
    writer.add_eos_token_id(vocabulary.index("[SEP]"))
    for key, value in extra.items():
        writer.add_string(f"localrouter.{key}", value)
    for tensor_name, tensor in sorted(made.items()):
        if tensor.ndim == 2 and tensor.shape[1] % 32 == 0 and tensor_name not in KEEP_F32:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor_name, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
        else:
            writer.add_tensor(tensor_name, tensor.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _special(token: str) -> bool:
    return token.startswith("[") and token.endswith("]") and len(token) > 2


def _spelled(token: str) -> str:
    if _special(token):
        return token
    return token[2:] if token.startswith("##") else "\u2581" + token


def load(weights: Path) -> dict[str, np.ndarray[Any, Any]]:
    """All tensors of a safetensors file, as float32."""
    with safe_open(str(weights), framework="np") as file:
        return {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118  # no mapping


def main(argv: list[str]) -> int:
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    weights, vocabulary, out = map(Path, argv)
    words = vocabulary.read_text(encoding="utf-8").splitlines()
    write(load(weights), words, out, out.stem, {"source": json.dumps({"weights": weights.name})})
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
