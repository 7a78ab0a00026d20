"""The user's deny list: values that are private whatever they look like, as texts or `/regular expressions/`.

A text is looked for as a whole word, in any case. `TYPE:entry` names the kind when TYPE is one of core/kinds.py (`ORG:Project Falcon`,
`SECRET:/acme-[0-9]{6}/`); without it the kind is CUSTOM. The allow list is told to scrub/allowlist.py, which the merge asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import regex

from localrouter.core.findings import Finding
from localrouter.core.kinds import KINDS
from localrouter.scrub import allowlist

NAME = "lists"
_texts: dict[str, str] = {}
_words: list[re.Pattern[str]] = []
_patterns: list[tuple[str, regex.Pattern[str]]] = []


def configure(options: Mapping[str, Any]) -> None:
    """Replace both lists. Raises ValueError for an expression that does not compile."""
    texts: dict[str, str] = {}
    patterns: list[tuple[str, regex.Pattern[str]]] = []
    for entry in options.get("deny") or ():
        head, colon, rest = entry.partition(":")
        kind, value = (head, rest.strip()) if colon and head in KINDS else ("CUSTOM", entry.strip())
        pattern = allowlist.compiled(value)
        if pattern is not None:
            patterns.append((kind, pattern))
        elif value:
            texts[value.lower()] = kind
    allowlist.configure(options.get("allow") or ())
    _texts.clear()
    _texts.update(texts)
    _patterns[:] = patterns
    _words.clear()
    if texts:
        longest = "|".join(re.escape(t) for t in sorted(texts, key=len, reverse=True))
        _words.append(re.compile(rf"(?<![^\W_])(?:{longest})(?![^\W_])", re.I))


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if _words:
        low = text.lower()
        if any(t in low for t in _texts):
            out = [Finding(m.start(), m.end(), _texts.get(m[0].lower(), "CUSTOM"), 1.0, NAME) for m in _words[0].finditer(text)]
    for kind, pattern in _patterns:
        for m in pattern.finditer(text, timeout=allowlist.SECONDS):
            # A group marks the value; without one the whole match is it.
            group = 1 if pattern.groups and m.group(1) else 0
            if m.end(group) > m.start(group):
                out.append(Finding(m.start(group), m.end(group), kind, 1.0, NAME))
    return out
