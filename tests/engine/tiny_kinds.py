"""Small models whose memory is no plain KV cache, with random weights, as the catalogue's families have it: layers that see a window only
(Gemma 3 and 4), layers that keep a state (Qwen3.5's gated delta net, LFM2's short convolutions), and both in one. Shapes are those of
llama.cpp's src/models/gemma3.cpp, gemma4.cpp, qwen35.cpp and lfm2.cpp; Mamba's is in `tiny_chat`.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import tiny_chat

DIM, HEADS, KV, INNER, LAYERS = 64, 4, 2, 96, 4
HEAD = DIM // HEADS
WINDOW = 24
"""Tokens that a layer with a window sees."""
KINDS = ("gemma3", "gemma4", "qwen35", "lfm2", "lfm2-window", "mamba")
CUTTABLE = ("gemma3", "gemma4")
"""The end of a sequence can be taken away from their memory."""


class _Draw:
    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        self.words = len(tiny_chat.tokenizer()[0]) + len(tiny_chat.SPECIAL)

    def matrix(self, rows: int, columns: int, scale: float = 1.0) -> np.ndarray:
        return np.asarray(self._draw.standard_normal((rows, columns)) * (scale / np.sqrt(columns)), np.float32)

    def ends(self, norm: str = "output_norm.weight", embedding: float = 1.0) -> dict[str, np.ndarray]:
        """What stands before and behind the layers."""
        return {
            "token_embd.weight": (self._draw.standard_normal((self.words, DIM)) * embedding).astype(np.float32),
            norm: _ones(DIM),
            "output.weight": self.matrix(self.words, DIM, 3.0),
        }

    def mixer(self, n: int, wide: int = 1, sharp: float = 1.0) -> dict[str, np.ndarray]:
        """An attention layer's matrices. `wide`: 2 where a gate comes with the queries. `sharp`: of the scores; sharp ones make much of
        the last bit of a sum, whose order depends on who else is in the memory."""
        return {
            f"blk.{n}.attn_q.weight": self.matrix(wide * HEADS * HEAD, DIM, 1.5),
            f"blk.{n}.attn_k.weight": self.matrix(KV * HEAD, DIM, 1.5),
            f"blk.{n}.attn_v.weight": self.matrix(KV * HEAD, DIM, 1.5),
            f"blk.{n}.attn_output.weight": self.matrix(DIM, HEADS * HEAD, 2.0),
            f"blk.{n}.attn_q_norm.weight": np.full(HEAD, sharp, np.float32),
            f"blk.{n}.attn_k_norm.weight": _ones(HEAD),
        }

    def feed(self, n: int) -> dict[str, np.ndarray]:
        return {
            f"blk.{n}.ffn_gate.weight": self.matrix(INNER, DIM),
            f"blk.{n}.ffn_up.weight": self.matrix(INNER, DIM),
            f"blk.{n}.ffn_down.weight": self.matrix(DIM, INNER),
        }


def _ones(size: int) -> np.ndarray:
    return np.ones(size, np.float32)


def _writer(path: Path, architecture: str, layers: int = LAYERS) -> gguf.GGUFWriter:
    w = gguf.GGUFWriter(str(path), architecture)
    w.add_context_length(8192)
    w.add_embedding_length(DIM)
    w.add_block_count(layers)
    w.add_feed_forward_length(INNER)
    w.add_head_count(HEADS)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(10000.0)
    return w


def gemma(path: Path, architecture: str, seed: int) -> Path:
    """Every other layer sees a window; in Gemma 4 the last two use the cache of the two before them."""
    draw = _Draw(seed)
    shared = 2 if architecture == "gemma4" else 0
    layers = LAYERS + shared
    w = _writer(path, architecture, layers)
    w.add_head_count_kv(KV)
    w.add_key_length(HEAD)
    w.add_value_length(HEAD)
    w.add_sliding_window(WINDOW)
    weights = draw.ends(embedding=1 / np.sqrt(DIM))  # they are scaled by the root of the width
    if architecture == "gemma4":
        w.add_sliding_window_pattern([n % 2 == 0 for n in range(layers)])
        w.add_uint32("gemma4.attention.key_length_swa", HEAD)
        w.add_uint32("gemma4.attention.value_length_swa", HEAD)
        w.add_uint32("gemma4.attention.shared_kv_layers", shared)
        w.add_uint32("gemma4.embedding_length_per_layer_input", 0)
        w.add_float32("gemma4.rope.freq_base_swa", 10000.0)
        weights["rope_freqs.weight"] = _ones(HEAD // 2)
    else:
        w.add_sliding_window_pattern(2)
    for n in range(layers):
        weights |= draw.mixer(n, sharp=0.25) | draw.feed(n)
        weights |= {
            f"blk.{n}.{name}.weight": _ones(DIM) for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
        }
    return tiny_chat.finish(w, path, weights)


def qwen35(path: Path, seed: int) -> Path:
    """Gated delta nets (arXiv:2412.06464), and attention in every other layer."""
    draw = _Draw(seed)
    state, keys, values, kernel = 16, 2, 4, 4
    wide = state * values
    conv = 2 * state * keys + wide
    w = _writer(path, "qwen35")
    w.add_head_count_kv(KV)
    w.add_key_length(HEAD)
    w.add_value_length(HEAD)
    w.add_rope_dimension_count(HEAD)
    w.add_rope_dimension_sections([2, 3, 3, 0])
    w.add_full_attention_interval(2)
    w.add_ssm_conv_kernel(kernel)
    w.add_ssm_inner_size(wide)
    w.add_ssm_state_size(state)
    w.add_ssm_time_step_rank(values)
    w.add_ssm_group_count(keys)
    weights = draw.ends()
    for n in range(LAYERS):
        if (n + 1) % 2 == 0:
            weights |= draw.mixer(n, wide=2)
        else:
            weights |= {
                f"blk.{n}.attn_qkv.weight": draw.matrix(conv, DIM, 1.5),
                f"blk.{n}.attn_gate.weight": draw.matrix(wide, DIM),
                f"blk.{n}.ssm_conv1d.weight": draw.matrix(conv, kernel),
                f"blk.{n}.ssm_dt.bias": np.full(values, -2.0, np.float32),
                f"blk.{n}.ssm_a": np.full(values, -0.5, np.float32),
                f"blk.{n}.ssm_beta.weight": draw.matrix(values, DIM),
                f"blk.{n}.ssm_alpha.weight": draw.matrix(values, DIM),
                f"blk.{n}.ssm_norm.weight": _ones(state),
                f"blk.{n}.ssm_out.weight": draw.matrix(DIM, wide, 2.0),
            }
        weights |= draw.feed(n)
        weights |= {f"blk.{n}.{name}.weight": _ones(DIM) for name in ("attn_norm", "post_attention_norm")}
    return tiny_chat.finish(w, path, weights)


def lfm2(path: Path, seed: int, window: int = 0) -> Path:
    """Short convolutions, and attention in every other layer; `window`: its tokens, 0 for all."""
    draw = _Draw(seed)
    kernel = 3
    w = _writer(path, "lfm2")
    w.add_head_count_kv([0 if n % 2 == 0 else KV for n in range(LAYERS)])
    w.add_shortconv_l_cache(kernel)
    if window:
        w.add_sliding_window(window)
    weights = draw.ends("token_embd_norm.weight")
    for n in range(LAYERS):
        if n % 2:
            weights |= draw.mixer(n)
        else:
            weights |= {
                f"blk.{n}.shortconv.conv.weight": draw.matrix(DIM, kernel),
                f"blk.{n}.shortconv.in_proj.weight": draw.matrix(3 * DIM, DIM),
                f"blk.{n}.shortconv.out_proj.weight": draw.matrix(DIM, DIM, 2.0),
            }
        weights |= draw.feed(n)
        weights |= {f"blk.{n}.{name}.weight": _ones(DIM) for name in ("attn_norm", "ffn_norm")}
    return tiny_chat.finish(w, path, weights)


def build(kind: str, path: Path, *, seed: int = 4) -> Path:
    """One of KINDS."""
    if kind == "mamba":
        return tiny_chat.recurrent(path, seed=seed)
    if kind == "qwen35":
        return qwen35(path, seed)
    if kind.startswith("lfm2"):
        return lfm2(path, seed, WINDOW if kind.endswith("window") else 0)
    return gemma(path, kind, seed)
