"""JSON Web Tokens: three base64url parts whose first decodes to an object with `alg` (RFC 7519, RFC 7515)."""

from __future__ import annotations

import base64
import binascii
import json
import re

from localrouter.core.findings import Finding

NAME = "jwt"
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*(?![\w-])")


def find(text: str, context: str) -> list[Finding]:
    return [Finding(m.start(), m.end(), "JWT", 1.0, NAME) for m in _JWT.finditer(text) if _header(m[0])]


def _header(token: str) -> bool:
    head = token.split(".")[0]
    try:
        tree = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(tree, dict) and "alg" in tree
