"""Text as the encoder reads it: WordPiece tokens, with marks for what an uncased vocabulary forgets.

The base model (sentence-transformers/all-MiniLM-L6-v2) is uncased and knows no line ends, and both tell a name from a word. So a
mark stands before a word that is Capitalised, ALL CAPS or mixedCase, and where a line ends; the marks are the vocabulary's unused
entries and were trained with it. Training and the daemon both use this module, or the model would read what it never learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CAPITAL, CAPITALS, MIXED, LINE = 1, 2, 3, 4
"""Token ids of `[unused0]` to `[unused3]` in BERT's uncased vocabulary."""
UNK, CLS, SEP = 100, 101, 102
WORD_MAX = 64
"""Characters. A longer word (base64, minified code) is one unknown token: it is no name, and its pieces would fill the window."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """`ids` without [CLS] and [SEP]; `words`: (start, end) in code points of the text; `first[i]`: where in `ids` the i-th word's
    first piece stands (after its mark); `at[i]`: where the word with its marks begins."""

    ids: list[int]
    words: list[tuple[int, int]]
    first: list[int]
    at: list[int]


class Reader:
    """Text to `Pieces`. `vocabulary`: the word pieces in order, `##` before those that continue a word. Needs `tokenizers`."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

        table = {token: number for number, token in enumerate(vocabulary)}
        model: Any = models.WordPiece(vocab=table, unk_token="[UNK]", max_input_chars_per_word=WORD_MAX)  # no password
        self._tokenizer: Any = Tokenizer(model)
        self._tokenizer.normalizer = normalizers.BertNormalizer()
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def read(self, text: str) -> Pieces:
        """One text. Linear in its length."""
        made = self._tokenizer.encode(text, add_special_tokens=False)
        words: list[tuple[int, int]] = []
        pieces: list[list[int]] = []
        last = None
        for token, word, (start, end) in zip(made.ids, made.word_ids, made.offsets, strict=True):
            if word != last:
                last = word
                words.append((start, end))
                pieces.append([token])
            else:
                words[-1] = (words[-1][0], end)
                pieces[-1].append(token)
        return _marked(text, words, pieces)


def _marked(text: str, words: list[tuple[int, int]], pieces: list[list[int]]) -> Pieces:
    """With the marks, which need the whole word and what stands before it."""
    ids: list[int] = []
    first: list[int] = []
    at: list[int] = []
    before = 0
    for (start, end), own in zip(words, pieces, strict=True):
        at.append(len(ids))
        if before and "\n" in text[before:start]:
            ids.append(LINE)
        mark = case(text[start:end])
        if mark:
            ids.append(mark)
        first.append(len(ids))
        ids += own
        before = end
    return Pieces(ids, words, first, at)


def case(word: str) -> int:
    """The mark of a word's case, 0 for none."""
    if word.islower() or not word[:1].isalpha():
        return 0 if not any(c.isupper() for c in word) else MIXED
    if word.isupper():
        return CAPITALS if len(word) > 1 else CAPITAL
    if word[0].isupper() and not any(c.isupper() for c in word[1:]):
        return CAPITAL
    return MIXED if any(c.isupper() for c in word) else 0
