"""Task and difficulty from surface features: a first, honest prior that trained heads will replace.

It reads the last user turn only (harness text says nothing of what the person asked) and at most 4 KB of it. Length is the
strongest single feature that public routing data supports (notes of RouteLLM: a length rule alone reaches APGR 0.58).
"""

from __future__ import annotations

import re

from localrouter.core.ask import Ask
from localrouter.core.words import Task

_CODE = re.compile(
    r"```|\bdef \w+\(|\bclass \w+[:({]|\bfunction \w*\(|;\s*\n|=> ?\{|#include|\bimport \w+|</\w+>|SELECT .+ FROM", re.I
)
_EDIT = re.compile(
    r"<<<<<<< SEARCH|^@@ .* @@|^\+\+\+ |\b(refactor|rewrite this (function|code|class)|fix (the|this) (bug|code|test))\b",
    re.I | re.M,
)
_WORDS: tuple[tuple[Task, re.Pattern[str]], ...] = (
    ("translate", re.compile(r"\btranslat(e|ion)\b|\binto (german|french|spanish|english|japanese)\b", re.I)),
    ("summarise", re.compile(r"\b(summari[sz]e|summary|tl;?dr|in (one|two|three) sentences?)\b", re.I)),
    ("extract", re.compile(r"\b(extract|list all|pull out|parse out)\b", re.I)),
    ("classify", re.compile(r"\b(classify|categori[sz]e|label (this|each)|sentiment)\b", re.I)),
    ("math", re.compile(r"\b(prove|integral|derivative|equation|probability that|how many)\b|\d\s*[\^*/]\s*\d", re.I)),
)
_HARD = re.compile(
    r"\b(prove|derive|architecture|trade-?offs?|root cause|race condition|design|optimi[sz]e|why does|step by step|distributed)\b",
    re.I,
)


def task(ask: Ask) -> Task:
    """The most specific task whose marks are there; `chat` when none is."""
    text = ask.last_user[:4096]
    if ask.needs.tools:
        return "agent_step"
    if _EDIT.search(text):
        return "code_edit"
    for name, pattern in _WORDS:
        if pattern.search(text[:600]):
            return name
    return "code" if _CODE.search(text) else "chat"


def difficulty(ask: Ask, kind: Task) -> float:
    """A prior in [0, 1] that a small local model is not enough."""
    base = {"chat": 0.2, "translate": 0.25, "summarise": 0.2, "extract": 0.2, "classify": 0.15, "math": 0.6, "code": 0.45}
    score = base.get(kind, 0.7)
    text = ask.last_user[:4096]
    score += min(0.3, len(ask.last_user) / 8000) + 0.15 * min(2, len(_HARD.findall(text)))
    if ask.needs.json_schema:
        score += 0.1
    return round(min(1.0, score), 3)
