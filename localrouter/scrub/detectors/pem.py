"""Private key blocks (RFC 7468, OpenSSH, PGP), with real or escaped line ends. The whole block is the value."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding

NAME = "pem"
_BLOCK = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)", re.S
)


def find(text: str, context: str) -> list[Finding]:
    if "PRIVATE KEY" not in text:
        return []
    return [Finding(m.start(), m.end(), "PRIVATE_KEY", 1.0, NAME) for m in _BLOCK.finditer(text) if len(m[0]) > 64]
