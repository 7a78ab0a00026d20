"""Whether a span that looks like a name is a piece of a program: an identifier, a call, an import, an attribute."""

from __future__ import annotations

import re

from localrouter.scrub.detectors import _prose

_BEFORE = re.compile(r"(?:[\w)\]]\.|[_\\$/&]|<[/!]?|::|->|--|\b(?:class|def|import|func|fn|struct|enum|interface|package) )$")
_AFTER = re.compile(r"^(?:_|\.[a-z_]\w*[(\[.=]|\(\w*[),=]|\(\)|::|\\\w|/\w|=(?!=)\w|->|<\w|\[\w*\])")
_HUMPS = re.compile(r"[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+|[A-Z]{2,}[a-z]+[A-Z]\w*")
_SCOTS = re.compile(r"(?:Mc|Mac|De|Di|Du|La|Le|Van|Fitz|O)[A-Z][a-z]+")


def in_code(text: str, start: int, end: int, kind: str = "PERSON") -> bool:
    """Whether a span is a piece of a program, not a name in a text."""
    value = text[start:end]
    low = text.rfind("\n", 0, start) + 1
    high = text.find("\n", end)
    line = text[low : high if high >= 0 else len(text)]
    before, after = text[max(low, start - 12) : start], text[end : end + 24]
    if "_" in value or "()" in value:
        return kind != "USERNAME"
    program = _prose.code(line)
    if program and not _prose.comment(line, start - low):
        return True
    if " " in value:
        return before[-1:] in ("_", "$", "\\") or after[:1] == "_"
    if kind in ("PERSON", "LOCATION") and _HUMPS.fullmatch(value) and not _SCOTS.fullmatch(value):
        return True
    if kind == "USERNAME":
        return bool(re.search(r"[.$\\]$|::$|->$", before) or re.match(r"\(|::|->|\[", after))
    return bool(_BEFORE.search(before) or _AFTER.match(after))
