"""User names in access logs: the third field of the Common Log Format (httpd.apache.org/docs/2.4/logs.html#common)."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding

NAME = "access_log"
_LINE = re.compile(r"(?m)^\S{2,64} \S{1,64} ([^\s\[\"-]\S{1,63}) \[\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:")


def find(text: str, context: str) -> list[Finding]:
    return [Finding(m.start(1), m.end(1), "USERNAME", 0.8, NAME) for m in _LINE.finditer(text)]
