"""Small chat models that the tests build: llama architecture, a byte-level BPE tokenizer of some thousand merges, random weights.

`trained` is one whose answers are decisive and depend on its whole prompt: over a random body, whose attention mixes all tokens, the
output layer is fitted (ridge regression) so that "song 7" is answered with the seventh of many orders of the same few words. What a
neighbour's tokens in its memory would do to it shows in its text.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gguf
import numpy as np

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<think>", "</think>")
SPECIAL += ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
TEMPLATE = (
    "{%- if tools %}<|im_start|>system\n# Tools\n<tools>{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}\n</tools>\n"
    'For each function call, return a json object within <tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, '
    '"arguments": <args-json-object>}\n</tool_call><|im_end|>\n{%- endif %}'
    "{%- for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{%- if m.tool_calls %}{% for c in m.tool_calls %}\n<tool_call>\n{{ c.function | tojson }}\n</tool_call>{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WORDS = ("red", "green", "blue", "north", "south", "east", "west", "iron", "gold", "salt")


@cache
def tokenizer(merges: int = 2000) -> tuple[list[str], list[tuple[str, str]]]:
    """Tokens and merges of a byte-level BPE, trained on the reference texts that come with Python."""
    from pydoc_data.topics import topics

    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=merges + 256, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([*topics.values(), *(f" {w}" for w in (*WORDS, "yes", "no") for _ in range(200))], trainer)
    state = json.loads(made.to_str())["model"]
    tokens = sorted(state["vocab"], key=state["vocab"].__getitem__)
    return tokens, [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in state["merges"]]  # type: ignore[misc]


def body(dim: int, layers: int, heads: int, inner: int, words: int, *, scale: float, seed: int) -> dict[str, np.ndarray]:
    """Random weights by GGUF's names. `scale`: of the matrices, in units of 1/sqrt(width)."""
    draw = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (draw.standard_normal((rows, columns), np.float32) * (scale / np.sqrt(columns))).astype(np.float32)

    out = {"token_embd.weight": draw.standard_normal((words, dim), np.float32)}
    ones = np.ones(dim, np.float32)
    for n in range(layers):
        out |= {f"blk.{n}.attn_norm.weight": ones, f"blk.{n}.ffn_norm.weight": ones}
        out |= {f"blk.{n}.{name}.weight": matrix(dim, dim) for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
        out |= {f"blk.{n}.ffn_gate.weight": matrix(inner, dim), f"blk.{n}.ffn_up.weight": matrix(inner, dim)}
        out[f"blk.{n}.ffn_down.weight"] = matrix(dim, inner)
    out |= {"output_norm.weight": ones, "output.weight": matrix(words, dim)}
    return out


def forward(weights: dict[str, np.ndarray], heads: int, tokens: list[int]) -> np.ndarray:
    """The model in numpy: hidden states before the output layer, (tokens, width). An independent reading of the llama architecture: RMS
    norms, rotary positions on pairs of neighbours (RoFormer, arXiv:2104.09864), SwiGLU."""

    def norm(x: np.ndarray) -> np.ndarray:
        return np.asarray(x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5))

    x = weights["token_embd.weight"][tokens].astype(np.float64)
    n, dim = x.shape
    size = dim // heads
    angle = np.arange(n)[:, None] * (10000.0 ** (-np.arange(0, size, 2) / size))[None]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]

    def turned(v: np.ndarray) -> np.ndarray:
        v = v.reshape(n, heads, size)
        even, odd = v[..., ::2], v[..., 1::2]
        return np.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(n, heads, size)

    hidden = np.triu(np.full((n, n), -np.inf), 1)
    for k in range(sum(name.endswith("attn_q.weight") for name in weights)):
        w = {name.split(".")[2]: m for name, m in weights.items() if name.startswith(f"blk.{k}.")}
        h = norm(x)
        q, key = turned(h @ w["attn_q"].T), turned(h @ w["attn_k"].T)
        scores = np.einsum("ihd,jhd->hij", q, key) / np.sqrt(size) + hidden
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        x = x + np.einsum("hij,jhd->ihd", share, (h @ w["attn_v"].T).reshape(n, heads, size)).reshape(n, dim) @ w["attn_output"].T
        h = norm(x)
        gate = h @ w["ffn_gate"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w["ffn_up"].T)) @ w["ffn_down"].T
    return norm(x)


def write(
    path: Path, weights: dict[str, np.ndarray], heads: int, *, merges: int = 2000, context: int = 32768, quantised: bool = False,
    user: Sequence[str] = (),
) -> Path:  # fmt: skip
    """The GGUF. `quantised`: matrices in Q8_0, as real files are."""
    dim = weights["output_norm.weight"].shape[0]
    w = gguf.GGUFWriter(str(path), "llama")
    w.add_context_length(context)
    w.add_embedding_length(dim)
    w.add_block_count(sum(name.endswith("attn_q.weight") for name in weights))
    w.add_feed_forward_length(next(m for name, m in weights.items() if "ffn_gate" in name).shape[0])
    w.add_head_count(heads)
    w.add_head_count_kv(heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(dim // heads)
    return finish(w, path, weights, merges, quantised, user)


def finish(
    w: gguf.GGUFWriter,
    path: Path,
    weights: dict[str, np.ndarray],
    merges: int = 2000,
    quantised: bool = False,
    user: Sequence[str] = (),
) -> Path:
    """The tokenizer, the template and the tensors, written behind what the writer holds already. `user`: those of SPECIAL that the file calls
    user-defined."""
    tokens, pairs = tokenizer(merges)
    names = [*tokens, *SPECIAL]
    w.add_name("tiny-chat")
    w.add_vocab_size(len(names))
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(names)
    kinds = [gguf.TokenType.USER_DEFINED if name in user else gguf.TokenType.CONTROL for name in SPECIAL]
    w.add_token_types([gguf.TokenType.NORMAL] * len(tokens) + kinds)
    w.add_token_merges([" ".join(p) for p in pairs])
    w.add_bos_token_id(names.index("<|endoftext|>"))
    w.add_eos_token_id(names.index("<|im_end|>"))
    w.add_pad_token_id(names.index("<|endoftext|>"))
    w.add_add_bos_token(False)
    for key in ("prefix", "suffix", "middle"):
        w.add_uint32(f"tokenizer.ggml.fim_{key[:3]}_token_id", names.index(f"<|fim_{key}|>"))
    w.add_chat_template(TEMPLATE)
    kind = gguf.GGMLQuantizationType.Q8_0
    for name, tensor in weights.items():
        if quantised and tensor.ndim == 2 and tensor.shape[1] % 32 == 0:
            w.add_tensor(name, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
        else:
            w.add_tensor(name, tensor)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return path


def recurrent(path: Path, *, dim: int = 64, layers: int = 2, seed: int = 5) -> Path:
    """Mamba (arXiv:2312.00752) with random weights: a sequence's memory is one state, of which no end can be taken away."""
    inner, state, rank, kernel = 2 * dim, 8, 4, 4
    words = len(tokenizer()[0]) + len(SPECIAL)
    draw = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (draw.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    weights = {"token_embd.weight": draw.standard_normal((words, dim)).astype(np.float32)}
    for n in range(layers):
        weights |= {
            f"blk.{n}.attn_norm.weight": np.ones(dim, np.float32),
            f"blk.{n}.ssm_in.weight": matrix(2 * inner, dim),
            f"blk.{n}.ssm_conv1d.weight": matrix(inner, kernel),
            f"blk.{n}.ssm_conv1d.bias": np.zeros(inner, np.float32),
            f"blk.{n}.ssm_x.weight": matrix(rank + 2 * state, inner),
            f"blk.{n}.ssm_dt.weight": matrix(inner, rank),
            f"blk.{n}.ssm_dt.bias": np.full(inner, -2.0, np.float32),
            f"blk.{n}.ssm_a": -np.ones((inner, state), np.float32),
            f"blk.{n}.ssm_d": np.ones(inner, np.float32),
            f"blk.{n}.ssm_out.weight": matrix(dim, inner),
        }
    weights |= {"output_norm.weight": np.ones(dim, np.float32), "output.weight": 3 * matrix(words, dim)}
    w = gguf.GGUFWriter(str(path), "mamba")
    w.add_context_length(32768)
    w.add_embedding_length(dim)
    w.add_feed_forward_length(0)
    w.add_head_count(0)
    w.add_block_count(layers)
    w.add_ssm_conv_kernel(kernel)
    w.add_ssm_inner_size(inner)
    w.add_ssm_state_size(state)
    w.add_ssm_time_step_rank(rank)
    w.add_layer_norm_rms_eps(1e-5)
    return finish(w, path, weights, 2000)


def random(path: Path, *, dim: int = 64, layers: int = 2, heads: int = 4, inner: int = 128, seed: int = 7, merges: int = 2000,
           quantised: bool = False, user: Sequence[str] = ()) -> Path:  # fmt: skip
    """Random weights; the end tokens are as unlikely as the others. dim 768, layers 12, inner 2048: about 100 M parameters."""
    words = len(tokenizer(merges)[0]) + len(SPECIAL)
    return write(
        path, body(dim, layers, heads, inner, words, scale=1.0, seed=seed), heads, merges=merges, quantised=quantised, user=user
    )


SONGS, LENGTH = 12, 30


def song(number: int) -> list[str]:
    """The words that the trained model was taught to answer to "song N": one order of all of them, again and again."""
    order = np.random.default_rng(1000 + number).permutation(len(WORDS))
    return [" " + WORDS[order[i % len(WORDS)]] for i in range(LENGTH)]


def prompt(number: int) -> str:
    return f"<|im_start|>user\nsong {number}<|im_end|>\n<|im_start|>assistant\n"


def trained(path: Path, *, dim: int = 256, layers: int = 2, heads: int = 4, inner: int = 512, seed: int = 3) -> Path:
    """Answers every song right, with margins of 6 and more; takes about a second."""
    tokens, _ = tokenizer()
    names = [*tokens, *SPECIAL]
    weights = body(dim, layers, heads, inner, len(names), scale=1.5, seed=seed)
    for name in weights:
        if name.endswith(("attn_q.weight", "attn_k.weight")):
            weights[name] = weights[name] * np.float32(0.2)  # attention that looks at everything, so that everything counts
    read = _reader()
    states: list[Any] = []
    goals: list[int] = []
    for number in range(SONGS):
        asked = read(prompt(number))
        answer = [names.index("\u0120" + w.strip()) for w in song(number)]
        hidden = forward(weights, heads, [*asked, *answer])
        states.append(hidden[len(asked) - 1 : -1])
        goals += answer
    x = np.concatenate(states)
    kinds = sorted(set(goals))
    y = np.array([[1.0 if g == k else -0.1 for k in kinds] for g in goals])
    fit = np.linalg.solve(x.T @ x + 0.1 * np.eye(dim), x.T @ y).T * 12.0
    out = np.random.default_rng(seed + 1).standard_normal((len(names), dim)) * 0.01
    out[kinds] = fit
    weights["output.weight"] = out.astype(np.float32)
    return write(path, weights, heads)


def build(kind: str, path: Path, **options: Any) -> Path:
    """`trained`, `random` or `recurrent`, made in a process of its own with one thread: numpy's threads fight for the cores of a busy machine."""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, __file__, kind, str(path), json.dumps(options)], env=env, check=True)
    return path


def _reader() -> Any:
    """Text with special names to tokens, by the `tokenizers` library: not by the code under test."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    tokens, merges = tokenizer()
    made = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    made.add_special_tokens([AddedToken(name, normalized=False) for name in SPECIAL])
    return lambda text: list(made.encode(text).ids)


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), **json.loads(sys.argv[3]))
