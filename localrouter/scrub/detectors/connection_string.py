"""Passwords and keys in connection strings written as fields: ADO, ODBC, OLE DB, JDBC, Azure, libpq, Oracle, Redis.

Each field is `name=value` up to `;` or `&` (ODBC: a value in braces may hold both, `}}` is a brace; learn.microsoft.com, SQLDriverConnect).
Only the secret component is found; server, database and user stay readable.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._fields import names
from localrouter.scrub.detectors._placeholder import placeholder
from localrouter.scrub.detectors._shape import entropy

NAME = "connection_string"
_FIELD = re.compile(
    r"(?i)(?<![\w])(?P<name>password|pwd|passwd|accountkey|sharedaccesskey|sharedsecretvalue|sharedaccesssignature|user[ _]?password|proxy[ _]?password|authtoken|sslpassword|truststorepassword|keystorepassword|trustStorePassword|keyStorePassword)"
    r"[ \t]{0,2}=[ \t]{0,2}(?:\{(?P<braced>(?:[^{}\n]|\}\}){1,300})\}|(?P<quoted>[\"'])(?P<inner>[^\"'\n]{1,300})(?P=quoted)|(?P<bare>[^;&\s\"'<>]{1,400}))"
)
_COMPANY = re.compile(
    r"(?i)(?:^|[;\"'\s?&{,(])(?:server|data source|host(?:name)?|addr(?:ess)?|initial catalog|database|dbname|uid|user(?:[ _]?id|name)?|port|driver|dsn|provider|endpoint|accountname|defaultendpointsprotocol|sharedaccesskeyname|entitypath|blobendpoint|sslmode|encrypt|authmechanism)[ \t]{0,2}="
)
_JDBC = re.compile(r"jdbc:[a-z0-9]+:(?:[a-z0-9]+:)?([\w.-]{1,80})/([^@\s\"'/]{1,120})@(?=[/\w(])")
_AZURE = frozenset({"accountkey", "sharedaccesskey", "sharedsecretvalue", "sharedaccesssignature"})


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "=" in text and (any("=" in text[n.end : n.end + 4] for n in names(text)) or "ignature" in text):
        for m in _FIELD.finditer(text):
            azure = m["name"].lower() in _AZURE
            line = text.rfind("\n", 0, m.start()) + 1
            near = text[max(line, m.start() - 400) : m.end() + 300].split("\n", 1)[0]
            if not azure and not _COMPANY.search(near[: m.start() - max(line, m.start() - 400)]) and not _COMPANY.search(near):
                continue
            group = "braced" if m["braced"] else "inner" if m["quoted"] else "bare"
            value = m[group].rstrip(",):")
            fenced = ";" in (text[m.start() - 1 : m.start()], text[m.end() : m.end() + 1])
            if placeholder(value) or (azure and (entropy(value) < 3.0 or "(" in value)) or (not azure and _code(value, fenced)):
                continue
            out.append(Finding(m.start(group), m.start(group) + len(value), "SECRET" if azure else "PASSWORD", 0.95, NAME))
    if "jdbc:" in text:
        out += [Finding(m.start(2), m.end(2), "PASSWORD", 0.95, NAME) for m in _JDBC.finditer(text) if not placeholder(m[2])]
    return out


def _code(value: str, fenced: bool) -> bool:
    """`connect(host=host, password=password)` and `password=cfg.password` are code; between semicolons a plain word is a value."""
    if not fenced and value.isidentifier() and not any(c.isdigit() for c in value):
        return True
    return "(" in value or re.fullmatch(r"\w+(?:\.\w+)+|\w+\[.*|\{.*|\$.*|%s|\?|:\w+|@\w+", value) is not None
