"""JSON Web Tokens: three base64url parts whose first decodes to an object with `alg` (RFC 7519, RFC 7515); five for JWE (RFC 7516).

Also when cut off inside the signature, and with lines folded. One without a signature (`alg: none`) still tells who somebody is.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

from localrouter.core.findings import Finding

NAME = "jwt"
_JWT = re.compile(
    r"(?<![\w-])ey[JA-Z0-9][\w-]{8,2000}(?:\.|%2E)(?:\\?\r?\n\s{0,20})?(?P<claims>[\w-]{4,8000})(?:(?:\.|%2E)(?:\\?\r?\n\s{0,20})?[\w-]*){1,3}(?![\w-])"
)


def find(text: str, context: str) -> list[Finding]:
    if "eyJ" not in text and "ewo" not in text and "eyA" not in text:
        return []
    return [Finding(m.start(), m.end(), "JWT", 1.0, NAME) for m in _JWT.finditer(text) if _header(m[0])]


def _header(token: str) -> bool:
    head = re.split(r"\.|%2E", token, maxsplit=1)[0]
    try:
        tree = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(tree, dict) and "alg" in tree
