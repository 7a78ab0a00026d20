"""What a string looks like, without knowing what it is for: entropy, digests, identifiers, words, code.

Shannon entropy alone cannot tell a secret from a hash (hex never passes 4 bits a character) nor from a long identifier, so it
is joined with shapes and with letter pairs: in words most neighbouring letters are common pairs, in random text a third (233 of 676).
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter


def vocabulary(text: str) -> frozenset[str]:
    """The words of a text, as a set: some hundred words are read more easily as lines than as literals."""
    return frozenset(text.split())


# The letter pairs that make up 93 % of all pairs in the 6 726 words of the identifiers and comments of CPython 3.11's standard library
# (each word once). Counted with these and the limit of 70 % below: 95 % of identifiers of two such words are words, of random text 1.5 %
# at 16 characters a-z0-9, 0.7 % at 20 A-Z0-9 and under 0.3 % from 24 on.
_PAIRS = vocabulary(
    """
    in re er te ti ed es on at en ng co le de nt se ar al st or li an ra me it et io ec ri ta di nd ma tr ve ro ns ne ce si
    la ac pe is ct ic ca el un pa ea as ge pr lo na rs fi he ll ch ly nc th om il ts ex am to ss mp su ha im pl ou em ur ni
    ut ab rt mi ad ie po ai ol bl us od id ck sp ap op sh ef ul ia ig ep no ho ee oc os ke mo sc tt fo da cl ot qu iv rm ir
    hi ff pt ow so if cr iz va pp sa ze pi ci fe wa oo ib tu ag ip be um rr ev vi ue ty cu ub up bi rd lt ba nf rc ds ls wi
    eg ua do gr bu tl ov ry ld nu fa bo uc tc au cc du lu ui gi ru ay nv nn fr rn xp pu av we og eq ki bs mb ks xt mm ak fl
    gn gh sy mu yp dr ob dd ew fu rg sl br ms ok gs ps ix rl ht xe gu dl xi ga rk tp oi ph py wr ei wo
    """
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
    """Whether the letters of a value are words: at least 70 % of its neighbouring letters are common pairs, of three and more."""
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
