"""A tiny llama-architecture GGUF, made from a seed: it loads and streams in llama.cpp and says nothing sensible.

With `decisive=True` the weights are scaled so that one token is always far ahead: greedy output is the same on any machine.
It does not know what a good answer is.
"""

from __future__ import annotations

import collections
import itertools
from pathlib import Path

import gguf
import numpy as np

DIM, LAYERS, HEADS, FF, CONTEXT = 64, 2, 4, 128, 32768

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>")

TEMPLATE = (
    "{%- if tools %}<|im_start|>system\n"
    "{%- if messages[0].role == 'system' %}{{ messages[0].content }}\n{% endif %}"
    "# Tools\n<tools>{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}\n</tools>\n"
    'Answer a call as <tool_call>{"name": ..., "arguments": ...}</tool_call><|im_end|>\n'
    "{%- endif %}"
    "{%- for m in messages %}{% if not (tools and loop.first and m.role == 'system') %}"
    "<|im_start|>{{ m.role }}\n{{ m.content or '' }}"
    "{%- if m.tool_calls %}{% for c in m.tool_calls %}\n<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}{% endif %}"
    "<|im_end|>\n{% endif %}{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

TEXT = """The router reads each request, keeps what must stay on this machine, answers what it can, and sends the rest to a
hosted model with the names, keys and addresses taken out. A small model is enough for many of the questions that people ask
while they write code: what does this function return, where is this name used, why does this test fail, write the message
for this change. The user, the assistant and the system take turns, and each turn ends with a mark. {"name": "value"}"""


def _byte_alphabet() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {b: chr(b) for b in plain}
    for extra, b in enumerate(b for b in range(256) if b not in table):
        table[b] = chr(256 + extra)
    return table


def _merges(words: list[list[str]], count: int) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    while len(out) < count:
        pairs = collections.Counter(p for w in words for p in itertools.pairwise(w))
        if not pairs:
            break
        a, b = max(pairs, key=lambda p: (pairs[p], p))
        out.append((a, b))
        for w in words:
            i = 0
            while i < len(w) - 1:
                if w[i] == a and w[i + 1] == b:
                    w[i : i + 2] = [a + b]
                i += 1
    return out


def build(path: Path, *, decisive: bool = False, seed: int = 7, template: bool = True, quantised: bool = False) -> Path:
    """Write the model to `path` and return it. Takes well under a second. `quantised`: its matrices in Q8_0, as real files are."""
    alphabet = _byte_alphabet()
    words = [[alphabet[b] for b in ((" " if i else "") + w).encode()] for i, w in enumerate(TEXT.split())]
    merges = _merges(words, 120)
    tokens = list(alphabet.values())
    for a, b in merges:
        if a + b not in tokens:
            tokens.append(a + b)
    types = [gguf.TokenType.NORMAL] * len(tokens)
    first_special = len(tokens)
    tokens += SPECIAL
    types += [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.USER_DEFINED] * 2
    vocab = len(tokens)

    w = gguf.GGUFWriter(str(path), "llama")
    w.add_name("tiny")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(DIM)
    w.add_block_count(LAYERS)
    w.add_feed_forward_length(FF)
    w.add_head_count(HEADS)
    w.add_head_count_kv(HEADS)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(DIM // HEADS)
    w.add_vocab_size(vocab)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges([f"{a} {b}" for a, b in merges])
    w.add_bos_token_id(first_special)
    w.add_eos_token_id(first_special + 2)
    w.add_pad_token_id(first_special)
    w.add_add_bos_token(False)
    if template:
        w.add_chat_template(TEMPLATE)

    rng = np.random.default_rng(seed)

    def weights(*shape: int, scale: float = 0.08) -> np.ndarray:
        return (rng.standard_normal(shape) * scale).astype(np.float32)

    embed = weights(vocab, DIM, scale=1.0)
    output = weights(vocab, DIM, scale=0.5 if decisive else 0.08)
    if decisive:
        # Each token points at one successor: a walk through the plain ASCII bytes, never at an end token.
        plain = [tokens.index(c) for c in "abcdefghijklmnopqrstuvwxyz"]
        output[:] = 0
        step = {t: plain[(i + 1) % 26] for i, t in enumerate(plain)}
        for t in range(vocab):
            output[step.get(t, plain[t % 26])] += embed[t] * (4.0 if t in step else 0.05)
    else:
        # Random text should run to its limit: the end tokens stay unlikely.
        output[first_special : first_special + 3] = 0
        embed[:, 0] = 4.0
        output[first_special : first_special + 3, 0] = -20.0

    def add(name: str, tensor: np.ndarray) -> None:
        kind = gguf.GGMLQuantizationType.Q8_0
        if quantised and tensor.ndim == 2 and tensor.shape[1] % 32 == 0:
            w.add_tensor(name, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
        else:
            w.add_tensor(name, tensor)

    add("token_embd.weight", embed)
    add("output_norm.weight", np.ones(DIM, dtype=np.float32))
    add("output.weight", output)
    mix = 0.0 if decisive else 0.08
    for i in range(LAYERS):
        add(f"blk.{i}.attn_norm.weight", np.ones(DIM, dtype=np.float32))
        add(f"blk.{i}.ffn_norm.weight", np.ones(DIM, dtype=np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{i}.{name}.weight", weights(DIM, DIM, scale=mix))
        add(f"blk.{i}.ffn_gate.weight", weights(FF, DIM, scale=mix))
        add(f"blk.{i}.ffn_up.weight", weights(FF, DIM, scale=mix))
        add(f"blk.{i}.ffn_down.weight", weights(DIM, FF, scale=mix))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return path
