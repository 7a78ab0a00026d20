"""Assignments whose key names a secret: `.env`, shell, YAML, JSON, code. The key decides; the value's shape is free.

Code makes most of the noise, so a value in code must be quoted; an unquoted one counts only in a line that is nothing but
KEY=value or `key: value`.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import placeholder

NAME = "assignment"
_KEY = (
    r"(?:[\w.-]*(?:passw(?:or)?d|passwd|passphrase|secret|api[_-]?key|apikey|access[_-]?key|auth[_-]?token|access[_-]?token|"
    r"private[_-]?key|client[_-]?secret|signing[_-]?key|encryption[_-]?key|credential)|[\w.-]*[_-](?:token|pwd|pass|key)|token|pwd)"
)
_QUOTED = re.compile(rf"(?i)(?<![\w])[\"']?({_KEY})[\"']?\s*(?::|=>?|:=)\s*([\"'`])(?P<v>[^\"'`\n]{{4,400}})\2")
_LINE = re.compile(
    rf"(?im)^\s*(?:export\s+|set\s+|-\s+)?({_KEY})\s*(?:=|:\s)\s*(?P<v>[^\s\"'`#;,(){{}}\[\]<>]{{6,400}})\s*(?:#.*)?$"
)
_HEADER = re.compile(r"(?i)\b(?:bearer|basic)\s+(?P<v>[\w+/=.~-]{16,400})")
_CODE = re.compile(r"^[\w.]+\.\w+$|^[a-z]+(?:[A-Z][a-z]+)+$|^/[\w/.-]*$|^\d{1,6}$|^[a-z_]+$")
_PUBLIC_KEY = re.compile(
    r"(?i)(public|primary|foreign|sort|cache|partition|row|unique|max|min|num|count|total|eos|bos|pad|per)[_-]?\w*(token|key)s?$"
)


_WORD = re.compile(r"(?i)pass|secret|key|token|pwd|credential")
_BEARER = ("bearer", "basic")


def _windows(text: str) -> list[tuple[int, int]]:
    """The lines that name a secret, each with its next line (where a value may stand), joined where they touch."""
    out: list[tuple[int, int]] = []
    at = 0
    while (m := _WORD.search(text, at)) is not None:
        start = text.rfind("\n", 0, m.start()) + 1
        end = text.find("\n", text.find("\n", m.end()) + 1) if "\n" in text[m.end() :] else len(text)
        end = len(text) if end < 0 else end
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
        at = text.find("\n", m.end())
        if at < 0:
            break
    return out


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for start, end in _windows(text):
        out += _assigned(text[start:end], start)
    if any(word in text.lower() for word in _BEARER):
        for m in _HEADER.finditer(text):
            if not placeholder(m["v"]) and re.search(r"\d", m["v"]):
                out.append(Finding(m.start("v"), m.end("v"), "TOKEN", 0.85, NAME))
    return out


def _assigned(text: str, offset: int) -> list[Finding]:
    out: list[Finding] = []
    for pattern in (_QUOTED, _LINE):
        for m in pattern.finditer(text):
            value = m["v"]
            if placeholder(value) or _PUBLIC_KEY.search(m[1]) or "://" in value or value.startswith("-----"):
                continue
            strong = re.search(r"(?i)pass|secret|pwd", m[1])
            if not strong and (len(value) < 12 or _CODE.match(value) or " " in value):
                continue
            if strong and pattern is _LINE and _CODE.match(value):
                continue
            if " " in value.strip() and value.count(" ") > 2:
                continue
            kind = "PASSWORD" if re.search(r"(?i)pass|pwd", m[1]) else "SECRET"
            out.append(Finding(m.start("v") + offset, m.end("v") + offset, kind, 0.8, NAME))
    return out
