"""Passwords in SQL: `IDENTIFIED BY '...'`, `PASSWORD '...'`, `PASSWORD('...')`, `WITH PASSWORD = '...'`, `USING PASSWORD`.

MySQL and Oracle (`CREATE USER ... IDENTIFIED BY`), PostgreSQL (`CREATE ROLE ... PASSWORD`), SQL Server (`CREATE LOGIN ... WITH PASSWORD`).
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import placeholder

NAME = "sql_password"
_SQL = re.compile(
    r"(?i)\b(?:identified\s+(?:with\s+[\"'`]?[\w]+[\"'`]?\s+)?(?:by|as)(?:\s+password|\s+values)?|(?:encrypted\s+|with\s+|set\s+)password|(?:user|role|login)\s[^;\n]{1,200}?\bpassword|old_password|for\s+[^\s=]{1,100}\s*=\s*password|values\s+password)"
    r"\s*(?:=\s*)?\(?\s*N?(?P<q>[\"'])(?P<v>[^\"'\n]{1,200})(?P=q)"
)
_BARE = re.compile(r"(?i)\bidentified\s+by\s+(?P<v>[\w#$!@%^&*+-]{4,100})(?=[\s;]|$)")


def find(text: str, context: str) -> list[Finding]:
    low = text.lower()
    out: list[Finding] = []
    if "identified" in low or "password" in low:
        out += [
            Finding(m.start("v"), m.end("v"), "PASSWORD", 0.9, NAME)
            for m in _SQL.finditer(text)
            if not placeholder(m["v"]) and not m["v"].startswith((":", "%", "?"))
        ]
    if "identified" in low:
        out += [
            Finding(m.start("v"), m.end("v"), "PASSWORD", 0.85, NAME)
            for m in _BARE.finditer(text)
            if not placeholder(m["v"]) and not m["v"].isalpha()
        ]
    return out
