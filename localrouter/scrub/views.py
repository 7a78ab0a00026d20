"""An unescaped view of JSON text: `\\n`, `\\"`, `\\uXXXX` as what they mean, with a map back to the original offsets."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_PLAIN = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def unescaped(text: str) -> tuple[str, list[int]] | None:
    """(view, offsets): `offsets[i]` is where the view's i-th character starts in the text, with one more for the end.
    None when there is nothing to unescape."""
    if "\\" not in text:
        return None
    out: list[str] = []
    offsets: list[int] = []
    at = 0
    for match in _ESCAPE.finditer(text):
        offsets.extend(range(at, match.start()))
        out.append(text[at : match.start()])
        out.append(chr(int(match[1], 16)) if match[1] else _PLAIN[match[2]])
        offsets.append(match.start())
        at = match.end()
    if not out:
        return None
    offsets.extend(range(at, len(text) + 1))
    out.append(text[at:])
    return "".join(out), offsets
