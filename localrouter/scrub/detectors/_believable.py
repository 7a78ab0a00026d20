"""Whether the value under a field's name is private: what each sense of a name lets a value look like, by how it is written.

A password may be what a person typed, so code, types and labels are ruled out one by one; everything else must look random.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from localrouter.scrub.detectors._key_names import Sense
from localrouter.scrub.detectors._placeholder import dull, named, placeholder, sequence
from localrouter.scrub.detectors._shape import (
    entropy,
    is_digest,
    is_hex,
    is_identifier_of_a_thing,
    is_uuid,
    noise,
    random,
    vocabulary,
    wordy,
)

_TYPES = vocabulary(
    """
    str string int integer bool boolean bytes float number none null nil true false any object optional required undefined
    void date datetime uuid text varchar char password secret token self this super return yield await lambda new default
    unknown never list dict array map tuple set readonly hidden enabled disabled yes no on off auto always missing empty
    invalid
    """
)
_NAME_CHAIN = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|->|::|\?\.)[A-Za-z_$][\w$]*)*(?:[\[({].*|!|\?)?")
_CODE = re.compile(r"[({\[]|\)|=>|::|->|&&|\|\||\?\?|\$\{")
_CALL = re.compile(r"[A-Za-z_$][\w$.:>-]*\(|\w+\[[\"'\w]*\]?|new\b|await\b|not\b|f\"|lambda\b")
_SPECIAL = re.compile(r"[^\w\s.\-/:,]")
_PATTERN = re.compile(r"\[[^\]\s]{0,20}\w-\w[^\]\s]{0,20}\]|\(\?[:=!P<]|\\[wdsWDSb][+*{)]")
"""A regular expression: a class with a range, a group, an escape with a count."""


class Place(NamedTuple):
    """Where a value stands: `quoted`, `alone` on its line (nothing but key and value), `op` between key and value ("is" in prose), its
    key `shouted` (`DB_PASSWORD`), `tight` (`key=value`, or a line of a configuration file)."""

    quoted: bool
    alone: bool
    op: str
    shouted: bool
    tight: bool


def believable(value: str, meaning: Sense, place: Place) -> bool:
    """Whether a value under a key of this meaning, written in this place, is private."""
    if place.quoted and noise(value):
        return not dull(value)
    # People do choose `qwerty` and `12345678`; nobody is given them as a key.
    weak = meaning in ("password", "phrase") and len(value) >= 6 and sequence(value) and not dull(value)
    if (placeholder(value) and not weak) or _PATTERN.search(value) or "://" in value or value.startswith(("-----", "data:")):
        return False
    if not place.quoted and _expression(value, place):
        return False
    if " " in value or "\t" in value:
        return _spaced(value, meaning, place)
    if meaning in ("password", "phrase"):
        return _password(value, place)
    if meaning == "secret":
        if len(value) < 8 or _expression(value, place) or dull(value):
            return False
        if is_uuid(value) or random(value, 8, 2.5):
            return True
        if (
            place.alone
            and (place.shouted or (place.tight and place.op == "="))
            and any(c.isdigit() for c in value)
            and not _looks_like_code(value)
        ):
            return True
        return place.alone and not _NAME_CHAIN.fullmatch(value) and not wordy(value) and entropy(value) >= 2.5
    if meaning == "maybe":
        mixed = any(c.islower() for c in value) and any(c.isupper() for c in value)
        return (
            mixed
            and (place.quoted or place.alone)
            and place.op in ("=", ":", "=>", ":=")
            and random(value, 24, 3.8)
            and not is_digest(value)
            and "/" not in value
        )
    if is_identifier_of_a_thing(value):
        return is_uuid(value) and place.quoted | place.alone | place.tight
    return random(value, 16 if meaning == "token" else 14, 2.8) and not (is_digest(value) and not is_hex(value))


def _password(value: str, place: Place) -> bool:
    """What a person may have chosen."""
    digits = sum(c.isdigit() for c in value)
    special = len(_SPECIAL.findall(value))
    mixed = digits + special > 0
    if "\\u" in value:
        return False  # escapes: the unescaped view shows what it says
    if value[:1] in "#." and "-" in value and digits == 0:
        return False  # a selector
    if value.isdigit():
        return len(value) >= 6 and (place.quoted or place.alone)
    if place.quoted:
        if place.op == "is":
            return len(value) >= 5 and not _looks_like_code(value) and not named(value)
        if place.op in ("==", "===", "!=", "!==", ",", "") and not (digits and (special or len(value) >= 6)):
            return False
        if mixed and len(value) >= 4:
            return not _looks_like_code(value)
        # Words only: `reallybadpassword`, `swordfish`. A field's label or a type is no password.
        return place.op in (":", "=", "=>", ":=") and len(value) >= 6 and "." not in value and _chosen(value, place)
    if place.op == "is":
        return len(value) >= 6 and mixed and not _NAME_CHAIN.fullmatch(value.split(".")[0] + ".")
    if place.op == "":
        return len(value) >= 6 and digits > 0 and not _looks_like_code(value)
    if place.alone:
        if mixed:
            return not _looks_like_code(value)
        return len(value) >= 6 and (place.shouted or place.op == ":" or place.tight) and _chosen(value, place)
    return (
        place.tight
        and len(value) >= 6
        and digits > 0
        and not _looks_like_code(value)
        and (special > 0 or digits >= 2 or len(value) >= 10)
    )


def _chosen(value: str, place: Place) -> bool:
    """A value of letters alone that somebody chose, against the names that code and documentation put there."""
    if value.lower() in _TYPES or named(value):
        return False
    if place.quoted:
        return (value.isalpha() and (value.islower() or random(value, 12, 3.0))) or (
            "-" in value and value.islower() and value.count("-") >= 2
        )
    return (
        (value.isalpha() and value.islower()) or random(value, 12, 3.0) or "-" in value or (place.shouted and not value.isupper())
    )


def _spaced(value: str, meaning: Sense, place: Place) -> bool:
    """A value with spaces is a sentence about a secret, unless its key says that it is a phrase."""
    if meaning == "phrase" and place.quoted | place.alone:
        parts = value.split()
        return (
            4 <= len(parts) <= 24
            and all(p.isalpha() and p.islower() for p in parts)
            and not {"the", "a", "for", "to", "is"} & set(parts)
        )
    if meaning in ("password", "secret") and place.quoted and value.count(" ") <= 5:
        parts = value.split()
        hard = sum(bool(_SPECIAL.search(p)) or (any(c.isdigit() for c in p) and any(c.isalpha() for c in p)) for p in parts)
        return hard >= max(1, len(parts) - 1) and not _CODE.search(value)
    return False


def _expression(value: str, place: Place) -> bool:
    """Bare values in code are names, calls and numbers."""
    low = value.lower()
    if low in _TYPES or low.rstrip("?!;") in _TYPES:
        return True
    if place.alone and (place.shouted or place.tight):
        return bool(_CALL.match(value)) and value.endswith((")", "]", "(", ");"))
    if _CALL.match(value):
        return True
    chain = _NAME_CHAIN.fullmatch(value)
    if chain is None:
        return value.startswith(("&", "*", "!", "@", "-", "|", "{", "[", "(")) and not random(value, 8, 2.5)
    if any(c in value for c in "([{"):
        return True
    if "." in value or "->" in value or "::" in value:
        return not random(value, 16, 3.0)
    return False


def _looks_like_code(value: str) -> bool:
    """Interpolations, calls, globs, patterns and chains of names inside a value with digits or signs."""
    if _CALL.match(value) and (value.endswith((")", "]")) or "(" in value):
        return True
    if value.startswith(("--", "/", "./", "[", "{", "\\", "$(", "#{")) and not random(value, 10, 2.8):
        return True
    if re.fullmatch(r"[A-Za-z_][\w]*(?:(?:\.|->|::)[A-Za-z_]\w*)+", value):
        return True
    if re.fullmatch(r"[a-z]+(?:[A-Z][a-z]+)+\d?|[a-z]+(?:_[a-z]+)+\d?|[A-Z]+(?:_[A-Z]+)+\d?|[A-Z][a-z]+(?:[A-Z][a-z]+)+", value):
        return True
    return bool(
        re.search(r"\\[wdsb]|\.\*|\(\?|%[sd]\b|\{\w*\}|\.(?:py|js|ts|go|rb|java|html|json|ya?ml|php|txt|pem|key)$", value)
    )
