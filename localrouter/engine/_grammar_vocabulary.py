"""A model's tokens as llguidance wants them: built once per loaded model."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from llguidance import LLMatcher, LLTokenizer

from localrouter.engine._grammar_close import Steps, way_out
from localrouter.engine._grammar_compile import Grammar, bounded, explain, matcher
from localrouter.engine._grammar_constraint import SEARCH, Constraint

KEPT = 64  # start states kept: editors send the same tools with each request


class Vocabulary:
    """A model's tokens as llguidance wants them.

    pieces: the bytes of each token as they stand in text (llama_token_to_piece with special=True for those in `controls`); need not be
        UTF-8, may repeat, and may be empty (never produced).
    eos: ids that end the turn; at least one. They are allowed where the grammar may end, and nowhere else.
    controls: ids of control tokens; never produced inside a grammar. Their pieces are their names in a Lark grammar (`<|name|>`).
    tokenize: text to token ids by the model's own tokenizer, without BOS and without special tokens. Forced text is then read in the pieces
        that the model knows. Without it the longest piece that fits is taken.
    """

    def __init__(
        self,
        pieces: Sequence[bytes],
        eos: Sequence[int],
        *,
        controls: frozenset[int] = frozenset(),
        tokenize: Callable[[bytes], Sequence[int]] | None = None,
    ) -> None:
        self.size = len(pieces)
        self.eos = tuple(dict.fromkeys(i for i in eos if 0 <= i < self.size))
        if not self.eos:
            raise ValueError("A vocabulary needs a token that ends the turn.")
        self._special = frozenset(controls) | frozenset(self.eos)
        self._names = [bytes(p) for p in pieces]
        self.pieces = [b"" if i in self._special else p for i, p in enumerate(self._names)]
        self._tokenize = tokenize
        self._bytes = {p[0]: i for i, p in enumerate(self.pieces) if len(p) == 1}
        self._plain = self._build(self.pieces, self.eos)
        self._named: LLTokenizer | None = None
        self.steps = Steps(self.pieces, [bool(p) for p in self.pieces])
        self._starts: OrderedDict[Grammar, tuple[LLMatcher, bytes | None]] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, grammar: Grammar) -> Constraint:
        """A constraint at the beginning of `grammar`. Raises: BadGrammar when the grammar does not fit this model."""
        with self._lock:
            found = self._starts.get(grammar)
            if found is not None:
                self._starts.move_to_end(grammar)
        if found is None:
            tokenizer = self.tokenizer(grammar.controls)
            made = matcher(tokenizer, grammar.text, grammar.kind)
            _try(made, grammar.kind)
            out = bounded(lambda: way_out(made, self.spell, self.pieces, self.steps, None, (False, False), SEARCH))
            found = (made, out)
            with self._lock:
                self._starts[grammar] = found
                while len(self._starts) > KEPT:
                    self._starts.popitem(last=False)
        return Constraint(self, grammar, found[0].deep_copy(), found[1])

    def tokenizer(self, controls: bool = False) -> LLTokenizer:
        """llguidance's tokenizer; with `controls` the special tokens have their names."""
        if not controls:
            return self._plain
        if self._named is None:
            self._named = self._build(self._names, tuple(self._special))
        return self._named

    def _build(self, pieces: Sequence[bytes], special: Sequence[int]) -> LLTokenizer:
        return LLTokenizer(Wrapper(pieces, self.eos, special, self._forced), eos_token=list(self.eos))  # type: ignore[arg-type]

    def _forced(self, text: bytes) -> list[int]:
        if self._tokenize is not None:
            try:
                ids = [int(t) for t in self._tokenize(text)]
                if b"".join(self.pieces[t] for t in ids) == text:
                    return ids
            except Exception:  # noqa: S110 - SentencePiece adds a space at the start, others refuse parts of characters: the longest pieces always fit
                pass
        return self.spell(text)

    def spell(self, text: bytes) -> list[int]:
        """Tokens of these bytes, the longest that fit first; a character may be cut, and is then spelt in bytes."""
        out: list[int] = []
        while text:
            try:
                return out + list(self._plain.greedy_tokenize(text.decode()))
            except UnicodeDecodeError as exc:
                out += self._plain.greedy_tokenize(text[: exc.start].decode()) if exc.start else []
                if text[exc.start] in self._bytes:
                    out.append(self._bytes[text[exc.start]])
                text = text[exc.start + 1 :]
        return out


class Wrapper:
    """What LLTokenizer asks of a tokenizer (llguidance's _tokenizer.py)."""

    is_tokenizer_wrapper = True

    def __init__(
        self, pieces: Sequence[bytes], eos: Sequence[int], special: Sequence[int], call: Callable[[bytes], list[int]]
    ) -> None:
        self.tokens = list(pieces)
        self.eos_token_id = eos[0]
        self.bos_token_id = None
        self.special_token_ids = [i for i in special if i not in eos] + list(eos)
        self._call = call

    def __call__(self, text: str | bytes) -> list[int]:
        return self._call(text.encode() if isinstance(text, str) else bytes(text))


def _try(start: LLMatcher, kind: str) -> None:
    """A few steps on a copy: what is too complex to follow says so now, and not in the middle of an answer."""
    trial = start.deep_copy()
    for _ in range(4):
        fits = np.flatnonzero(np.unpackbits(np.frombuffer(trial.compute_bitmask(), np.uint8), bitorder="little"))
        if trial.is_stopped() or not len(fits) or trial.try_consume_tokens([int(fits[-1])]) != 1:
            break
    if trial.is_error():
        raise explain(trial.get_error(), kind)
