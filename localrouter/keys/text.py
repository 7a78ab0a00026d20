"""What can be a key at all: printable ASCII without spaces, at most 8 KiB. Anything else would break the header that carries it,
and a library's complaint about a bad header quotes the header."""

from __future__ import annotations

import re

from localrouter.core.secret import Secret

MAX = 8192
"""Characters; the longest keys in use are signed tokens of 2 to 4 KB."""
_KEY = re.compile(r"[\x21-\x7e]+")


def key_in(text: str) -> Secret | None:
    """The key in a text, without the white space around it; None when there is none, or it cannot be one."""
    text = text.strip()
    return Secret(text) if len(text) <= MAX and _KEY.fullmatch(text) else None
