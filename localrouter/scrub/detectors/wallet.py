"""Bitcoin addresses, by Presidio's CryptoRecognizer: Base58Check and Bech32 checksums (BIP-13, BIP-173, BIP-350), so a shape alone is none."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._presidio import valid

NAME = "wallet"
_SHAPE = re.compile(r"(?<![\w/+=-])(?:bc1[ac-hj-np-z02-9]{11,71}|[13][1-9A-HJ-NP-Za-km-z]{25,34})(?![\w/+=])")


def find(text: str, context: str) -> list[Finding]:
    return [Finding(m.start(), m.end(), "WALLET", 0.95, NAME) for m in _SHAPE.finditer(text) if valid("CryptoRecognizer", m[0])]
