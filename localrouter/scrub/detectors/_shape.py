"""What a string looks like, without knowing what it is for: entropy, digests, identifiers, words, code.

Shannon entropy alone cannot tell a secret from a hash (hex never passes 4 bits a character) nor from a long identifier, so it
is joined with shapes and with letter pairs: in words most neighbouring letters are common pairs, in random text about a third.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from functools import lru_cache

# The 128 most frequent letter pairs of English running text (P. Norvig, "English Letter Frequency Counts", 2012) and the few
# that identifiers add ("db", "ct", "ms" ...).
_PAIRS = frozenset(
    [
        "th",
        "he",
        "in",
        "er",
        "an",
        "re",
        "on",
        "at",
        "en",
        "nd",
        "ti",
        "es",
        "or",
        "te",
        "of",
        "ed",
        "is",
        "it",
        "al",
        "ar",
        "st",
        "to",
        "nt",
        "ng",
        "se",
        "ha",
        "as",
        "ou",
        "io",
        "le",
        "ve",
        "co",
        "me",
        "de",
        "hi",
        "ri",
        "ro",
        "ic",
        "ne",
        "ea",
        "ra",
        "ce",
        "li",
        "ch",
        "ll",
        "be",
        "ma",
        "si",
        "om",
        "ur",
        "ca",
        "el",
        "ta",
        "la",
        "ns",
        "di",
        "fo",
        "ho",
        "pe",
        "ec",
        "pr",
        "no",
        "ct",
        "us",
        "ac",
        "ot",
        "il",
        "tr",
        "ly",
        "nc",
        "et",
        "ut",
        "ss",
        "so",
        "rs",
        "un",
        "lo",
        "wa",
        "ge",
        "ie",
        "wh",
        "ee",
        "wi",
        "em",
        "ad",
        "ol",
        "rt",
        "po",
        "we",
        "na",
        "ul",
        "ni",
        "ts",
        "mo",
        "ow",
        "pa",
        "im",
        "mi",
        "ai",
        "sh",
        "ir",
        "su",
        "id",
        "os",
        "iv",
        "ia",
        "am",
        "fi",
        "ci",
        "vi",
        "pl",
        "ig",
        "tu",
        "ev",
        "ld",
        "ry",
        "mp",
        "fe",
        "bl",
        "ab",
        "gh",
        "ty",
        "op",
        "wo",
        "sa",
        "ay",
        "ex",
        "ke",
        "fr",
        "oo",
        "av",
        "ag",
        "if",
        "ap",
        "gr",
        "od",
        "bo",
        "sp",
        "rd",
        "do",
        "uc",
        "bu",
        "ei",
        "ov",
        "by",
        "rm",
        "ep",
        "tt",
        "oc",
        "fa",
        "ef",
        "cu",
        "rn",
        "sc",
        "gi",
        "da",
        "yo",
        "cr",
        "cl",
        "du",
        "ga",
        "qu",
        "ue",
        "ff",
        "ba",
        "ey",
        "ls",
        "va",
        "um",
        "pp",
        "ua",
        "up",
        "lu",
        "go",
        "ht",
        "ru",
        "ug",
        "ds",
        "lt",
        "pi",
        "rc",
        "rr",
        "eg",
        "au",
        "ck",
        "ew",
        "mu",
        "br",
        "bi",
        "pt",
        "ak",
        "pu",
        "ui",
        "rg",
        "ib",
        "tl",
        "ny",
        "ki",
        "rk",
        "ys",
        "ob",
        "mm",
        "fu",
        "ph",
        "og",
        "ms",
        "ye",
        "ud",
        "mb",
        "ip",
        "ub",
        "oi",
        "rl",
        "gu",
        "dr",
        "hr",
        "cc",
        "tw",
        "ft",
        "wn",
        "nu",
        "af",
        "hu",
        "nn",
        "eo",
        "vo",
        "rv",
        "nf",
        "xp",
        "gn",
        "sm",
        "fl",
        "iz",
        "ok",
        "nl",
        "my",
        "gl",
        "aw",
        "ju",
        "oa",
        "eq",
        "sy",
        "sl",
        "ps",
        "jo",
        "lf",
        "nv",
        "je",
        "nk",
        "kn",
        "gs",
        "dy",
        "hy",
        "ze",
        "ks",
        "xt",
        "bs",
        "ik",
        "dd",
        "pt",
        "rp",
        "sk",
        "xi",
        "oe",
        "oy",
        "ws",
        "lv",
        "dl",
        "rf",
        "eu",
        "dg",
        "wr",
        "xa",
        "yi",
        "nm",
        "eb",
        "rb",
        "tm",
        "xc",
        "eh",
        "tc",
        "gy",
        "ja",
        "hn",
        "yp",
        "za",
        "gg",
        "ym",
        "sw",
        "bj",
        "lm",
        "cs",
        "ii",
        "ix",
        "xe",
        "oh",
        "lk",
        "db",
        "js",
        "key",
        "env",
    ]
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_DIGEST = re.compile(
    r"(?i)(?:sha(?:1|224|256|384|512)|md5|blake2b|blake3|crc32c?)[-:= ]\S+|h1:[\w+/]{43}=|(?:sha\d+:)?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})"
)


def entropy(value: str) -> float:
    """Shannon entropy in bits a character; 0 for an empty string."""
    n = len(value)
    return -sum(c / n * math.log2(c / n) for c in Counter(value).values()) if n else 0.0


@lru_cache(4096)
def words(name: str) -> tuple[str, ...]:
    """The words of an identifier, lower case: camelCase, snake_case, kebab-case and dots are split, digits apart."""
    return tuple(w.lower() for w in _WORDS.findall(name))


def is_hex(value: str) -> bool:
    return _HEX.fullmatch(value) is not None


def is_uuid(value: str) -> bool:
    return _UUID.fullmatch(value) is not None


def is_identifier_of_a_thing(value: str) -> bool:
    """UUIDs and ULIDs: they name, they do not open."""
    return is_uuid(value) or _ULID.fullmatch(value) is not None


def is_digest(value: str) -> bool:
    """A hash by its prefix (`sha256-`, `h1:`) or by hex of a digest's length."""
    return _DIGEST.fullmatch(value) is not None


def wordy(value: str) -> bool:
    """Whether the letters of a value are words: at least 70 % of its neighbouring letters are common pairs. Random letters reach
    about 40 %. Values with fewer than four letters are not."""
    good = pairs = 0
    for word in words(value):
        if word.isdigit():
            continue
        if len(word) == 1:
            pairs += 1  # aB3d: a lone letter between capitals or digits is no word
            continue
        pairs += len(word) - 1
        good += sum(word[i : i + 2] in _PAIRS for i in range(len(word) - 1))
    return pairs >= 3 and good >= 0.7 * pairs


def noise(value: str) -> bool:
    """Line noise: 24 characters and more of letters, digits and signs so mixed that no person, template or program wrote them."""
    if len(value) < 24:
        return False
    signs = sum(not c.isalnum() and c not in "_- ./" for c in value)
    digits = sum(c.isdigit() for c in value)
    return (
        signs >= 0.15 * len(value) and digits >= 1 and value.count(" ") <= len(value) // 8 and entropy(value) >= 4.4 and not wordy(value)
        and any(c.isupper() for c in value) and any(c.islower() for c in value)
    )  # fmt: skip


def random(value: str, length: int = 16, bits: float = 3.0) -> bool:
    """Whether a value looks drawn at random: long, mixed, and not made of words. `bits` a character; hex needs 2.6."""
    if len(value) < length or " " in value:
        return False
    if is_hex(value):
        return entropy(value.lower()) >= min(bits, 2.6) and not value.isdigit()
    has_digit = any(c.isdigit() for c in value)
    has_letter = any(c.isalpha() for c in value)
    if not has_letter or entropy(value) < bits:
        return False
    if not has_digit:
        return len(value) >= 20 and any(c.isupper() for c in value) and any(c.islower() for c in value) and not wordy(value)
    return not wordy(value)


def decoded(value: str) -> str | None:
    """Base64 (either alphabet, padded or not) as the printable text that it holds, or None."""
    bare = value.strip().rstrip("=")
    if len(bare) < 7 or len(bare) % 4 == 1:
        return None
    try:
        raw = base64.b64decode(
            bare + "=" * (-len(bare) % 4), altchars=b"-_" if "-" in bare or "_" in bare else None, validate=True
        )
        plain = raw.decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return plain if all(c.isprintable() or c in "\n\r\t" for c in plain) else None
