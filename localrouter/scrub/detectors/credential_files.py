"""Files whose passwords stand by position: `.netrc`, `.pgpass`, `.git-credentials` lines without a scheme, htpasswd-like pairs.

Sources: ftp(1) and curl for netrc; PostgreSQL manual "The Password File" (`host:port:database:user:password`, `\\:` escapes).
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import placeholder

NAME = "credential_files"
_NETRC = re.compile(
    r"(?:\bmachine\s+\S{1,200}|(?m:^)[ \t]*default)\s+(?:(?:login|account|port|protocol)\s+\S{1,200}\s+){0,4}password\s+(?P<q>[\"'])?(?P<v>(?(q)[^\"'\n]{1,200}|\S{1,200}))"
)
_PGPASS = re.compile(
    r"(?m)^[ \t]*(?:\*|[\w.-]{1,200}|\[[\da-fA-F:]+\]|/[\w./-]+):(?:\*|\d{1,5}):(?:\*|[\w.-]{1,100}):(?:\*|[\w.@-]{1,100}):(?P<v>(?:[^:\s\\]|\\.){1,200})[ \t]*$"
)


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "password" in text and ("machine" in text or "default" in text):
        out += _of(_NETRC, text)
    if ":" in text:
        # A port or a star as second field tells a password file from `a:b:c:d:e` of other kinds (timestamps, MACs, stack frames).
        out += [f for f in _of(_PGPASS, text) if not text[f.start : f.end].isdigit()]
    return out


def _of(pattern: re.Pattern[str], text: str) -> list[Finding]:
    return [Finding(m.start("v"), m.end("v"), "PASSWORD", 0.9, NAME) for m in pattern.finditer(text) if not placeholder(m["v"])]
