"""A model's vocabulary: bytes of each token, text to tokens, and which tokens end an answer. Read once from a loaded model."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from typing import Any

CONTROL, USER_DEFINED = 1 << 3, 1 << 4
"""llama.h, `enum llama_token_attr`."""
_MARK = re.compile(r"<[|\uff5c].+[|\uff5c]>", re.DOTALL)
"""How most families write what is no text."""


class Vocabulary:
    """`pieces[token]`: its bytes, control tokens with their name; `controls`: name to token; `ends`: tokens that end an answer
    (`llama_vocab_is_eog`); `bos`, `eos`: token or -1. `fim`: tokens of fill-in-the-middle by llama.cpp's names, those there are.
    `user`: name to token of those that the file calls user-defined, which llama.cpp finds in any text, asked to or not."""

    def __init__(self, lib: Any, vocab: Any) -> None:
        self._lib, self._vocab = lib, vocab
        self.size = int(lib.llama_vocab_n_tokens(vocab))
        self.pieces: list[bytes] = self._pieces()
        attribute = lib.llama_vocab_get_attr
        self.controls: dict[str, int] = {
            self.pieces[t].decode("utf-8", "replace"): t for t in range(self.size) if attribute(vocab, t) & CONTROL
        }
        self.user: dict[str, int] = {
            self.pieces[t].decode("utf-8", "replace"): t for t in range(self.size) if attribute(vocab, t) & USER_DEFINED
        }
        self.ends = frozenset(t for t in range(self.size) if lib.llama_vocab_is_eog(vocab, t))
        self.bos, self.eos = int(lib.llama_vocab_bos(vocab)), int(lib.llama_vocab_eos(vocab))
        self.add_bos = bool(lib.llama_vocab_get_add_bos(vocab))
        names = ("pre", "suf", "mid", "pad", "rep", "sep")
        found = {name: int(getattr(lib, f"llama_vocab_fim_{name}")(vocab)) for name in names}
        self.fim = {name: token for name, token in found.items() if token >= 0}
        self.guard(self.marks())

    def guard(self, names: Iterable[str]) -> None:
        """What `plain` keeps out of a text beside control tokens and those of fill-in-the-middle: the user-defined tokens of these names."""
        self._never = frozenset({*self.controls.values(), *self.fim.values(), *(self.user[n] for n in names if n in self.user)})
        found = sorted({self.name(t) for t in self._never} - {""}, key=len, reverse=True)
        self._named = re.compile("|".join(map(re.escape, found))) if found else None

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

    def marks(self, template: str = "") -> set[str]:
        """Names of user-defined tokens that are marks and no text: they are written like one, fill in the middle, or stand in the chat
        template. The rest (runs of blanks, Gemma's HTML tags) are how the model reads such text."""
        fills = set(self.fim.values())
        return {
            name for name, t in self.user.items() if _MARK.fullmatch(name) or t in fills or (name.strip() and name in template)
        }

    def plain(self, text: str) -> list[int]:
        """The tokens of somebody's text, with no control token and no mark among them: where a text spells one, it is cut behind its first
        character, since the tokens of two pieces never join."""
        tokens = self.read(text, special=False)
        if self._named is None or self._never.isdisjoint(tokens):
            return tokens
        cuts = [found.start() + 1 for found in self._named.finditer(text)]
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        tokens = [t for piece in pieces for t in self.read(piece, special=False)]
        # A file may give a mark another text than it is found by: letter by letter there is none.
        return (
            tokens
            if self._never.isdisjoint(tokens)
            else [t for c in text for t in self.read(c, special=False) if t not in self._never]
        )

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
