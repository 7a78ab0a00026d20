"""A chat GGUF in memory: its weights, its vocabulary, and a context that decodes batches of several sequences.

The only file that calls llama.cpp's decode and memory functions; it imports llama_cpp when a model is loaded, not before. The KV cache
is unified: a cell belongs to any sequence, so that a long prompt may use what short ones leave, and a copy of a prefix is free.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localrouter.engine.cpu import spare_extra_buffers
from localrouter.engine.encoder import quiet
from localrouter.engine.fit import STATES, UBATCH, cache_bytes
from localrouter.engine.gguf_checks import KINDS, TOKENS, sound_header
from localrouter.engine.gguf_header import BadHeader
from localrouter.engine.gguf_parts import title
from localrouter.engine.memory import DecodeFault, Outcome, Part
from localrouter.engine.tokens import Vocabulary

KV_TYPES = {"f32": 0, "f16": 1, "q8_0": 8, "q4_0": 2}
"""Names of the KV cache's number formats, with ggml's numbers (ggml.h, `enum ggml_type`)."""
FLASH = {"auto": -1, "off": 0, "on": 1}
"""Flash attention (llama.h, `enum llama_flash_attn_type`). On a CPU, llama.cpp's works on tiles of 64 tokens and goes token by token below
that (ggml-cpu/ops.cpp, `use_tiled`), and the batches here are small: 8 answers beside each other took 89 ms with it and 26 without, 16
tokens behind a prefix of 3 072 took 370 ms and 54 (20 M parameters, one thread), an answer behind one of 3 000 ran at 15 tokens/s and 42
(100 M parameters). What it would spare, cells of others that idle, is spared by putting them away (stash.py). It also adds up f16 values
in f16, in the order of the cells, so that a logit differs by up to 0.06 with who else is in the memory (0.002 without). On another
processor (AMD Zen 5, 100 M parameters) a token takes 10 % less with it as long as there are fewer than 256, the same behind that, and 16 tokens
behind a prefix of 3 072 twice as long (98 ms and 50). So "auto" means off on a CPU, but for a quantised cache, which llama.cpp reads only with it."""
LEAST = 256
"""llama.cpp rounds contexts up to multiples of this (llama-context.cpp, `GGML_PAD`)."""


class BadModel(Exception):
    """The file is not a model that can be loaded. The message is a whole sentence for the user."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is loaded. `ctx`: tokens that one request may hold, 0 for as many as the model was trained on; `cells`: tokens over all
    sequences, at least `ctx` (0: the same); `slots`: requests that run at once; `kept`: further sequences, for prefixes that are kept;
    `stash`: megabytes of prefixes that may lie outside the memory, -1 for as much as `ctx` and some states take in it; `threads`: 0 to choose;
    `batch`: tokens of one decode; `gpu_layers`: -1 for all that a GPU build can take."""

    ctx: int = 8192
    cells: int = 0
    slots: int = 4
    kept: int = 12
    stash: int = -1
    threads: int = 0
    threads_batch: int = 0
    batch: int = 512
    kv_type: str = "f16"
    flash: str = "auto"
    gpu_layers: int = -1


def default_threads() -> int:
    """Physical work wants about half of the logical cores, one at least."""
    return max(1, (os.cpu_count() or 2) // 2)


class Model:
    """The weights of a file, or (`vocab_only`) just its vocabulary and template, which is read in a moment. Raises BadModel."""

    def __init__(self, path: Path, *, gpu_layers: int = -1, vocab_only: bool = False) -> None:
        try:
            header = sound_header(path)  # llama.cpp ends the process at some of what it does not like
        except BadHeader as exc:
            raise BadModel(str(exc)) from exc
        # Without the vocabulary, which is large and is read from llama.cpp.
        self.header = replace(header, values={k: v for k, v in header.values.items() if k not in (TOKENS, KINDS)}, tensors=())
        lib = quiet()
        self.lib: Any = lib
        params = lib.llama_model_default_params()
        params.n_gpu_layers = gpu_layers if lib.llama_supports_gpu_offload() else 0
        params.use_extra_bufts = not spare_extra_buffers()
        params.vocab_only = vocab_only
        self.handle: Any = lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self.handle:
            raise BadModel(f"The model file {path.name} could not be loaded: it is damaged, of an unknown kind, or too big.")
        if lib.llama_model_has_encoder(self.handle) or not lib.llama_model_has_decoder(self.handle):
            lib.llama_model_free(self.handle)
            raise BadModel(f"The model file {path.name} is no chat model: it does not write text.")
        self.name = title(path)
        self.vocabulary = Vocabulary(lib, lib.llama_model_get_vocab(self.handle))
        if not self.vocabulary.size:
            lib.llama_model_free(self.handle)
            raise BadModel(f"The model file {path.name} has no vocabulary.")
        self.trained = int(lib.llama_model_n_ctx_train(self.handle))
        self.recurrent = bool(lib.llama_model_is_recurrent(self.handle) or lib.llama_model_is_hybrid(self.handle))
        self.window = int(lib.llama_model_n_swa(self.handle))
        self.bytes = int(lib.llama_model_size(self.handle))

    def meta(self, key: str) -> str:
        """A string of the file's header, or ""."""
        size = 1 << 12
        while True:
            buffer = ctypes.create_string_buffer(size)
            n = int(self.lib.llama_model_meta_val_str(self.handle, key.encode(), buffer, size))
            if n < size:
                return buffer.raw[:n].decode("utf-8", "replace") if n > 0 else ""
            size = n + 1

    def close(self) -> None:
        """Give the memory back."""
        self.lib.llama_model_free(self.handle)


class Row:
    """Logits behind a part of the batch, (vocabulary,) float32, in llama.cpp's own buffer: what is written there is what its samplers
    read. Valid until the next decode."""

    __slots__ = ("_context", "_index", "logits")

    def __init__(self, context: Context, index: int, logits: NDArray[np.float32]) -> None:
        self._context, self._index, self.logits = context, index, logits

    def sample(self, chain: Any) -> int:
        """A token drawn by a llama.cpp sampler chain, which also takes note of it."""
        return int(self._context.lib.llama_sampler_sample(chain, self._context.handle, self._index))


class Context:
    """A model's memory and its decoder; `memory.Memory` over llama.cpp. One thread uses it; `abort` may come from another. Raises
    BadModel when there is no memory for it."""

    def __init__(self, model: Model, settings: Settings) -> None:
        lib = self.lib = model.lib
        self.model = model
        self.ctx = settings.ctx or model.trained
        self.batch = max(1, settings.batch)
        self.slots = max(1, settings.slots)
        # A recurrent model's sequence costs its whole state, used or not; elsewhere a sequence costs nothing.
        kept = min(settings.kept, self.slots) if model.recurrent else settings.kept
        self.sequences = min(self.slots + max(0, kept), int(lib.llama_max_parallel_sequences()))
        threads = settings.threads or default_threads()
        params = lib.llama_context_default_params()
        params.n_ctx = max(self.ctx, settings.cells, LEAST)
        flash = self._flash(settings)
        params.n_batch = self.batch
        params.n_ubatch = min(self.batch, UBATCH) if flash == "off" and not self._offloads(settings) else self.batch
        params.n_seq_max = self.sequences
        params.n_outputs_max = min(self.batch, self.sequences)
        params.n_threads, params.n_threads_batch = threads, settings.threads_batch or threads
        params.kv_unified = True
        params.swa_full = True  # a cache of the window's size only could not be cut back to a shared prefix
        params.type_k = params.type_v = KV_TYPES[settings.kv_type]
        params.flash_attn_type = FLASH[flash]
        params.no_perf = True
        self.handle: Any = lib.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise BadModel(f"The model {model.name} needs more memory than there is for a context of {self.ctx} tokens.")
        self._memory: Any = lib.llama_get_memory(self.handle)
        self.cells = int(lib.llama_n_ctx(self.handle))
        self._flag = ctypes.create_string_buffer(2)
        self._set_abort()
        self._make_batch()
        self._rows: dict[int, NDArray[np.float32]] = {}
        self._at: list[int] = []
        self.cuttable = True
        self._probe()
        self.stash = self._stash(settings)
        # A processor goes over the cells of others, if only to skip them; a window's cells are not all there.
        self.crowds = not self._offloads(settings) and self.cuttable and not model.recurrent and not model.window

    def _offloads(self, settings: Settings) -> bool:
        return bool(settings.gpu_layers and self.lib.llama_supports_gpu_offload())

    def _flash(self, settings: Settings) -> str:
        if settings.flash != "auto" or self._offloads(settings):
            return settings.flash
        return "on" if settings.kv_type.startswith("q") else "off"

    def _stash(self, settings: Settings) -> int:
        """Bytes for prefixes outside the memory. None for a model with states and a window: read back among others at work, such a sequence went
        on with other logits (0.2 off, llama-cpp-python 0.3.36)."""
        if self.model.recurrent and self.model.window:
            return 0
        if settings.stash >= 0:
            return settings.stash * 1_000_000
        return cache_bytes(self.model.header, self.ctx, settings.kv_type) + STATES * self._state_bytes

    def _set_abort(self) -> None:
        """llama.cpp asks between two graph nodes whether to go on, some hundred times for a token. So it gets no Python function but the C
        library's `strlen` over a buffer of ours: "" means go on, anything else means stop."""
        libc = ctypes.CDLL("msvcrt" if os.name == "nt" else None)
        address = ctypes.cast(libc.strlen, ctypes.c_void_p).value
        assert address is not None
        callback = self.lib.ggml_abort_callback(address)
        self._kept = (libc, callback)  # C holds only the addresses
        self.lib.llama_set_abort_callback(self.handle, callback, ctypes.cast(self._flag, ctypes.c_void_p))

    def _make_batch(self) -> None:
        """A batch over arrays of ours, so that filling it is a copy and no loop."""
        n = self.batch
        self._tokens, self._places = np.zeros(n, np.int32), np.zeros(n, np.int32)
        self._sequences, self._counts = np.zeros(n, np.int32), np.ones(n, np.int32)
        self._wanted = np.zeros(n, np.int8)
        # Each token's list of sequences has one entry: these are pointers into `_sequences`.
        self._pointers = self._sequences.ctypes.data + 4 * np.arange(n, dtype=np.uintp)
        self._batch: Any = self.lib.llama_batch()
        for field, array in (
            ("token", self._tokens), ("pos", self._places), ("n_seq_id", self._counts), ("seq_id", self._pointers), ("logits", self._wanted),
        ):  # fmt: skip
            kind = dict(self.lib.llama_batch._fields_)[field]
            setattr(self._batch, field, ctypes.cast(array.ctypes.data, kind))

    def _probe(self) -> None:
        """Warm up, and learn whether the end of a sequence can be taken away (as llama.cpp's `common_context_can_seq_rm` does)."""
        token = max(0, self.model.vocabulary.bos)
        n = min(2, self.batch)
        for at in range(0, 2, n):
            if self.decode([Part(0, at, [token] * n, wanted=True)]) is not Outcome.DONE:
                raise BadModel(f"The model {self.model.name} does not run on this machine.")
        self.cuttable = bool(self.lib.llama_memory_seq_rm(self._memory, 0, 1, -1))
        self._state_bytes = 0 if self.cuttable else int(self.lib.llama_state_seq_get_size(self.handle, 0))
        self.lib.llama_memory_clear(self._memory, True)

    # -- memory.Memory -------------------------------------------------------------------------------------------------

    def decode(self, parts: Sequence[Part]) -> Outcome:
        """Compute a batch. See `memory.Memory`."""
        at = 0
        self._at.clear()
        for part in parts:
            if len(part.tokens) == 1:  # an answer's next token; slices cost several times as much
                self._tokens[at], self._places[at] = part.tokens[0], part.at
                self._sequences[at], self._wanted[at] = part.seq, part.wanted
                self._at.append(at)
                at += 1
                continue
            end = at + len(part.tokens)
            self._tokens[at:end] = part.tokens
            self._places[at:end] = np.arange(part.at, part.at + len(part.tokens))
            self._sequences[at:end] = part.seq
            self._wanted[at:end] = 0
            self._wanted[end - 1] = part.wanted
            self._at.append(end - 1)
            at = end
        self._batch.n_tokens = at
        code = int(self.lib.llama_decode(self.handle, self._batch))
        if code == 0:
            return Outcome.DONE
        return {1: Outcome.FULL, 2: Outcome.ABORTED}.get(code, Outcome.FAILED)

    def row(self, part: int) -> Row:
        index = self._at[part]
        pointer = self.lib.llama_get_logits_ith(self.handle, index)
        if not pointer:
            raise DecodeFault("The local model gave no numbers.")
        address = ctypes.addressof(pointer.contents)
        view = self._rows.get(address)
        if view is None:  # a view costs more than the rest of this; llama.cpp's buffer rarely moves
            if len(self._rows) > 4 * self.sequences:
                self._rows.clear()
            size = self.model.vocabulary.size
            view = self._rows[address] = np.ctypeslib.as_array((ctypes.c_float * size).from_address(address))
        return Row(self, index, view)

    def keep(self, seq: int, length: int) -> bool:
        if length == 0:
            return bool(self.lib.llama_memory_seq_rm(self._memory, seq, -1, -1))
        held = int(self.lib.llama_memory_seq_pos_max(self._memory, seq)) + 1
        if held < length:
            return False
        if held > length and not (self.cuttable and self.lib.llama_memory_seq_rm(self._memory, seq, length, -1)):
            return False
        return self._within_window(seq, length)

    def copy(self, source: int, target: int, length: int) -> bool:
        self.lib.llama_memory_seq_cp(self._memory, source, target, *((0, length) if self.cuttable else (-1, -1)))
        return self._within_window(target, length)

    def holds(self, seq: int, length: int) -> bool:
        return self._within_window(seq, length)

    def save(self, seq: int) -> NDArray[np.uint8] | None:
        size = int(self.lib.llama_state_seq_get_size(self.handle, seq))
        state = np.empty(size, np.uint8)
        got = int(self.lib.llama_state_seq_get_data(self.handle, _bytes(state), size, seq))
        return state if 0 < got == size else None

    def load(self, seq: int, state: NDArray[np.uint8]) -> bool:
        return int(self.lib.llama_state_seq_set_data(self.handle, _bytes(state), len(state), seq)) == len(state)

    def _within_window(self, seq: int, length: int) -> bool:
        """Whether a sliding window that ends at `length` still lies in the memory: cells that fell out of a window are used again."""
        if not self.model.window or self.model.recurrent:
            return True
        first = int(self.lib.llama_memory_seq_pos_min(self._memory, seq))
        return 0 <= first <= max(0, length - self.model.window)

    def abort(self) -> None:
        self._flag[0] = b"\x01"

    def rearm(self) -> None:
        self._flag[0] = b"\x00"

    def close(self) -> None:
        """Give the memory back, but for the weights."""
        self._rows.clear()
        self.lib.llama_free(self.handle)


def _bytes(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
