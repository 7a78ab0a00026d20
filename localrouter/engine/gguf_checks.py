"""Whether llama.cpp would survive a GGUF file: what its loader asserts (and so aborts on) instead of refusing, checked before.

A file that passes may still be refused by llama.cpp, which is harmless; it must not end the process. The conditions are those of
load_hparams, llama_vocab::impl::load and ggml in the llama.cpp that llama-cpp-python 0.3.36 bundles; those that mutated files found beyond
them say so.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from localrouter.engine.gguf_header import BadHeader, Header, Items
from localrouter.engine.gguf_parts import read_model
from localrouter.engine.gguf_tables import FLOAT32, INT32, STRING

MAX_LAYERS, MAX_EXPERTS = 512, 1024
"""llama.cpp's LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS; more is an abort there."""
MAX_VOCABULARY = 1 << 21
MAX_WIDTH = 1 << 17
"""Elements of an embedding; the widest models of today have 18 432."""
MAX_CONTEXT = 1 << 28
"""Tokens; 10 485 760 are the most that a model claims (Llama 4 Scout)."""
TOKENS, SCORES, KINDS, MERGES = (f"tokenizer.ggml.{k}" for k in ("tokens", "scores", "token_type", "merges"))
_SCALINGS = ("none", "linear", "yarn", "longrope")


def sound_header(path: Path) -> Header:
    """Read a header as `read_model` does, its vocabulary too, and check that llama.cpp can be given the file. Raises BadHeader."""
    header = read_model(path, keep=frozenset({TOKENS, KINDS}))
    if fault := _fault(header):
        raise BadHeader(f"The file {path.name} is not a GGUF model that can be loaded: {fault}.")
    return header


def _fault(h: Header) -> str:
    if not h.architecture:
        return "it names no architecture"
    if not h.tensors:
        return "it has no tensors"
    return _sizes(h) or _experts(h) or _numbers(h) or _tensors(h) or _vocabulary(h)


def _get(h: Header, key: str) -> Any:
    return h.values.get(f"{h.architecture}.{key}")


def _sizes(h: Header) -> str:
    layers, width = _get(h, "block_count"), _get(h, "embedding_length")
    if not isinstance(layers, int) or not 1 <= layers <= MAX_LAYERS:
        return f"its number of layers is not between 1 and {MAX_LAYERS}"
    if not isinstance(width, int) or not 1 <= width <= MAX_WIDTH:
        return f"its embedding length is not between 1 and {MAX_WIDTH}"
    context = _get(h, "context_length")
    if not isinstance(context, int) or not 1 <= context <= MAX_CONTEXT:
        return f"its context length is not between 1 and {MAX_CONTEXT}"
    if (_get(h, "nextn_predict_layers") or 0) > layers:
        return "it has more layers that predict ahead than layers"
    for key in ("attention.head_count", "attention.head_count_kv"):
        value = _get(h, key)
        row = value if isinstance(value, tuple) else (value,) if value is not None else ()
        if isinstance(value, tuple) and len(value) != layers:
            return f"{key} has {len(value)} entries for {layers} layers"
        if not all(isinstance(v, int) and 0 <= v <= width for v in row):
            return f"{key} holds what is no number of heads"
    return _heads(h)


def _heads(h: Header) -> str:
    heads, kv = _get(h, "attention.head_count"), _get(h, "attention.head_count_kv")
    # Mamba and RWKV have none; who has their tensors needs them.
    if (heads == 0 or kv == 0) and any(".attn_q" in t.name for t in h.tensors):
        return "its number of attention heads is 0"
    if isinstance(heads, int) and isinstance(kv, int) and kv and heads % kv:
        return f"its {heads} attention heads cannot share {kv} key-value heads"
    for key in ("attention.key_length", "attention.value_length", "attention.key_length_swa", "attention.value_length_swa"):
        value = _get(h, key)
        if value is not None and not (isinstance(value, int) and 1 <= value <= MAX_WIDTH):
            return f"{key} is not between 1 and {MAX_WIDTH}"
    rotated = _get(h, "rope.dimension_count")
    if rotated is not None and not (isinstance(rotated, int) and 0 <= rotated <= MAX_WIDTH and rotated % 2 == 0):
        return "the number of its rotated dimensions is odd or too large"
    return _sections(h) or _window(h) or _delta(h)


def _sections(h: Header) -> str:
    """Found by mutation: ggml counts without end where sections rotate nothing, and asserts that a head holds them (ggml-cpu/ops.cpp)."""
    sections, rotated = _get(h, "rope.dimension_sections"), _get(h, "rope.dimension_count")
    if sections is None:
        return ""
    if rotated == 0:
        return "it rotates no dimension, in sections"
    heads = max(1, h.heads)
    if not isinstance(sections, tuple) or sum(sections) > (_get(h, "attention.key_length") or h.embedding // heads):
        return "its sections of rotated dimensions are more than a head has"
    return ""


def _window(h: Header) -> str:
    """Found by mutation: a window beyond any context, and a Gemma with a window that no layer has."""
    window, pattern = _get(h, "attention.sliding_window"), _get(h, "attention.sliding_window_pattern")
    if window is not None and not (isinstance(window, int) and 0 <= window <= MAX_CONTEXT):
        return f"its window is not between 0 and {MAX_CONTEXT} tokens"
    if h.architecture.startswith("gemma") and window and (pattern == 1 or (isinstance(pattern, tuple) and not any(pattern))):
        return "it has a window, and no layer that has it"
    return ""


def _delta(h: Header) -> str:
    """Found by mutation: a gated delta net's values are heads of the state's width (models/qwen35.cpp, qwen3next.cpp)."""
    if not h.architecture.startswith(("qwen35", "qwen3next")):
        return ""
    inner, wide, heads = (_get(h, f"ssm.{key}") for key in ("inner_size", "state_size", "time_step_rank"))
    if not all(isinstance(n, int) and n > 0 for n in (inner, wide, heads)) or inner != wide * heads:
        return "the widths of its delta nets do not fit each other"
    return ""


def _experts(h: Header) -> str:
    count, used = _get(h, "expert_count") or 0, _get(h, "expert_used_count") or 0
    row = used if isinstance(used, tuple) else (used,)
    if not isinstance(count, int) or not 0 <= count <= MAX_EXPERTS:
        return f"its number of experts is not between 0 and {MAX_EXPERTS}"
    if not all(isinstance(n, int) and 0 <= n <= count for n in row) or (count > 0) != (max(row, default=0) > 0):
        return "it uses a number of experts that it does not have"
    groups, chosen = _get(h, "expert_group_count") or 0, _get(h, "expert_group_used_count") or 0
    if groups and (groups >= max(count, 1) or (groups > 1 and (count % groups or not 0 < chosen < groups))):
        return "its groups of experts do not fit their number"
    return ""


def _numbers(h: Header) -> str:
    scaling = _get(h, "rope.scaling.type")
    if scaling is not None and scaling not in _SCALINGS:
        return "it has an unknown kind of rope scaling"
    for key, value in h.values.items():
        row = value if isinstance(value, tuple) else (value,)
        if any(isinstance(v, float) and not math.isfinite(v) for v in row):
            return f"{key[:60]} is not a finite number"
    pooling = _get(h, "pooling_type")
    if pooling is not None and not (isinstance(pooling, int) and 0 <= pooling <= 4):
        return "it has an unknown kind of pooling"
    for key in ("attention.sliding_window_pattern", "attention.recurrent_layers"):
        value = _get(h, key)
        if isinstance(value, tuple) and len(value) != h.layers:
            return f"{key} has {len(value)} entries for {h.layers} layers"
    if _get(h, "full_attention_interval") == 0:
        return "its interval of full attention is 0"
    return _shared(h)


def _shared(h: Header) -> str:
    """Gemma 3n and 4: a layer without a cache of its own uses that of the last or the last but one that has one (llama-model.cpp, `reuse`),
    which must be of its kind; llama.cpp asserts it. 3n's number of own layers is fixed there (models/gemma3n.cpp)."""
    if h.architecture not in ("gemma3n", "gemma4"):
        return ""
    shared = _get(h, "attention.shared_kv_layers") or 0
    own = 20 if h.architecture == "gemma3n" else h.layers - shared if isinstance(shared, int) else -1
    pattern = _get(h, "attention.sliding_window_pattern")
    if own < 2 or (
        own < h.layers
        and isinstance(pattern, tuple)
        and any(bool(pattern[own - (2 if pattern[n] else 1)]) != bool(pattern[n]) for n in range(own, h.layers))
    ):
        return "its layers share a cache that is not there"
    return ""


def _tensors(h: Header) -> str:
    # Found by mutation: a norm of another type passes the loader, and the first product aborts.
    for tensor in h.tensors:
        if tensor.type != "F32" and ("norm" in tensor.name or tensor.name.endswith(".bias")):
            return f"the tensor {tensor.name!r} has the type {tensor.type}, and it must have F32"
    return ""


def _vocabulary(h: Header) -> str:
    model = h.values.get("tokenizer.ggml.model")
    if model in ("none", "no_vocab"):
        return ""
    tokens = h.values.get(TOKENS)
    if not isinstance(tokens, tuple) or h.types[TOKENS] != (9, STRING):
        return "it has no vocabulary"
    if not 1 <= len(tokens) <= MAX_VOCABULARY:
        return f"its vocabulary does not have between 1 and {MAX_VOCABULARY} tokens"
    # llama.cpp reads a token up to its first NUL, names an empty one by its place, and aborts where two have one name.
    names = {t.partition(b"\0")[0] or b"[EMPTY_%d]" % n for n, t in enumerate(tokens)}
    if len(names) != len(tokens):
        return f"{len(tokens) - len(names)} of its tokens are there twice"
    for key, kinds in ((SCORES, (FLOAT32, INT32)), (KINDS, (INT32,))):
        value = h.values.get(key)
        if value is not None and (h.types[key][0] != 9 or h.types[key][1] not in kinds or _count(value) < len(tokens)):
            return f"{key} does not have an entry for each token"
    if model in ("gpt2", "gemma4") and h.types.get(MERGES) != (9, STRING):
        return "it has no merges for its tokens"
    return ""


def _count(value: Any) -> int:
    return value.count if isinstance(value, Items) else len(value)
