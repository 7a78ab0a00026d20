"""Keys that show themselves by their neighbour: the 40-character AWS secret near its key id, an Azure client secret near its tenant.

AWS: docs.aws.amazon.com, "IAM identifiers" (key ids AKIA/ASIA + 16). The secret has no prefix, so it is looked for within 400
characters of a key id or of the words AWS uses for it; an Azure AD client secret has `Q~` after four characters.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import placeholder
from localrouter.scrub.detectors._shape import entropy, is_hex, wordy

NAME = "cloud_pair"
_ID = re.compile(
    r"(?<![A-Za-z0-9+/])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9+/])|(?i:aws.{0,20}secret|secret.{0,4}access.{0,4}key)"
)
_SECRET = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])")
_AZURE = re.compile(r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~-])|(?<![\w~.-])[\w.~-]~[\w.~-]{37,38}(?![\w~-])")
_AZURE_WORD = re.compile(r"(?i)azure|client.?secret|tenant|entra|\bsecret")
_NEAR = 400


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "AKIA" in text or "ASIA" in text or "ecret" in text or "ECRET" in text or "ABIA" in text:
        done = 0
        for m in _ID.finditer(text):
            for s in _SECRET.finditer(text, max(done, m.start() - _NEAR), min(len(text), m.end() + _NEAR)):
                done = s.end()
                value = s[0]
                if (
                    not is_hex(value)
                    and entropy(value) >= 4.0
                    and not placeholder(value)
                    and not wordy(value)
                    and any(c.isdigit() for c in value)
                ):
                    out.append(Finding(s.start(), s.end(), "SECRET", 0.9, NAME))
    if "~" in text and _AZURE_WORD.search(text):
        out += [
            Finding(m.start(), m.end(), "SECRET", 0.95, NAME)
            for m in _AZURE.finditer(text)
            if entropy(m[0]) >= 4.0 and any(c.isdigit() for c in m[0]) and not placeholder(m[0])
        ]
    return out
