"""Secret: a value that cannot be rendered by accident.

Law: a key never reaches a log, a trace, a repr or a pickle. It is read in exactly one way, `reveal()`,
so a search for that word lists every place where a key becomes text.
"""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """An opaque string. `reveal()` returns it; everything else that would show it raises TypeError."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself, for the one header or the one keyring call that needs it."""
        return self._value

    def matches(self, other: bytes) -> bool:
        """Compare in constant time, as bytes (`compare_digest` refuses non-ASCII `str`)."""
        return hmac.compare_digest(self._value.encode(), other)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(<hidden>)"

    __str__ = __repr__

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a Secret is compared with matches(), in constant time")

    def __hash__(self) -> NoReturn:
        raise TypeError("a Secret is not hashable")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")

    def __format__(self, spec: str) -> str:
        return repr(self)
