"""The password component of a URL or a connection string; scheme, user, host and path stay readable (RFC 3986 section 3.2.1)."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import placeholder

NAME = "url_password"
_URL = re.compile(r"\b[a-zA-Z][\w+.-]{1,30}://[^\s:/@'\"]{0,200}:([^\s'\"/]{1,200}?)@(?=[\w\[.-])")
_DSN = re.compile(r"(?i)(?:password|pwd|accountkey|sharedaccesskey)=([^;\s\"']{3,200})")


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for pattern in (_URL, _DSN):
        out += [Finding(m.start(1), m.end(1), "PASSWORD", 0.95, NAME) for m in pattern.finditer(text) if not placeholder(m[1])]
    return out
