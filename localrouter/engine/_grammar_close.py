"""The short way out: bytes that complete a grammar from where it stands.

`way_out` finds some completion, not the shortest one; its length is an upper bound of what closing needs, and it is a witness: these very
bytes are accepted. It walks a copy of the matcher: forced bytes first, else one token by a preference that knows JSON (in a string: the
quote; outside: closing brackets, then the shortest values, an opening bracket last). A walk that turns in circles (a pattern such as
`[0-9]*x`, a number that must not be 0) is tried again with random choices from a fixed seed, so that equal states give equal ways.
At each step the way that was known before is tried as the rest: after a step of the model most of it still fits.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher

TRIES = 3  # one by preference, the others at random
_OUT = b'}])>0123456789"[ntf{-,.:'  # outside a string, best first
_WORDS = 48  # long runs of letters, for strings that must have a length


class Steps:
    """The tokens that a walk may take, chosen once for a vocabulary: one of each byte, and some long words."""

    def __init__(self, pieces: Sequence[bytes], usable: Sequence[bool]) -> None:
        byte_token = [-1] * 256
        words: list[int] = []
        for i, piece in enumerate(pieces):
            if not usable[i]:
                continue
            if len(piece) == 1:
                byte_token[piece[0]] = i if byte_token[piece[0]] < 0 else byte_token[piece[0]]
            elif piece.isalnum() and len(piece) <= 16:
                words.append(i)
        words.sort(key=lambda i: (-len(pieces[i]), i))
        outside = [byte_token[b] for b in _OUT if byte_token[b] >= 0]
        quote = [byte_token[34]] if byte_token[34] >= 0 else []
        self.quote = byte_token[34]
        rest = [t for b, t in enumerate(byte_token) if t >= 0]
        letters = [byte_token[b] for b in b"a0Zx" if byte_token[b] >= 0]
        self.closing = frozenset(byte_token[b] for b in b'"}])>')
        self.outside = np.array(_once([*outside, *rest]), np.int64)
        self.inside = np.array(_once([*quote, *letters, *words[:_WORDS], *rest]), np.int64)


def _once(tokens: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(tokens))


def in_string(text: bytes, inside: bool = False, escaped: bool = False) -> tuple[bool, bool]:
    """Whether JSON text stands within a string after `text`, and right after a backslash in it."""
    for b in text:
        if escaped:
            escaped = False
        elif inside and b == 0x5C:
            escaped = True
        elif b == 0x22:
            inside = not inside
    return inside, escaped


def accepts(matcher: LLMatcher, tokens: list[int]) -> bool:
    """Whether the grammar is complete after these tokens. The matcher stays where it is."""
    trial = matcher.deep_copy()
    return trial.try_consume_tokens(tokens) == len(tokens) and trial.is_accepting()


def way_out(
    matcher: LLMatcher,
    tokens: Callable[[bytes], list[int]],
    pieces: Sequence[bytes],
    steps: Steps,
    known: bytes | None,
    state: tuple[bool, bool],
    most: int,
    tries: int = TRIES,
) -> bytes | None:
    """Bytes that complete the grammar within about `most` tokens, or None when none were found.

    `tokens`: some tokens that spell these bytes. `known`: the way out of an earlier state, tried as the rest at each step.
    `state`: `in_string` of the text so far.
    """
    chance = random.Random(most)  # noqa: S311 - a search order, not a secret
    best: bytes | None = None
    for attempt in range(tries):
        found = _walk(matcher.deep_copy(), tokens, pieces, steps, known, state, most, chance if attempt else None)
        if found is not None and (best is None or len(found) < len(best)):
            best = found
        if best is not None and attempt == 0:
            return best  # preference led out: as a rule this is the shortest
    return best


def _walk(
    matcher: LLMatcher,
    tokens: Callable[[bytes], list[int]],
    pieces: Sequence[bytes],
    steps: Steps,
    known: bytes | None,
    state: tuple[bool, bool],
    most: int,
    chance: random.Random | None,
) -> bytes | None:
    out, taken, blocked = bytearray(), dict[int, int](), 0
    rest = tokens(known) if known else []
    for _ in range(most):
        if matcher.is_accepting():
            return bytes(out)
        if rest and accepts(matcher, rest):
            return bytes(out) + (known or b"")
        forced = matcher.compute_ff_bytes()
        if forced:
            took = tokens(forced)
            if not took or matcher.try_consume_tokens(took) != len(took):
                return None
            out += forced
            state = in_string(forced, *state)
            continue
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        order = steps.inside if state[0] else steps.outside
        fits = order[(bits[order >> 3] >> (order & 7).astype(np.uint8)) & 1 == 1]
        if not len(fits):
            anything = np.flatnonzero(np.unpackbits(bits, bitorder="little"))
            fits = anything[:64]
        if not len(fits):
            return None
        blocked = blocked + 1 if state[0] and int(fits[0]) != steps.quote else 0
        token = (
            _ends(matcher, fits, steps.quote if state[0] else -1) if blocked % 4 == 3 or (chance is not None and blocked) else -1
        )
        if token >= 0:
            pass
        elif chance is None:
            # What was taken before comes last, closing brackets and quotes apart: no walk through `[0-9]+x` takes 0 for ever.
            token = next((t for t in fits.tolist() if t not in taken), -1)
            if token < 0:
                token = min(fits.tolist(), key=taken.__getitem__)
            if token not in steps.closing:
                taken[token] = taken.get(token, 0) + 1
        else:  # mostly the preferred ones, each next one half as likely, and now and then any
            token = int(fits[chance.randrange(len(fits)) if chance.random() < 0.3 else _half(chance, len(fits))])
        if not matcher.consume_token(token):
            return None
        out += pieces[token]
        state = in_string(pieces[token], *state)
    return bytes(out) if matcher.is_accepting() else None


def _ends(matcher: LLMatcher, fits: npt.NDArray[np.int64], quote: int) -> int:
    """A token after which the string may end, or -1: a pattern such as `[0-9]+x$` ends after few of the many that it allows."""
    return next((t for t in fits.tolist() if matcher.validate_tokens([t, quote]) == 2), -1) if quote >= 0 else -1


def _half(chance: random.Random, n: int) -> int:
    at = 0
    while at + 1 < n and chance.random() < 0.5:
        at += 1
    return at
