"""Payment cards: Presidio's pattern and Luhn check (ISO/IEC 7812-1 annex B)."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._presidio import spans

NAME = "card"
_GATE = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?![\w])")


def find(text: str, context: str) -> list[Finding]:
    if not _GATE.search(text):
        return []
    return spans("CreditCardRecognizer", "CREDIT_CARD", text, "CARD", NAME, 0.9)
