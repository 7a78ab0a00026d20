"""The classes of private values, as colours. The types are those of the daemon's own table; a test holds the two together.

A token names its type (`API_KEY_4JRXVB`); a surrogate shows it by its shape (`u9904qa@pii.invalid`, `198.18.7.3`).
"""

from __future__ import annotations

import re
from typing import Literal

Class = Literal["secret", "regulated", "personal", "own", "host", "public"]

STRANGE = "bold #101216 on #b98a5e"
"""A character that is not shown as itself."""

CLASSES: dict[Class, str] = {
    "secret": "secret",
    "regulated": "regulated",
    "personal": "personal",
    "own": "yourself",
    "host": "machine",
    "public": "attribute",
}
"""From the strictest; the words of the legend."""

_CHIP: dict[Class, str] = {
    "secret": "bold #ffffff on #93404b",
    "regulated": "bold #ffffff on #74508f",
    "personal": "bold #1c1a14 on #d3b069",
    "own": "bold #ffffff on #41659a",
    "host": "bold #ffffff on #2f7375",
    "public": "bold #ffffff on #5b6068",
}
_INK: dict[Class, str] = {
    "secret": "#e08891",
    "regulated": "#b798d0",
    "personal": "#d3b069",
    "own": "#8aaede",
    "host": "#6fb5b3",
    "public": "#a0a6ad",
}
_TYPES: dict[str, Class] = {
    **dict.fromkeys(("SECRET", "API_KEY", "PASSWORD", "TOKEN", "JWT", "PRIVATE_KEY"), "secret"),
    **dict.fromkeys(("CARD", "IBAN", "SSN", "ID", "HEALTH_ID", "BANK_ACCOUNT"), "regulated"),
    **dict.fromkeys(("OWN_USER", "OWN_HOST", "OWN_NAME", "OWN_EMAIL"), "own"),
    **dict.fromkeys(("HOST", "IP"), "host"),
    **dict.fromkeys(("DATE", "AGE", "NRP", "TITLE"), "public"),
}
_MACHINE = re.compile(r"(?:h\w{6}\.invalid|198\.1[89]\.\d+\.\d+|2001:db8:.*)", re.I)


def class_of_type(name: str) -> Class:
    """The class of a type of finding; an unknown type is personal, as it is for the daemon."""
    return _TYPES.get(name, "personal")


def class_of(token: str) -> Class:
    """The class of a token or a surrogate. Mail surrogates of your own address and of others look alike: personal."""
    if _MACHINE.fullmatch(token):
        return "host"
    if re.fullmatch(r"u\w{6}", token):
        return "own"
    return class_of_type(token.rpartition("_")[0])


def style_of(kind: Class) -> str:
    """The style of a token in a text."""
    return _CHIP[kind]


def ink_of(kind: Class) -> str:
    """The style of a word about the class: no background."""
    return _INK[kind]
