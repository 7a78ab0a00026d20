"""IBANs: Presidio's per-country pattern and checksum (ISO 13616)."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._presidio import spans

NAME = "iban"
_GATE = re.compile(r"\b[A-Z]{2}\d{2}[ A-Z0-9]{10,34}")


def find(text: str, context: str) -> list[Finding]:
    return spans("IbanRecognizer", "IBAN_CODE", text, "IBAN", NAME, 0.9) if _GATE.search(text) else []
