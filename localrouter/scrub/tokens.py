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
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from localrouter.core.kinds import KINDS, UNKNOWN, Tier, kind
from localrouter.scrub.needles import Haystack

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
IP_MAX = 64
SPELLED_MAX = 96
"""Characters: no spelling of a token is longer."""

_TRANSLATED = """personne persona pessoa personen persoon osoba henkilo szemely kisi persoana nom nome nombre naam navn namn imie adresse
    direccion direccao endereco indirizzo adres adress telephone telefono telefone telefon telefoon correo courriel posta poczta
    cle clave chave chiave schluessel sleutel klucz nyckel jeton ficha gettone organisation organisatie organizacion organizacao
    organizzazione organizacja lieu lugar luogo ort plaats miejsce plats benutzer utilisateur usuario utente gebruiker
    passwort kennwort contrasena senha wachtwoord haslo carte tarjeta cartao carta karte kaart karta geheimnis segredo segreto
    geheim hote anfitrion servidor"""
TRANSLATED = frozenset(_TRANSLATED.split())
"""What models make of the type word when they translate around it, in the languages most used; capitals need no list."""

_C = "[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]"
_END = r"(?=[sS]?(?![A-Za-z0-9]))"
_MARK = r"[*`~]{0,3}"
_WRAP = r"(?:[ \t]{0,2}(?:\n|\\n)[ \t>]{0,8})?"
_UNDER = r"(?:\\{0,4}[_\uff3f]|\\{1,2}u005[fF]|&#0{0,4}95;|&#[xX]0{0,4}5[fF];|&lowbar;|&UnderBar;|%5[fF])"
_SEP = rf"(?:{_MARK}{_UNDER}\u200b?{_WRAP})"
_LOOSE = rf"(?:{_SEP}|[ \-\u00a0\u2010\u2011]|[ \t]?\n[ \t>]{{0,8}})"
_AT = r"(?:@|\\@|&#64;|&#[xX]40;|&commat;|%40|\\{1,2}u0040)"
_DOT = r"(?:\\{0,2}\.|&#46;|&period;|%2[eE])"
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4})|(?<=%[0-9a-fA-F]{2}))"  # the letters of `\n`, `\u00e9`, `%20` are no neighbours
_SUFFIX = rf"(?=[A-Za-z]{{0,5}}[0-9]){_C}{{6}}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One value and its name. `decoded`: it was read from a JSON string, and is escaped again in one. `raw`: it stood in one in a
    spelling of its own (`\\u00e9` for `é`) and is restored in that spelling.
    `live`: it was named by this request; what an older turn named vouches for no link."""

    token: str
    value: str
    type: str
    tier: Tier
    raw: bool = False
    decoded: bool = False
    live: bool = True


def suffix_of(token: str) -> str:
    """The part that identifies a token, upper-case: the six characters, or the whole address of an IP surrogate."""
    if token.startswith(("198.1", "2001:db8:")):
        return token
    if token.endswith(".invalid"):
        return token[1:7].upper()
    return token[-6:].upper()


def grammar(types: Iterable[str]) -> re.Pattern[str]:
    """Whatever could be a token, in the spellings that models give them. Suffix in the groups `c1` to `c5`."""
    return _grammar(frozenset(types))


@lru_cache(maxsize=64)
def _grammar(types: frozenset[str]) -> re.Pattern[str]:
    ordered = sorted({*types, *KINDS, UNKNOWN.name}, key=lambda t: (-len(t), t))
    names = "|".join(_LOOSE.join(map(re.escape, t.split("_"))) for t in ordered)
    translated = "|".join(sorted(TRANSLATED, key=lambda w: (-len(w), w)))
    name = rf"(?:(?i:{names})|(?i:{translated})|[A-Z]{{2,24}}(?:_[A-Z]{{2,24}}){{0,2}})"
    return re.compile(
        rf"{_START}(?:"
        rf"(?i:(?P<known>{names})){_LOOSE}(?P<w>{_MARK})(?P<c1>{_SUFFIX}){_END}(?:(?P=w))?"
        rf"|{name}{_SEP}(?P<c2>{_SUFFIX}){_END}"
        rf"|[uU](?P<c3>{_C}{{6}}){_AT}(?i:pii){_DOT}(?i:invalid)(?![A-Za-z0-9])"
        rf"|[hH](?P<c4>{_C}{{6}}){_DOT}(?i:invalid)(?![A-Za-z0-9])"
        rf"|(?<!\d\.)(?P<ip4>198\.1[89]\.\d{{1,3}}\.\d{{1,3}})(?!\.?[A-Za-z0-9])"
        rf"|(?P<ip6>2001:(?i:db8)::[0-9a-fA-F]{{1,4}}:[0-9a-fA-F]{{1,4}})(?!:?[A-Za-z0-9])"
        rf"|[uU](?P<c5>{_C}{{6}})(?![A-Za-z0-9])"
        rf")|(?P<m>[*`_~]{{1,3}})(?i:{names}|{translated})(?:(?P=m){_UNDER}(?P<n>{_MARK})|{_UNDER}(?P=m))(?P<c6>{_SUFFIX}){_END}(?:(?P=n))?"
    )


@lru_cache(maxsize=64)
def _vocabulary(types: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The words of which the names of kinds are made, in lower case, and all their beginnings. The same for most tables."""
    words = frozenset(TRANSLATED.union(*(t.lower().split("_") for t in {*types, *KINDS, UNKNOWN.name})))
    return words, frozenset(w[:i] for w in words for i in range(1, len(w) + 1))


class TokenTable:
    """Token -> entry. `find` is tolerant of case, escapes and separators; the suffix decides."""

    __slots__ = ("_by_suffix", "_by_value", "_codes", "_pattern", "_words")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_suffix: dict[str, Entry] = {}
        self._by_value: dict[str, Entry] = {}
        self._pattern: re.Pattern[str] | None = None
        self._words: tuple[frozenset[str], frozenset[str]] | None = None
        self._codes: frozenset[str] = frozenset()
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """The first holder of a suffix keeps it."""
        if self._by_suffix.setdefault(suffix_of(entry.token), entry) is entry:
            self._by_value.setdefault(entry.value, entry)
            self._pattern = self._words = None

    def merged(self, older: TokenTable) -> TokenTable:
        """This table, and from an older one what compaction dropped."""
        return TokenTable([*self, *(e if not e.live else replace(e, live=False) for e in older)])

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._by_suffix.values())

    def __len__(self) -> int:
        return len(self._by_suffix)

    def __contains__(self, token: str) -> bool:
        entry = self._by_suffix.get(suffix_of(token))
        return entry is not None and entry.token == token

    def by_value(self, value: str) -> Entry | None:
        """The entry of a value in this very spelling, or None."""
        return self._by_value.get(value)

    @property
    def pattern(self) -> re.Pattern[str]:
        """The grammar with the types of this table."""
        if self._pattern is None:
            self._pattern = grammar(e.type for e in self)
        return self._pattern

    def lookup(self, match: re.Match[str]) -> tuple[Entry | None, bool]:
        """The entry of a match of `pattern`; and, if there is none, whether the text has exactly the shape of our tokens (a model
        made it up) and not one that ordinary text has too (`phone 555123`)."""
        code = match["c1"] or match["c2"] or match["c6"]
        if code is not None:
            found = self._by_suffix.get(code.upper())
            at = match.start()
            glued = at > 1 and match.string[at - 1] == "_" and match.string[at - 2].isalnum()
            if glued and found is not None and match["c2"] and not _named(match, found):
                found = None  # the end of a longer word, not a translated type
            if found is not None and found.token[-7] == "_" and found.token[:-7].isupper():
                return found, False
            return None, match["known"] is not None and not glued and _MINTED.fullmatch(match[0]) is not None
        if code := match["c3"]:
            found = self._by_suffix.get(code.upper())
            return (found, False) if found is not None and "@" in found.token else (None, match[0][0] == "u")
        if code := match["c4"]:
            found = self._by_suffix.get(code.upper())
            return (found, False) if found is not None and _HOST.fullmatch(found.token) else (None, match[0][0] == "h")
        if code := match["ip4"] or match["ip6"]:
            return self._by_suffix.get(code.lower()), False
        found = self._by_suffix.get(match["c5"].upper())
        return (found if found is not None and len(found.token) == 7 else None), False

    @staticmethod
    def start(match: re.Match[str], entry: Entry) -> int:
        """Where the token begins in its match: in `DEFAULT_PERSON_7KQ4ZX` a model has put its own words before it."""
        if match["c2"] is None:
            return match.start()
        head = match[0][: -len(match["c2"])].rstrip("_")
        return match.start() + (len(head) - len(entry.type) if _named(match, entry) else 0)

    def pending(self, text: str, at: int) -> int:
        """From here on the end of a text could still become a token: not before `at`, and len(text) if nothing could. It may hold
        too much (that only delays), never too little."""
        size = len(text)
        low = max(at, size - SPELLED_MAX)
        begin = max(text.rfind(" ", low), text.rfind("\n", low)) + 1 or low
        begin = begun = max(begin, low)
        words, prefixes = self._vocabulary
        while begin > low:
            before = _BEFORE.search(text, max(low, begin - 40), begin)
            # In JSON text and in URLs the first letters may belong to an escape: `\\nPERSON `.
            if before is None or words.isdisjoint(before[1].lower()[i:] for i in range(3)):
                break
            rest = "" if begin < begun else text[begin:]
            if rest and not (_CODE_TAIL.fullmatch(rest) or rest.lower().rstrip(_MARKS) in prefixes or "_" in before[2]):
                break
            begin = max(low, text.rfind(" ", low, before.start()) + 1, text.rfind("\n", low, before.start()) + 1)
        first = size
        for run in _RUNS.finditer(text, begin):
            if self._viable(text, run, size, words, prefixes):
                first = run.start()
                break
        else:
            while first > low and size - first < 3 and text[first - 1] in _MARKS:
                first -= 1
            return first
        while first > low and text[first - 1] in _MARKS:
            first -= 1
        return first

    def _viable(self, text: str, run: re.Match[str], size: int, words: frozenset[str], prefixes: frozenset[str]) -> bool:
        """Whether a token could begin with this run of letters and digits."""
        word, start, end = run[0], run.start(), run.end()
        if start and text[start - 1] in "\\%":
            return True
        low = word.lower()
        if low in words or (end == size and low in prefixes) or (word.isalpha() and word.isupper()):
            return True
        if low[0] in "uh" and len(word) <= 7:
            rest = low[1:].upper()
            return rest in self._codes or (
                word[0] in "uh" and (end == size or len(word) == 7) and _CODE_TAIL.fullmatch(rest) is not None
            )
        if low[0] in "12":
            tail = text[start:size].lower()
            return any(tail.startswith(net[: len(tail)]) for net in ("198.1", "2001:db8:"))
        return False

    @property
    def _vocabulary(self) -> tuple[frozenset[str], frozenset[str]]:
        if self._words is None:
            self._words = _vocabulary(frozenset(e.type for e in self))
            codes = [suffix_of(e.token) for e in self if e.token[0] in "uh"]
            self._codes = frozenset(c[:i] for c in codes for i in range(len(c) + 1))
        return self._words

    def find(self, text: str) -> Entry | None:
        """The entry that a text names, or None."""
        match = self.pattern.fullmatch(text)
        return self.lookup(match)[0] if match else None


def _named(match: re.Match[str], entry: Entry) -> bool:
    """Whether the words before a suffix end in the entry's own type."""
    return f"_{match[0][: -len(match['c2'])].rstrip('_')}".upper().endswith("_" + entry.type)


_MINTED = re.compile(r"[A-Z]{2,}(?:_[A-Z]{2,}){0,3}_[0-9A-HJKMNP-TV-Z]{6}")
_HOST = re.compile(r"h[0-9a-z]{6}\.invalid")
_CODE_TAIL = re.compile(rf"{_C}{{0,6}}[sS]?")
_RUNS = re.compile(r"[A-Za-z0-9]+")
_BEFORE = re.compile(r"([A-Za-z]{1,24})([_*`~]{0,4}[ \-\u00a0\u2010\u2011\t\n>]{1,12})$")
_MARKS = "*`~_"


class Minter:
    """Names values for one conversation and one provider. `taken` is the input text (see `veil.taken`), or what tells whether a mark stands in
    its capitals (`memory.Looks.taken`)."""

    def __init__(self, secret: bytes, conversation: str, provider: str, taken: str | Callable[[str], bool]) -> None:
        self._conversation = hmac.digest(secret, b"conversation\0" + conversation.encode(), hashlib.sha256)
        self._own = hmac.digest(secret, b"own\0" + provider.encode(), hashlib.sha256)
        self._taken: Callable[[str], bool] = Haystack(taken.upper()).__contains__ if isinstance(taken, str) else taken
        self._minted: dict[tuple[str, str], str] = {}
        self._used: set[str] = set()
        self._ips = 0

    def mint(self, type: str, value: str) -> str:
        """The token of a value; the same one each time."""
        known = self._minted.get((type, value))
        if known is None:
            known = self._minted[type, value] = self._fresh(type, value)
        return known

    def for_the_record(self) -> None:
        """The input text is let go: what is named from now on is only noted, and nothing is restored there. It is as long as the conversation, and
        a record may have to wait."""
        self._taken = Haystack("").__contains__

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
            if mark in self._used or self._taken(mark.upper()):
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
