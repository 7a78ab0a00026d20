"""The kinds of private value, in one table: their data class, their restore tier, and how they are veiled.

DESIGN section 6 (classes), section 7 (restore table, surrogates). Pure data; detectors name a kind, nothing else.
NRP (Presidio's word): a nationality, a religious or political group. TITLE: a form of address or rank ("Dr.", "Capt.").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DataClass = Literal["public", "internal", "personal", "regulated", "secret", "unreadable"]
Tier = Literal["own", "mask", "seal"]
Surrogate = Literal["token", "email", "host", "ip", "user"]

ORDER: tuple[DataClass, ...] = ("public", "internal", "personal", "regulated", "secret", "unreadable")
"""From the freest to the strictest. `unreadable` is last: nothing that was not read may leave."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of finding. `keep_local` marks values whose request stays on the machine (private keys)."""

    name: str
    data_class: DataClass
    tier: Tier
    surrogate: Surrogate = "token"
    keep_local: bool = False


_ALL = (
    Kind("OWN_USER", "internal", "own", "user"),
    Kind("OWN_HOST", "internal", "own"),
    Kind("OWN_NAME", "internal", "own"),
    Kind("OWN_EMAIL", "internal", "own", "email"),
    Kind("HOST", "internal", "mask", "host"),
    Kind("PERSON", "personal", "mask"),
    Kind("USERNAME", "personal", "mask"),
    Kind("ORG", "personal", "mask"),
    Kind("LOCATION", "personal", "mask"),
    Kind("ADDRESS", "personal", "mask"),
    Kind("EMAIL", "personal", "mask", "email"),
    Kind("PHONE", "personal", "mask"),
    Kind("IP", "personal", "mask", "ip"),
    Kind("MAC", "personal", "mask"),
    Kind("WALLET", "personal", "mask"),
    Kind("CUSTOM", "personal", "mask"),
    Kind("CARD", "regulated", "mask"),
    Kind("IBAN", "regulated", "mask"),
    Kind("SSN", "regulated", "mask"),
    Kind("BANK_ACCOUNT", "regulated", "mask"),
    Kind("ID", "regulated", "mask"),
    Kind("HEALTH_ID", "regulated", "mask"),
    Kind("DATE_OF_BIRTH", "personal", "mask"),
    # Found and shown, and veiled only where a recipe says `[classes.public] values = "veil"`: an answer about dates needs the dates.
    Kind("DATE", "public", "mask"),
    Kind("AGE", "public", "mask"),
    Kind("NRP", "public", "mask"),
    Kind("TITLE", "public", "mask"),
    Kind("SECRET", "secret", "seal"),
    Kind("API_KEY", "secret", "seal"),
    Kind("PASSWORD", "secret", "seal"),
    Kind("TOKEN", "secret", "seal"),
    Kind("JWT", "secret", "seal"),
    Kind("PRIVATE_KEY", "secret", "seal", keep_local=True),
)
KINDS: dict[str, Kind] = {k.name: k for k in _ALL}
UNKNOWN = Kind("PRIVATE", "personal", "mask")
"""What a detector found under a name this table lacks: treated as personal, never dropped."""


def kind(name: str) -> Kind:
    """Look a kind up; an unknown name is veiled like a person."""
    return KINDS.get(name, UNKNOWN)


def strictest(classes: list[DataClass]) -> DataClass:
    """The highest class of a list (`public` for an empty one)."""
    return max(classes, key=ORDER.index, default="public")
