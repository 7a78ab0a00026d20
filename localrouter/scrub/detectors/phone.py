"""Phone numbers: libphonenumber through Presidio, only on lines with a digit shape that a person writes, or a cue word."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding

NAME = "phone"
_PLUS = re.compile(r"(?<![\w+])\+\d[\d\s().-]{7,18}\d(?!\w)")
_SHAPE = re.compile(r"(?<![\w.-])(?:\(\d{2,5}\)\s?|\d{2,5}[ .-])\d{3,4}[ .-]\d{3,4}(?![\w.-])")
_CUE = re.compile(r"\b(phone|tel|telephone|mobile|cell|fax|call|whatsapp|number is)\b", re.I)


def find(text: str, context: str) -> list[Finding]:
    out = [Finding(m.start(), m.end(), "PHONE", 0.7, NAME) for m in _PLUS.finditer(text) if _possible(m[0])]
    for m in _SHAPE.finditer(text):
        line = text[text.rfind("\n", 0, m.start()) + 1 : m.end()]
        us = re.fullmatch(r"\(?\d{3}\)?[ .-]\s?\d{3}[ .-]\d{4}", m[0])
        if us or _CUE.search(line) or _CUE.search(context):
            out.append(Finding(m.start(), m.end(), "PHONE", 0.6, NAME))
    return out


def _possible(text: str) -> bool:
    import phonenumbers

    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(text)))
    except phonenumbers.NumberParseException:
        return False
