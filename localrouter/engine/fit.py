"""How a model is loaded on this machine: context, cache type, slots, threads, batch and GPU layers, each with its reason; or how many gigabytes
are missing. Pure: a header and a machine in, a fit out.

Memory of an engine's process = weights + cache of all cells + state of recurrent layers for each sequence + work space. What the user set is
taken as it is; what is left open is the most that leaves a third of the room to others, and failing that the least that runs.
Sources: llama.cpp's llama-kv-cache.cpp and llama-memory-recurrent.cpp (sizes), llama-hparams.cpp `n_embd_r`, `n_embd_s` (states).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from localrouter.engine.gguf_facts import Header
from localrouter.engine.machine import Device, Machine

CONTEXTS = (32_768, 16_384, 8192, 4096, 2048)
"""Tokens that are tried in turn. An agent's first turn has some 20 000; below 2 048 hardly a chat fits."""
PLENTY = 8192
"""Tokens from which on a smaller context is better than a coarser cache."""
SLOTS, KEPT = 4, 12
BATCHES, BATCH_GPU = (512, 64), 2048
"""Tokens of a decode; the smaller where the scores of UBATCH tokens take too much room."""
UBATCH = 128
"""Tokens that are computed together where attention is written out (no flash attention, on a CPU). Its scores are one float for each of them,
each cell and each head: beyond a processor's caches every pass over them waits for memory. A prompt of 1 500 tokens took 3.3 ms of CPU a token
in 512s and 2.9 in 256s, 128s or 64s (100 M parameters), 2.7 with flash attention; and the buffer for it is a quarter of the size."""
STATES = 8
"""States of recurrent layers that may lie beside the cache: a conversation leaves two (places.py, `marks`)."""
SCORES = 1 / 16
"""Of the room: what the attention scores of one batch over the whole cache may take where they are held (no flash attention)."""
SHARE = 2 / 3
"""Of the room, for what we choose ourselves."""
SPARE_CELLS = 1 / 8
"""Of the room: what a cache of twice the context may take, with the prefixes beside it."""
BASE = 120_000_000
"""Bytes of the process before its model: Python, numpy, llama.cpp, the grammar library (80 to 100 MB measured on x86-64 Linux)."""
A_WORD = 1200
"""Bytes that a token of the vocabulary costs outside llama.cpp's buffers: its texts here, in llama.cpp and in the grammar library's
prefix tree. A bound, not a measure."""
VRAM_SPARE = 512_000_000
"""Bytes that stay free on a GPU: the desktop, and the backend's own buffers."""
_WHOLE_MEMORY = frozenset({"Metal", "MTL"})
"""Backends of GPUs that have no memory of their own."""


class NoRoom(Exception):
    """The model does not fit. `missing`: bytes. The message is a whole sentence for the user."""

    def __init__(self, message: str, missing: int) -> None:
        super().__init__(message)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user set; 0, "" and None leave the choice to `fit`."""

    ctx: int = 0
    threads: int = 0
    batch: int = 0
    kv_type: str = ""
    slots: int = 0
    gpu_layers: int | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """How to load it. `stash`: megabytes for prefixes outside the cache (stash.py), which count in `memory`. `memory`, `gpu_memory`: bytes it
    takes of the machine's and of the GPU's own; `weights`: those of `memory` that are pages of the file, which the system counts as free;
    `reasons`: a sentence for each choice."""

    ctx: int
    cells: int
    slots: int
    kept: int
    stash: int
    threads: int
    threads_batch: int
    batch: int
    kv_type: str
    flash: str
    gpu_layers: int
    memory: int
    gpu_memory: int
    weights: int
    reasons: tuple[str, ...]

    def argv(self) -> list[str]:
        """Options of the engine's process (engine/worker.py)."""
        names = ("ctx", "cells", "slots", "kept", "stash", "threads", "threads_batch", "batch", "kv_type", "flash", "gpu_layers")
        return [part for name in names for part in (f"--{name.replace('_', '-')}", str(getattr(self, name)))]


def fit(header: Header, machine: Machine, wish: Wish, room: int, name: str = "") -> Fit:
    """`room`: bytes that the model may take of the machine's memory. Raises NoRoom."""
    name = name or header.file
    threads, why_threads = _threads(machine, wish)
    gpu = machine.gpu if wish.gpu_layers != 0 else None
    slots = wish.slots or SLOTS
    tried: list[Fit] = []
    for ctx, kv_type in _ladder(header, wish):
        for cells in (ctx, 2 * ctx):
            flash = "auto" if gpu else "off" if kv_type in ("f16", "f32") else "on"
            stash = -(-_stash_bytes(header, ctx, kv_type, flash) // 1_000_000) if cells > ctx else 0
            base = Fit(
                ctx=ctx, cells=cells, slots=slots, kept=min(KEPT, slots) if state_bytes(header) else KEPT, stash=stash,
                threads=threads, threads_batch=threads, batch=BATCH_GPU, kv_type=kv_type, flash=flash,
                gpu_layers=0, memory=0, gpu_memory=0, weights=0, reasons=(),
            )  # fmt: skip
            tried.append(_placed(header, replace(base, batch=wish.batch or _batch(header, base, room)), gpu, wish, room))
    own = bool(wish.ctx and wish.kv_type)
    # In the order of the ladder, the larger cell count first; what fits in its share, then what fits at all.
    order = sorted(range(len(tried)), key=lambda i: (i // 2, -(i % 2)))
    spare = room * SPARE_CELLS
    chosen = next(
        (tried[i] for i in order if tried[i].memory <= room * SHARE and (i % 2 == 0 or _kept_bytes(header, tried[i]) <= spare)),
        None,
    )
    chosen = chosen or next((f for f in tried[::2] if f.memory <= room), None)
    if chosen is None:
        least = min(tried[::2], key=lambda f: f.memory)
        missing = least.memory - room
        what = "as you set it" if own else f"with a context of {least.ctx:,} tokens".replace(",", " ")
        raise NoRoom(
            f"{name} needs {_gb(least.memory)} of memory {what} and {_gb(max(0, room))} can be had: {_gb(missing)} are missing.",
            missing,
        )
    return replace(chosen, reasons=_reasons(header, machine, wish, chosen, gpu, room, why_threads))


def _kept_bytes(header: Header, f: Fit) -> int:
    """Of the cache, and what may lie beside it."""
    return cache_bytes(header, f.cells, f.kv_type) + f.stash * 1_000_000


def _stash_bytes(header: Header, ctx: int, kv_type: str, flash: str) -> int:
    """What prefixes outside the cache may take: a whole context, and some states where layers keep one (a pure Mamba has nothing else)."""
    return (cache_bytes(header, ctx, kv_type) if flash == "off" else 0) + STATES * state_bytes(header)


def _ladder(header: Header, wish: Wish) -> Iterator[tuple[int, str]]:
    """(context, cache type), the best first. A coarser cache comes before a context below PLENTY."""
    trained = header.context or PLENTY
    contexts = [wish.ctx] if wish.ctx else sorted({min(c, trained) for c in CONTEXTS}, reverse=True)
    kinds = [wish.kv_type] if wish.kv_type else ["f16", *(["q8_0"] if _quantises(header) else [])]
    for ctx in contexts:
        yield ctx, kinds[0]
        if ctx <= PLENTY or wish.ctx:
            for kind in kinds[1:]:
                yield ctx, kind


def _batch(header: Header, f: Fit, room: int) -> int:
    """The largest batch whose scores leave room; llama.cpp's flash attention on a processor is for large batches only, so it is off there
    (context.py, FLASH)."""
    if f.flash == "auto":
        return BATCH_GPU
    return next((n for n in BATCHES if score_bytes(header, replace(f, batch=n)) <= room * SCORES), BATCHES[-1])


def _quantises(header: Header) -> bool:
    """Rows of a quantised cache are blocks of 32 (ggml-common.h, QK8_0)."""
    width = header.embedding // header.heads if header.heads else 0
    lengths = [_key(header, f"attention.{which}_length") or width for which in ("key", "value")]
    return all(length > 0 and length % 32 == 0 for length in lengths)


def _placed(header: Header, f: Fit, gpu: Device | None, wish: Wish, room: int) -> Fit:
    """With its layers and its memory on the machine and the GPU."""
    weights, cache = header.tensor_bytes, _kept_bytes(header, f)
    sequences = f.slots + f.kept
    states, work = state_bytes(header) * sequences, work_bytes(header, f)
    host = BASE + A_WORD * header.vocabulary
    if gpu is None:
        return replace(f, memory=host + weights + cache + states + work, weights=weights)
    shared = gpu.kind == "integrated" or gpu.backend in _WHOLE_MEMORY
    free = min(gpu.free or room, room) if shared else max(0, gpu.free - max(VRAM_SPARE, gpu.total // 20))
    layers = header.layers + 1  # the output layer counts as one (llama.h, n_gpu_layers)
    each = (weights + cache + states) / layers
    fits = int((free - work) // each) if free > work and each else 0
    put = (
        layers
        if wish.gpu_layers is not None and wish.gpu_layers < 0
        else wish.gpu_layers
        if wish.gpu_layers
        else min(fits, layers)
    )
    put = min(put, layers)
    on = int(each * put) + (work if put else 0)
    total = host + weights + cache + states + work
    return replace(
        f,
        gpu_layers=-1 if put == layers else put,
        memory=total if shared else total - on + (work if put else 0) // 8,
        gpu_memory=on,
        weights=weights if shared else int(weights * (1 - put / layers)),
    )


def cache_bytes(header: Header, cells: int, kind: str) -> int:
    """Of the KV cache. The engine keeps whole caches for layers with a window too, so that prefixes can be cut (context.py, `swa_full`)."""
    key = f"{header.architecture}.attention.sliding_window"
    return replace(header, values={**header.values, key: 0}).kv_bytes(cells, kind)


def state_bytes(header: Header) -> int:
    """Of the recurrent layers' states of one sequence (f32); 0 for a model that has none."""
    inner, wide, groups = _key(header, "ssm.inner_size"), _key(header, "ssm.state_size"), _key(header, "ssm.group_count")
    kernel = _key(header, "ssm.conv_kernel")
    if short := _key(header, "shortconv.l_cache"):  # LFM2: layers without key-value heads are short convolutions
        heads = header.values.get(f"{header.architecture}.attention.head_count_kv")
        count = sum(1 for n in heads if not n) if isinstance(heads, tuple) else header.layers
        return 4 * count * (short - 1) * header.embedding
    if not inner or not wide:
        return 0
    layers = header.layers
    if period := _key(header, "full_attention_interval"):
        layers -= layers // period
    return 4 * layers * (max(0, kernel - 1) * (inner + 2 * groups * wide) + wide * inner)


def work_bytes(header: Header, f: Fit) -> int:
    """llama.cpp's compute and output buffers: activations and scores of what is computed together, and a row of logits for each sequence."""
    inner = _key(header, "feed_forward_length") or 4 * header.embedding
    rows = _together(f) * 4 * (6 * header.embedding + 3 * inner)
    return rows + score_bytes(header, f) + (f.slots + f.kept) * header.vocabulary * 8


def score_bytes(header: Header, f: Fit) -> int:
    """The mask, and without flash attention one layer's scores of every head, over the whole cache (f32)."""
    return _together(f) * f.cells * 4 * (1 + (max(1, header.heads) if f.flash == "off" else 0))


def _together(f: Fit) -> int:
    """Tokens that are computed together (context.py)."""
    return min(f.batch, UBATCH) if f.flash == "off" else f.batch


def _key(header: Header, key: str) -> int:
    """A number of the model's own keys; the largest where each layer has its own."""
    value: Any = header.values.get(f"{header.architecture}.{key}")
    if isinstance(value, tuple):
        value = max((v for v in value if isinstance(v, int)), default=0)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _threads(machine: Machine, wish: Wish) -> tuple[int, str]:
    if wish.threads:
        return wish.threads, f"{wish.threads} threads, as you set it."
    held = " that it is limited to" if "cores" in machine.limited else ""
    if machine.fast < machine.physical:
        return machine.fast, f"{machine.fast} threads: one for each of the fast cores{held}."
    threads = max(1, machine.physical - 1)
    if machine.physical == 1:
        return threads, f"1 thread, on the one core{held}."
    return (
        threads,
        f"{threads} of {machine.physical} cores{held}: all threads wait for the slowest, so one is left to other programs.",
    )


def _reasons(header: Header, m: Machine, wish: Wish, f: Fit, gpu: Device | None, room: int, threads: str) -> tuple[str, ...]:
    out = [threads]
    if wish.ctx:
        out.append(f"A context of {f.ctx} tokens, as you set it.")
    elif f.ctx == header.context:
        out.append(f"A context of {f.ctx} tokens: as many as the model was trained on.")
    elif f.ctx == CONTEXTS[0]:
        out.append(f"A context of {f.ctx} tokens: enough for an agent's first turns.")
    else:
        out.append(f"A context of {f.ctx} tokens: what fits in the {_gb(room)} that can be had.")
    cache = _gb(cache_bytes(header, f.cells, f.kv_type))
    kept = " for twice as many tokens, so that prefixes are kept" if f.cells > f.ctx else ""
    kept += f", and up to {_gb(f.stash * 1_000_000)} of them beside it" if f.stash else ""
    whose = ", as you set it" if wish.kv_type else "" if f.kv_type == "f16" else ", because f16 would not fit"
    out.append(f"A cache in {f.kv_type}{whose}: {cache}{kept}.")
    out.append(f"Batches of {f.batch} tokens{', as you set it' if wish.batch else ''}; {f.slots} requests at once.")
    if wish.gpu_layers == 0:
        out.append("No layers on a GPU, as you set it.")
    elif gpu is not None:
        layers = header.layers + 1
        put = layers if f.gpu_layers < 0 else f.gpu_layers
        whose = ", as you set it" if wish.gpu_layers is not None else ""
        out.append(f"{put} of {layers} layers on {gpu.text or gpu.name}{whose}: {_gb(gpu.free)} are free there.")
    else:
        out.append("All layers on the processor: llama.cpp sees no GPU.")
    return tuple(out)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 0.1e9 else f"{size / 1e6:.0f} MB"
