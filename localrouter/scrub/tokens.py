"""Tokens: what a private value is called outside, and the table that turns the name back.

Law: same value, same token within a conversation; a token or surrogate that stands in the input is never minted, so no text
from elsewhere can name a value. Exact spelling counts: two spellings get two tokens, or the round trip would not be exact.
Not known here: where a token may be restored (`unveil`), and what is private (`detectors`).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from localrouter.core.kinds import KINDS, UNKNOWN, Tier, kind

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
IP_MAX = 64
_SUFFIX = r"(?=[A-Za-z]{0,5}[0-9])[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{6}"
_END = r"(?=[sS]?(?![A-Za-z0-9]))"
_SEP = r"(?:\\{0,4}_|\\{1,2}u005[fF]|&#95;|&#[xX]5[fF];|&lowbar;|&UnderBar;|%5[fF])"
_LOOSE = rf"(?:{_SEP}|[ \-\u00a0\u2010\u2011])"
_AT = r"(?:@|\\@|&#64;|&#[xX]40;|&commat;|%40|\\{1,2}u0040)"
_DOT = r"(?:\\{0,2}\.|&#46;|&period;)"
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"  # in JSON text the letter of `\n` is no neighbour
_CODE = r"[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{6}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One value and its name."""

    token: str
    value: str
    type: str
    tier: Tier


def suffix_of(token: str) -> str:
    """The part that identifies a token, upper-case: the six characters, or the whole address of an IP surrogate."""
    if token.startswith(("198.1", "2001:db8:")):
        return token
    if token.endswith(".invalid"):
        return token[1:7].upper()
    return token[-6:].upper()


def grammar(types: Iterable[str]) -> re.Pattern[str]:
    """Whatever could be a token, in the spellings that models give them. Suffix in group `code`."""
    return _grammar(frozenset(types))


@lru_cache(maxsize=64)
def _grammar(types: frozenset[str]) -> re.Pattern[str]:
    ordered = sorted({*types, *KINDS, UNKNOWN.name}, key=lambda t: (-len(t), t))
    names = "|".join(_LOOSE.join(map(re.escape, t.split("_"))) for t in ordered)
    return re.compile(
        rf"{_START}(?:"
        rf"(?i:(?P<known>{names})){_LOOSE}(?P<c1>{_SUFFIX}){_END}"
        rf"|(?<!\\)[A-Za-z]{{2,24}}{_SEP}(?P<c2>{_SUFFIX}){_END}"
        rf"|[uU](?P<c3>{_CODE}){_AT}(?i:pii){_DOT}(?i:invalid)(?![A-Za-z0-9])"
        rf"|[hH](?P<c4>{_CODE}){_DOT}(?i:invalid)(?![A-Za-z0-9])"
        rf"|(?P<ip4>198\.1[89]\.\d{{1,3}}\.\d{{1,3}})(?![A-Za-z0-9])"
        rf"|(?P<ip6>2001:(?i:db8)::[0-9a-fA-F]{{1,4}}:[0-9a-fA-F]{{1,4}})(?![A-Za-z0-9])"
        rf"|[uU](?P<c5>{_CODE})(?![A-Za-z0-9])"
        rf")"
    )


class TokenTable:
    """Token -> entry. `find` is tolerant of case, escapes and separators; the suffix decides."""

    __slots__ = ("_by_suffix", "_by_value", "_pattern")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_suffix: dict[str, Entry] = {}
        self._by_value: dict[str, Entry] = {}
        self._pattern: re.Pattern[str] | None = None
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """The first holder of a suffix keeps it."""
        if self._by_suffix.setdefault(suffix_of(entry.token), entry) is entry:
            self._by_value.setdefault(entry.value, entry)
            self._pattern = None

    def merged(self, older: TokenTable) -> TokenTable:
        """This table, and from an older one what compaction dropped."""
        return TokenTable([*self, *older])

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._by_suffix.values())

    def __len__(self) -> int:
        return len(self._by_suffix)

    def __contains__(self, token: str) -> bool:
        entry = self._by_suffix.get(suffix_of(token))
        return entry is not None and entry.token == token

    def by_value(self, value: str) -> Entry | None:
        return self._by_value.get(value)

    @property
    def pattern(self) -> re.Pattern[str]:
        if self._pattern is None:
            self._pattern = grammar(e.type for e in self)
        return self._pattern

    def lookup(self, match: re.Match[str]) -> tuple[Entry | None, bool]:
        """The entry of a match of `pattern`, and whether the match looks like one of our tokens at all."""
        g = match.groupdict()
        if g["ip4"] or g["ip6"]:
            return self._by_suffix.get((g["ip4"] or g["ip6"]).lower()), False
        found = self._by_suffix.get((g["c1"] or g["c2"] or g["c3"] or g["c4"] or g["c5"]).upper())
        if found is not None:
            shape = found.token[-8:]
            form = "c3" if "@" in found.token else "c4" if shape == ".invalid" else "c5" if found.token[0] == "u" else ""
            if (form and not g[form]) or (not form and not (g["c1"] or g["c2"])):
                found = None
        return found, bool(g["known"] or g["c3"] or g["c4"])

    def find(self, text: str) -> Entry | None:
        """The entry that a text names, or None."""
        match = self.pattern.fullmatch(text)
        return self.lookup(match)[0] if match else None


class Minter:
    """Names values for one conversation and one provider. `taken` is the input text (see `veil.taken`)."""

    def __init__(self, secret: bytes, conversation: str, provider: str, taken: str) -> None:
        self._conversation = hmac.digest(secret, b"conversation\0" + conversation.encode(), hashlib.sha256)
        self._own = hmac.digest(secret, b"own\0" + provider.encode(), hashlib.sha256)
        self._taken = taken.upper()
        self._minted: dict[tuple[str, str], str] = {}
        self._used: set[str] = set()
        self._ips = 0

    def mint(self, type: str, value: str) -> str:
        """The token of a value; the same one each time."""
        known = self._minted.get((type, value))
        if known is None:
            known = self._minted[type, value] = self._fresh(type, value)
        return known

    def _fresh(self, type: str, value: str) -> str:
        found = kind(type)
        key = self._own if found.tier == "own" else self._conversation
        message = type.encode() + b"\0" + unicodedata.normalize("NFC", value).encode("utf-8", "surrogatepass")
        shape: str = found.surrogate
        version = _ip_version(value) if shape == "ip" else 0
        if shape == "ip" and (not version or self._ips >= IP_MAX):
            shape = "token"
        attempt = 0
        while True:
            digest = hmac.digest(key, message + b"\0" + str(attempt).encode(), hashlib.sha256)
            attempt += 1
            code = "".join(ALPHABET[b & 31] for b in digest[:6])
            if shape == "ip":
                token = _ip(digest, version)
            elif not any(c.isdigit() for c in code):
                continue
            elif shape == "email":
                token = f"u{code.lower()}@pii.invalid"
            elif shape == "host":
                token = f"h{code.lower()}.invalid"
            elif shape == "user":
                token = f"u{code.lower()}"
            else:
                token = f"{type}_{code}"
            mark = suffix_of(token)
            if mark in self._used or mark.upper() in self._taken:
                continue
            self._used.add(mark)
            self._ips += shape == "ip"
            return token


def _ip_version(value: str) -> int:
    try:
        return ipaddress.ip_address(value).version
    except ValueError:
        return 0


def _ip(digest: bytes, version: int) -> str:
    if version == 6:
        # No group may be zero: a zero group has other spellings, and a model would choose one of them.
        a, b = (int.from_bytes(digest[i : i + 2], "big") | 0x1000 for i in (0, 2))
        return f"2001:db8::{a:x}:{b:x}"
    return f"198.{18 + (digest[0] & 1)}.{digest[1]}.{1 + digest[2] % 254}"
