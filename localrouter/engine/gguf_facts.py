"""What a GGUF file says of its model: the keys that matter to people and to memory, by their names. Pure: no file is opened here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localrouter.engine.gguf_tables import CACHE_BYTES, FILE_TYPES


@dataclass(frozen=True, slots=True)
class Items:
    """An array that was walked and not kept: the type of its entries (gguf_type) and how many there are."""

    type: int
    count: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """`shape` as in the file, innermost first; `offset` from the start of the data; `bytes` without padding."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of its model. Lengths are tokens, sizes are bytes. `values`: all keys; arrays are tuples when they are short or were
    asked for, else Items. `types`: each key's gguf_type (an array's entries: 9, then their own)."""

    file: str
    version: int
    file_bytes: int
    data_offset: int
    values: Mapping[str, Any] = field(repr=False)
    types: Mapping[str, tuple[int, ...]] = field(repr=False)
    tensors: tuple[Tensor, ...] = field(repr=False)

    def _number(self, key: str) -> int:
        value = self.values.get(f"{self.architecture}.{key}")
        return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0

    def _each_layer(self, key: str, default: int) -> tuple[int, ...]:
        value = self.values.get(f"{self.architecture}.{key}", default)
        row = value if isinstance(value, tuple) else (value,) * self.layers
        return tuple(int(v) if isinstance(v, (int, float)) else default for v in row[: self.layers])

    @property
    def architecture(self) -> str:
        return _text(self.values.get("general.architecture"))

    @property
    def name(self) -> str:
        """The model's own name, or ""."""
        return _text(self.values.get("general.name"))

    @property
    def licence(self) -> str:
        return _text(self.values.get("general.license"))

    @property
    def template(self) -> str:
        """The chat template (Jinja), or ""."""
        return _text(self.values.get("tokenizer.chat_template"))

    @property
    def context(self) -> int:
        """The context it was trained for; 0: not said."""
        return self._number("context_length")

    @property
    def layers(self) -> int:
        return self._number("block_count")

    @property
    def embedding(self) -> int:
        return self._number("embedding_length")

    @property
    def heads(self) -> int:
        """Attention heads of the layer that has most."""
        return max(self._each_layer("attention.head_count", 0), default=0)

    @property
    def kv_heads(self) -> int:
        """Key-value heads of the layer that has most."""
        return max(self._each_layer("attention.head_count_kv", self.heads), default=0)

    @property
    def vocabulary(self) -> int:
        tokens = self.values.get("tokenizer.ggml.tokens")
        return tokens.count if isinstance(tokens, Items) else len(tokens) if isinstance(tokens, tuple) else 0

    @property
    def parameters(self) -> int:
        """Elements of all tensors."""
        return sum(product(t.shape) for t in self.tensors)

    @property
    def tensor_bytes(self) -> int:
        return sum(t.bytes for t in self.tensors)

    @property
    def quantisation(self) -> str:
        """As people call it (`Q4_K_M`); the tensors' commonest type when the file does not say."""
        said = self.values.get("general.file_type")
        if isinstance(said, int) and said in FILE_TYPES:
            return FILE_TYPES[said]
        sums: dict[str, int] = {}
        for tensor in self.tensors:
            sums[tensor.type] = sums.get(tensor.type, 0) + tensor.bytes
        return max(sums, key=lambda t: sums[t], default="")

    @property
    def fim(self) -> dict[str, int]:
        """Tokens of fill-in-the-middle by their role: prefix, suffix, middle, and what else there is. The older names count too."""
        out: dict[str, int] = {}
        pairs = {
            "prefix": "fim_pre",
            "suffix": "fim_suf",
            "middle": "fim_mid",
            "pad": "fim_pad",
            "repo": "fim_rep",
            "file": "fim_sep",
        }
        for role, short in pairs.items():
            for key in (f"tokenizer.ggml.{short}_token_id", f"tokenizer.ggml.{role}_token_id"):
                value = self.values.get(key)
                if isinstance(value, int) and 0 <= value < self.vocabulary and (role != "pad" or "fim" in key):
                    out.setdefault(role, value)
        return out

    def kv_bytes(self, tokens: int, kind: str = "f16") -> int:
        """Bytes that the cache of `tokens` tokens takes in one sequence; `kind` is the type of both halves. Layers with a sliding window
        hold no more than their window, recurrent layers and layers that share another's cache hold nothing. Raises ValueError."""
        if kind not in CACHE_BYTES:
            raise ValueError(f"{kind!r} is no type of a KV cache; known: {', '.join(sorted(CACHE_BYTES))}")
        kv = self._each_layer("attention.head_count_kv", self.heads)
        width = self.embedding // self.heads if self.heads else 0
        full = self._number("attention.key_length") or width, self._number("attention.value_length") or width
        slid = self._number("attention.key_length_swa") or full[0], self._number("attention.value_length_swa") or full[1]
        window = self._number("attention.sliding_window")
        total = 0.0
        for layer in range(self.layers - self._number("attention.shared_kv_layers")):
            slides = window > 0 and self._slides(layer)
            held = min(tokens, window) if slides else tokens
            if not self._recurrent(layer) and layer < len(kv):
                total += held * kv[layer] * sum(slid if slides else full) * CACHE_BYTES[kind]
        return int(total)

    def _slides(self, layer: int) -> bool:
        """Whether a layer sees a window only: said for each layer, or every n-th sees all (Gemma 3: 6, gpt-oss: 2)."""
        pattern = self.values.get(f"{self.architecture}.attention.sliding_window_pattern")
        if isinstance(pattern, tuple):
            return layer < len(pattern) and bool(pattern[layer])
        known = {"gemma2": 2, "gemma3": 6, "gpt-oss": 2, "cohere2": 4}
        period = pattern if isinstance(pattern, int) and pattern > 0 else known.get(self.architecture, 0)
        return period > 0 and (layer + 1) % period != 0

    def _recurrent(self, layer: int) -> bool:
        """Whether a layer of a hybrid model keeps a fixed state (Qwen3.5 and Qwen3-Next: all but every fourth)."""
        said = self.values.get(f"{self.architecture}.attention.recurrent_layers")
        if isinstance(said, tuple):
            return layer < len(said) and bool(said[layer])
        period = self._number("full_attention_interval") or (4 if self.architecture.startswith(("qwen35", "qwen3next")) else 0)
        return period > 0 and (layer + 1) % period != 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def product(shape: tuple[int, ...]) -> int:
    """Elements of a shape."""
    out = 1
    for size in shape:
        out *= size
    return out
