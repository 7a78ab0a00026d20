"""Where a text names a secret: the names of fields, flags, elements and variables, found once for all detectors.

A text goes through every detector in a row, so the last few answers are kept (a handful of segments, in the inspector only).
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

from localrouter.scrub.detectors._key_names import Sense, sense
from localrouter.scrub.detectors._prefilter import Words

# Every name that `_key_names` knows holds one of these.
_WORDS = Words(
    [
        "pass",
        "pwd",
        "psw",
        "pasw",
        "kennwort",
        "motdepasse",
        "mdp",
        "contrase",
        "clave",
        "senha",
        "parola",
        "wachtwoord",
        "haslo",
        "hasło",
        "парол",
        "密码",
        "密碼",
        "パスワ",
        "비밀번호",
        "secret",
        "token",
        "key",
        "psk",
        "auth",
        "bearer",
        "jwt",
        "_pat",
        "salt",
        "pepper",
        "credential",
        "mnemonic",
        "phrase",
        "pw",
    ]
)
_BACK, _AHEAD = 64, 96
"""Characters of a name that are read before and after its telling word."""


class Name(NamedTuple):
    """A name and the span that it has in the text."""

    start: int
    end: int
    text: str
    sense: Sense


@lru_cache(4)
def lower(text: str) -> str:
    """Lower case with the length kept (`İ` would grow), so that offsets are the same."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


@lru_cache(4)
def hits(text: str) -> tuple[int, ...]:
    """Where a word for a secret starts, in order; also inside other words."""
    return tuple(at for at, _ in _WORDS.hits(lower(text)))


def named_between(text: str, start: int, end: int) -> bool:
    """Whether a word for a secret starts in this part of the text."""
    found = hits(text)
    at = bisect_left(found, start)
    return at < len(found) and found[at] < end


@lru_cache(4)
def names(text: str) -> tuple[Name, ...]:
    """The names that say that a secret follows, in order."""
    out: list[Name] = []
    done, size = 0, len(text)
    for hit in hits(text):
        if hit < done:
            continue
        start = hit
        floor = max(done, hit - _BACK)
        while start > floor and (text[start - 1].isalnum() or text[start - 1] in "_.$-"):
            start -= 1
        end = hit + 2
        ceiling = min(size, hit + _AHEAD)
        while end < ceiling and (text[end].isalnum() or text[end] in "_.$-"):
            end += 1
        done = end
        while end > hit + 2 and text[end - 1] in ".-":
            end -= 1
        meaning = sense(text[start:end])
        if meaning in (None, "maybe") and start > 1 and text[start - 1] == " " and text[start - 2].isalpha():
            # In prose the name is two words: "api key", "access token".
            first = start - 1
            while first > max(0, start - 24) and text[first - 1].isalpha():
                first -= 1
            joined = sense(f"{text[first : start - 1]}_{text[start:end]}")
            if joined is not None and joined != "maybe":
                start, meaning = first, joined
        if meaning is not None:
            out.append(Name(start, end, text[start:end], meaning))
    return tuple(out)
