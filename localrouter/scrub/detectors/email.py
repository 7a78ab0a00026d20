"""E-mail addresses (Presidio's pattern, checked offline). `git@host:path` and `pkg@1.2.3` are none."""

from __future__ import annotations

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._presidio import spans

NAME = "email"
_PUBLIC = ("noreply@", "no-reply@", "donotreply@", "git@")


def find(text: str, context: str) -> list[Finding]:
    if "@" not in text:
        return []
    found = spans("EmailRecognizer", "EMAIL_ADDRESS", text, "EMAIL", NAME)
    return [
        f
        for f in found
        if not text[f.start : f.end].lower().startswith(_PUBLIC) and "users.noreply." not in text[f.start : f.end]
    ]
