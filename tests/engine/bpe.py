"""A byte-level BPE vocabulary for tests, trained on this repository's text: real tokens, some of them half characters."""

from __future__ import annotations

import functools
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from localrouter.engine.grammar import Vocabulary

EOS, MARK = 0, 1


def _alphabet() -> dict[str, int]:
    """GPT-2's printable character for each byte (openai/gpt-2, encoder.py, bytes_to_unicode)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}


@functools.cache
def tokenizer(size: int = 6_000) -> tuple[Tokenizer, list[bytes]]:
    """(the trained tokenizer, the bytes of its tokens). Tokens EOS and MARK are control tokens."""
    root = Path(__file__).parents[2]
    texts = [p.read_text() for p in [*sorted((root / "localrouter").rglob("*.py")), root / "README.md"]]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = _alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=sorted(alphabet), special_tokens=["<|end|>", "<|tool|>"], show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    names = [made.id_to_token(i) for i in range(made.get_vocab_size())]
    return made, [n.encode() if i <= MARK else bytes(alphabet[c] for c in n) for i, n in enumerate(names)]


@functools.cache
def vocabulary(size: int = 6_000) -> Vocabulary:
    made, pieces = tokenizer(size)
    return Vocabulary(
        pieces,
        [EOS],
        controls=frozenset({MARK}),
        tokenize=lambda text: made.encode(text.decode(), add_special_tokens=False).ids,
    )
