"""A model's vocabulary: bytes of each token, text to tokens, and which tokens end an answer. Read once from a loaded model."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

CONTROL = 1 << 3
"""llama.h, `LLAMA_TOKEN_ATTR_CONTROL`."""


class Vocabulary:
    """`pieces[token]`: its bytes, control tokens with their name; `controls`: name to token; `ends`: tokens that end an answer
    (`llama_vocab_is_eog`); `bos`, `eos`: token or -1. `fim`: tokens of fill-in-the-middle by llama.cpp's names, those there are."""

    def __init__(self, lib: Any, vocab: Any) -> None:
        self._lib, self._vocab = lib, vocab
        self.size = int(lib.llama_vocab_n_tokens(vocab))
        self.pieces: list[bytes] = self._pieces()
        attribute = lib.llama_vocab_get_attr
        self.controls: dict[str, int] = {
            self.pieces[t].decode("utf-8", "replace"): t for t in range(self.size) if attribute(vocab, t) & CONTROL
        }
        self.ends = frozenset(t for t in range(self.size) if lib.llama_vocab_is_eog(vocab, t))
        self.bos, self.eos = int(lib.llama_vocab_bos(vocab)), int(lib.llama_vocab_eos(vocab))
        self.add_bos = bool(lib.llama_vocab_get_add_bos(vocab))
        names = ("pre", "suf", "mid", "pad", "rep", "sep")
        found = {name: int(getattr(lib, f"llama_vocab_fim_{name}")(vocab)) for name in names}
        self.fim = {name: token for name, token in found.items() if token >= 0}

    def name(self, token: int) -> str:
        """The token as templates write it; "" for -1."""
        return self.pieces[token].decode("utf-8", "replace") if 0 <= token < self.size else ""

    def read(self, text: str, *, special: bool) -> list[int]:
        """The tokens of a text. `special`: names of control tokens become those tokens; else they are plain text."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 2
        while True:
            out = (ctypes.c_int32 * room)()
            n = int(self._lib.llama_tokenize(self._vocab, raw, len(raw), out, room, False, special))
            if n >= 0:
                return list(out[:n])
            room = -n

    def shown(self, markers: Iterable[str] = ()) -> list[bytes]:
        """The bytes of each token as the reader of an answer sees them: control tokens are nothing, but for `markers`."""
        out = list(self.pieces)
        for name, token in self.controls.items():
            if name not in markers:
                out[token] = b""
        return out

    def _pieces(self) -> list[bytes]:
        size = 256
        buffer = ctypes.create_string_buffer(size)
        piece = self._lib.llama_token_to_piece
        out = []
        for token in range(self.size):
            n = piece(self._vocab, token, buffer, size, 0, True)
            if n < 0:
                size = -n
                buffer = ctypes.create_string_buffer(size)
                n = piece(self._vocab, token, buffer, size, 0, True)
            out.append(buffer.raw[:n] if n < 32 else ctypes.string_at(buffer, n))
        return out
