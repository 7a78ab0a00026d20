"""Chat models of a few hundred tokens with random weights, as GGUF, in several architectures; and what bytes of their headers can be made of."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np

WIDTH, INNER, HEADS, KV, LAYERS = 32, 64, 4, 2, 2
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
FIM = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


def _tokens() -> list[str]:
    """GPT-2's letters for each byte, a few merged pairs, and control tokens."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in printable}
    letters |= {b: chr(256 + n) for n, b in enumerate(b for b in range(256) if b not in letters)}
    return [letters[b] for b in range(256)] + ["he", "ll", "Ġt"] + ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *FIM]


def write(path: Path, architecture: str = "llama", *, seed: int = 1, pad: int = 0) -> Path:
    """`pad`: bytes of a tensor more than the model needs, for downloads that take a while."""
    draw = np.random.default_rng(seed)
    tokens = _tokens()
    w = gguf.GGUFWriter(str(path), architecture)
    w.add_name(f"Tiny {architecture}")
    w.add_license("apache-2.0")
    w.add_file_type(gguf.LlamaFileType.ALL_F32)
    w.add_context_length(512)
    w.add_embedding_length(WIDTH)
    w.add_feed_forward_length(INNER)
    w.add_block_count(LAYERS)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(10000.0)
    if architecture in ("qwen3", "gemma3"):
        w.add_key_length(WIDTH // HEADS)
        w.add_value_length(WIDTH // HEADS)
    if architecture == "llama":
        w.add_rope_dimension_count(WIDTH // HEADS)
    if architecture == "gemma3":
        w.add_sliding_window(64)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types([gguf.TokenType.CONTROL if t.startswith("<|") else gguf.TokenType.NORMAL for t in tokens])
    w.add_token_merges(["h e", "l l", "Ġ t"])
    w.add_eos_token_id(tokens.index("<|im_end|>"))
    w.add_bos_token_id(tokens.index("<|endoftext|>"))
    for role, token in zip(("pre", "suf", "mid"), FIM, strict=True):
        w.add_uint32(f"tokenizer.ggml.fim_{role}_token_id", tokens.index(token))
    w.add_chat_template(TEMPLATE)
    head = WIDTH // HEADS
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (len(tokens), WIDTH),
        "output": (len(tokens), WIDTH),
        "output_norm": (WIDTH,),
    }
    for n in range(LAYERS):
        b = f"blk.{n}."
        shapes |= {
            b + "attn_norm": (WIDTH,),
            b + "ffn_norm": (WIDTH,),
            b + "attn_q": (WIDTH, WIDTH),
            b + "attn_output": (WIDTH, WIDTH),
        }
        shapes |= {b + "attn_k": (KV * head, WIDTH), b + "attn_v": (KV * head, WIDTH)}
        shapes |= {b + "ffn_gate": (INNER, WIDTH), b + "ffn_up": (INNER, WIDTH), b + "ffn_down": (WIDTH, INNER)}
        if architecture in ("qwen3", "gemma3"):
            shapes |= {b + "attn_q_norm": (head,), b + "attn_k_norm": (head,)}
        if architecture == "gemma3":
            shapes |= {b + "post_attention_norm": (WIDTH,), b + "post_ffw_norm": (WIDTH,)}
    for name, shape in shapes.items():
        flat = len(shape) == 1
        w.add_tensor(f"{name}.weight", np.ones(shape, np.float32) if flat else draw.normal(0, 0.2, shape).astype(np.float32))
        if architecture == "qwen2" and name.endswith(("attn_q", "attn_k", "attn_v")):
            w.add_tensor(f"{name}.bias", np.zeros(shape[0], np.float32))
    if pad:
        w.add_tensor("pad.weight", draw.integers(0, 127, pad, dtype=np.int8))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return path


EXTREME = (
    0,
    1,
    2,
    3,
    7,
    255,
    4096,
    1 << 16,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 40,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
)


def mutations(data: bytes, header: int, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` changed copies of a file whose header has `header` bytes: what was done to it, and the whole. Every one differs from the
    original, and what it differs in lies in the header (or it is cut)."""
    draw = random.Random(seed)
    spots = _spots(data[:header])
    made = 0
    while made < count:
        out = bytearray(data)
        what = draw.choice(("flip", "flips", "count", "number", "number", "type", "string", "cut", "shift", "swap"))
        spot = draw.choice(spots)
        if what in ("flip", "flips"):
            for _ in range(1 if what == "flip" else draw.randint(2, 30)):
                out[draw.randrange(header)] ^= 1 << draw.randrange(8)
        elif what == "count":  # version, tensors, keys
            at, size = draw.choice(((4, 4), (8, 8), (16, 8)))
            out[at : at + size] = (draw.choice(EXTREME) % (1 << 8 * size)).to_bytes(size, "little")
        elif what == "number":  # a value, or a dimension, type or offset of a tensor
            size = draw.choice((4, 8))
            at = min(spot + 4 * draw.randint(1, 12), header - size)
            value = struct.pack("<f", draw.choice((float("nan"), float("inf"), -1.0, 1e38))) * 2 if draw.random() < 0.2 else b""
            out[at : at + size] = value[:size] or (draw.choice(EXTREME) % (1 << 8 * size)).to_bytes(size, "little")
        elif what == "type":
            out[spot : spot + 4] = draw.randrange(0, 44).to_bytes(4, "little")
        elif what == "string":  # the length before a name, or a byte of it
            at = draw.choice((spot - 12, spot - 1, spot - 3))
            out[at] = draw.randrange(256)
        elif what == "cut":
            del out[draw.randrange(len(out)) if draw.random() < 0.3 else draw.randrange(header) :]
        elif what == "shift":  # bytes are missing or more, the rest moves
            at = draw.randrange(24, header)
            out[at:at] = draw.randbytes(draw.randint(1, 9)) if draw.random() < 0.5 else b""
            del out[at : at + (draw.randint(1, 9) if len(out) == len(data) else 0)]
        else:  # two pieces change places
            size, a, b = draw.randint(1, 16), draw.randrange(24, header - 40), draw.randrange(24, header - 40)
            out[a : a + size], out[b : b + size] = out[b : b + size], out[a : a + size]
        if bytes(out) != data:
            made += 1
            yield what, bytes(out)


def _spots(head: bytes) -> list[int]:
    """Where a key or a tensor's name ends: behind it stand a type and a value, or dimensions and an offset."""
    out = []
    for at in range(24, len(head) - 16):
        size = int.from_bytes(head[at : at + 8], "little")
        name = head[at + 8 : at + 8 + size]
        if (
            4 <= size <= 60
            and at + 8 + size < len(head) - 12
            and name.isascii()
            and b"." in name
            and name.replace(b".", b"").replace(b"_", b"").isalnum()
        ):
            out.append(at + 8 + size)
    return out
