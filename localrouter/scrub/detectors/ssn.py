"""US social security numbers in their written form; unissued areas (000, 666, 9xx) are none (SSA, "Randomization FAQ")."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding

NAME = "ssn"
_SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])")


def find(text: str, context: str) -> list[Finding]:
    return [Finding(m.start(), m.end(), "SSN", 0.85, NAME) for m in _SSN.finditer(text)]
